"""What a log still reaches, found again in plain Python from all its rows: the other side of the law of deletion."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

KEYS = {
    "threads": "id",
    "turns": "id",
    "messages": "hash",
    "parts": "id",
    "fragments": "id",
    "attachments": "id",
    "tools": "id",
    "tool_instances": "id",
    "schemas": "id",
    "conversations": "id",
    "responses": "id",
}
"""llm's tables of things, with what identifies one."""

Reached = dict[str, set[Any]]


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables, except those of full-text indexes."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    names = [
        name
        for (name,) in connection.execute("select name from sqlite_master where type = 'table'")
        if "_fts" not in name and not name.startswith(("memory_words", "sqlite_"))
    ]
    found = {name: [dict(row) for row in connection.execute(f"select * from [{name}]")] for name in names}
    connection.close()
    return found


def without(rows: dict[str, list[dict[str, Any]]], threads: Iterable[str], turns: Iterable[str]) -> Reached:
    """Return what is reached when the rows of these conversations, and these turns, are taken away."""
    gone_threads, gone = {*threads}, {*turns}
    changed = {row["thread_id"] for row in rows["turns"] if row["id"] in gone} - gone_threads
    turns_left = [row for row in rows["turns"] if row["id"] not in gone]
    responses = [row for row in rows["responses"] if row["id"] not in gone]
    threads_left = [row for row in rows["threads"] if row["id"] not in gone_threads]
    found: Reached = defaultdict(set)
    found["turns"] = {row["id"] for row in turns_left}
    found["responses"] = {row["id"] for row in responses}
    found["threads"] = {row["id"] for row in threads_left}
    found["conversations"] = {row["id"] for row in rows["conversations"]} - gone_threads
    ends = [row[end] for row in turns_left for end in ("parent_message_hash", "tip_message_hash")]
    ends += [row["tip_message_hash"] for row in threads_left if row["id"] not in changed]
    found["messages"] = _chains(rows, ends)
    found["parts"] = {row["id"] for row in rows["parts"] if row["message_hash"] in found["messages"]}
    _content(rows, found)
    return found


def _chains(rows: dict[str, list[dict[str, Any]]], ends: Iterable[str | None]) -> set[str]:
    parents = {row["hash"]: row["parent_hash"] for row in rows["messages"]}
    seen: set[str] = set()
    for end in ends:
        at = end
        while at is not None and at not in seen:
            seen.add(at)
            at = parents[at]
    return seen


def _content(rows: dict[str, list[dict[str, Any]]], found: Reached) -> None:
    results = {row["id"] for row in rows["tool_results"] if row["response_id"] in found["responses"]}
    by = {
        "turn_id": found["turns"],
        "response_id": found["responses"],
        "part_id": found["parts"],
        "tool_result_id": results,
    }
    for table, rows_ in rows.items():
        for row in rows_:
            owner = next((row[column] in kept for column, kept in by.items() if column in row), None)
            if owner is False:
                continue
            if owner is None and table != "fragment_aliases":
                continue
            for column, things in (
                ("fragment_id", "fragments"),
                ("attachment_id", "attachments"),
                ("tool_id", "tools"),
                ("instance_id", "tool_instances"),
            ):
                if row.get(column) is not None:
                    found[things].add(row[column])
    for table in ("turns", "responses"):
        found["schemas"] |= {row["schema_id"] for row in rows[table] if row["id"] in found[table] and row["schema_id"]}
    for row in rows["parts"]:  # what the payloads say is what counts in the end
        if row["id"] in found["parts"] and row["payload"]:
            payload = json.loads(row["payload"])
            found["fragments"] |= {p["fragment"] for p in payload.get("text_ref") or [] if "fragment" in p}


def kept_ids(rows: dict[str, list[dict[str, Any]]]) -> Reached:
    """Return what identifies each thing that is there."""
    return {table: {row[key] for row in rows[table]} for table, key in KEYS.items()}
