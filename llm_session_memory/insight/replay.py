"""Read a session for its replay: all messages in order of time, and the context window at each exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..reader.entries import Line
from ..reader.numbering import figures, numbering
from ..reader.points import snapshots
from ..reader.recorded import (
    Recorded,
    System,
    Unrecorded,
    block_of,
    excerpts_between,
    labels,
    left_out,
    requests_between,
    system_messages,
    unrecorded_between,
)
from ..reader.requests import request as read_request
from ..reader.sent import Unknown
from ..reader.source import Source
from ..reader.threads import line
from ..reader.transcript import attempts_between, in_pieces
from ..reader.values import Exchange
from ..store.numbering import Numbering
from .filling import FilledWindow, Front, Size, parts, size
from .scenes import Scene, scenes

MOST = 2_000
"""The most exchanges in one replay; longer sessions are replayed in parts."""

_STRETCH = 100
_MOST_TEXT = 6_000_000
"""The most characters in one replay."""

_LEFT = 50
"""The most exchanges left out in between for which a replay says what was sent, if no session recorded it."""


@dataclass(frozen=True)
class Replay:
    """A session, or a part of one, ready to replay."""

    line: Line
    first: int
    last: int
    total: int
    scenes: tuple[Scene, ...]
    windows: dict[int, FilledWindow]
    chapters: dict[int, str]
    unknown: dict[int, Unknown]
    """Why the log doesn't say what was sent, for each exchange of which that is so."""


def replay(source: Source, thread_id: str, start: int | None = None) -> Replay:
    """Return the replay of a session from exchange `start` on, up to the size limits of one replay."""
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
    windows = _windows(source, numbers, thread_id, (first, last), sizes)
    unrecorded = unrecorded_between(source, numbers, first, last) if first <= last else []
    return Replay(
        line=line(source, thread_id, figures(source, thread_id, numbers)),
        first=first,
        last=last,
        total=len(numbers),
        scenes=tuple(scenes(found, attempts, left_out(source, thread_id))),
        windows=windows | _as_logged(source, thread_id, unrecorded, windows),
        chapters=_chapters(source, numbers, thread_id),
        unknown={one.number: one.unknown for one in unrecorded if one.unknown},
    )


def _chapters(source: Source, numbers: Numbering, thread_id: str) -> dict[int, str]:
    """Return the chapters by the exchange that each begins with: bookmarks, snapshots, and a fork's own beginning."""
    found = {number: [label] for number, label in labels(source, numbers, thread_id).items()}
    points = [(one.number + 1, f"snapshot “{one.label}”") for one in snapshots(source, numbers, thread_id)]
    if numbers.shared:
        points.append((numbers.shared + 1, "the fork continues"))
    for number, words in points:
        if number <= len(numbers):
            found.setdefault(number, []).append(words)
    return {number: " · ".join(found[number]) for number in sorted(found)}


def stretch(source: Source, thread_id: str, first: int, last: int) -> tuple[Scene, ...]:
    """Return exchanges `first` to `last` as scenes, with the failed attempts among them."""
    numbers = numbering(source, thread_id)
    last = min(last, len(numbers))
    if first > max(last, 1):
        return ()
    found = in_pieces(source, thread_id, first, last)
    return tuple(scenes(found, attempts_between(source, numbers, thread_id, first, last)))


def _windows(
    source: Source, numbers: Numbering, thread_id: str, span: tuple[int, int], sizes: Mapping[int, Size]
) -> dict[int, FilledWindow]:
    """Return the recorded context window at each exchange of a span.

    A request has the excerpts of its prompt, and those of the request that it begins with if it has that one's prompt
    as it was sent: within a tool loop, and in older logs until the block ends.
    """
    first, last = span
    if last < first:
        return {}
    began = block_of(source, numbers, first)
    recalled = excerpts_between(source, numbers, began, last)
    requests = requests_between(source, numbers, began, last)
    fronts = _fronts(source, numbers, thread_id, requests)
    found: dict[int, FilledWindow] = {}
    held: dict[str, list[tuple[int, int]]] = {}
    for request in requests:
        kept = held[request.ended] = [*held.get(request.asked or "", ()), *recalled.get(request.turn_id, ())]
        if request.number < first:
            continue
        front = fronts.get(request.block_id, Front())
        window = FilledWindow(
            tokens=request.tokens,
            budget=request.budget,
            window=request.window,
            start=request.start,
            pinned=request.pinned,
            recalled=tuple(dict.fromkeys(number for number, _ in kept if number)),
            summarised=front.summarised,
        )
        tokens = sum(tokens for _, tokens in kept)
        found[request.number] = replace(window, parts=parts(window, request.number, front, tokens, sizes))
    return found


def _as_logged(
    source: Source, thread_id: str, unrecorded: Sequence[Unrecorded], recorded: Mapping[int, FilledWindow]
) -> dict[int, FilledWindow]:
    """Return what was sent at exchanges that no session recorded: what was sent at the one before it, and that one."""
    found: dict[int, FilledWindow] = {}
    for one in unrecorded:
        number, follows = one.number, one.follows
        if one.unknown or follows is None:
            continue
        before = found.get(follows) or recorded.get(follows)
        if before is None and follows == unrecorded[0].number - 1 > 0:  # it is in the part before this one
            before = _at(source, thread_id, follows)
        window = before or FilledWindow(None, None, None, follows or number, (), ())
        left = (*window.left, *range(max(follows + 1, window.start), number))
        if len(left) <= _LEFT:
            found[number] = replace(window, tokens=one.tokens, budget=None, window=None, parts=(), left=left)
    return found


def _at(source: Source, thread_id: str, number: int) -> FilledWindow | None:
    """Return what was sent at one exchange, read from its messages."""
    read = read_request(source, thread_id, number)
    if read is None or read[0].unknown:
        return None
    sent = read[0]
    start = min((one for one in sent.whole if sent.fate(one) == "recent"), default=number)
    return FilledWindow(None, None, None, start, sent.why.pinned if sent.why else (), tuple(sorted(sent.excerpted)))


def _fronts(source: Source, numbers: Numbering, thread_id: str, requests: Sequence[Recorded]) -> dict[int, Front]:
    """Return the system message at the beginning of each block; it is the same throughout the block."""
    blocks = {request.block_id: request.turn_id for request in reversed(requests)}
    found = system_messages(source, numbers, thread_id, blocks.values())
    return {block: _front(found[turn_id]) for block, turn_id in blocks.items() if turn_id in found}


def _front(system: System) -> Front:
    one = system.summary
    return Front(system.characters, len(one.text) if one else 0, (one.first, one.last) if one else None)
