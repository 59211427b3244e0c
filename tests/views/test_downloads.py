"""Rules of the files that a session's page offers."""

from __future__ import annotations

import csv
import io
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasette_session_views.compat import IS_1
from datasette_session_views.show.downloads import disposition, download, file_name
from llm_session_memory.interchange.importing import into
from llm_session_memory.reader.files.spreadsheet import COLUMNS
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from tests.views.conftest import Get, serving
from tests.world.everything import Session, World, with_rating, with_sessions
from tests.world.laws import tried
from tests.world.logs import LogBuilder, Said

NAMES = [
    ("work", None, None, "work.md"),
    ("work", 7, 8, "work (7-8).md"),
    ("work", 7, 7, "work (7).md"),
    ("work", 7, None, "work (7-).md"),
    ("What is the capital of Portugal?", None, None, "What is the capital of Portugal.md"),
    ("a/b\\c:d", None, None, "a_b_c_d.md"),
    ("../../etc/passwd", None, None, "_.._etc_passwd.md"),
    ("CON", None, None, "CON_.md"),
    ("line\nbreak\r\nSet-Cookie: x", None, None, "line break Set-Cookie_ x.md"),
    ("…", None, None, "session.md"),
]


@pytest.mark.parametrize(("heading", "first", "last", "name"), NAMES)
def test_a_file_is_called_after_its_session(heading: str, first: int | None, last: int | None, name: str) -> None:
    """The name is that of the session, as far as every system allows it, with the exchanges if it has only some."""
    assert file_name(heading, "md", first, last) == name


@tried(50)
@given(st.text())
def test_a_file_name_fits_in_a_header(heading: str) -> None:
    """Whatever a session is called, the header is one line of ASCII, and its quotes are closed."""
    header = disposition(file_name(heading, "jsonl"))
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert header.endswith(".jsonl")


@pytest.mark.asyncio
async def test_downloads_are_called_after_the_session(get: Get, world: World) -> None:
    """Named sessions have files of their name; a conversation without a name has its first words."""
    work = await get("/logs/-/session/work.md?from=2&to=3")
    assert work.headers["content-disposition"].startswith('attachment; filename="work (2-3).md"')
    unnamed = await get(f"/logs/-/session/{world.unnamed}.jsonl")
    assert 'filename="What is the capital of Portugal.jsonl"' in unnamed.headers["content-disposition"]


@pytest.mark.asyncio
async def test_csv_has_a_row_for_each_exchange(get: Get) -> None:
    """A row has the prompt, the reply and the figures, without tool calls, fragments and excerpts."""
    page = await get("/logs/-/session/work.csv")
    assert page.headers["content-type"].startswith("text/csv")
    head, *rows = csv.reader(io.StringIO(page.text))
    assert tuple(head) == COLUMNS
    first, second, third, _ = (dict(zip(head, row, strict=True)) for row in rows)
    assert first["prompt"] == "We build a bridge in Lisbon; the deadline is 4 May."
    assert first["reply"].startswith("The **harbour office** signs off:\n")
    assert (first["input_tokens"], first["output_tokens"], first["cost_usd"]) == ("310", "220", "0.000178")
    assert (second["pinned"], second["reply"]) == ("yes", "Low water at 09:42.")
    assert third["prompt"] == "And my notes?"
    some = list(csv.reader(io.StringIO((await get("/logs/-/session/work.csv?from=2&to=3")).text)))
    assert [row[1] for row in some[1:]] == ["2", "3"]


@pytest.mark.asyncio
async def test_a_spreadsheet_runs_nothing_of_a_csv(tmp_path: Path) -> None:
    """Texts that a spreadsheet would take for formulas begin with an apostrophe; hidden characters are shown."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        said = Said("=HYPERLINK(1)", "- a list"), Said("+1", "@SUM(1)"), Said("a = 1", "\u202eabc")
        more = Said("\n =1", "\n\nNo formula"), Said("\uff1d1", "1 - 1")
        turns = log.turns(thread, *said, *more, model="gpt-4o-mini")
    with_sessions(path, Session(thread, "work", turns))
    with_rating(path, thread, turns[0], "up", note="=1+1", label="=2+2")
    _, *rows = csv.DictReader(io.StringIO((await serving(path)("/logs/-/session/work.csv")).text, newline=""), COLUMNS)
    assert [row["prompt"] for row in rows] == ["'=HYPERLINK(1)", "'+1", "a = 1", "'\n =1", "'\uff1d1"]
    assert [row["reply"] for row in rows] == ["'- a list", "'@SUM(1)", "⟦U+202E⟧abc", "\n\nNo formula", "1 - 1"]
    assert (rows[0]["reason"], rows[0]["bookmark"]) == ("'=1+1", "'=2+2")


@pytest.mark.asyncio
async def test_a_csv_has_only_what_its_reader_may_see(world: World) -> None:
    """If the table of pins is hidden, no exchange is pinned in the file."""
    hidden = {"databases": {"logs": {"tables": {"memory_pins": {"allow": False}}}}}
    page = await serving(world.path, **{"config" if IS_1 else "metadata": hidden})("/logs/-/session/work.csv")
    assert [row["pinned"] for row in csv.DictReader(io.StringIO(page.text))] == ["", "", "", ""]


def test_a_download_can_be_imported(world: World, tmp_path: Path) -> None:
    """Whatever page of a session offers JSONL, `llm sessions import` takes it: whole, in part, without a name."""
    with closing(sqlite3.connect(world.path)) as connection:
        register(connection)
        source = Source(connection, present(connection), str(world.path))
        asked = [(world.work.thread_id, None, None), (world.work.thread_id, 2, 3), (world.unnamed, None, None)]
        asked += [(world.old, None, None), (world.mixed, None, None)]
        files = [download(source, thread, "jsonl", first, last) for thread, first, last in asked]
    counts = [
        into(tmp_path / "logs.db", io.BytesIO(file.encode()), f"copy-{n}", "x.jsonl").exchanges
        for n, file in enumerate(files)
    ]
    assert counts == [4, 2, 1, 1, 2]


@pytest.mark.asyncio
async def test_options_that_are_no_json_do_not_prevent_a_download(world: World, tmp_path: Path) -> None:
    """A log that was damaged or forged can still be taken along."""
    path = Path(shutil.copy(world.path, tmp_path / "logs.db"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update turns set options_json = '{'")
    get = serving(path)
    for ending in ("md", "html", "jsonl"):
        page = await get(f"/logs/-/session/{world.unnamed}.{ending}")
        assert (page.status, "Lisbon" in page.text) == (200, True)
