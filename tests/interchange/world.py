"""Logs to export from and import into, and what an export says without what differs from one log to another."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from llm.migrations import migrate
from sqlite_utils import Database

from llm_session_memory.interchange import exporting, importing
from llm_session_memory.memory import Memory

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def new_log(path: Path) -> Path:
    """Make a log as llm makes one, without a session."""
    database = Database(path)
    migrate(database)
    database.vacuum()  # SQLite does not put back what was in pages that nothing used
    database.close()
    path.chmod(0o600)
    return path


def copied(template: Path, path: Path) -> Path:
    shutil.copyfile(template, path)
    return path


def import_lines(log: Path, lines: Iterable[Mapping[str, Any] | str], name: str | None = "work") -> str:
    """Import lines under a name, and return the session's name."""
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    stream = io.BytesIO("".join(f"{text}\n" for text in texts).encode("utf-8", "surrogatepass"))
    with Memory(log) as memory:
        return importing.read(memory, stream, name, "work.jsonl").name


def exported(log: Path, name: str = "work", format_: str = "jsonl") -> str:
    """Return a session's export as text."""
    stream = io.StringIO()
    with Memory(log) as memory:
        exporting.write(memory, name, stream, format=format_)
    return stream.getvalue()


def content(log: Path, name: str = "work") -> list[dict[str, Any]]:
    """Return the content of an export, without the session's name and the time of the export."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in exported(log, name).splitlines()]
    return [{**lines[0], "name": "", "exported_utc": ""}, *lines[1:]]


def turns(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return all turns of an export."""
    return [turn for line in lines for turn in line.get("turns", ())]


def rows(log: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return rows of a log, without opening it for writing."""
    database = Database(log)
    found: list[tuple[Any, ...]] = database.execute(sql, list(values)).fetchall()
    database.close()
    return found


def old_conversation(log: Path, thread_id: str = "01kc4000000000000000000000") -> str:
    """Write a conversation into the tables of llm up to 0.31, with every kind of content, and return its id."""
    database = Database(log)
    ids = [f"01kc400000000000000000000{number}" for number in range(1, 5)]

    def add(table: str, **row: Any) -> int:
        return int(database.table(table).insert(row).last_pk or 0) if table.startswith("tool") else _plain(table, row)

    def _plain(table: str, row: dict[str, Any]) -> int:
        database.table(table).insert(row)
        return database.execute("select last_insert_rowid()").fetchone()[0]  # type: ignore[no-any-return]

    def fragment(text: str, source: str | None) -> int:
        digest = hashlib.sha256(text.encode()).hexdigest()
        return add("fragments", hash=digest, content=text, datetime_utc="2025-01-01", source=source)

    def response(number: int, **row: Any) -> None:
        shared = {
            "id": ids[number],
            "model": "gpt-4o-mini",
            "conversation_id": thread_id,
            "duration_ms": 700 + number,
            "datetime_utc": f"2025-12-0{number + 1}T08:00:00+00:00",
            "options_json": "{}",
        }
        add("responses", **(shared | row))

    add("conversations", id=thread_id, name="The bridge", model="gpt-4o-mini")
    add("schemas", id="s1", content='{"type": "object"}')
    response(
        0,
        prompt="What does this say?",
        system="Be brief.",
        response="The harbour office signs off the foundations, says the plan. Nobody else does.",
        response_json=json.dumps({"id": "x1", "text": {"$": f"r:{ids[0]}"}, "of": [{"$": "f:1"}]}),
        options_json='{"temperature": 0.5}',
        input_tokens=90,
        output_tokens=12,
        token_details='{"cached": 4}',
        resolved_model="gpt-4o-mini-2024-07-18",
    )
    add("prompt_fragments", response_id=ids[0], fragment_id=fragment("The plan of the bridge.", "plan.txt"), order=0)
    add("system_fragments", response_id=ids[0], fragment_id=fragment("You are an engineer.", None), order=0)
    add("attachments", id=hashlib.sha256(PNG).hexdigest(), type="image/png", content=PNG)
    add("prompt_attachments", response_id=ids[0], attachment_id=hashlib.sha256(PNG).hexdigest(), order=0)
    response(1, prompt="Look up the tides.", response="", reasoning="The person wants the tides.", schema_id="s1")
    tool = add(
        "tools", hash="t1", name="Tides_look", description="Looks.", input_schema='{"type": "object"}', plugin="tides"
    )
    add("tool_responses", tool_id=tool, response_id=ids[1])
    add(
        "tool_calls",
        response_id=ids[1],
        tool_id=tool,
        name="Tides_look",
        arguments='{"place": "Lisbon"}',
        tool_call_id="c1",
    )
    response(2, prompt="", response="Low water is at 09:42.")
    instance = add("tool_instances", plugin="tides", name="Tides", arguments='{"year": 2025}')
    result = add(
        "tool_results",
        response_id=ids[2],
        tool_id=tool,
        name="Tides_look",
        output="09:42",
        tool_call_id="c1",
        instance_id=instance,
        exception="Late: it took long",
    )
    add("tool_results_attachments", tool_result_id=result, attachment_id=hashlib.sha256(PNG).hexdigest(), order=0)
    response(3, prompt="Thank you.", response="You are welcome.")
    database.close()
    return thread_id
