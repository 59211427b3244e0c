"""Rules of what is asked once for a request: it saves questions and never opens what is closed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasette import hookimpl
from datasette.app import Datasette
from datasette.plugins import pm

from datasette_session_views.compat import IS_1
from datasette_session_views.web import asked_once
from datasette_session_views.web.asked_once import allowed_tables
from tests.views.conftest import served, serving
from tests.views.test_permissions import ALEX, ROOT, asking, with_tables
from tests.world.everything import World

pytestmark = pytest.mark.skipif(IS_1, reason="permissions of 1.0 come from SQL, not from a function")

CORE = {"threads", "turns", "messages", "parts", "conversations", "responses"}
"""The tables that somebody has to be allowed to see to see a log at all."""


class Guard:
    """A plugin that closes tables and queries to everybody, and remembers which tables it was asked about."""

    def __init__(self) -> None:
        self.__name__ = "guard"  # Datasette lists its plugins by name
        self.closed: set[str] = set()
        self.asked: list[tuple[Any, str]] = []

    @hookimpl  # type: ignore[untyped-decorator]
    def permission_allowed(self, actor: Any, action: str, resource: tuple[str, str]) -> bool | None:
        if action == "view-query" and resource[1] in self.closed:
            return False
        if action != "view-table":
            return None
        self.asked.append((actor and actor["id"], resource[1]))
        return False if resource[1] in self.closed else None


@pytest.fixture(name="guard")
def _guard() -> Iterator[Guard]:
    guard = Guard()
    pm.register(guard, "guard")
    yield guard
    pm.unregister(name="guard")


@pytest.mark.asyncio
async def test_a_lock_closes_the_next_request(world: World, guard: Guard) -> None:
    """What was answered for one request is asked again for the next one."""
    get = serving(world.path)
    for address in ("/logs/-/session/work", "/logs/sessions_tokens_a_day", "/logs/memory_session_list.json"):
        for closed, status in ((set(), 200), ({"turns"}, 403), (set(), 200)):
            guard.closed = closed
            assert ((await get(address)).status, address) == (status, address)


@pytest.mark.asyncio
async def test_the_queries_of_a_page_ask_for_their_tables_together(world: World, guard: Guard) -> None:
    """Datasette's page of a log asks about each query: all of them together ask once for each of their tables."""
    get = serving(world.path)
    await get("/logs")
    guard.asked.clear()
    assert "sessions_tokens_a_day" in (await get("/logs")).text
    assert guard.asked.count((None, "memory_votes")) <= 3  # Datasette asks twice for the list of tables
    guard.asked.clear()
    await get("/logs/-/sessions/queries")
    assert guard.asked.count((None, "turns")) == 1


@pytest.mark.asyncio
async def test_the_menu_of_other_pages_asks_only_for_the_tables_of_every_log(world: World, guard: Guard) -> None:
    """A page of Datasette's own needs to know whether there is a log to see, and not what else is in it."""
    get = serving(world.path)
    await get("/-/versions")
    guard.asked.clear()
    assert ">Sessions</a>" in (await get("/-/versions")).text
    assert {table for _, table in guard.asked} == CORE


@pytest.mark.asyncio
async def test_a_panel_links_to_its_query_only_if_that_may_be_opened(world: World, guard: Guard) -> None:
    """A query that another plugin closes is not linked, though its panel shows what is in open tables."""
    get = serving(world.path)
    link = "/logs/sessions_rating_by_model"
    assert link in (await get("/logs/-/sessions/analytics")).text
    guard.closed = {"sessions_rating_by_model"}
    assert link not in (await get("/logs/-/sessions/analytics")).text


@pytest.mark.asyncio
async def test_each_log_has_answers_of_its_own(world: World, tmp_path: Path) -> None:
    """On a page of several logs, a table may be open in one and closed in another."""
    for name in ("one", "two"):
        shutil.copy(world.path, tmp_path / f"{name}.db")
    locked = {"databases": {"one": {"tables": {"turns": {"allow": False}}}}}
    datasette = Datasette([str(tmp_path / "one.db"), str(tmp_path / "two.db")], metadata=locked)
    page = (await served(datasette)("/-/sessions")).text
    assert ("/one/-/session/work" in page, "/two/-/session/work" in page) == (False, True)


@pytest.mark.asyncio
@pytest.mark.parametrize("tables", [{}, {table: {"allow": True} for table in CORE}], ids=["silent", "open"])
async def test_tables_are_at_most_as_open_as_their_log(world: World, tables: dict[str, Any]) -> None:
    """Nobody sees a log that is closed to them, whatever is said of its tables."""
    locked = {"databases": {"logs": {"allow": {"id": "root"}, "tables": tables}}}
    ask = asking(world.path, locked)
    assert "/-/sessions" not in (await ask("/-/versions")).text
    assert "/-/sessions" in (await ask("/-/versions", ROOT)).text
    datasette = Datasette([str(world.path)], metadata=locked)
    assert await allowed_tables(datasette, None, "logs", CORE) == tables.keys()


@pytest.mark.asyncio
async def test_everybody_has_answers_of_their_own(world: World) -> None:
    """In one request, the answers for one person are not those for another or for nobody."""
    ask = asking(world.path, with_tables({"memory_notes": {"allow": {"id": "root"}}}))
    closed, opened = await ask("/logs/-/session/work.json", ALEX), await ask("/logs/-/session/work.json", ROOT)
    assert "The deadline is 4 May." not in closed.text
    assert "The deadline is 4 May." in opened.text
    datasette = Datasette([str(world.path)], metadata=with_tables({"turns": {"allow": {"id": "root"}}}))

    async def app(*_: Any) -> None:
        for actor, seen in ((ROOT, {"turns"}), (None, set()), (ALEX, set()), ({**ROOT}, {"turns"})):
            assert await allowed_tables(datasette, actor, "logs", {"turns"}) == seen

    await asked_once.remembering(datasette, app)({"type": "http"}, None, None)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "case", ["after the request", "in a request of hours", "of another Datasette", "in no request"]
)
async def test_answers_do_not_outlive_their_request(
    world: World, guard: Guard, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """A task that a request leaves running, and a request that stays open for hours, ask again."""
    datasette = Datasette([str(world.path)])
    if case == "in a request of hours":
        monkeypatch.setattr(asked_once, "_LONGEST", 0.0)
    ended = asyncio.Event()
    tasks: list[asyncio.Task[frozenset[str]]] = []

    async def later() -> frozenset[str]:
        await ended.wait()
        return await allowed_tables(datasette, None, "logs", {"turns"})

    async def app(*_: Any) -> None:
        assert await allowed_tables(datasette, None, "logs", {"turns"}) == {"turns"}
        tasks.append(asyncio.create_task(later()))
        if case == "after the request":
            return
        guard.closed = {"turns"}
        ended.set()
        assert await tasks[0] == set()

    asked_of = Datasette() if case == "of another Datasette" else datasette
    kind = "lifespan" if case == "in no request" else "http"
    await asked_once.remembering(asked_of, app)({"type": kind}, None, None)
    guard.closed = {"turns"}
    ended.set()
    assert await tasks[0] == set()
