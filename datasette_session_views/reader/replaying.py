"""Reading a session for its replay: everything that was said, in time, and the window as it was at each exchange."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ..pages import Exchange, Line
from ..scenes import Scene, Window, scenes
from .exchanges import chain_messages
from .listing import line
from .numbering import Numbering, figures, numbering
from .requests import summary_in
from .source import Source, ids
from .transcript import attempts_between, in_pieces

MOST = 2_000
"""Exchanges of one replay; longer sessions are replayed in parts."""

_STRETCH = 100
_MOST_TEXT = 6_000_000
"""Characters of one replay."""


@dataclass(frozen=True)
class Replay:
    """A session, or a part of it, to be replayed."""

    line: Line
    first: int
    last: int
    total: int
    scenes: tuple[Scene, ...]
    windows: dict[int, Window]
    chapters: dict[int, str]


def replay(source: Source, thread_id: str, start: int | None = None) -> Replay:
    """Return a session from exchange `start` on, as much as one replay may have."""
    numbers = numbering(source, thread_id)
    first = min(max(start or 1, 1), max(len(numbers), 1))
    most = min(first + MOST - 1, len(numbers))
    last, size = first - 1, 0
    found: list[Exchange] = []
    while last < most and size < _MOST_TEXT:
        begin, last = last + 1, min(last + _STRETCH, most)
        some = in_pieces(source, thread_id, begin, last)
        size += sum(_length(exchange) for exchange in some)
        found += some
    return Replay(
        line=line(source, thread_id, figures(source, thread_id, numbers)),
        first=first,
        last=last,
        total=len(numbers),
        scenes=tuple(scenes(found, attempts_between(source, numbers, thread_id, first, last))),
        windows=_windows(source, numbers, thread_id, first, last),
        chapters=_chapters(source, numbers, thread_id),
    )


def _length(exchange: Exchange) -> int:
    return sum(len(piece.text) for call in exchange.calls for said in call.messages for piece in said.pieces)


def _chapters(source: Source, numbers: Numbering, thread_id: str) -> dict[int, str]:
    """Return the labels that exchanges were given."""
    sql = "select turn_id, label from memory_bookmarks where thread_id = :thread_id order by turn_id"
    labels = ((numbers.number(row["turn_id"]), row["label"]) for row in source.query(sql, thread_id=thread_id))
    return {number: label for number, label in labels if number is not None}


def _windows(source: Source, numbers: Numbering, thread_id: str, first: int, last: int) -> dict[int, Window]:
    """Return the window at each exchange of a stretch, as it was recorded. The blocks' excerpts stay until they end."""
    if last < first:
        return {}
    where = {"thread_id": thread_id, "first": numbers.first[first - 1], "last": numbers.turns(last)[-1]}
    recalled: dict[str, list[int]] = {}
    began = source.value(
        "select min(o.turn_id) from memory_contexts o where o.block_id = "
        "(select c.block_id from memory_contexts c where c.turn_id = :first)",
        first=where["first"],
    )
    for row in source.rows("replay_recalls", **{**where, "first": began or where["first"]}):
        number = numbers.number(row["from_turn_id"]) or row["number"]
        recalled.setdefault(row["turn_id"], []).append(number)
    summaries = _summaries(source, numbers, thread_id, where)
    found: dict[int, Window] = {}
    block, kept = None, {number: None for turn, some in recalled.items() if turn < where["first"] for number in some}
    for row in source.rows("replay_contexts", **where):
        number = numbers.number(row["turn_id"])
        if number is None:
            continue
        if block is not None and row["block_id"] != block:
            kept = {}
        block = row["block_id"]
        kept.update(dict.fromkeys(recalled.get(row["turn_id"], ())))
        first_whole = numbers.number(row["began_at"]) or number
        pinned = (numbers.number(id_) for id_ in json.loads(row["pinned_json"] or "[]"))
        found[number] = Window(
            tokens=row["input_tokens"] if row["input_tokens"] is not None else row["estimate"],
            budget=row["budget"],
            window=row["window"],
            start=numbers.number(row["start_turn_id"]) or row["start_number"] or first_whole,
            pinned=tuple(sorted(one for one in pinned if one is not None)),
            recalled=tuple(kept),
            summarised=summaries.get(row["block_id"]),
        )
    return found


def _summaries(
    source: Source, numbers: Numbering, thread_id: str, where: Mapping[str, str]
) -> dict[int, tuple[int, int]]:
    """Return the exchanges that each block's summary stood for: it is in the system message, the same all through."""
    if source.value("select 1 from memory_summaries where thread_id = :id limit 1", id=thread_id) is None:
        return {}
    first = {row["turn_id"]: row["block_id"] for row in reversed(source.rows("replay_contexts", **where))}
    begun = {block: turn_id for turn_id, block in first.items()}
    found: dict[int, tuple[int, int]] = {}
    for row in source.rows("system_messages", ids=ids(begun.values())):
        said = chain_messages(source, [{"hash": row["hash"], "role": "system"}])
        text = "".join(piece.text for message in said for piece in message.pieces)
        summary = summary_in(source, numbers, thread_id, text, row["datetime_utc"])
        if summary is not None:
            found[first[row["turn_id"]]] = (summary.first, summary.last)
    return found
