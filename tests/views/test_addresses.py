"""Rules of addresses: what they name stays what it was, and old ones lead on."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.views.conftest import Get, Tags, serving
from tests.world.everything import World, write_family


async def leads_to(get: Get, address: str) -> tuple[str, str]:
    """Follow a redirect, and return the page's path with its query and the id of the element that it leads to."""
    answer = await get(address)
    assert answer.status == 302, address
    page, _, place = answer.headers["location"].partition("#")
    shown = await get(page)
    assert [attributes["id"] for tag, attributes in Tags(shown.text).found if tag == "article"].count(place) == 1
    return page, place


@pytest.mark.asyncio
async def test_every_exchange_and_failed_prompt_has_an_address_that_leads_to_it(get: Get) -> None:
    """The link on each card's number is its address, which leads to the card on its page."""
    page = await get("/logs/-/session/work")
    tags = Tags(page.text).found
    cards = [attributes["id"] for tag, attributes in tags if tag == "article"]
    addresses = re.findall(r'<h2 class="sv-no">\s*<a href="([^"]+)"', page.text)
    assert [await leads_to(get, str(address)) for address in addresses] == [
        ("/logs/-/session/work?from=1", card) for card in cards
    ]
    assert len(cards) == 5


@pytest.mark.asyncio
async def test_an_exchange_is_found_by_any_of_its_calls_its_number_and_by_what_was_undone(tmp_path: Path) -> None:
    """Any of its calls names it, and so does its number; what was undone is shown, and a fork shows what it shares."""
    family = write_family(tmp_path / "logs.db")
    get, work = serving(family.path), family.turns["work"]
    assert await leads_to(get, "/logs/-/session/work/exchange/2") == ("/logs/-/session/work?from=1", f"e-{work[1]}")
    undone = ("/logs/-/session/work?from=1&undone=1", f"e-{work[4]}")
    assert await leads_to(get, f"/logs/-/session/work/exchange/{work[4]}") == undone
    shared = ("/logs/-/session/work-b?from=1", f"e-{work[1]}")
    assert await leads_to(get, f"/logs/-/session/work-b/exchange/{work[1]}") == shared


@pytest.mark.asyncio
async def test_an_address_lasts_when_its_session_is_renamed(world: World, tmp_path: Path) -> None:
    """It is found by its id wherever it is now: under a new name, or beside a new session of the old name."""
    path = tmp_path / "logs.db"
    shutil.copy(world.path, path)
    turn = world.work.turns[2]  # the second call of exchange 2
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update memory_sessions set name = 'play', name_key = 'play'")
        connection.commit()
    expected = ("/logs/-/session/play?from=1&q=low+tide", f"e-{world.work.turns[1]}")
    for reference in ("work", "play", world.unnamed):
        assert await leads_to(serving(path), f"/logs/-/session/{reference}/exchange/{turn}?q=low+tide") == expected


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/logs/-/session/work/exchange/01kgone", "Exchange “01kgone” not found in “work”."),
        ("/logs/-/session/work/exchange/99", "Exchange “99” not found in “work”."),
        ("/logs/-/session/work/exchange/0", "Exchange “0” not found in “work”."),
        ("/logs/-/session/nothing/exchange/1", "Session “nothing” not found."),
    ],
)
async def test_an_unknown_exchange_is_not_found(get: Get, address: str, said: str) -> None:
    """The page says what was not found."""
    answer = await get(urlsplit(address).path)
    assert answer.status == 404
    assert said in answer.shown
