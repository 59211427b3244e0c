"""Rules for links to sessions on Datasette's own pages."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest

from datasette_session_views.compat import IS_1
from tests.views.conftest import Get, Tags, serving
from tests.world.everything import World


def links_of(html: str) -> set[str]:
    return {str(attributes["href"]) for tag, attributes in Tags(html).found if tag == "a" and attributes.get("href")}


@pytest.mark.asyncio
@pytest.mark.parametrize("address", ["/", "/logs", "/logs/turns"])
async def test_the_menu_offers_sessions(get: Get, address: str) -> None:
    """The menu of every page links to the sessions."""
    assert 'href="/-/sessions"' in (await get(address)).text


@pytest.mark.asyncio
async def test_the_page_of_a_log_offers_its_sessions(get: Get) -> None:
    """The database page links to the list."""
    assert 'href="/logs/-/sessions"' in (await get("/logs")).text


@pytest.mark.asyncio
@pytest.mark.parametrize("table", ["turns", "threads"])
async def test_ids_lead_to_the_transcript(world: World, get: Get, table: str) -> None:
    """In Datasette's own tables, the id of a thread or turn links to its transcript."""
    page = await get(f"/logs/{table}?_labels=on")
    assert f'href="/logs/-/session/{world.work.thread_id}"' in page.text
    if table == "turns":
        assert f'href="/logs/-/sessions/turn/{world.work.turns[1]}"' in page.text


@pytest.mark.asyncio
async def test_a_database_without_a_log_gets_no_links(tmp_path: Path) -> None:
    """Other databases are unchanged."""
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.executescript("create table t (thread_id text); insert into t values ('01m1dzpw000000000000000001')")
    connection.close()
    get = serving(tmp_path / "other.db")
    for address in ("/", "/other", "/other/t"):
        assert "/session" not in (await get(address)).text


@pytest.mark.asyncio
@pytest.mark.skipif(not IS_1, reason="the jump menu is of Datasette 1.0")
async def test_the_jump_menu_finds_sessions_by_name(world: World, get: Get) -> None:
    """The jump menu (/) finds a session by name, and says when it was used and how much."""
    found = (await get("/-/jump.json?q=work")).json()
    assert f"/logs/-/session/{world.work.thread_id}" in str(found)
    assert re.search(r"last used 2026-09-01, \d+ calls, gpt-4o-mini", str(found))


@pytest.mark.asyncio
async def test_times_in_the_results_of_a_query_do_not_break_and_sessions_are_links(get: Get) -> None:
    """A time is shown to the minute, with the exact one in the tooltip; JSON has it as stored."""
    page = await get("/logs/sessions_inactive_sessions?days=0")
    (row, *_) = (await get("/logs/sessions_inactive_sessions.json?days=0&_shape=array")).json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:.*", row["last_used"])
    shown = row["last_used"][:16].replace("T", "\xa0").replace("-", "\u2011")
    assert f'title="{row["last_used"]} UTC">{shown}</time>' in page.text
    assert f'/logs/-/session/{row["thread_id"]}"><bdi>{row["session"]}</bdi></a>' in page.text


@pytest.mark.asyncio
async def test_only_what_is_a_stored_time_is_shown_as_one(get: Get) -> None:
    """Texts that look like a time, impossible times, and sessions without an id stay as they are."""
    sql = "select '2026-11-27T09:51:00' || '<b>' as a, '2026-13-27T09:51:00' as b, 'work' as session, 'x' as thread_id"
    path = "/logs/-/query" if IS_1 else "/logs"
    page = await get(f"{path}?sql={quote(sql)}")
    assert "2026-11-27T09:51:00&lt;b&gt;" in page.text
    assert "2026-13-27T09:51:00" in page.text
    assert "<time" not in page.text
    assert "/-/session/" not in page.text
