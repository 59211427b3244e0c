"""What is pushed and pulled, and what came of it. No prompt needs these, so import them from here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SyncScope:
    """Which conversations a push, a pull or a status is about.

    By default all sessions, which have names, and the conversations without a name that went there before. `session` is
    the name of one session, or the id of its conversation; `project` the name of a project. `everything`: all
    conversations, those without a name too. What the remote excludes never goes, whatever the scope.
    """

    session: str | None = None
    project: str | None = None
    everything: bool = False


@dataclass(frozen=True)
class Held:
    """Sessions that are not sent, and why: `reason` is one of `HELD`. `there`: those that the remote has even so."""

    reason: str
    names: tuple[str, ...]
    there: tuple[str, ...] = ()


HELD = {
    "private": "private",
    "sealed": "sealed",
    "tag": "with a tag that the remote excludes",
    "project": "not in the remote's project",
    "fork": "forked from a session that is held back",
    "branch": "a branch of a session that is held back",
    "recall": "with excerpts from a session that is held back",
}
"""Why sessions are held back, in words."""


@dataclass(frozen=True)
class Standing:
    """A conversation that is not the same here and on the remote.

    `ahead` is how many calls only this log has, and `behind` how many only the remote has. `changed`: something that
    people change differs, such as its settings, notes or tags.
    """

    thread_id: str
    name: str
    ahead: int = 0
    behind: int = 0
    changed: bool = False


@dataclass(frozen=True)
class Status:
    """What a push and a pull would have to do.

    `deleted_here` and `deleted_there` count the deletions that the other side doesn't know yet, of exchanges, calls and
    conversations. `conflicts` counts the rows that lost to newer ones and are kept. `clock` is a sentence if this
    machine's clock and the remote's differ by more than five minutes, or empty.
    """

    standings: tuple[Standing, ...] = ()
    deleted_here: int = 0
    deleted_there: int = 0
    conflicts: int = 0
    held: tuple[Held, ...] = ()
    clock: str = ""

    @property
    def in_sync(self) -> bool:
        """Whether there is nothing to push or pull."""
        return not (self.standings or self.deleted_here or self.deleted_there)


@dataclass(frozen=True)
class Moved:
    """What a push or a pull moved, or would move.

    `conversations` and `turns` are new on the other side; `messages`, `fragments` and `attachments` were sent with
    them. `tombstones` are deletions that the other side did not know, and `deleted` the exchanges or calls that went
    there because of them. `changed` are the rows of settings, notes and so on that were newer, or on a push the
    conversations of which such rows went. `branches` are the names of the sessions that each conversation became that
    continued in two places. `renamed` are the sessions that have another name here than elsewhere, with both names.
    `conflicts` are rows that lost to newer ones, and `stayed` says why something deleted elsewhere is still here.
    """

    conversations: int = 0
    turns: int = 0
    messages: int = 0
    fragments: int = 0
    attachments: int = 0
    tombstones: int = 0
    deleted: int = 0
    changed: int = 0
    branches: tuple[tuple[str, ...], ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    conflicts: int = 0
    stayed: tuple[str, ...] = ()
    clock: str = ""

    def __add__(self, other: Moved) -> Moved:
        """Return what two batches moved together."""
        return Moved(
            self.conversations + other.conversations,
            self.turns + other.turns,
            self.messages + other.messages,
            self.fragments + other.fragments,
            self.attachments + other.attachments,
            self.tombstones + other.tombstones,
            self.deleted + other.deleted,
            self.changed + other.changed,
            self.branches + other.branches,
            self.renamed + other.renamed,
            self.conflicts + other.conflicts,
            (*dict.fromkeys(self.stayed + other.stayed),),
            self.clock or other.clock,
        )

    @property
    def nothing(self) -> bool:
        """Whether nothing was moved."""
        counts = (self.conversations, self.turns, self.tombstones, self.deleted, self.changed, self.conflicts)
        return not (any(counts) or self.branches or self.renamed)
