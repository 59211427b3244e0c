"""Read one request: the messages sent with a call, and the reasons recorded at the time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..rules.fences import NOTES_FOR_ALL, excerpts_in, has_all
from ..rules.ulids import is_imported
from ..store.numbering import Numbering
from .cache import kept
from .chains import chain
from .exchanges import calls, chain_messages
from .moments import parsed_moment
from .numbering import family_line, numbering
from .sent import Excerpt, Message, Sent, Since, Stretch, Summary, Why, beginnings, since, stretches
from .source import Source, ids
from .values import Call, Said

_NOTES = re.compile(r"<notes>\n([^\n]*)\n(.*?)\n</notes>", re.DOTALL)
_SUMMARY = re.compile(r"<summary>\n[^\n]*\n(.*?)\n</summary>", re.DOTALL)


def request(source: Source, thread_id: str, number: int, call: int | None = None) -> tuple[Sent, Since | None] | None:
    """Return the request of one call and the changes since the previous exchange, or None if there is no such exchange.

    Args:
        source: the log.
        thread_id: the conversation.
        number: the exchange.
        call: the call within the exchange, from 1; by default its last call.
    """
    numbers = numbering(source, thread_id)
    if not 1 <= number <= len(numbers):
        return None
    now = _sent(source, numbers, thread_id, number, call)
    if now is None or now.unknown or number == 1:
        return None if now is None else (now, None)
    turn_id = numbers.turns(number - 1)[-1]
    tip = source.value("select tip_message_hash from turns where id = :id", id=turn_id)
    places = {message.hash: place for place, message in enumerate(now.messages)}
    if now.why is None and tip in places and _holds_replies(now.messages[: places[tip]]):
        # it holds the whole history, so the previous request need not be read
        shared = sum(message.characters for message in now.messages[: places[tip] + 1])
        kept = tuple(stretch for stretch in now.stretches if stretch.number not in (number, number - 1))
        found = calls(source, [turn_id])[turn_id]
        then = replace(now, number=number - 1, stretches=kept, input_tokens=found.input_tokens, model=found.model)
        return now, since(then, now, shared)
    before = _sent(source, numbers, thread_id, number - 1, None)
    if before is None or before.unknown:
        return now, None
    return now, since(before, now, _shared(source, tip, now, places))


def _shared(source: Source, tip: str | None, now: Sent, places: Mapping[str, int]) -> int:
    """Return the characters at the beginning of a request that the history before it already had."""
    last = max((places[one.hash] for one in chain(source, tip) if one.hash in places), default=-1)
    return sum(message.characters for message in now.messages[: last + 1])


def messages_of(source: Source, sent: Sent, begin: int, end: int) -> tuple[Said, ...]:
    """Return the messages `begin` to `end` (exclusive) of a request, with their pieces."""
    rows = [{"hash": message.hash, "role": message.role} for message in sent.messages[begin:end]]
    return chain_messages(source, rows)


def _sent(source: Source, numbers: Numbering, thread_id: str, number: int, call: int | None) -> Sent | None:
    turn_ids = numbers.turns(number)
    place = len(turn_ids) if call is None else min(max(call, 1), len(turn_ids))
    turn_id = turn_ids[place - 1]
    found = calls(source, [turn_id]).get(turn_id)
    if found is None:
        return None
    made = Sent(
        number=number,
        call=place,
        calls=len(turn_ids),
        turn_id=turn_id,
        model=found.model,
        datetime_utc=found.datetime_utc,
        input_tokens=found.input_tokens,
        output_tokens=found.output_tokens,
        cost=found.cost,
        tools=found.tools,
        messages=(),
        stretches=(),
        unknown="older" if found.older else None,
        total=len(numbers),
        schema=found.schema,
    )
    if found.older:
        return made
    sql = "select parent_message_hash, thread_id from turns where id = :id"
    tip, logged_in = source.query(sql, id=turn_id)[0].values()
    changed = source.value("select changed_utc from memory_changed where turn_id = :id", id=turn_id)
    made = replace(made, messages=chain(source, tip), changed_utc=changed)
    recorded = source.first("context", turn_id=turn_id)
    alone = is_imported(logged_in) and not _holds_replies(made.messages)
    if recorded is None and alone:
        return replace(made, messages=(), unknown="imported")
    if recorded is None:
        return replace(made, stretches=_as_logged(source, numbers, thread_id, made))
    return _chosen(source, numbers, thread_id, replace(made, unknown="imported" if alone else None), recorded, found)


def _holds_replies(messages: Iterable[Message]) -> bool:
    """Return whether a request has a reply of the model, which an imported one lacks: only its own input was logged."""
    return any(message.role == "assistant" for message in messages)


def _as_logged(source: Source, numbers: Numbering, thread_id: str, made: Sent) -> tuple[Stretch, ...]:
    """Return the exchanges in a request made without a session, recognised by the messages that they end with."""
    places = {message.hash: place for place, message in enumerate(made.messages)}
    turns = source.tuples("thread_tips", threads=family_line(source, thread_id), turn_id=made.turn_id)
    ends = {places[tip] + 1: numbers.number_of(id_) for id_, tip in turns if tip in places}
    before = [ends.get(begin) for begin in beginnings(made.messages)[1:]]
    return stretches(made.messages, [*before, made.number])


def _chosen(  # noqa: PLR0913  what was read of one request
    source: Source, numbers: Numbering, thread_id: str, made: Sent, recorded: Mapping[str, Any], found: Call
) -> Sent:
    began = numbers.number_of(recorded["began_at"]) or made.number
    start = numbers.number_of(recorded["start_turn_id"]) or recorded["start_number"]
    pinned = tuple(
        sorted(
            n for n in (numbers.number_of(id_) for id_ in json.loads(recorded["pinned_json"] or "[]")) if n is not None
        )
    )
    known = numbers.begun(recorded["after_turn_id"]) or made.number  # others may have been logged in the meantime
    recent = range(start or began, min(known + 1, made.number))
    system = chain_messages(source, [{"hash": made.system.hash, "role": "system"}]) if made.system else ()
    text = "".join(piece.text for message in system for piece in message.pieces)
    sent = [*(n for n in pinned if n not in recent), *recent, made.number]
    why = Why(
        policy=recorded["policy"],
        budget=recorded["budget"],
        window=recorded["window"],
        window_source=recorded["window_source"] or "",
        reason=recorded["reason"] or "",
        estimate=recorded["estimate"],
        cut=found.cut,
        began=began,
        start=start,
        pinned=pinned,
        clipped=recorded["clip"] is not None,
    )
    return replace(
        _with_stretches(source, numbers, thread_id, made, sent),
        why=why,
        excerpts=_excerpts(source, numbers, made, recorded["block_id"]),
        summary=summary_in(source, numbers, thread_id, text, made.datetime_utc),
        notes=_notes(text, everywhere=False),
        everywhere=_notes(text, everywhere=True),
    )


def _with_stretches(source: Source, numbers: Numbering, thread_id: str, made: Sent, sent: Sequence[int]) -> Sent:
    """Return a request with its exchanges, given the numbers that the session recorded; the last is its own."""
    if made.unknown and (made.call > 1 or len(sent) > 1):  # an import has the choice, without the messages
        return replace(made, messages=(), stretches=tuple(Stretch(number, 0, 0, 0) for number in sent))
    if len(beginnings(made.messages)) > len(sent):  # some of them have been deleted since
        return replace(made, unknown=None, stretches=_as_logged(source, numbers, thread_id, made))
    return replace(made, unknown=None, stretches=stretches(made.messages, sent))


def _notes(system: str, *, everywhere: bool) -> tuple[str, ...]:
    """Return the notes in a system message: the session's own, or those for all sessions."""
    blocks = [lines for heading, lines in _NOTES.findall(system) if (heading == NOTES_FOR_ALL) == everywhere]
    return tuple(line.removeprefix("- ") for block in blocks[-1:] for line in block.split("\n"))


def _excerpts(source: Source, numbers: Numbering, made: Sent, block_id: int) -> tuple[Excerpt, ...]:
    """Return the excerpts that a request holds: those of its prompt, and in older logs those of the block's others."""
    first, *later = own = numbers.turns(made.number)
    hashes = {message.hash for message in made.messages}
    moved = made.turn_id in later and _holds(source, made)
    rows = [
        row
        for row in source.rows("context_recalls", block_id=block_id, turn_id=made.turn_id, first_id=first)
        if row["ended"] in hashes or (row["turn_id"] == first and moved)
    ]
    texts: dict[str, list[str]] = {}
    if rows:
        for row in source.rows("excerpt_texts", ids=ids({row["turn_id"] for row in rows})):
            all_ = has_all(row["source"])
            texts.setdefault(row["turn_id"], []).extend(excerpts_in(row["content"]) if all_ else [row["content"]])
    places: dict[str, int] = {}
    excerpts: list[Excerpt] = []
    for row in rows:
        place = places[row["turn_id"]] = places.get(row["turn_id"], -1) + 1
        sent = texts.get(row["turn_id"], [])
        excerpts.append(
            Excerpt(
                number=(None if row["thread_id"] else numbers.number_of(row["from_turn_id"])) or row["number"],
                rank=row["rank"],
                score=row["score"],
                tokens=row["tokens"],
                words=tuple(map(str, json.loads(row["words_json"] or "[]"))),
                text=sent[place].removesuffix("\n") if place < len(sent) else "",
                earlier=row["turn_id"] not in own,
                thread_id=row["thread_id"],
                session=row["session"] or "",
            )
        )
    return tuple(excerpts)


def _holds(source: Source, made: Sent) -> bool:
    """Return whether a request of a tool loop that was moved to another block still has the excerpts of its prompt."""
    sql = (
        "select 1 from parts p join part_fragments u on u.part_id = p.id join fragments f on f.id = u.fragment_id"
        " where p.message_hash in (select value from json_each(:hashes)) and f.source like 'session://%' limit 1"
    )
    return source.value(sql, hashes=ids(message.hash for message in made.messages)) is not None


def summary_in(source: Source, numbers: Numbering, thread_id: str, system: str, utc: str) -> Summary | None:
    """Return the summary in a system message; if several have the same text, the newest one made by then."""
    sent = _SUMMARY.findall(system)
    if not sent:
        return None
    at = parsed_moment(utc)
    sql = "select * from memory_summaries where thread_id in (select value from json_each(:threads)) order by id desc"
    threads = family_line(source, thread_id)  # what a fork shares was sent with the summaries of its parent
    same = [row for row in source.query(sql, threads=threads) if _plain(row["text"]) == _plain(sent[-1])]
    made = [row for row in same if at is not None and (parsed_moment(row["made_utc"]) or at) <= at]
    for row in made or same[-1:]:
        first, last = numbers.number_of(row["first_turn_id"]), numbers.number_of(row["last_turn_id"])
        if first is not None and last is not None:
            return Summary(row["id"], first, last, row["model"], row["made_utc"], row["text"])
    return None


def _plain(text: str) -> str:
    """Return a text without the changes that fencing makes to it."""
    return text.replace("‹", "<").strip()


def history_length(source: Source, thread_id: str, turn_id: str) -> int:
    """Return the characters of all prompts and replies in the history of a session before a turn."""

    def read() -> tuple[dict[str, int], int]:
        numbers = numbering(source, thread_id)
        before: dict[str, int] = {}
        up_to = 0
        for id_, length in source.tuples("thread_lengths", threads=family_line(source, thread_id)):
            if numbers.number_of(id_) is None:  # undone, or not shared with the fork
                continue
            before[id_] = up_to
            up_to += length
        return before, up_to

    before, whole = kept(source, ("lengths", thread_id), read, lambda found: len(found[0]) // 4 + 1)
    return before.get(turn_id, whole)
