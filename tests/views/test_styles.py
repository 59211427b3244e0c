"""Rules of the style of our pages: one piece, in the order of its sheets, and kept until it changes."""

from __future__ import annotations

import re

import pytest

from datasette_session_views.web.assets import style, style_hash
from tests.views.conftest import Get, serving
from tests.world.everything import World

_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]*/-/sessions/style/[^"]*)"')


@pytest.mark.asyncio
async def test_a_page_has_one_style_that_browsers_keep(get: Get) -> None:
    """A page has one style of ours, and its address names its content, so a browser never needs to ask again."""
    page = await get("/logs/-/session/work")
    (address,) = _STYLE.findall(page.text)
    answer = await get(address)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text.index("--sv-ink") < answer.text.index(".sv-ex") < answer.text.rindex("@media print")
    assert (await get(address.partition("?")[0])).headers["cache-control"] == "no-cache"


@pytest.mark.asyncio
async def test_there_is_no_style_but_those_of_our_pages(get: Get) -> None:
    """Other names have none, and a stock page doesn't load ours."""
    assert (await get("/-/sessions/style/sv_nothing.css")).status == 404
    assert _STYLE.findall((await get("/logs")).text) == []


@pytest.mark.asyncio
async def test_the_address_of_a_style_is_below_a_base_url(world: World) -> None:
    """Behind a proxy with a base_url, the style's address has it once."""
    get = serving(world.path, settings={"base_url": "/behind/"})
    (address,) = _STYLE.findall((await get("/logs/-/sessions")).text)
    assert address.startswith("/behind/-/sessions/style/sv_list.css?")
    assert (await get(address.removeprefix("/behind"))).status == 200


def test_a_style_has_its_rules_and_no_more() -> None:
    """Comments and indentation are left out, and each page has its own style."""
    text = style("sv_replay").decode()
    assert "/*" not in text
    assert "\n " not in text
    assert text.count("{") == text.count("}")
    assert style_hash("sv_replay") != style_hash("sv_list")
