"""What may go when sessions share exchanges: a fork has those of the session it was forked from, up to a point.

Pure. An exchange goes if it is deleted wherever it is seen. If a session goes and a fork still has some of its
exchanges, the oldest such fork takes them over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

FORK, SNAPSHOT = "fork", "snapshot"
"""Why an exchange stays: another session has it, or a snapshot of the session goes back to it."""


@dataclass(frozen=True)
class Mark:
    """A snapshot: its label, the last exchange that it has (None: there was none), and when it was made (ISO, UTC)."""

    label: str
    last: str | None
    made_utc: str


@dataclass(frozen=True)
class View:
    """What one session sees.

    `exchanges` are all of its history by their first turns, oldest first, also those that were undone; `own` are those
    that were logged in its own thread. `undone` has the time for each exchange that was undone in it. `origin` is the
    thread that it was forked from and the last exchange that both have.
    """

    thread_id: str
    exchanges: Sequence[str]
    own: frozenset[str]
    undone: Mapping[str, str] = field(default_factory=dict)
    marks: Sequence[Mark] = ()
    origin: tuple[str, str] | None = None
    forked_utc: str = ""


@dataclass(frozen=True)
class Reason:
    """Why an exchange that was to go from a session stays: `by` is a thread, or the label of a snapshot."""

    thread_id: str
    exchange: str
    kind: str
    by: str


@dataclass(frozen=True)
class Decision:
    """What becomes of the exchanges of sessions that share some.

    `gone` are deleted. `heirs` says which thread takes over an exchange whose session goes. `links` are the new origins
    of forks. `undone` are those to take out of a session, because they stay in the log.
    """

    gone: frozenset[str]
    heirs: Mapping[str, str]
    links: Mapping[str, tuple[str, str] | None]
    undone: Mapping[str, tuple[str, ...]]
    reasons: tuple[Reason, ...]


def decide(views: Mapping[str, View], whole: Collection[str], single: Mapping[str, Collection[str]]) -> Decision:
    """Decide what goes.

    Args:
        views: All sessions that share exchanges with one another, by their threads.
        whole: The threads of the sessions to delete.
        single: The exchanges to delete of other sessions, by their threads.
    """
    wanted: dict[str, list[str]] = {}  # each exchange that is to go, with the sessions that it is to go from
    for thread_id, view in views.items():
        chosen = view.exchanges if thread_id in whole else [e for e in view.exchanges if e in single.get(thread_id, ())]
        for exchange in chosen:
            wanted.setdefault(exchange, []).append(thread_id)
    seen_by: dict[str, list[View]] = defaultdict(list)
    for view in views.values():
        for exchange in view.exchanges:
            seen_by[exchange].append(view)
    marked = _marked(views, whole)
    reached = {e: _reached(e, seen_by[e], whole, single, marked) for e in wanted}
    gone = frozenset(e for e, by in reached.items() if by is None)
    reasons = tuple(
        Reason(thread_id, exchange, *by)
        for exchange, by in reached.items()
        if by is not None
        for thread_id in wanted[exchange]
    )
    undone: dict[str, list[str]] = defaultdict(list)
    for reason in reasons:
        if reason.thread_id not in whole and reason.exchange not in views[reason.thread_id].undone:
            undone[reason.thread_id].append(reason.exchange)
    heirs = dict(_heirs(views, whole, gone, seen_by))
    return Decision(
        gone, heirs, dict(_links(views, whole, gone, heirs)), {t: tuple(es) for t, es in undone.items()}, reasons
    )


def _reached(
    exchange: str,
    seen_by: Sequence[View],
    whole: Collection[str],
    single: Mapping[str, Collection[str]],
    marked: Mapping[str, Mapping[str, Mark]],
) -> tuple[str, str] | None:
    """Return what still reaches an exchange that is to go, or None."""
    for view in seen_by:
        if view.thread_id not in whole and exchange not in single.get(view.thread_id, ()):
            return FORK, view.thread_id
    for view in seen_by:
        mark = marked.get(view.thread_id, {}).get(exchange)
        if mark is not None:
            return SNAPSHOT, mark.label
    return None


def _marked(views: Mapping[str, View], whole: Collection[str]) -> dict[str, dict[str, Mark]]:
    """Return the exchanges that a snapshot goes back to, by session: not those that were undone before it was made."""
    found: dict[str, dict[str, Mark]] = {}
    for thread_id, view in views.items():
        for mark in view.marks if thread_id not in whole else ():
            if mark.last not in view.exchanges:
                continue
            for exchange in view.exchanges[: view.exchanges.index(mark.last) + 1]:
                undone = view.undone.get(exchange)
                if undone is None or undone > mark.made_utc:
                    found.setdefault(thread_id, {}).setdefault(exchange, mark)
    return found


def _heirs(
    views: Mapping[str, View], whole: Collection[str], gone: Collection[str], seen_by: Mapping[str, Sequence[View]]
) -> Iterator[tuple[str, str]]:
    """Yield each exchange that stays though its session goes, with the oldest fork that has it."""
    for thread_id in views:
        if thread_id in whole:
            for exchange in views[thread_id].own:
                if exchange not in gone:
                    left = [view for view in seen_by[exchange] if view.thread_id not in whole]
                    yield exchange, min(left, key=lambda view: (view.forked_utc, view.thread_id)).thread_id


def _links(
    views: Mapping[str, View], whole: Collection[str], gone: Collection[str], heirs: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, str] | None]]:
    """Yield the forks that get another origin, with it: the thread that has the last exchange before their own.

    An exchange that a fork takes over is its own from then on. All exchanges before it are then of forks that are
    older, or of sessions that stay, so that each fork's history is what it was.
    """
    owners = {exchange: view.thread_id for view in views.values() for exchange in view.own} | dict(heirs)
    for thread_id, view in views.items():
        if thread_id in whole or view.origin is None:
            continue
        before = [e for e in view.exchanges if e not in gone and owners.get(e) != thread_id]
        origin, at = view.origin
        if origin not in whole and (at not in gone or not before):
            continue
        yield thread_id, (owners[before[-1]], before[-1]) if before else None
