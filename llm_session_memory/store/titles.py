"""One-line titles of conversations, with a name or without, and which conversations have none."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple

from ..model import Title
from .log import Log
from .schema import statement


def titles(log: Log, thread_ids: Collection[str]) -> dict[str, Title]:
    """Return the titles of the threads that have one, also those that were removed, by thread."""
    if not log.columns("memory_titles"):
        return {}
    rows = log.rows(
        "select * from memory_titles where thread_id in (select value from json_each(:ids))",
        {"ids": json.dumps(sorted(thread_ids))},
    )
    return {
        row["thread_id"]: Title(
            text=row["title"],
            author=row["author"],
            made_utc=row["made_utc"],
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            duration_ms=row["duration_ms"],
            spent_usd=row["spent_usd"],
        )
        for row in rows
    }


def put(log: Log, thread_id: str, title: Title) -> None:
    """Store a thread's title in place of any earlier one. Call it inside `log.writing()`."""
    log.run(
        "insert or replace into memory_titles (thread_id, title, author, input_tokens, output_tokens, duration_ms,"
        " spent_usd, made_utc) values (:thread_id, :title, :author, :input_tokens, :output_tokens, :duration_ms,"
        " :spent_usd, :made_utc)",
        {
            "thread_id": thread_id,
            "title": title.text,
            "author": title.author,
            "input_tokens": title.input_tokens,
            "output_tokens": title.output_tokens,
            "duration_ms": title.duration_ms,
            "spent_usd": title.spent_usd,
            "made_utc": title.made_utc,
        },
    )


class OfProject(NamedTuple):
    """Whether the sessions of a project get titles automatically, and the model that writes them (None: any)."""

    name: str
    auto: bool
    model: str | None


def of_project(log: Log, name_key: str) -> OfProject | None:
    """Return a project's settings for titles, or None if there is no such project."""
    row = log.row("select name, auto_title, title_model from memory_projects where name_key = :key", {"key": name_key})
    return OfProject(row["name"], bool(row["auto_title"]), row["title_model"]) if row else None


def set_project(log: Log, name_key: str, *, auto: bool, model: str | None) -> None:
    """Change a project's settings for titles. Call it inside `log.writing()`."""
    log.run(
        "update memory_projects set auto_title = :auto, title_model = :model where name_key = :key",
        {"key": name_key, "auto": int(auto), "model": model},
    )


def untitled(log: Log, count: int) -> tuple[list[str], int]:
    """Return the newest threads that never had a title and are not archived, and how many there are."""
    found: list[str] = []
    total = 0
    for table, name in (("turns", "untitled_threads"), ("responses", "untitled_conversations")):
        if log.columns(table):
            sql = statement(name)
            found += [row["id"] for row in log.rows(sql, {"count": max(count - len(found), 0)})]
            total += log.value(f"select count(*) from ({sql})", {"count": -1})  # noqa: S608  a statement of ours
    return found, total
