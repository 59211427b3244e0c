"""Rules of rating from a page: who may rate, what is refused and how, and that nothing else is written."""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette
from datasette.utils import parse_metadata
from datasette_test import actor_cookie

from datasette_session_views.compat import IS_1
from tests.imports import ROOT as REPOSITORY
from tests.views.conftest import Tags
from tests.views.test_permissions import ALEX, ROOT, configured, with_tables
from tests.world.everything import SQL, World
from tests.world.impatience import wait_briefly
from tests.world.logs import LogBuilder, Said

Actor = dict[str, str] | None

RATE = "/logs/-/session/work/rate"
PAGE = "/logs/-/session/work"
UP = {"exchange": "2", "mark": "up"}
OTHER_SITE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


def granting(allow: Any) -> dict[str, Any]:
    """Return a configuration that lets some actors rate, as the installed Datasette expects it."""
    if IS_1:
        return with_tables({"memory_ratings": {"permissions": {"insert-row": allow}}})
    return {"databases": {"logs": {"plugins": {"llm-session-memory": {"rate-exchange": allow}}}}}


def also(config: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two configurations."""
    both = dict(config)
    for key, value in more.items():
        both[key] = also(both[key], value) if isinstance(both.get(key), dict) and isinstance(value, dict) else value
    return both


def served(path: Path, config: Mapping[str, Any] | None = None, *, immutable: bool = False) -> Datasette:
    """Return a Datasette for a log where everybody may rate, unless `config` says otherwise."""
    given = configured(dict(granting(True) if config is None else config))
    return Datasette([] if immutable else [str(path)], immutables=[str(path)] if immutable else [], **given)


async def send(
    datasette: Datasette,
    fields: Mapping[str, str],
    actor: Actor = None,
    address: str = RATE,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Post a form as an actor, with a CSRF token if Datasette uses them."""
    await datasette.invoke_startup()
    cookies, sent = {}, dict(fields)
    if actor:
        cookies["ds_actor"] = actor_cookie(datasette, actor)
        if not IS_1:
            page = await datasette.client.get("/-/logout", cookies=cookies)
            cookies["ds_csrftoken"] = sent["csrftoken"] = page.cookies["ds_csrftoken"]
    return await datasette.client.post(address, data=sent, cookies=cookies, headers=dict(headers or {}))


async def forms(datasette: Datasette, actor: Actor = None, address: str = PAGE) -> int:
    """Return the number of rating forms on a page."""
    await datasette.invoke_startup()
    cookies = {"ds_actor": actor_cookie(datasette, actor)} if actor else {}
    answer = await datasette.client.get(address, cookies=cookies)
    return sum(attributes.get("class") == "sv-rate" for _, attributes in Tags(answer.text).found)


def ratings(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        sql = "select thread_id, turn_id, mark, note from memory_ratings order by turn_id"
        return [tuple(row) for row in connection.execute(sql)]


def everything_else(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        written = ("memory_ratings", "memory_changes")  # the second has the time of the first's last change
        return [line for line in connection.iterdump() if not any(table in line for table in written)]


@pytest.fixture(name="path")
def _path(world: World, tmp_path: Path) -> Path:
    """Return a writable copy of the log with one of everything."""
    return Path(shutil.copy(world.path, tmp_path / "logs.db"))


# -- saving -------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_rating_is_made_changed_and_removed(path: Path, world: World) -> None:
    """Each post redirects to the exchange, the last rating counts, and only ratings are written."""
    datasette, before = served(path), everything_else(path)
    where = (world.work.thread_id, world.work.turns[1])
    for fields, kept in (
        ({**UP, "note": " Found\r\nit. "}, [(*where, "up", "Found\nit.")]),
        ({"exchange": world.work.turns[1], "mark": " 4 ", "note": ""}, [(*where, "4", "")]),
        ({"exchange": "2", "delete": "1"}, []),
        ({"exchange": "2", "delete": "1"}, []),
    ):
        answer = await send(datasette, fields)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}#e-{world.work.turns[1]}")
        assert ratings(path) == kept
    assert everything_else(path) == before


@pytest.mark.asyncio
async def test_a_post_redirects_to_the_page_it_came_from(path: Path, world: World) -> None:
    """The redirect starts the page at the same exchange, and drops a start that is not a number."""
    datasette = served(path)
    for begin, leads_to in (("1", f"{PAGE}?from=1"), ("//evil.example", PAGE), ("", PAGE)):
        answer = await send(datasette, {**UP, "from": begin})
        assert answer.headers["location"] == f"{leads_to}#e-{world.work.turns[1]}"


@pytest.mark.asyncio
async def test_a_rating_can_be_posted_as_json(path: Path, world: World) -> None:
    """`.json` returns the current rating of the exchange."""
    datasette = served(path)
    rated = (await send(datasette, {**UP, "note": "Why"}, address=f"{RATE}.json")).json()
    assert (rated["ok"], rated["session"], rated["number"]) == (True, "work", 2)
    assert rated["turn_id"] == world.work.turns[1]
    assert {name: rated["rating"][name] for name in ("mark", "note")} == {"mark": "up", "note": "Why"}
    gone = (await send(datasette, {"exchange": "2", "delete": "1"}, address=f"{RATE}.json")).json()
    assert (gone["ok"], gone["rating"]) == (True, None)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["unnamed", "old", "mixed"])
async def test_conversations_without_a_name_are_rated_too(path: Path, world: World, kind: str) -> None:
    """They are rated by id: from current llm, from an older one, and from both."""
    thread_id = getattr(world, kind)
    datasette = served(path)
    assert await forms(datasette, None, f"/logs/-/session/{thread_id}") > 0
    answer = await send(datasette, {"exchange": "1", "mark": "5"}, address=f"/logs/-/session/{thread_id}/rate")
    assert answer.status_code == 303
    assert [row[0] for row in ratings(path)] == [thread_id]


@pytest.mark.asyncio
async def test_the_form_shows_what_there_is(path: Path) -> None:
    """The button of the current rating is pressed, and the note is editable plain text."""
    datasette = served(path)
    evil = "</textarea><script>alert(1)</script>"
    await send(datasette, {**UP, "note": evil})
    html = (await datasette.client.get(PAGE)).text
    tags = Tags(html)
    pressed = [
        (attributes["name"], attributes["value"])
        for tag, attributes in tags.found
        if tag == "button" and attributes.get("aria-pressed") == "true"
    ]
    assert pressed == [("mark", "up")]
    assert sum(attributes.get("name") == "delete" for _, attributes in tags.found) == 1
    assert evil in tags.text
    assert "<script>alert" not in html


# -- permissions --------------------------------------------------------------------

MATRIX: list[Any] = [
    pytest.param({}, (False, False, False), id="nothing said"),
    pytest.param(granting({"id": "root"}), (False, False, True), id="root"),
    pytest.param(granting({"id": ["alex", "root"]}), (False, True, True), id="two"),
    pytest.param(granting(True), (True, True, True), id="everybody"),
    pytest.param(
        also(granting(True), with_tables({"memory_ratings": {"allow": {"id": "root"}}})),
        (False, False, True),
        id="everybody who sees the ratings",
    ),
    pytest.param(
        also(granting(True), with_tables({"messages": {"allow": {"id": "root"}}})),
        (False, False, True),
        id="everybody who sees what was said",
    ),
    pytest.param(
        also(granting(True), {"databases": {"logs": {"allow": {"id": "alex"}}}}),
        (False, True, False),
        id="everybody who sees the database",
    ),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("config", "may"), MATRIX)
async def test_who_may_rate(path: Path, config: dict[str, Any], may: tuple[bool, bool, bool]) -> None:
    """Nobody may rate by default; people without permission see no form and are refused, in HTML and JSON."""
    datasette = served(path, config)
    for actor, allowed in zip((None, ALEX, ROOT), may, strict=True):
        assert bool(await forms(datasette, actor)) is allowed
        answer = await send(datasette, UP, actor)
        assert answer.status_code == (303 if allowed else 403)
        data = await send(datasette, UP, actor, f"{RATE}.json")
        assert (data.status_code, data.json()["ok"]) == ((200, True) if allowed else (403, False))
        assert bool(ratings(path)) is allowed
        await send(datasette, {"exchange": "2", "delete": "1"}, actor)


@pytest.mark.asyncio
@pytest.mark.skipif(IS_1, reason="on 1.0 the permission is Datasette's own")
async def test_on_an_older_datasette_a_plugin_may_say_who(path: Path) -> None:
    """`rate-exchange` is a normal permission that any plugin can decide on."""
    from datasette.plugins import pm
    from pluggy import HookimplMarker

    class Deciding:
        __name__ = "deciding"

        @HookimplMarker("datasette")
        def permission_allowed(self, actor: Actor, action: str, resource: Any) -> bool | None:
            return actor == ALEX if (action, resource) == ("rate-exchange", "logs") else None

    plugin = Deciding()
    pm.register(plugin)
    try:
        datasette = served(path, {})
        assert await forms(datasette, ALEX) > 0
        assert await forms(datasette, ROOT) == 0
    finally:
        pm.unregister(plugin)


@pytest.mark.asyncio
async def test_an_immutable_log_is_not_rated(path: Path) -> None:
    """An immutable log has no rating form, and posts are refused."""
    datasette = served(path, immutable=True)
    assert await forms(datasette) == 0
    answer = await send(datasette, UP, address=f"{RATE}.json")
    assert answer.status_code == 403
    assert answer.json()["error"] == "Datasette serves logs as immutable, so exchanges can't be rated."
    assert ratings(path) == []


@pytest.mark.asyncio
@pytest.mark.parametrize("ours", [(), ("001_sessions",)], ids=["plain llm's", "of an earlier version"])
async def test_a_log_without_the_table_is_not_rated(tmp_path: Path, ours: tuple[str, ...]) -> None:
    """Without a ratings table there is no form, and the error says how to create the table."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread_id = log.thread()
        log.turns(thread_id, Said("Bridge?", "Yes."))
    with closing(sqlite3.connect(path)) as connection:
        for name in ours:
            connection.executescript((SQL / f"{name}.sql").read_text("utf-8"))
    before = everything_else(path)
    datasette = served(path)
    assert await forms(datasette, None, f"/logs/-/session/{thread_id}") == 0
    fields = {"exchange": "1", "mark": "up"}
    answer = await send(datasette, fields, address=f"/logs/-/session/{thread_id}/rate.json")
    assert answer.status_code == 409
    assert "llm sessions rate" in answer.json()["error"]
    assert everything_else(path) == before


@pytest.mark.asyncio
async def test_the_documentation_says_how_to_let_somebody_rate(path: Path) -> None:
    """The configuration in the documentation lets root rate and nobody else."""
    page = (REPOSITORY / "docs/pages.md").read_text("utf-8")
    of_1, of_065 = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    datasette = served(path, parse_metadata(of_1 if IS_1 else of_065))
    assert await forms(datasette, ROOT) > 0
    assert (await forms(datasette, ALEX), await forms(datasette, None)) == (0, 0)


# -- requests from other sites ------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("actor", [None, ROOT], ids=["anybody", "root"])
@pytest.mark.parametrize(
    "headers",
    [
        OTHER_SITE,
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=["browser", "older browser", "no origin", "neighbour"],
)
async def test_a_page_of_another_site_cannot_rate(path: Path, actor: Actor, headers: dict[str, str]) -> None:
    """Posts from another site's page are refused, with and without cookies."""
    datasette = served(path)
    await datasette.invoke_startup()
    cookies = {"ds_actor": actor_cookie(datasette, actor)} if actor else {}
    for address in (RATE, f"{RATE}.json"):
        answer = await datasette.client.post(address, data=UP, cookies=cookies, headers=headers)
        assert answer.status_code == 403
    assert ratings(path) == []


@pytest.mark.asyncio
async def test_our_own_form_can_rate(path: Path) -> None:
    """A post from our own form with its cookies is accepted."""
    datasette = served(path)
    await datasette.invoke_startup()
    page = await datasette.client.get(PAGE)
    assert page.headers["referrer-policy"] == "same-origin"
    hidden = [attributes for tag, attributes in Tags(page.text).found if attributes.get("type") == "hidden"]
    token = {str(a["name"]): str(a["value"]) for a in hidden if a["name"] == "csrftoken"}
    assert bool(token) is not IS_1
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    answer = await datasette.client.post(RATE, data={**UP, **token}, cookies=dict(page.cookies), headers=own)
    assert answer.status_code == 303
    assert len(ratings(path)) == 1


@pytest.mark.asyncio
async def test_a_page_without_forms_sends_no_referrer(path: Path) -> None:
    """People who may not rate get no cookie and no token."""
    datasette = served(path, {})
    await datasette.invoke_startup()
    page = await datasette.client.get(PAGE)
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in page.headers
    assert "csrftoken" not in page.text


# -- invalid requests ---------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"exchange": "2", "mark": "6"}, 400, "“6” can't be a rating. Rate with up, down, or 1 to 5 (5 is best)."),
        ({"exchange": "2"}, 400, "“” can't be a rating."),
        ({"exchange": "2", "mark": "\x1b[2J\u202e"}, 400, "can't be a rating."),
        ({**UP, "note": "x" * 2_001}, 400, "at most 2,000 characters; this one has 2,001."),
        ({"mark": "up"}, 400, "Which exchange? Give its number or the id of its first turn in `exchange`."),
        ({"exchange": "9", "mark": "up"}, 404, "Exchange “9” not found in “work”."),
        ({"exchange": "0", "mark": "up"}, 404, "Exchange “0” not found in “work”."),
        ({"exchange": "9" * 500, "mark": "up"}, 404, "not found in “work”"),
        ({"exchange": "<b>\x00\ud800".encode("utf-8", "replace").decode(), "mark": "up"}, 404, "not found in “work”"),
        ({**UP, "note": "x" * 50_000}, 413, "The form is too long for a rating."),
        ({**UP, **{f"field{number}": "" for number in range(30)}}, 413, "The form is too long for a rating."),
        ({}, 400, "Which exchange?"),
    ],
)
async def test_an_invalid_rating_is_refused_with_a_sentence(
    path: Path, fields: dict[str, str], status: int, said: str
) -> None:
    """Ratings follow the rules of `llm sessions rate`; HTML and JSON have the same error, and nothing is written."""
    datasette = served(path)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    data = await send(datasette, fields, address=f"{RATE}.json", headers=form)
    assert (data.status_code, data.json()["ok"]) == (status, False)
    assert said in data.json()["error"]
    page = await send(datasette, fields, headers=form)
    assert page.status_code == status
    assert said in Tags(page.text).text
    assert "\u202e" not in page.text
    assert ratings(path) == []


@pytest.mark.asyncio
async def test_a_note_has_as_many_characters_as_in_the_command(path: Path) -> None:
    """2,000 characters are accepted, however long their encoding is."""
    note = "👍" * 2_000
    assert (await send(served(path), {**UP, "note": note})).status_code == 303
    assert ratings(path)[0][3] == note


@pytest.mark.asyncio
async def test_any_turn_of_an_exchange_identifies_it(path: Path, world: World) -> None:
    """The rating is stored with the first turn; a turn of another conversation is not found."""
    datasette, turns = served(path), world.work.turns
    assert (await send(datasette, {"exchange": turns[2], "mark": "up"})).status_code == 303
    assert [row[1] for row in ratings(path)] == [turns[1]]
    with closing(sqlite3.connect(path)) as connection:
        foreign = connection.execute("select id from turns where thread_id = ?", (world.unnamed,)).fetchone()[0]
    assert (await send(datasette, {"exchange": foreign, "mark": "up"})).status_code == 404


@pytest.mark.asyncio
async def test_other_bodies_and_methods_are_refused(path: Path) -> None:
    """Only a posted form is accepted; opening the URL redirects to the transcript."""
    datasette = served(path)
    await datasette.invoke_startup()
    body = await datasette.client.post(RATE, json=UP)
    assert body.status_code == 415
    led = await datasette.client.get(RATE)
    assert (led.status_code, led.headers["location"]) == (302, PAGE)
    for answer in (await datasette.client.get(f"{RATE}.json"), await datasette.client.put(RATE)):
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await send(datasette, UP, address="/logs/-/session/nowhere/rate")).status_code == 404
    assert ratings(path) == []


# -- locked and read-only logs ------------------------------------------------------


@pytest.mark.asyncio
async def test_a_rating_waits_for_another_writer(path: Path) -> None:
    """A rating waits while llm writes, and leaves the timeout of Datasette's connection unchanged."""
    datasette = served(path)
    database = datasette.get_database("logs")
    wait = await database.execute_write_fn(lambda connection: connection.execute("pragma busy_timeout").fetchone()[0])
    with closing(sqlite3.connect(path, check_same_thread=False, isolation_level=None)) as other:
        other.execute("begin immediate")
        timer = threading.Timer(0.3, other.commit)
        await datasette.invoke_startup()
        timer.start()
        answer = await datasette.client.post(RATE, data=UP)
        timer.join()
    assert answer.status_code == 303
    assert len(ratings(path)) == 1
    after = await database.execute_write_fn(lambda connection: connection.execute("pragma busy_timeout").fetchone()[0])
    assert after == wait


@pytest.mark.asyncio
async def test_a_log_that_stays_locked_gives_an_error_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the log stays locked, the error says so without naming the log's path."""
    gave_up = wait_briefly(monkeypatch)
    datasette = served(path)
    await datasette.invoke_startup()
    await datasette.client.get(PAGE)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        answer = await datasette.client.post(f"{RATE}.json", data=UP)
        other.execute("rollback")
    said = f"The log logs is locked by another program; {gave_up}. Try again when that program is done."
    assert (answer.status_code, answer.json()["error"]) == (503, said)
    assert (await datasette.client.post(RATE, data=UP)).status_code == 303


@pytest.mark.asyncio
async def test_a_read_only_file_gives_an_error_message(path: Path) -> None:
    """The error says that a log is read-only."""
    datasette = served(path)
    await datasette.invoke_startup()
    database = datasette.get_database("logs")
    await database.execute_write_fn(lambda connection: connection.execute("pragma query_only = 1") and None)
    answer = await datasette.client.post(f"{RATE}.json", data=UP)
    assert answer.status_code == 503
    assert "read-only" in answer.json()["error"]
