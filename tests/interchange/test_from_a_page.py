"""What a page of Datasette offers as JSONL is what `llm sessions export` writes, and `llm sessions import` reads it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.memory import Memory
from llm_session_memory.reader.tables import COLUMNS, core, present
from tests.conftest import Command
from tests.interchange.world import PNG, content, copied, import_lines, old_conversation, turns
from tests.views.conftest import serving
from tests.views.test_permissions import configured, with_tables
from tests.world.laws import PROFILE


async def page(log: Path, name: str, more: str = "", **settings: Any) -> list[str]:
    """Return the lines of the file that a session's page offers to anyone."""
    answer = await serving(log, **settings)(f"/{log.stem}/-/session/{name}.jsonl{more}")
    assert answer.status == 200
    return answer.text.splitlines()


def said(lines: list[str]) -> list[dict[str, Any]]:
    """Return the content of lines, without the time of the export, raw replies, and the bytes of attached files."""
    found = [json.loads(line, object_hook=_without_bytes) for line in lines]
    found[0] = {**found[0], "name": "", "exported_utc": ""}
    for turn in turns(found):
        turn.pop("response_json", None)
    return found


def _without_bytes(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "image/png"} if value.get("type") == "image/png" else value


def exported(log: Path, name: str = "work") -> list[dict[str, Any]]:
    return said([json.dumps(line) for line in content(log, name)])


@pytest.mark.asyncio
async def test_the_page_offers_what_is_exported(lived: Path, fresh: Path) -> None:
    """Page and command write the same: tools, attachments, fragments, contexts, attempts, notes and ratings."""
    with Memory(lived) as memory:
        memory.ratings.rate("work", 1, "up", "clear")
        memory.ratings.bookmark("work", 2, "The deck")
    lines = await page(lived, "work")
    assert said(lines) == exported(lived)
    assert said(lines)[1]["rating"]["note"] == "clear"
    import_lines(fresh, lines)
    assert exported(fresh) == exported(lived)


@pytest.mark.asyncio
async def test_what_an_older_llm_logged_comes_from_a_page_too(
    fresh: Path, other: Path, llm_: Command, tmp_path: Path
) -> None:
    """A page exports an unnamed conversation of llm up to 0.31 with reasoning, tools and attachments; --as names it."""
    thread = old_conversation(fresh)
    lines = await page(fresh, thread)
    with Memory(fresh) as memory:
        memory.sessions.name_thread(thread, "work")
    assert said(lines)[1:] == exported(fresh)[1:]
    (tmp_path / "old.jsonl").write_text("\n".join(lines))
    done = llm_("sessions", "import", str(tmp_path / "old.jsonl"), "--as", "bridge", "-d", str(other)).ok()
    assert done.out == "Imported 3 exchanges into session “bridge”.\n"
    shown = llm_("sessions", "show", "bridge", "-d", str(other)).ok().out
    for text in ("What does this say?", "> The person wants the tides.", "> 09:42", "*Attachment: image/png"):
        assert text in shown


@pytest.mark.asyncio
async def test_a_part_is_imported(lived: Path, fresh: Path, llm_: Command, tmp_path: Path) -> None:
    """A range of exchanges is a session of its own, even if its contexts and summaries refer to other exchanges."""
    lines = await page(lived, "work", "?from=3&to=6")
    assert [json.loads(line).get("exchange") for line in lines] == [None, 3, 4, 5, 6]
    (tmp_path / "part.jsonl").write_text("\n".join(lines))
    llm_("sessions", "import", str(tmp_path / "part.jsonl"), "--as", "part", "-d", str(fresh)).ok()
    shown = llm_("sessions", "show", "part", "-d", str(fresh)).ok().out
    assert [line[:5] for line in shown.splitlines() if line.startswith("## ")] == ["## #1", "## #2", "## #3", "## #4"]


@pytest.mark.asyncio
async def test_a_file_without_hidden_tables_is_imported(
    lived: Path, fresh: Path, template: Path, tmp_path: Path
) -> None:
    """The file lacks tables that the visitor may not see, and can still be imported.

    An ordinary run hides a third of the tables from an old conversation, which has nothing in most of them.
    """
    with Memory(lived) as memory:
        there, work = present(memory.desk.log.database.conn), memory.sessions.get("work").thread_id
    tried: set[str] = set()
    hidden = sorted(there & COLUMNS.keys() - set(core(there)))
    old = (fresh, old_conversation(fresh), 3, hidden if PROFILE == "ci" else hidden[::3])
    for log, thread, exchanges, tables_ in ((lived, work, 13, hidden), old):
        for table in tables_:
            tables = with_tables({table: {"allow": False}})["databases"]["logs"]
            lines = await page(log, thread, **configured({"databases": {log.stem: tables}}))
            assert json.loads(lines[0])["exchanges"] >= exchanges, table
            if (content_ := json.dumps(said(lines))) not in tried:  # many tables have nothing to say here
                import_lines(copied(template, tmp_path / f"{len(tried)}.db"), lines)
                tried.add(content_)


@pytest.mark.asyncio
async def test_a_page_reads_no_file_of_the_server(lived: Path, files: Path) -> None:
    """A file that was attached by its path is named, but its bytes are not given to the visitor."""
    lines = await page(lived, "work")
    assert str(files / "deck.png") in lines[2]
    assert base64.b64encode(PNG).decode() not in "".join(lines)
