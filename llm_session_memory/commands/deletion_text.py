"""How a deletion reads: what goes, what stays and why, and where text of it remains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import groupby
from typing import Any

from ..model import Amounts, Conversation, Covering, Deleted, DeletionPlan, Exchange, Stay, Trace
from ..rules.dates import zoned
from ..rules.numbers import as_ranges
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import local_time

_WIDTH = 60
"""How many characters of a name or of the first words of a conversation are shown."""

MOST = 20
"""How many conversations, or requests with traces, are listed if a person is asked or told."""

_NOUNS = {
    "exchanges": "exchange",
    "turns": "model call",
    "messages": "message",
    "fragments": "fragment",
    "attachments": "attachment",
    "tools": "tool",
    "schemas": "schema",
    "attempts": "failed prompt",
    "pins": "pin",
    "notes": "note",
    "tags": "tag",
    "ratings": "rating",
    "bookmarks": "bookmark",
    "summaries": "summary",
    "snapshots": "snapshot",
    "passages": "search index row",
}
"""What each amount counts. The conversations and bytes are said apart."""


def amounts(
    found: Amounts, conversations: Sequence[Conversation] = (), numbers: Sequence[int] = (), *, undone: bool = False
) -> str:
    """Return what goes: `session “work”: 12 exchanges, 57 messages, 1 note; 14,215 bytes of text and files`.

    A single conversation is named. `numbers` are those of its exchanges, if only they go; `undone`: only what was
    undone goes.
    """
    if found == Amounts():
        return "nothing"
    counts = {one.name: getattr(found, one.name) for one in fields(found)}
    if counts["turns"] == counts["exchanges"]:
        del counts["turns"]
    parts = [_counted(number, _NOUNS[name]) for name, number in counts.items() if number and name in _NOUNS]
    size = f"{counted(found.bytes, 'byte')} of text and files"
    whose = _of_undone(conversations) if undone else _whose(found, conversations, numbers)
    return (f"{whose}: " if whose else "") + "; ".join([*([", ".join(parts)] if parts else []), size])


def _of_undone(conversations: Sequence[Conversation]) -> str:
    if len(conversations) == 1:
        return f"undone exchanges of {_called(conversations[0])}"
    return f"undone exchanges of {counted(len(conversations), 'session')}"


def _called(one: Conversation) -> str:
    if one.name:
        return f"session “{one.name}”"
    words = f" (“{one_line(one.first_words, _WIDTH)}”)" if one.first_words else ""
    return f"conversation {one.thread_id}{words}"


def _whose(found: Amounts, conversations: Sequence[Conversation], numbers: Sequence[int]) -> str:
    if len(conversations) == 1 and (numbers or found.conversations):
        shown = _called(conversations[0])
        return f"{as_ranges(numbers)} of {shown}" if numbers else shown
    unnamed = found.conversations - found.sessions
    named = [counted(found.sessions, "session")] if found.sessions else []
    others = [f"{counted(unnamed, 'conversation')} without a name"] if unnamed > 0 else []
    return " and ".join(named + others)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("ry") and number != 1 else counted(number, noun)


def lines(plan: DeletionPlan, *, most: int | None = None, blank: bool = False) -> Iterator[str]:
    """Yield what stays and why, what goes besides, and where text remains, after what goes; at most so many of each.

    `blank`: whether the texts in later requests are blanked.
    """
    done = isinstance(plan, Deleted)
    yield from _limited((_stay(stay, done=done) for stay in plan.stays), most)
    for source, to, number in plan.moved:
        yield f"“{to}” was forked from “{source}”: it keeps {counted(number, 'exchange')} of it."
    yield from _limited(map(_covering, plan.covering), most)
    if plan.traces:
        yield from _traces(plan.traces, most, blank=blank, done=done)


def _stay(stay: Stay, *, done: bool) -> str:
    if not stay.undone:
        return f"{stay.why} {stay.hint}".rstrip()
    if not done:
        return f"{stay.why} It would only be taken out of “{stay.name}”, as if undone. {stay.hint}".rstrip()
    if stay.hint.endswith("purge --undone"):
        return f"{stay.why} It was only taken out of “{stay.name}”, as if undone. {stay.hint}"
    then = "After that, delete it for good with: llm sessions purge --undone"  # it has no number any more
    return f"{stay.why} It was only taken out of “{stay.name}”, as if undone. {stay.hint}\n  {then}"


def _covering(covering: Covering) -> str:
    whose = f"of “{covering.name}”"
    if covering.kind == "title":
        return f"The title {whose}, which a model wrote, goes as well."
    again = " The next prompt that needs a summary makes another one." if covering.in_use else ""
    return f"The summary {whose} {as_ranges([covering.first])} to {as_ranges([covering.last])} goes as well.{again}"


def _traces(traces: Sequence[Trace], most: int | None, *, blank: bool, done: bool) -> Iterator[str]:
    where = counted(len({one.turn_id for one in traces}), "later request")
    if blank:
        yield f"Text of it {'was' if done else 'would be'} blanked in {where}:"
    elif done:
        yield f"Text of it is still in {where}:"
    else:
        yield f"Text of it stays in {where}, unless you add --with-traces:"
    yield from _limited((f"  {line}" for line in _requests(traces)), most)


def _requests(traces: Iterable[Trace]) -> Iterator[str]:
    """Yield a line for each request with what it has of which exchange."""

    def request(one: Trace) -> tuple[str, int, str]:
        return (one.name, one.number, one.turn_id)

    def part(one: Trace) -> tuple[str, str]:
        return (one.of_name, one.kind)

    for (name, number, _), of_request in groupby(sorted(traces, key=request), request):
        parts = [
            f"{_numbered([one.of_number for one in found])} of “{of_name}” ({kind})"
            for (of_name, kind), found in groupby(sorted(of_request, key=part), part)
        ]
        whose = f"“{name}” #{number}" if number else f"An undone exchange of “{name}”"
        yield f"{whose} has {', '.join(parts)}"


def _numbered(numbers: Sequence[int]) -> str:
    """Return exchanges by their numbers; those that were undone have none, which is 0 here."""
    known = [number for number in numbers if number]
    undone = len(numbers) - len(known)
    without = [counted(undone, "undone exchange")] if undone else []
    return " and ".join([*([as_ranges(known)] if known else []), *without])


def _limited(found: Iterable[str], most: int | None) -> Iterator[str]:
    every = [*found]
    yield from every[:most]
    if most is not None and len(every) > most:
        yield f"  … and {len(every) - most:,} more (--json has all)"


def exchange_lines(found: Sequence[Exchange], most: int | None = None) -> Iterator[str]:
    """Yield a line for each exchange: its number, when it was sent, and the beginning of its prompt."""
    yield from _limited(
        (
            f"  #{one.number}  {local_time(one.turns[0].datetime_utc)}  {one_line(one.prompt, _WIDTH)}".rstrip()
            for one in found
        ),
        most,
    )


def conversation_lines(found: Sequence[Conversation], most: int | None = None) -> Iterator[str]:
    """Yield a line for each of several conversations: its name or id, when it was last used, and its first words."""
    if len(found) == 1:
        return  # it is named before
    every = (
        "  ".join(
            filter(
                None,
                [
                    f"  {one_line(one.name or one.thread_id, _WIDTH)}",
                    one.last_used_utc and f"last used {local_time(one.last_used_utc)}",
                    one_line(one.first_words, _WIDTH),
                ],
            )
        )
        for one in found
    )
    yield from _limited(every, most)


def plan_fields(plan: DeletionPlan, conversations: Sequence[Conversation]) -> Mapping[str, Any]:
    """Return a plan, or what was done, for JSON."""
    done = {"blanked_requests": plan.blanked, "erased": plan.erased} if isinstance(plan, Deleted) else {}
    if isinstance(plan, Deleted) and plan.erased:
        done |= {"size_before": plan.size_before, "size_after": plan.size_after}
    return {
        "done": isinstance(plan, Deleted),
        "conversations": [
            {
                "name": one.name,
                "thread_id": one.thread_id,
                "last_used_utc": one.last_used_utc and zoned(one.last_used_utc),
            }
            for one in conversations
        ],
        "amounts": asdict(plan.amounts),
        "stays": [asdict(one) for one in plan.stays],
        "moved": [{"from": source, "to": to, "exchanges": number} for source, to, number in plan.moved],
        "covering": [asdict(one) for one in plan.covering],
        "traces": [asdict(one) for one in plan.traces],
        **done,
    }
