"""Read a session's records for a replay: the context window, excerpts and system message of each request."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ..rules.ulids import is_imported
from ..store.numbering import Numbering
from .exchanges import chain_messages
from .numbering import family_line, lineage
from .requests import summary_in
from .sent import Summary, Unknown
from .source import Source, ids


@dataclass(frozen=True)
class Recorded:
    """The record of one turn's request. `start` is the first exchange that was sent whole.

    `ended` is the hash of its last message, `asked` of the prompt before its own input, or None.
    """

    turn_id: str
    number: int
    block_id: int
    tokens: int
    budget: int
    window: int | None
    start: int
    pinned: tuple[int, ...]
    ended: str
    asked: str | None


@dataclass(frozen=True)
class Unrecorded:
    """The request of an exchange that no session recorded, by the message that its own input follows.

    `follows` is the exchange that ends with that message: 0 if there is none before it, None if it is another one.
    `unknown` says why that can't be known, or is None.
    """

    number: int
    tokens: int | None
    follows: int | None
    unknown: Unknown | None = None


@dataclass(frozen=True)
class System:
    """The system message of a turn's request: its length and the summary in it."""

    characters: int
    summary: Summary | None


def requests_between(source: Source, numbers: Numbering, first: int, last: int) -> list[Recorded]:
    """Return the recorded requests of exchanges `first` to `last`, in order."""
    found: list[Recorded] = []
    for row in source.rows("replay_contexts", ids=_turns(numbers, first, last)):
        number = numbers.number_of(row["turn_id"])
        if number is None:
            continue
        began = numbers.number_of(row["began_at"]) or number
        pinned = (numbers.number_of(id_) for id_ in json.loads(row["pinned_json"] or "[]"))
        found.append(
            Recorded(
                turn_id=row["turn_id"],
                number=number,
                block_id=row["block_id"],
                tokens=row["input_tokens"] if row["input_tokens"] is not None else row["estimate"],
                budget=row["budget"],
                window=row["window"],
                start=numbers.number_of(row["start_turn_id"]) or row["start_number"] or began,
                pinned=tuple(sorted(one for one in pinned if one is not None)),
                ended=row["ended"] or "",
                asked=row["asked"],
            )
        )
    return found


def unrecorded_between(source: Source, numbers: Numbering, first: int, last: int) -> list[Unrecorded]:
    """Return the requests of exchanges `first` to `last` that no session recorded, in order."""
    rows = {row["turn_id"]: row for row in source.rows("replay_requests", ids=ids(numbers.first[first - 1 : last]))}
    if not rows:
        return []
    sql = "select id, tip_message_hash as tip from turns where id in (select value from json_each(:ids))"
    before = source.query(sql, ids=_turns(numbers, max(first - 1, 1), last))
    ends = {row["tip"]: numbers.number_of(row["id"]) for row in before}
    found: list[Unrecorded] = []
    for number in range(first, last + 1):
        row = rows.get(numbers.first[number - 1])
        if row is None:
            continue
        if row["thread_id"] is None:
            found.append(Unrecorded(number, None, None, "older"))
        elif row["after"] is None and is_imported(row["thread_id"]):
            found.append(Unrecorded(number, row["input_tokens"], None, "imported"))
        else:
            follows = ends.get(row["after"]) if row["after"] is not None else 0
            found.append(Unrecorded(number, row["input_tokens"], follows))
    return found


def _turns(numbers: Numbering, first: int, last: int) -> str:
    return ids(turn_id for number in range(first, last + 1) for turn_id in numbers.turns(number))


def block_of(source: Source, numbers: Numbering, number: int) -> int:
    """Return the exchange that the block of another one began with."""
    began = source.value(
        "select o.turn_id from memory_contexts o where o.block_id = "
        "(select c.block_id from memory_contexts c where c.turn_id = :turn_id) order by o.rowid limit 1",
        turn_id=numbers.first[number - 1],
    )
    return numbers.number_of(began) or number


def excerpts_between(source: Source, numbers: Numbering, first: int, last: int) -> dict[str, list[tuple[int, int]]]:
    """Return the number and tokens of the excerpts recalled for each turn of exchanges `first` to `last`.

    The number is 0 for an excerpt of another session.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for row in source.rows("replay_recalls", ids=_turns(numbers, first, last)):
        number = 0 if row["thread_id"] else numbers.number_of(row["from_turn_id"]) or row["number"]
        found.setdefault(row["turn_id"], []).append((number, row["tokens"]))
    return found


def system_messages(source: Source, numbers: Numbering, thread_id: str, turn_ids: Iterable[str]) -> dict[str, System]:
    """Return the system message sent with each turn, by turn id."""
    sql = "select 1 from memory_summaries where thread_id in (select value from json_each(:threads)) limit 1"
    summaries = source.value(sql, threads=family_line(source, thread_id)) is not None
    texts: dict[str, str] = {}
    found: dict[str, System] = {}
    for row in source.rows("system_messages", ids=ids(turn_ids)):
        if row["hash"] not in texts:
            said = chain_messages(source, [{"hash": row["hash"], "role": "system"}])
            texts[row["hash"]] = "".join(piece.text for message in said for piece in message.pieces)
        text = texts[row["hash"]]
        one = summary_in(source, numbers, thread_id, text, row["datetime_utc"]) if summaries else None
        found[row["turn_id"]] = System(len(text), one)
    return found


def labels(source: Source, numbers: Numbering, thread_id: str) -> dict[int, str]:
    """Return the labels of exchanges, by number."""
    sql = "select turn_id, label from memory_bookmarks where thread_id = :thread_id order by turn_id"
    rows = source.query(sql, thread_id=thread_id)
    numbered = ((numbers.number_of(row["turn_id"]), row["label"]) for row in rows)
    return {number: label for number, label in numbered if number is not None}


def left_out(source: Source, thread_id: str) -> dict[str, float]:
    """Return the estimated tokens left out of the last request of each exchange, by turn id."""
    rows = (row for one, _ in lineage(source, thread_id) for row in source.rows("replay_saved", thread_id=one))
    return {row["turn_id"]: row["tokens_whole_about"] - row["tokens_sent"] for row in rows}
