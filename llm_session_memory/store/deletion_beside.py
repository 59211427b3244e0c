"""What a deletion of single exchanges changes beside them: summaries, titles and names that hold their text."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from typing import Any

from ..model import Covering
from ..rules.deletion import View
from .log import Log

_NAME_CHARACTERS = 100
"""The length of a conversation's name, as llm makes it (CONVERSATION_NAME_LENGTH)."""


def name_of(log: Log, thread_id: str) -> str:
    """Return the name of a session, or the id of a thread without one.

    Not through `Sessions`, which would take the working tables of a plan for our own and migrate them.
    """
    return str(log.value("select name from memory_sessions where thread_id = :id", {"id": thread_id}) or thread_id)


def covering(log: Log, view: View, gone: Collection[str], name: str) -> list[Covering]:
    """Return the summaries, and the title that a model made, that may hold text of exchanges that go from a session."""
    found: list[Covering] = []
    numbers = {one: number for number, one in enumerate((e for e in view.exchanges if e not in view.undone), 1)}
    rows = log.rows("select * from memory_summaries where thread_id = :id order by id desc", {"id": view.thread_id})
    for place, row in enumerate(rows):
        if _covers(view, row, gone):
            first, last = (numbers.get(row[end], 0) for end in ("first_turn_id", "last_turn_id"))
            found.append(Covering("summary", view.thread_id, name, first, last, place == 0))
    if log.value("select 1 from memory_titles where thread_id = :id and author <> 'you'", {"id": view.thread_id}):
        found.append(Covering("title", view.thread_id, name, 1, len(numbers), in_use=True))
    return found


def _covers(view: View, row: dict[str, Any], gone: Collection[str]) -> bool:
    """Return whether a summary covers an exchange that goes. If it is unknown where it begins or ends, it does."""
    places = {one: place for place, one in enumerate(view.exchanges)}
    first, last = places.get(row["first_turn_id"], 0), places.get(row["last_turn_id"], len(places))
    return any(one in gone for one in view.exchanges[first : last + 1])


def summary_texts(log: Log, view: View, gone: Collection[str]) -> dict[str, str]:
    """Return the texts of the summaries that go, each with the first exchange that it covers and that goes."""
    rows = log.rows("select * from memory_summaries where thread_id = :id", {"id": view.thread_id})
    first = next(one for one in view.exchanges if one in gone)
    return {row["text"]: first for row in rows if _covers(view, row, gone)}


def drop(log: Log, view: View, gone: Collection[str]) -> None:
    """Delete the summaries and the title that `covering` returns."""
    rows = log.rows("select * from memory_summaries where thread_id = :id", {"id": view.thread_id})
    log.many(
        "delete from memory_summaries where id = :id", ({"id": row["id"]} for row in rows if _covers(view, row, gone))
    )
    log.run("delete from memory_titles where thread_id = :id and author <> 'you'", {"id": view.thread_id})


def rename(log: Log, thread_ids: Iterable[str], gone: Collection[str]) -> None:
    """Name conversations that lose their first prompt after the first one left: llm names them by it.

    Call it before the turns go.
    """
    left_out = json.dumps(list(gone))
    for thread_id in thread_ids:
        for table, column, calls, text in (
            ("threads", "thread_id", "turns", "(select prompt from turn_search s where s.turn_id = c.id)"),
            ("conversations", "conversation_id", "responses", "prompt"),
        ):
            if not log.columns(calls):
                continue
            every = f"select id, {text} as text from {calls} c where {column} = :id"  # noqa: S608  constants
            first = log.row(f"{every} order by rowid limit 1", {"id": thread_id})
            if first is None or first["id"] not in gone:
                continue
            rest = f"{every} and id not in (select value from json_each(:gone)) and text <> '' order by rowid limit 1"  # noqa: S608
            left = log.row(rest, {"id": thread_id, "gone": left_out})
            log.run(
                f"update {table} set name = :name where id = :id",  # noqa: S608  constants
                {"id": thread_id, "name": conversation_name(left["text"]) if left else ""},
            )


def conversation_name(text: str) -> str:
    """Return the name that llm gives to a conversation that begins with this prompt."""
    line = re.sub(r"\s+", " ", text)
    return line if len(line) <= _NAME_CHARACTERS else line[: _NAME_CHARACTERS - 1] + "…"
