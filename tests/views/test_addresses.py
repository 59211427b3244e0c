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
async def test_what_the_model_saw_is_found_by_id_and_by_number(world: World, get: Get) -> None:
    """Any call of an exchange names its page and its JSON, as its number does; all links there name the exchange."""
    context = "/logs/-/session/work/context"
    first, second, call, third, _ = world.work.turns
    by_number = await get(f"{context}/2")
    for wanted in (second, call):
        page = await get(f"{context}/{wanted}")
        assert (page.status, page.text) == (200, by_number.text)
        assert (await get(f"{context}/{wanted}.json")).text == (await get(f"{context}/2.json")).text
    places = [link for link in _links(page.text) if link.startswith(context)]
    assert places[:4] == [
        f"{context}/{first}",
        f"{context}/{third}",
        f"{context}/{second}.json",
        f"{context}/{second}?call=1",
    ]
    twin = (await get(f"{context}/2.json")).json()
    assert (twin["number"], twin["exchange"], twin["turn_id"]) == (2, second, call)
    assert urlsplit(twin["html_url"]).path == f"{context}/{second}"


@pytest.mark.asyncio
async def test_a_transcript_leads_to_what_the_model_saw_by_id(get: Get, world: World) -> None:
    """So a link that was copied there leads to the same exchange after others were deleted."""
    page = await get("/logs/-/session/work")
    context = "/logs/-/session/work/context/"
    wanted = [link.removeprefix(context) for link in _links(page.text) if link.startswith(context)]
    firsts = [world.work.turns[place] for place in (0, 1, 3, 4)]
    assert wanted[0] == firsts[-1]
    assert list(dict.fromkeys(wanted[1:])) == firsts


@pytest.mark.asyncio
async def test_what_the_model_saw_stays_at_its_address(world: World, tmp_path: Path) -> None:
    """Its address leads to the same exchange when an earlier one is deleted, and to a session's new name."""
    path = tmp_path / "logs.db"
    shutil.copy(world.path, path)
    first, second, call, *_ = world.work.turns
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("delete from turns where id = ?", [first])
        connection.execute("update memory_sessions set name = 'play', name_key = 'play'")
        connection.commit()
    get = serving(path)
    assert "What the model saw at #1" in (await get(f"/logs/-/session/play/context/{second}")).shown
    for wanted in (second, call):
        for rest in ("", "?call=1", ".json?call=1&exact=1"):
            answer = await get(f"/logs/-/session/work/context/{wanted}{rest}")
            assert (answer.status, answer.headers["location"]) == (302, f"/logs/-/session/play/context/{second}{rest}")


@pytest.mark.asyncio
async def test_what_the_model_saw_is_known_of_exchanges_only(get: Get, world: World, tmp_path: Path) -> None:
    """A fork has pages of what it shares. What was undone or failed has a place in the transcript, but no such page."""
    family = write_family(tmp_path / "logs.db")
    see, work = serving(family.path), family.turns["work"]
    assert "exchange from work " in (await see(f"/logs/-/session/work-b/context/{work[1]}")).shown
    for one, wanted in ((see, work[4]), (get, world.work.attempts[0][0])):
        page = await one(f"/logs/-/session/work/context/{wanted}")
        assert page.status == 404
        assert f"“{wanted}” was undone or failed, so the log doesn't count it as an exchange." in page.shown


def _links(html: str) -> list[str]:
    return [str(attributes.get("href")) for tag, attributes in Tags(html).found if tag == "a"]


@pytest.mark.asyncio
@pytest.mark.parametrize("page", ["exchange", "context"])
@pytest.mark.parametrize(
    ("session", "wanted", "said"),
    [
        ("work", "01kgone", "Exchange “01kgone” not found in “work”."),
        ("work", "99", "Exchange “99” not found in “work”."),
        ("work", "0", "Exchange “0” not found in “work”."),
        ("work", "~D9~A1", "Exchange “\u0661” not found in “work”."),
        ("nothing", "1", "Session “nothing” not found."),
    ],
)
async def test_an_unknown_exchange_is_not_found(get: Get, page: str, session: str, wanted: str, said: str) -> None:
    """The page says what was not found."""
    answer = await get(f"/logs/-/session/{session}/{page}/{wanted}")
    assert answer.status == 404
    assert said in answer.shown
