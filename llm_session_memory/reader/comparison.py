"""Read the answers of several conversations side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

from ..errors import SessionError
from ..rules.safe_text import one_line
from .compared import LETTERS, Answer, By, Compared, Matching, Preferred, PromptRow, Side
from .entries import Relative
from .families import called
from .numbering import numbering
from .pairing import SideAnswer, made_up_for, rows
from .source import Source, ids
from .transcript import attempts_between, in_pieces
from .values import Attempt, Exchange, Piece

MOST = 5_000
"""The most exchanges of one conversation that are compared: its newest ones."""

MOST_SIDES = 12

_LABEL = 40
"""The most characters of a label."""

_TOGETHER = 500
"""How many exchanges are read at once."""


def compared(
    source: Source,
    thread_ids: Sequence[str],
    *,
    by: By = "session",
    matching: Matching = "prompt",
    group: str | None = None,
) -> Compared:
    """Return the answers in these conversations side by side. Writes nothing.

    Args:
        source: the log
        thread_ids: the conversations, in the order of the sides
        by: whether the sides are the conversations, or the models that answered in them
        matching: which answers belong together
        group: the name of the group that the conversations are of, if they are of one

    Raises:
        SessionError: there are fewer than two sides, or more than MOST_SIDES.
    """
    threads = list(dict.fromkeys(thread_ids))
    said, shared = _own(source, threads)
    names = called(source, threads)
    keys = threads if by == "session" else _models(said)
    _check(keys, by)
    places = {key: side for side, key in enumerate(keys)}
    conversations = [
        made_up_for(
            replace(entry, side=places[thread_id if by == "session" else entry.answer.model]) for entry in entries
        )
        for thread_id, entries in zip(threads, said, strict=True)
    ]
    table = rows(conversations, len(keys), matching)
    sides = _labelled([_side(place, key, by, names, conversations) for key, place in places.items()])
    limited = MOST if any(len(numbering(source, thread_id)) > MOST for thread_id in threads) else None
    return Compared(by, matching, sides, table, _votes(source, table), shared, limited, group)


def _check(keys: Sequence[str], by: By) -> None:
    if len(keys) < 2 and by == "model":  # noqa: PLR2004
        answered = f"Only {keys[0]} answered in them." if keys else "No model answered in them."
        raise SessionError(f"There are no two models to compare. {answered}", "Add a session with another model.")
    if len(keys) < 2:  # noqa: PLR2004
        raise SessionError("There is only one session to compare.", "Name at least two.")
    if len(keys) > MOST_SIDES:
        what = "models" if by == "model" else "sessions"
        hint = "Name fewer of them." if by == "model" else "Name fewer of them, or compare their models: --by model"
        raise SessionError(f"{len(keys)} {what} can't be compared side by side; the most are {MOST_SIDES}.", hint)


def _models(said: Sequence[Sequence[SideAnswer]]) -> list[str]:
    """Return the models of all entries, in the order in which they first answered."""
    found = dict.fromkeys(entry.answer.model for entries in said for entry in entries if not entry.answer.failed)
    return list(found | dict.fromkeys(entry.answer.model for entries in said for entry in entries))


def _side(
    place: int, key: str, by: By, names: dict[str, Relative], conversations: Sequence[Sequence[SideAnswer]]
) -> Side:
    its = [entry.answer for entries in conversations for entry in entries if entry.side == place]
    threads = [key] if by == "session" else list(dict.fromkeys(answer.thread_id for answer in its))
    sessions = tuple(names.get(one) or Relative(one, None, "") for one in threads)
    models = Counter(answer.model for answer in its if not answer.failed)
    failures = sum(answer.failed for answer in its)
    label = one_line(key if by == "model" else sessions[0].heading, _LABEL)
    letter = LETTERS[place]
    return Side(letter, label, sessions, tuple(one for one, _ in models.most_common()), len(its) - failures, failures)


def _labelled(sides: Sequence[Side]) -> tuple[Side, ...]:
    """Return the sides with labels that differ: with their models, or else their letters, if they are called alike."""
    for more in (lambda side: ", ".join(side.models), lambda side: side.letter):
        alike = Counter(side.label for side in sides)
        sides = [
            replace(side, label=f"{side.label} ({more(side)})") if alike[side.label] > 1 and more(side) else side
            for side in sides
        ]
    return tuple(sides)


def _own(source: Source, threads: Sequence[str]) -> tuple[list[list[SideAnswer]], int]:
    """Return the entries of each conversation, without the exchanges that several of them have, and their number."""
    within = [frozenset(numbering(source, thread_id).first) for thread_id in threads]
    seen: Counter[str] = Counter(id_ for first in within for id_ in first)
    common = frozenset(id_ for id_, conversations in seen.items() if conversations > 1)
    return [[*_entries(source, thread_id, common)] for thread_id in threads], len(common)


def _entries(source: Source, thread_id: str, common: frozenset[str]) -> Iterator[SideAnswer]:
    """Yield the newest exchanges of a conversation and its failures, in order, without those that are `common`."""
    numbers = numbering(source, thread_id)
    begin = max(1, len(numbers) - MOST + 1)
    failures: dict[int, list[Attempt]] = {}
    tries: Counter[str] = Counter()
    for attempt in attempts_between(source, numbers, thread_id, begin, len(numbers)):
        if attempt.answered_by is not None:
            tries[numbers.first[(attempt.answered_number or 1) - 1] if attempt.answered_number else ""] += 1
        elif not attempt.in_progress:
            failures.setdefault(numbers.place(attempt.id), []).append(attempt)
    for attempt in failures.get(begin - 1, ()):
        yield _failure(thread_id, attempt)
    for first in range(begin, len(numbers) + 1, _TOGETHER):
        for exchange in in_pieces(source, thread_id, first, first + _TOGETHER - 1):
            if exchange.id not in common:
                yield _answer(thread_id, exchange, tries[exchange.id])
            for attempt in failures.get(exchange.number, ()):
                yield _failure(thread_id, attempt)


def _answer(thread_id: str, exchange: Exchange, tries: int) -> SideAnswer:
    asked = [piece for one in exchange.calls[0].messages if one.role == "user" for piece in one.pieces]
    prompt = "\n".join(piece.text for piece in asked if piece.kind == "text")
    duration = exchange.duration_ms
    answer = Answer(
        thread_id=thread_id,
        id=exchange.id,
        number=exchange.number,
        model=exchange.calls[-1].model,
        prompt=prompt,
        reply=_reply(exchange),
        input_tokens=exchange.input_tokens,
        output_tokens=exchange.output_tokens,
        seconds=None if duration is None else duration / 1000,
        cost=_cost(exchange),
        judged=exchange.judged,
        tries=tries,
        datetime_utc=exchange.calls[0].datetime_utc,
    )
    return SideAnswer(0, _key([piece.text for piece in asked if piece.kind == "fragment"], prompt, asked), answer)


def _cost(exchange: Exchange) -> float | None:
    """Return the cost of all calls of an exchange, or None if that of any is unknown."""
    known = [call.cost for call in exchange.calls if call.cost is not None]
    return sum(known) if len(known) == len(exchange.calls) else None


def _reply(exchange: Exchange) -> str:
    """Return the text of an answer, without reasoning and calls of tools."""
    said = (one for call in exchange.calls for one in call.messages if one.role == "assistant")
    texts = ("".join(piece.text for piece in one.pieces if piece.kind == "text") for one in said)
    return "\n".join(filter(None, texts))


def _failure(thread_id: str, attempt: Attempt) -> SideAnswer:
    answer = Answer(
        thread_id=thread_id,
        id=attempt.id,
        number=None,
        model=attempt.model,
        prompt=attempt.prompt,
        tries=1,
        error=attempt.error,
        datetime_utc=attempt.datetime_utc,
    )
    return SideAnswer(0, _key([one.text for one in attempt.given if one.text is not None], attempt.prompt), answer)


def _key(fragments: Sequence[str], prompt: str, asked: Sequence[Piece] = ()) -> Hashable:
    """Return what is the same for the same prompt: its words, its fragments, and the ids of its attachments."""
    held = sorted(one.id for piece in asked for one in piece.attachments)
    return (" ".join(" ".join((*fragments, prompt)).split()), *held)


def _votes(source: Source, table: Sequence[PromptRow]) -> tuple[Preferred, ...]:
    """Return the votes between answers of one row and of two sides."""
    places = {
        answer.id: (row.number, side)
        for row in table
        for side, cell in enumerate(row.cells)
        for answer in cell
        if not answer.failed
    }
    sql = (
        "select a_turn_id, b_turn_id, better, blind from memory_votes"
        " where a_turn_id in (select value from json_each(:ids)) order by a_turn_id, b_turn_id"
    )
    found = []
    for vote in source.query(sql, ids=ids(places)):
        (row, first), (other, second) = (places.get(vote[f"{one}_turn_id"], (0, 0)) for one in "ab")
        if row == other and first != second:
            better = {"a": -1, "b": 1}.get(vote["better"], 0)
            if first > second:
                first, second, better = second, first, -better
            found.append(Preferred(row, first, second, better, bool(vote["blind"])))
    return tuple(found)
