"""Rules of the pages for what went wrong: crumbs, a sentence, and where to go from here."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datasette import Response
from datasette.app import Datasette
from datasette.plugins import pm

from datasette_session_views import hookimpl
from datasette_session_views.compat import IS_1
from llm_session_memory.rules.names import alike
from tests.views.conftest import Answer, Get, Tags, served, serving
from tests.views.test_permissions import configured
from tests.world.everything import World


def links(page: Answer) -> list[str | None]:
    """Return where the links of a page lead to."""
    return [attributes.get("href") for tag, attributes in Tags(page.text).found if tag == "a"]


MISSING = [
    ("/logs/-/session/wrok", "Session “wrok” not found.", "/logs/-/session/work"),
    ("/logs/-/session/wor/replay", "Session “wor” not found.", "/logs/-/session/work"),
    ("/logs/-/sessions/search?q=x&session=wokr", "Session “wokr” not found.", "/logs/-/session/work"),
    ("/logs/-/session/work/exchange/99", "Exchange “99” not found", "/logs/-/session/work"),
    ("/logs/-/session/work/context/99", "Exchange “99” not found", "/logs/-/session/work"),
    ("/logs/-/session/work/replay?snapshot=x", "Snapshot “x” not found", "/logs/-/session/work"),
    ("/logs/-/session/work/contxt/1", "This page doesn't exist.", "/logs/-/session/work"),
    ("/logs/-/session", "This page doesn't exist.", "/logs/-/sessions"),
    ("/logs/-/sessions/serach", "This page doesn't exist.", "/logs/-/sessions/search"),
    ("/logs/-/sessions.pdf", "This page has no .pdf version. It has .json", "/logs/-/sessions"),
    ("/logs/-/session/work.pdf", "This page has no .pdf version. It has .json", "/logs/-/session/work"),
    ("/logs/-/session/work/exchange/1.md", "This page has no .md version.", "/logs/-/session/work"),
    ("/logs/-/sessions/turn/none", "Turn not found in this log.", "/logs/-/sessions"),
    ("/logs/-/sessions/attachment/none", "Attachment not found in this log.", "/logs/-/sessions"),
    ("/-/sessions/nothing", "This page doesn't exist.", "/logs/-/sessions"),
    ("/lgos/-/sessions", "Database not found: lgos", "/logs/-/sessions"),
    ("/none/-/session/work", "Database not found: none", "/logs/-/sessions"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("address", "said", "link"), MISSING)
async def test_what_is_missing_is_said_with_a_way_on(get: Get, address: str, said: str, link: str) -> None:
    """The page has crumbs, a sentence and links to what may have been meant, and no script from elsewhere."""
    page = await get(address, headers={"Accept": "text/html"})
    assert page.status == 404
    assert said in page.shown
    assert link in links(page)
    assert links(page)[0] == "#sv-main"
    assert 'class="crumbs"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.asyncio
async def test_json_has_the_nearest_names(get: Get) -> None:
    """So has a program that asks for JSON; and pages that programs read are text unless a browser asks."""
    answer = await get("/logs/-/session/wrok.json")
    assert (answer.status, answer.json()["did_you_mean"]) == (404, ["work"])
    assert (await get("/logs/-/session/wrok.md")).text == "Session “wrok” not found.\n"
    assert "<h1>" in (await get("/logs/-/session/wrok.md", headers={"Accept": "text/html"})).text


@pytest.mark.asyncio
async def test_an_id_that_was_cut_off_finds_its_conversation(get: Get, world: World) -> None:
    """The beginning of an id leads to the conversations that begin so."""
    page = await get(f"/logs/-/session/{world.unnamed[:-1]}")
    assert f"/logs/-/session/{world.unnamed}" in links(page)


@pytest.mark.asyncio
async def test_a_parameter_that_is_wrong_can_be_left_out(get: Get) -> None:
    """The page links to itself without it, and keeps the others."""
    page = await get("/logs/-/sessions/search?q=low+tide&since=soon&named=1")
    assert page.status == 400
    assert "/logs/-/sessions/search?q=low+tide&named=1" in links(page)


@pytest.mark.asyncio
async def test_names_in_an_address_stay_text(get: Get) -> None:
    """Nothing in an address becomes markup or hides."""
    page = await get("/logs/-/session/~3Cscript~3Ealert~281~29~E2~80~AE")
    assert page.status == 404
    assert Tags(page.text).names().isdisjoint({"script"}) or "alert(1)" not in page.text.partition("<main")[0]
    assert "⟦U+202E⟧" in page.shown


@pytest.mark.asyncio
async def test_a_visitor_without_permission_learns_nothing_else(world: World) -> None:
    """The page says that permission is missing, and names no session."""
    get = serving(world.path, **configured({"databases": {"logs": {"allow": {"id": "root"}}}}))
    for address in ("/logs/-/sessions", "/logs/-/session/wrok", "/logs/-/session/work", "/logs/-/sessions/nothing"):
        page = await get(address)
        assert page.status == 403
        assert "You don't have permission to see this page." in page.shown
        assert "work" not in page.text
    assert "logs" not in (await get("/none/-/sessions")).shown


@pytest.mark.asyncio
async def test_another_plugin_may_ask_to_sign_in(world: World) -> None:
    """If a plugin has its own page for visitors without permission, that is shown."""

    class Door:
        """A plugin with a page to sign in."""

        __name__ = "Door"

        @hookimpl
        def forbidden(self, datasette: Any, request: Any, message: str) -> Any:
            """Lead to the page to sign in."""
            return Response.redirect("/-/login")

    pm.register(Door(), name="door")
    try:
        get = serving(world.path, **configured({"databases": {"logs": {"allow": {"id": "root"}}}}))
        assert (await get("/logs/-/sessions")).headers["location"] == "/-/login"
    finally:
        pm.unregister(name="door")


def damaged(world: World, path: Path) -> None:
    """Write a log whose table of turns can't be read."""
    shutil.copy(world.path, path)
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("pragma page_size").fetchone()
        (root,) = connection.execute("select rootpage from sqlite_master where name = 'turns'").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\0" * size)


@pytest.mark.asyncio
async def test_a_damaged_log_is_said_on_the_page(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log that can't be read gets a page with a sentence, its JSON and its files say the same, and nothing else."""
    damaged(world, tmp_path / "logs.db")
    get = serving(tmp_path / "logs.db")
    page = await get("/logs/-/session/work")
    assert page.status == 503
    assert "The log can't be read: " in page.shown
    twin = await get("/logs/-/session/work.json")
    assert (twin.status, twin.json()["ok"], twin.json()["status"]) == (503, False, 503)
    assert twin.json()["error"].startswith("The log can't be read: ")
    for file in ("sessions.csv", "sessions.atom", "session/work.md"):
        answer = await get(f"/logs/-/{file}")
        assert (answer.status, answer.text.partition(":")[0]) == (503, "The log can't be read"), file
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.asyncio
@pytest.mark.parametrize("gone", [False, True], ids=["damaged", "gone"])
async def test_a_log_that_cannot_be_read_does_not_hide_the_others(world: World, tmp_path: Path, *, gone: bool) -> None:
    """The page of all logs names it, says why it can't be read, and lists the sessions of the others."""
    if gone and IS_1:
        pytest.skip("Datasette 1.0 itself does not start without the file")
    damaged(world, tmp_path / "lost.db")
    datasette = Datasette([str(tmp_path / "lost.db"), str(world.path)])
    if gone:
        (tmp_path / "lost.db").unlink()
    get = served(datasette)
    page = await get("/-/sessions")
    why = "unable to open database file" if gone else "database disk image is malformed"
    assert page.status == 200
    assert f"lost can't be read: {why}." in page.shown
    assert "/logs/-/session/work" in links(page)
    found = (await get("/-/sessions.json")).json()
    assert [one["database"] for one in found["databases"]] == ["logs"]
    assert found["unreadable"] == [{"database": "lost", "error": why}]
    assert "/logs/-/sessions" in links(await get("/none/-/sessions"))


@pytest.mark.asyncio
async def test_a_file_that_is_damaged_later_leaves_the_other_logs_alone(world: World, tmp_path: Path) -> None:
    """The permission to see another log is not asked of it."""
    path = tmp_path / "lost.db"
    shutil.copy(world.path, path)
    datasette = Datasette([str(path), str(world.path)])
    await datasette.invoke_startup()
    path.write_bytes(b"no database" * 1_000)
    for address in ("/logs/-/sessions", "/logs/-/session/work"):
        assert (await served(datasette)(address)).status == 200, address


@pytest.mark.asyncio
async def test_a_damaged_log_is_named_only_to_those_who_may_see_it(world: World, tmp_path: Path) -> None:
    """A visitor without permission for its database learns nothing of it."""
    damaged(world, tmp_path / "lost.db")
    path = tmp_path / "lost.db"
    locked = configured({"databases": {"lost": {"allow": {"id": "root"}}}})
    get = served(Datasette([str(path), str(world.path)], **locked))
    if not IS_1:
        path.unlink()
    for address in ("/-/sessions", "/-/sessions.json"):
        page = await get(address)
        assert page.status == 200
        assert "lost" not in page.text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wrok", ["work", "work-b"]),
        ("WORK", ["work", "work-b", "homework"]),
        ("harbor", ["harbour"]),
        ("the harbour office", ["harbour"]),
        ("x", []),
        ("", []),
    ],
)
def test_alike_names_are_misspelt_or_have_a_part_in_common(name: str, expected: list[str]) -> None:
    """Misspelt names come first; a part has at least three characters."""
    assert alike(name, ["harbour", "work", "work-b", "homework", "x-ray"]) == expected
