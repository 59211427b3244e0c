"""Reading a session for its replay: everything that was said, in time, and the window as it was at each exchange."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..reader.exchanges import chain_messages
from ..reader.listing import line
from ..reader.numbering import figures, numbering
from ..reader.requests import summary_in
from ..reader.source import Source, ids
from ..reader.transcript import attempts_between, in_pieces
from ..reader.values import Exchange, Line
from ..store.numbering import Numbering
from .filling import Front, Size, Window, parts, size
from .scenes import Scene, scenes

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
    last, length = first - 1, 0
    found: list[Exchange] = []
    sizes: dict[int, Size] = {}
    while last < most and length < _MOST_TEXT:
        begin, last = last + 1, min(last + _STRETCH, most)
        some = in_pieces(source, thread_id, begin, last)
        sizes |= {exchange.number: size(exchange) for exchange in some}
        length += sum(sizes[exchange.number].whole for exchange in some)
        found += some
    attempts = attempts_between(source, numbers, thread_id, first, last)
    return Replay(
        line=line(source, thread_id, figures(source, thread_id, numbers)),
        first=first,
        last=last,
        total=len(numbers),
        scenes=tuple(scenes(found, attempts, _saved(source, thread_id))),
        windows=_windows(source, numbers, thread_id, (first, last), sizes),
        chapters=_chapters(source, numbers, thread_id),
    )


def stretch(source: Source, thread_id: str, first: int, last: int) -> tuple[Scene, ...]:
    """Return a few exchanges of a session, and the attempts among them, to be shown as they are rendered."""
    numbers = numbering(source, thread_id)
    last = min(last, len(numbers))
    if first > max(last, 1):
        return ()
    found = in_pieces(source, thread_id, first, last)
    return tuple(scenes(found, attempts_between(source, numbers, thread_id, first, last)))


def _saved(source: Source, thread_id: str) -> dict[str, float]:
    """Return about the tokens that were left out of the last request of each exchange, by its turn."""
    rows = source.rows("replay_saved", thread_id=thread_id)
    return {row["turn_id"]: row["tokens_whole_about"] - row["tokens_sent"] for row in rows}


def _chapters(source: Source, numbers: Numbering, thread_id: str) -> dict[int, str]:
    """Return the labels that exchanges were given."""
    sql = "select turn_id, label from memory_bookmarks where thread_id = :thread_id order by turn_id"
    labels = ((numbers.number_of(row["turn_id"]), row["label"]) for row in source.query(sql, thread_id=thread_id))
    return {number: label for number, label in labels if number is not None}


def _windows(
    source: Source, numbers: Numbering, thread_id: str, span: tuple[int, int], sizes: Mapping[int, Size]
) -> dict[int, Window]:
    """Return the window at each exchange of a stretch, as it was recorded. The blocks' excerpts stay until they end."""
    first, last = span
    if last < first:
        return {}
    where = {"thread_id": thread_id, "first": numbers.first[first - 1], "last": numbers.turns(last)[-1]}
    recalled: dict[str, list[tuple[int, int]]] = {}
    began = source.value(
        "select min(o.turn_id) from memory_contexts o where o.block_id = "
        "(select c.block_id from memory_contexts c where c.turn_id = :first)",
        first=where["first"],
    )
    for row in source.rows("replay_recalls", **{**where, "first": began or where["first"]}):
        number = numbers.number_of(row["from_turn_id"]) or row["number"]
        recalled.setdefault(row["turn_id"], []).append((number, row["tokens"]))
    fronts = _fronts(source, numbers, thread_id, where)
    found: dict[int, Window] = {}
    block, kept = None, [one for turn, some in recalled.items() if turn < where["first"] for one in some]
    for row in source.rows("replay_contexts", **where):
        number = numbers.number_of(row["turn_id"])
        if number is None:
            continue
        if block is not None and row["block_id"] != block:
            kept = []
        block = row["block_id"]
        kept += recalled.get(row["turn_id"], ())
        front = fronts.get(block, Front())
        first_whole = numbers.number_of(row["began_at"]) or number
        pinned = (numbers.number_of(id_) for id_ in json.loads(row["pinned_json"] or "[]"))
        window = Window(
            tokens=row["input_tokens"] if row["input_tokens"] is not None else row["estimate"],
            budget=row["budget"],
            window=row["window"],
            start=numbers.number_of(row["start_turn_id"]) or row["start_number"] or first_whole,
            pinned=tuple(sorted(one for one in pinned if one is not None)),
            recalled=tuple(dict.fromkeys(one for one, _ in kept)),
            summarised=front.summarised,
        )
        tokens = sum(tokens for _, tokens in kept)
        found[number] = replace(window, parts=parts(window, number, front, tokens, sizes))
    return found


def _fronts(source: Source, numbers: Numbering, thread_id: str, where: Mapping[str, str]) -> dict[int, Front]:
    """Return what stands before the exchanges of each block: its system message, the same all through."""
    summaries = source.value("select 1 from memory_summaries where thread_id = :id limit 1", id=thread_id) is not None
    first = {row["turn_id"]: row["block_id"] for row in reversed(source.rows("replay_contexts", **where))}
    begun = {block: turn_id for turn_id, block in first.items()}
    rows = source.rows("system_messages", ids=ids(begun.values()))
    texts: dict[str, str] = {}
    found: dict[int, Front] = {}
    for row in rows:
        if row["hash"] not in texts:
            said = chain_messages(source, [{"hash": row["hash"], "role": "system"}])
            texts[row["hash"]] = "".join(piece.text for message in said for piece in message.pieces)
        text = texts[row["hash"]]
        one = summary_in(source, numbers, thread_id, text, row["datetime_utc"]) if summaries else None
        span = (one.first, one.last) if one else None
        found[first[row["turn_id"]]] = Front(len(text), len(one.text) if one else 0, span)
    return found
