"""Rules of the style and the scripts of our pages: they are small, and browsers keep them until they change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from datasette_session_views.web.assets import modules, script_urls, style, style_hash
from tests.views.conftest import Get, serving
from tests.world.everything import World

_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]*/-/sessions/style/[^"]*)"')
_SCRIPT = re.compile(r'<script type="module" src="([^"]*/-/sessions/script/[^"]*)"')
A_COOKIE = {"ds_csrftoken": "any"}
"""Every page with a form gives the browser one, and pages that depend on it are not kept."""

_STATIC = Path(__file__).parent.parent.parent / "datasette_session_views" / "static"


@pytest.mark.asyncio
async def test_a_page_has_one_style_that_browsers_keep(get: Get) -> None:
    """A page has one style of ours, and its address names its content, so a browser never needs to ask again."""
    page = await get("/logs/-/session/work")
    (address,) = _STYLE.findall(page.text)
    answer = await get(address, cookies=A_COOKIE)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text.index("--sv-ink") < answer.text.index(".sv-ex") < answer.text.rindex("@media print")
    assert (await get(address.partition("?")[0])).headers["cache-control"] == "no-cache"


@pytest.mark.asyncio
async def test_there_is_no_style_but_those_of_our_pages(get: Get) -> None:
    """Other names have none, and a stock page loads neither our style nor our scripts."""
    assert (await get("/-/sessions/style/sv_nothing.css")).status == 404
    stock = (await get("/logs")).text
    assert _STYLE.findall(stock) + _SCRIPT.findall(stock) == []


@pytest.mark.asyncio
async def test_browsers_keep_the_scripts_of_a_page(get: Get) -> None:
    """The address of a module names the content of all, so a browser never needs to ask for it or its imports again."""
    addresses = _SCRIPT.findall((await get("/logs/-/session/work")).text)
    assert [address.partition("/script/")[2].partition("/")[2] for address in addresses] == [
        "common/main.js",
        "transcript/main.js",
    ]
    for address in addresses:
        answer = await get(address, cookies=A_COOKIE)
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert "immutable" in answer.headers["cache-control"]
    older = await get("/-/sessions/script/0123abcd/common/help.js")
    assert (older.status, older.headers["cache-control"]) == (200, "no-cache")
    assert (await get("/-/sessions/script/0123abcd/common/nothing.js")).status == 404


def test_a_module_has_its_code_and_no_more() -> None:
    """Lines of comments and indentation are left out, and no line is part of a text that has several."""
    assert len(modules()) > 20
    for name, body in modules().items():
        whole = (_STATIC / name).read_text("utf-8")
        assert all(line.count("`") % 2 == 0 for line in whole.splitlines()), name
        code = [line.strip() for line in whole.splitlines() if line.strip() and not line.strip().startswith("//")]
        assert body.decode().splitlines() == code


@pytest.mark.asyncio
async def test_the_addresses_are_below_a_base_url(world: World) -> None:
    """Behind a proxy with a base_url, the addresses of style and scripts have it once."""
    get = serving(world.path, settings={"base_url": "/behind/"})
    page = (await get("/logs/-/sessions")).text
    (address,) = _STYLE.findall(page)
    assert address.startswith("/behind/-/sessions/style/sv_list.css?")
    assert _SCRIPT.findall(page) == [f"/behind{url}" for url in script_urls("sv_list")]
    for one in (address, *_SCRIPT.findall(page)):
        assert (await get(one.removeprefix("/behind"))).status == 200


def test_a_style_has_its_rules_and_no_more() -> None:
    """Comments and indentation are left out, and each page has its own style."""
    text = style("sv_replay").decode()
    assert "/*" not in text
    assert "\n " not in text
    assert text.count("{") == text.count("}")
    assert style_hash("sv_replay") != style_hash("sv_list")
