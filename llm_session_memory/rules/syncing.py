"""How two sets of documents are compared, which conversations go in one batch, and what a wrong clock means. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from ..model.remotes import Digest, Stamp
from .words import counted

BATCH_TURNS = 1_000
"""The most calls that go in one transaction, unless a single conversation has more."""

BATCH_CONVERSATIONS = 500
"""The most conversations that go in one transaction."""

CLOCK_SECONDS = 300
"""From this difference on, a person is told that a clock is wrong."""

NONE = Digest(0, 0)
"""The digest of nothing."""


def added(digest: Digest, stamp: Stamp) -> Digest:
    """Return a digest with one more stamp."""
    return Digest(digest.amount + 1, digest.value ^ stamp.value)


def by_bucket(stamps: Iterable[Stamp]) -> dict[str, Digest]:
    """Return the digest of each bucket of some stamps."""
    found: dict[str, Digest] = {}
    for one in stamps:
        found[one.bucket] = added(found.get(one.bucket, NONE), one)
    return found


def by_place(stamps: Iterable[Stamp]) -> dict[tuple[str, str], Digest]:
    """Return the digest of each bucket and thread of some stamps."""
    found: dict[tuple[str, str], Digest] = {}
    for one in stamps:
        place = (one.bucket, one.thread_id)
        found[place] = added(found.get(place, NONE), one)
    return found


def differing(ours: Mapping[str, Digest], theirs: Mapping[str, Digest]) -> set[str]:
    """Return the keys that don't have the same digest in both; those of nothing count as missing."""
    return {one for one in {*ours, *theirs} if ours.get(one, NONE) != theirs.get(one, NONE)}


Key = tuple[str, str]
"""The kind of a document, and its key."""


@dataclass
class Difference:
    """How a conversation differs: the stamps by kind and key that only one side has, or that differ."""

    ours: dict[Key, Stamp] = field(default_factory=dict)
    theirs: dict[Key, Stamp] = field(default_factory=dict)

    @property
    def ahead(self) -> list[Stamp]:
        """What only this log has."""
        return [one for key, one in self.ours.items() if key not in self.theirs]

    @property
    def behind(self) -> list[Stamp]:
        """What only the remote has."""
        return [one for key, one in self.theirs.items() if key not in self.ours]

    @property
    def changed(self) -> list[Stamp]:
        """What both have, and not the same."""
        return [one for key, one in self.ours.items() if key in self.theirs and self.theirs[key].value != one.value]

    @property
    def same(self) -> bool:
        """Whether there is no difference."""
        return self.ours.keys() == self.theirs.keys() and not self.changed

    @property
    def rows_changed(self) -> bool:
        """Whether something that people change differs."""
        return any(one.kind == "thread" for one in self.changed)


def differences(ours: Iterable[Stamp], theirs: Iterable[Stamp]) -> dict[str, Difference]:
    """Return how conversations differ, given all stamps of some; those that are the same are left out."""
    found: dict[str, Difference] = defaultdict(Difference)
    for one in ours:
        found[one.thread_id].ours[one.kind, one.key] = one
    for one in theirs:
        found[one.thread_id].theirs[one.kind, one.key] = one
    return {thread_id: one for thread_id, one in found.items() if not one.same}


# -- families ----------------------------------------------------------


def families(threads: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return threads in groups, in order: those that a pair joins are in the same one, and join those of no thread."""
    above: dict[str, str] = {}

    def top(one: str) -> str:
        while (over := above.get(one, one)) != one:
            above[one] = above.get(over, over)
            one = over
        return one

    for one, other in pairs:
        first, second = sorted((top(one), top(other)))
        above[second] = first
    found: dict[str, list[str]] = defaultdict(list)
    for one in sorted({*threads}):
        found[top(one)].append(one)
    return sorted(map(tuple, found.values()))


def batches(
    groups: Iterable[Collection[str]],
    turns: Mapping[str, int],
    most: int = BATCH_TURNS,
    conversations: int = BATCH_CONVERSATIONS,
) -> Iterator[tuple[str, ...]]:
    """Yield batches of groups of threads, each with at most `most` turns and `conversations` threads if possible."""
    batch: list[str] = []
    size = 0
    for group in groups:
        more = sum(turns.get(one, 0) for one in group)
        if batch and (size + more > most or len(batch) + len(group) > conversations):
            yield tuple(batch)
            batch, size = [], 0
        batch += group
        size += more
    if batch:
        yield tuple(batch)


def in_portions(keys: Iterable[str], most: int = 500) -> Iterator[list[str]]:
    """Yield keys in portions of at most this many."""
    left = iter(keys)
    while some := list(islice(left, most)):
        yield some


def lineage(threads: Iterable[str], origins: Mapping[str, Collection[str]]) -> set[str]:
    """Return threads with all that they come from, by `origins`."""
    found: set[str] = set()
    waiting = [*threads]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += origins.get(one, ())
    return found


# -- clocks ------------------------------------------------------------


def clock_sentence(ours: float, theirs: float | None) -> str:
    """Return what to say about two clocks, both in seconds since 1970, or nothing if they agree within five minutes."""
    if theirs is None or abs(ours - theirs) <= CLOCK_SECONDS:
        return ""
    minutes = round(abs(ours - theirs) / 60)
    what, amount = ("day", minutes // 1440) if minutes >= 2880 else ("hour", minutes // 60)  # noqa: PLR2004  two days
    if minutes < 120:  # noqa: PLR2004  two hours
        what, amount = "minute", minutes
    much = counted(amount, what)
    way = "ahead of" if ours > theirs else "behind"
    return (
        f"This computer's clock is {much} {way} the remote's. Of two changes to the same thing, the one with the later"
        " time wins, so set the clock."
    )
