"""Read a page of a transcript: some of a thread's exchanges, and the facts about the whole thread."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace

from ..model.shown import Opinion
from ..rules.policy import recalls
from ..store.attempts import in_progress
from ..store.numbering import Numbering
from .entries import PAGE
from .exchanges import calls, system_prompt
from .families import family, number_in_parent, tree
from .given import given_with
from .moments import parsed_moment
from .numbering import family_line, figures, numbering
from .points import snapshots, stems, undone_between
from .sent import Summary
from .source import Source, ids
from .threads import line
from .values import Attempt, Call, Exchange, Judged, Note, RecalledPassage, Settings, Start, Transcript


def transcript(
    source: Source,
    thread_id: str,
    *,
    start: int | None = None,
    count: int = PAGE,
    undone: bool = False,
) -> Transcript:
    """Return `count` exchanges from number `start` on, or the newest ones if there is no `start`.

    With `undone`, the exchanges that were undone are shown among them.
    """
    numbers = numbering(source, thread_id)
    total = len(numbers)
    begin = max(total - count + 1, 1) if start is None else min(max(start, 1), max(total, 1))
    end = min(begin + count - 1, total)
    shown = _exchanges(source, numbers, thread_id, begin, end)
    pins = tuple(pins_of(source, numbers, thread_id))
    near = family(source, thread_id)
    return Transcript(
        line=line(source, thread_id, figures(source, thread_id, numbers)),
        settings=_settings(source, numbers, thread_id),
        exchanges=_marked(source, thread_id, shown, pins),
        attempts=attempts_between(source, numbers, thread_id, begin, end),
        pins=pins,
        notes=notes_of(source, thread_id),
        everywhere=notes_for_all(source, thread_id),
        total=total,
        older=any(call.older for exchange in shown for call in exchange.calls),
        summaries=summaries(source, thread_id),
        family=near,
        number_in_parent=number_in_parent(source, numbers, near.parent),
        tree=tree(source, thread_id, near),
        snapshots=snapshots(source, numbers, thread_id),
        stems=stems(source, numbers),
        undone=undone_between(source, numbers, thread_id, begin, end) if undone else (),
        undone_in_all=len(numbers.undone),
    )


def in_pieces(source: Source, thread_id: str, begin: int, end: int) -> tuple[Exchange, ...]:
    """Return the exchanges from number `begin` to number `end`, as far as they exist, for downloads."""
    numbers = numbering(source, thread_id)
    pins = tuple(pins_of(source, numbers, thread_id))
    found = _exchanges(source, numbers, thread_id, begin, min(end, len(numbers)))
    return _marked(source, thread_id, found, pins)


def _marked(
    source: Source, thread_id: str, exchanges: Iterable[Exchange], pins: Collection[int]
) -> tuple[Exchange, ...]:
    """Return exchanges with their pins, ratings and labels."""
    found = judged(source, thread_id)
    return tuple(
        replace(exchange, pinned=exchange.number in pins, judged=found.get(exchange.id, Judged()))
        for exchange in exchanges
    )


def judged(source: Source, thread_id: str) -> dict[str, Judged]:
    """Return the ratings and labels of a thread's exchanges, by the first turn of each, and others' ratings."""
    sql = "select turn_id, mark, note, rated_utc from memory_ratings where thread_id = :thread_id"
    found = {
        row["turn_id"]: Judged(str(row["mark"]), row["note"] or "", row["rated_utc"] or "")
        for row in source.query(sql, thread_id=thread_id)
    }
    sql = "select turn_id, label from memory_bookmarks where thread_id = :thread_id"
    for row in source.query(sql, thread_id=thread_id):
        found[row["turn_id"]] = replace(found.get(row["turn_id"], Judged()), label=row["label"] or "")
    sql = (
        "select turn_id, person, mark, note, rated_utc from memory_other_ratings where thread_id = :thread_id"
        " order by turn_id, person"
    )
    for row in source.query(sql, thread_id=thread_id):
        one = found.get(row["turn_id"], Judged())
        opinion = Opinion(*(str(row[name] or "") for name in ("person", "mark", "note", "rated_utc")))
        found[row["turn_id"]] = replace(one, others=(*one.others, opinion))
    return found


def _exchanges(source: Source, numbers: Numbering, thread_id: str, begin: int, end: int) -> list[Exchange]:
    wanted = [numbers.turns(number) for number in range(begin, end + 1)]
    found = calls(source, (turn_id for turn_ids in wanted for turn_id in turn_ids))
    starts = _starts(source, numbers, thread_id)
    recalls = _recalls(source, numbers, [turn_id for turn_ids in wanted for turn_id in turn_ids])
    shown: list[Exchange] = []
    before = _call_before(source, numbers, begin)
    for number, turn_ids in enumerate(wanted, begin):
        made = tuple(found[turn_id] for turn_id in turn_ids if turn_id in found)
        if not made:
            continue
        shown.append(
            Exchange(
                number,
                made,
                start=starts.get(number),
                recalls=tuple(recall for turn_id in turn_ids for recall in recalls.get(turn_id, ())),
                pause=_pause(before, made[0]),
            )
        )
        before = made[-1]
    return shown


def _call_before(source: Source, numbers: Numbering, begin: int) -> Call | None:
    if begin <= 1 or begin > len(numbers):
        return None
    last = numbers.turns(begin - 1)[-1]
    return calls(source, [last]).get(last)


def _pause(before: Call | None, after: Call) -> float | None:
    """Return the seconds between the end of one call and the start of the next, or None if unknown."""
    if before is None:
        return None
    began, ended = parsed_moment(after.datetime_utc), parsed_moment(before.datetime_utc)
    if began is None or ended is None:
        return None
    return (began - ended).total_seconds() - (before.duration_ms or 0) / 1000


def _starts(source: Source, numbers: Numbering, thread_id: str) -> dict[int, Start]:
    """Return the starts of all blocks after the first exchange, by the exchange that each began with."""
    found: dict[int, Start] = {}
    for row in source.rows("blocks", threads=family_line(source, thread_id)):
        number = numbers.number_of(row["began_at"])
        sent = numbers.number_of(row["start_turn_id"]) or row["start_number"]
        everything = row["start_number"] is None or row["start_number"] <= 1
        if number is not None and number > 1:
            recalling = recalls(row["policy"] or "")
            found[number] = Start(row["reason"] or "", None if everything else sent, recalling)
    return found


def _recalls(source: Source, numbers: Numbering, turn_ids: list[str]) -> dict[str, list[RecalledPassage]]:
    found: dict[str, list[RecalledPassage]] = {}
    for row in source.rows("recalls", ids=ids(turn_ids)):
        theirs = row["thread_id"]
        number = row["number"] if theirs else numbers.number_of(row["from_turn_id"]) or row["number"]
        words = tuple(map(str, json.loads(row["words_json"] or "[]")))
        recall = RecalledPassage(number, words, row["tokens"], theirs, row["session"] or "", row["from_turn_id"] or "")
        found.setdefault(row["turn_id"], []).append(recall)
    return found


def pins_of(source: Source, numbers: Numbering, thread_id: str) -> dict[int, str]:
    """Return the numbers of a session's pinned exchanges, in order, with the time of each pin."""
    sql = "select turn_id, pinned_utc from memory_pins where thread_id = :thread_id"
    pins = {numbers.number_of(row["turn_id"]): row["pinned_utc"] for row in source.query(sql, thread_id=thread_id)}
    return {number: pins[number] for number in sorted(one for one in pins if one is not None)}


def attempts_between(source: Source, numbers: Numbering, thread_id: str, begin: int, end: int) -> tuple[Attempt, ...]:
    """Return the failed attempts among the exchanges `begin` to `end`."""
    sql = "select id from memory_attempts where thread_id = :thread_id order by id"
    places = {row["id"]: numbers.place(row["id"]) for row in source.query(sql, thread_id=thread_id)}
    least, most = begin if begin > 1 else 0, min(len(numbers), end)
    wanted = [id_ for id_, place in places.items() if least <= place <= most]
    sql = "select * from memory_attempts where id in (select value from json_each(:ids)) order by id"
    again = _next_again(source, thread_id) if wanted else None
    return tuple(
        Attempt(
            id=row["id"],
            model=row["model"],
            prompt=row["prompt"],
            partial=row["partial"],
            error=row["error"] if not open_ else "in progress",
            datetime_utc=row["datetime_utc"],
            duration_ms=row["duration_ms"],
            answered_by=row["answered_by"],
            answered_number=numbers.number_of(row["answered_by"]),
            in_progress=open_,
            given=given_with(row["request_json"]),
            is_next=row["id"] == again,
        )
        for row, open_ in ((row, in_progress(row["request_json"])) for row in source.query(sql, ids=ids(wanted)))
    )


def _next_again(source: Source, thread_id: str) -> str | None:
    """Return the id of the newest attempt that got no answer and isn't in progress."""
    sql = "select id, request_json from memory_attempts where thread_id = :thread_id and answered_by is null"
    rows = source.query(f"{sql} order by id desc", thread_id=thread_id)
    return next((str(row["id"]) for row in rows if not in_progress(row["request_json"])), None)


def notes_of(source: Source, thread_id: str) -> tuple[Note, ...]:
    """Return the notes of a session, oldest first."""
    sql = "select * from memory_notes where thread_id = :thread_id order by id"
    return tuple(Note(row["text"], row["author"], row["created_utc"]) for row in source.query(sql, thread_id=thread_id))


def notes_for_all(source: Source, thread_id: str) -> tuple[Note, ...]:
    """Return the notes for all sessions, oldest first, if a session sends them."""
    sql = (
        "select * from memory_global_notes where exists (select 1 from memory_sessions where thread_id = :thread_id"
        " and global_notes is not 0) order by id"
    )
    return tuple(Note(row["text"], row["author"], row["created_utc"]) for row in source.query(sql, thread_id=thread_id))


def summaries(source: Source, thread_id: str) -> tuple[Summary, ...]:
    """Return a session's summaries, oldest first, with only the newest for the same exchanges."""
    sql = "select * from memory_summaries where thread_id = :thread_id order by id"
    rows = source.query(sql, thread_id=thread_id)
    if not rows:
        return ()
    numbers = numbering(source, thread_id)
    found: dict[tuple[int, int], Summary] = {}
    for row in rows:
        first, last = numbers.number_of(row["first_turn_id"]), numbers.number_of(row["last_turn_id"])
        if first is not None and last is not None:
            made = Summary(row["id"], first, last, row["model"], row["made_utc"] or "", row["text"] or "")
            found.pop((first, last), None)
            found[first, last] = made
    return tuple(found.values())


def _settings(source: Source, numbers: Numbering, thread_id: str) -> Settings:
    row = source.first("session", thread_id=thread_id)
    sent = system_prompt(source, numbers.first[0]) if numbers.first else None
    if row is None:
        return Settings(system=sent)
    last = numbers.number_of(row["last_turn_id"])
    return Settings(
        system=row["system"] or sent,
        model=row["model"],
        options="" if row["options_json"] in (None, "{}") else row["options_json"],
        policy=row["memory"] or row["last_policy"],
        budget=row["max_context_tokens"],
        window=row["window"],
        window_source=row["window_source"] or "",
        created_utc=row["created_utc"] or "",
        last_number=last,
        last_id=numbers.first[last - 1] if last else "",
        last_estimate=row["last_estimate"],
        last_budget=row["last_budget"],
        last_start=row["last_start"],
        recall_from=row["recall_from"] or "",
        is_private=bool(row["private"]),
    )
