"""Rules of who may see what, on both Datasettes."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from datasette import hookimpl
from datasette.app import Datasette
from datasette.plugins import pm
from datasette_test import actor_cookie

from datasette_session_views.compat import IS_1
from llm_session_memory.reader.tables import VIEWS
from tests.views.conftest import Get, Tags, serving
from tests.views.visits import is_followed
from tests.world import laws
from tests.world.everything import World

PAGES = (
    "/logs/-/sessions",
    "/logs/-/sessions.json",
    "/logs/-/sessions/search?q=bridge",
    "/logs/-/sessions/search.json?q=bridge",
    "/logs/-/session/work",
    "/logs/-/session/work.json",
    "/logs/-/session/work.md",
    "/logs/-/session/work.jsonl",
    "/logs/-/session/work.html",
    "/logs/-/session/work.csv",
    "/logs/-/session/work/context/1",
    "/logs/-/session/work/context/1.json?exact=1",
    "/logs/-/session/work/replay",
    "/logs/-/session/work/replay.json",
    "/logs/-/session/work/replay.json?rendered=1",
    "/logs/-/sessions/analytics",
    "/logs/-/sessions/analytics.json",
    "/logs/-/sessions/jobs",
    "/logs/-/sessions/jobs.json",
    "/logs/-/sessions/compare?a=work&b=work",
    "/logs/-/sessions/compare.json",
    "/logs/-/sessions/queries",
)
SHOWN = [page for page in PAGES if "." not in page]
"""The pages in Datasette's layout; the others are JSON and files."""

ROOT = {"id": "root"}
ALEX = {"id": "alex"}


def configured(config: dict[str, Any]) -> dict[str, Any]:
    """Return permissions as the installed Datasette expects them."""
    return {"config": config} if IS_1 else {"metadata": config}


def with_tables(tables: dict[str, Any]) -> dict[str, Any]:
    return {"databases": {"logs": {"tables": tables}}}


Ask = Callable[..., Awaitable[Any]]


def asking(path: Path, config: dict[str, Any]) -> Ask:
    """Return a function that gets pages from a Datasette with these permissions, with or without an actor."""
    datasette = Datasette([str(path)], **configured(config))

    async def ask(address: str, actor: dict[str, str] | None = None) -> Any:
        await datasette.invoke_startup()
        cookies = {"ds_actor": actor_cookie(datasette, actor)} if actor else {}
        return await datasette.client.get(address, cookies=cookies)

    return ask


CLOSED: list[Any] = [
    pytest.param({"allow": {"id": "root"}}, id="instance"),
    pytest.param({"databases": {"logs": {"allow": {"id": "root"}}}}, id="database"),
    *[
        pytest.param(with_tables({table: {"allow": {"id": "root"}}}), id=f"table {table}")
        for table in ("threads", "turns", "messages", "parts", "responses", "conversations")
    ],
]


def is_opened(config: dict[str, Any], address: str) -> bool:
    """Return whether root opens a page behind a lock: each behind a lock on all or on the turns, else a few of them."""
    locked = config.get("databases", {}).get("logs", {}).get("tables", {})
    return laws.PROFILE == "ci" or locked.keys() <= {"turns"} or address in (*PAGES[::7], PAGES[-1])


ACTORS: list[tuple[str, dict[str, str] | None, int]] = [
    ("anybody", None, 403),
    ("alex", ALEX, 403),
    ("root", ROOT, 200),
]
"""Actors, and the status they get from a page that only root may see."""


def broken_rules(address: str, expected: int, answer: Any) -> list[str]:
    """Return what is wrong with a response, or nothing if the lock held and root was let in."""
    rules = {f"status {answer.status_code}, not {expected}": answer.status_code == expected}
    if expected == 403:
        rules["the text is in it"] = "Lisbon" not in answer.text
        if address.partition("?")[0].endswith(".json"):
            rules["the JSON does not say ok: false"] = answer.json()["ok"] is False
    return [words for words, kept in rules.items() if not kept]


@pytest.mark.asyncio
@pytest.mark.parametrize("config", CLOSED)
async def test_what_is_locked_is_locked_on_every_page(world: World, config: dict[str, Any]) -> None:
    """A lock on the instance, the database or a table with messages closes every page to everyone but root."""
    ask = asking(world.path, config)
    wrong = [
        f"{address} as {who}: {words}"
        for address in PAGES
        for who, actor, expected in ACTORS
        if expected == 403 or is_opened(config, address)
        for words in broken_rules(address, expected, await ask(address, actor))
    ]
    assert wrong == []


@pytest.mark.asyncio
async def test_without_locks_everybody_sees_everything(get: Get) -> None:
    """By default Datasette shows everything."""
    assert [address for address in PAGES if (await get(address)).status != 200] == []


@pytest.mark.asyncio
@pytest.mark.skipif(not IS_1, reason="--default-deny is of Datasette 1.0")
async def test_nothing_is_shown_if_nothing_is_allowed_by_default(world: World) -> None:
    """With --default-deny nobody sees any page."""
    get = serving(world.path, default_deny=True)
    assert [address for address in (*PAGES, "/-/sessions") if (await get(address)).status != 403] == []


LOCKED_PARTS = [
    ("memory_sessions", "work", "/logs/-/sessions.json"),
    ("memory_tags", "Bridge", "/logs/-/sessions.json"),
    ("memory_notes", "The deadline is 4 May.", "/logs/-/session/{id}.json"),
    ("memory_attempts", "The model runner", "/logs/-/session/{id}.json"),
    ("fragments", "The harbour office signs off.\\n", "/logs/-/session/{id}.json"),
    ("memory_notes", "The deadline is 4 May.", "/logs/-/session/{id}.jsonl"),
    ("fragments", "notes.txt", "/logs/-/session/{id}.md"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("table", "text", "address"), LOCKED_PARTS)
async def test_a_locked_optional_table_is_treated_as_missing(world: World, table: str, text: str, address: str) -> None:
    """If an optional table is locked, the page shows what is in the others."""
    place = address.format(id=world.work.thread_id)
    ask = asking(world.path, with_tables({table: {"allow": {"id": "root"}}}))
    closed = await ask(place)
    assert closed.status_code == 200
    assert text not in closed.text
    assert text in (await ask(place, ROOT)).text


@pytest.mark.asyncio
@pytest.mark.parametrize("table", ["turn_search", "turn_search_fts"])
async def test_a_locked_search_index_is_not_searched(world: World, table: str) -> None:
    """A locked index is not searched; the list and the transcript stay open."""
    ask = asking(world.path, with_tables({table: {"allow": {"id": "root"}}}))
    assert (await ask("/logs/-/session/work")).status_code == 200
    closed = await ask("/logs/-/sessions/search.json?q=bridge")
    assert "Lisbon" not in closed.text
    opened = await ask("/logs/-/sessions/search.json?q=bridge", ROOT)
    assert opened.json()["hits"] == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("address", ["/-/sessions", "/logs/-/sessions", "/logs/-/session/work", "/logs"])
async def test_no_page_offers_a_search_that_is_locked(world: World, address: str) -> None:
    """If the texts of every index are locked, no page has a search form or link that would get a 403."""
    ask = asking(
        world.path, with_tables({table: {"allow": {"id": "root"}} for table in ("turn_search", "responses_fts")})
    )
    assert (await ask("/logs/-/sessions/search")).status_code == 403
    closed = await ask(address)
    assert closed.status_code == 200
    assert "/-/sessions/search" not in closed.text


def attachment_links(html: str) -> list[str]:
    found = [attributes.get("href") for tag, attributes in Tags(html).found if tag == "a"]
    return [str(link) for link in found if link and "/attachment/" in link]


@pytest.mark.asyncio
async def test_attachments_have_a_permission_of_their_own(world: World) -> None:
    """If the table of attachments is locked, the page names them, and their content is refused."""
    ask = asking(world.path, with_tables({"attachments": {"allow": {"id": "root"}}}))
    opened = await ask("/logs/-/session/work", ROOT)
    links = attachment_links(opened.text)
    assert len(links) == 2
    closed = await ask("/logs/-/session/work")
    assert closed.status_code == 200
    assert attachment_links(closed.text) == []
    for link in links:
        assert (await ask(link)).status_code == 403
        assert (await ask(link, ROOT)).status_code == 200


@pytest.mark.asyncio
async def test_attachments_come_as_images_or_as_files(get: Get) -> None:
    """Attachments are never sniffed or run, and everything except images is a download."""
    image, text = attachment_links((await get("/logs/-/session/work")).text)
    shown = await get(image)
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["content-disposition"] == "inline"
    saved = await get(text)
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"].startswith("attachment;")
    for answer in (shown, saved):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
    assert (await get("/logs/-/sessions/attachment/none")).status == 404


@pytest.mark.asyncio
@pytest.mark.parametrize("settings", [{"default_allow_sql": False}, {}], ids=["locked", "open"])
@pytest.mark.parametrize("address", ["/logs/-/sessions", "/logs/-/session/work"])
async def test_the_link_to_sql_needs_the_right_to_run_sql(world: World, settings: dict[str, Any], address: str) -> None:
    """Without permission to run SQL, the pages have no link to it."""
    page = await serving(world.path, settings=settings)(address)
    assert page.status == 200
    assert ("?sql=" in page.text) is (not settings)


@pytest.mark.asyncio
async def test_the_page_of_all_logs_shows_the_visible_ones(world: World) -> None:
    """A locked log is missing from `/-/sessions` and from the menu."""
    ask = asking(world.path, {"databases": {"logs": {"allow": {"id": "root"}}}})
    closed = await ask("/-/sessions")
    assert closed.status_code == 200
    assert "work" not in closed.text
    assert "🔒" in (await ask("/-/sessions", ROOT)).text
    assert ">Sessions</a>" not in (await ask("/")).text
    assert ">Sessions</a>" in (await ask("/", ROOT)).text


@pytest.mark.asyncio
@pytest.mark.parametrize("address", [*SHOWN, "/-/sessions"])
async def test_the_policy_keeps_everything_foreign_out(get: Get, address: str) -> None:
    """Nothing loads from other sites, and only Datasette's own inline scripts run, by hash."""
    import base64
    import hashlib
    import re

    page = await get(address)
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in " ".join(policy.values())
    assert "http" not in " ".join(policy.values())
    inline = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    hashes = {
        "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'" for script in inline
    }
    assert inline
    assert hashes == set(policy["script-src"].split()) - {"'self'"}


def links_of(html: str) -> set[str]:
    """Return the URLs of this server that a page links to."""
    return {
        str(attributes[name])
        for _, attributes in Tags(html).found
        for name in ("href", "src", "action")
        if attributes.get(name) and not str(attributes[name]).startswith(("#", "https://", "http://localhost"))
    }


async def status_of(get: Get, link: str) -> int:
    """Return the response of the server behind the prefix to a link."""
    return (await get(link.partition("#")[0].removeprefix("/prefix"), follow_redirects=True)).status


@pytest.mark.asyncio
async def test_every_link_of_a_page_is_below_the_base_url_and_answers(world: World) -> None:
    """Behind a proxy with a prefix, every URL has the prefix and works."""
    get = serving(world.path, settings={"base_url": "/prefix/"})
    pages = {address: await get(address) for address in (*SHOWN, "/-/sessions")}
    assert {address: page.status for address, page in pages.items() if page.status != 200} == {}
    links = {address: links_of(page.text) for address, page in pages.items()}
    assert [address for address, found in links.items() if not found] == []
    outside = [(address, link) for address in links for link in links[address] if not link.startswith("/prefix/")]
    assert outside == []
    followed = filter(is_followed, sorted(set().union(*links.values())))
    dead = {link: status for link in followed if (status := await status_of(get, link)) != 200}
    assert dead == {}


# -- our own SQL views ------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("table", sorted(VIEWS["memory_session_list"]))
async def test_our_view_follows_its_tables(world: World, table: str) -> None:
    """Who may not view a table that our view reads may not view that view either, whatever it is asked for."""
    ask = asking(world.path, with_tables({table: {"allow": {"id": "root"}}}))
    for address in ("/logs/memory_session_list", "/logs/memory_session_list.json", "/logs/memory_session_list.csv"):
        for actor, status in ((None, 403), (ALEX, 403), (ROOT, 200)):
            assert (await ask(address, actor)).status_code == status
    for actor, listed in ((None, False), (ROOT, True)):
        views = (await ask("/logs.json", actor)).json()["views"]
        assert ("memory_session_list" in [view["name"] for view in views]) is listed


@pytest.mark.asyncio
async def test_our_view_is_open_if_its_tables_are(world: World) -> None:
    """Other tables that are hidden, and views of others, are none of our view's business."""
    ask = asking(world.path, with_tables({"memory_notes": {"allow": {"id": "root"}}}))
    assert (await ask("/logs/memory_session_list.json")).status_code == 200
    assert (await ask("/logs/message_tree.json")).status_code == 200


def test_every_view_of_ours_is_known_with_the_tables_that_it_reads(world: World) -> None:
    """What VIEWS says is what SQLite reads when a view of ours is read."""
    log = sqlite3.connect(world.path)
    ours = {row[0] for row in log.execute("select name from sqlite_master where type = 'view' and name like 'memory%'")}
    assert ours == VIEWS.keys()
    for view, tables in VIEWS.items():
        read: set[str] = set()

        def note(action: int, table: str | None, *_: str | None, read: set[str] = read) -> int:
            if action == sqlite3.SQLITE_READ and table:
                read.add(table)
            return sqlite3.SQLITE_OK

        log.set_authorizer(note)
        log.execute(f"select * from {view}")
        log.set_authorizer(None)
        assert read - {view} == tables
    log.close()


@pytest.mark.asyncio
@pytest.mark.skipif(IS_1, reason="1.0 answers for all tables of a database at once")
async def test_a_page_asks_once_whether_a_table_may_be_seen(world: World) -> None:
    """The permissions of a log are asked once for each request, not again for the menu and for the frame's policy."""
    asked: list[tuple[str, str]] = []

    class Counting:
        @hookimpl  # type: ignore[untyped-decorator]
        def permission_allowed(self, action: str, resource: tuple[str, str]) -> None:
            if action == "view-table":
                asked.append(resource)

    get = serving(world.path)
    await get("/logs/-/sessions")
    pm.register(Counting(), "counting")
    try:
        assert (await get("/logs/-/sessions")).status == 200
        assert asked.count(("logs", "turns")) == 1
        assert (await get("/logs/-/sessions")).status == 200
        assert asked.count(("logs", "turns")) == 2
    finally:
        pm.unregister(name="counting")


@pytest.mark.asyncio
@pytest.mark.skipif(not IS_1, reason="0.65 has an answer for each table")
@pytest.mark.parametrize("address", ["/logs/-/sessions", "/logs/-/session/work"])
async def test_a_page_asks_for_all_tables_in_one_question(
    world: World, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """On 1.0 a question about tables is a long query, and its answer has all tables of a log."""
    asked: list[str] = []
    answered = Datasette.allowed_resources

    async def asking_of(self: Datasette, action: str, *given: Any, **named: Any) -> Any:
        asked.append(action)
        return await answered(self, action, *given, **named)

    monkeypatch.setattr(Datasette, "allowed_resources", asking_of)
    get = serving(world.path)
    await get(address)
    asked.clear()
    assert (await get(address)).status == 200
    assert asked == ["view-table"]
