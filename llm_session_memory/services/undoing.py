"""Use cases for undoing: take the last exchanges out of a session, but not out of the log, and bring them back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import NoSuchSession, SessionError
from ..model import Attempt, Exchange, Filters, Session
from ..rules.words import counted
from ..store import Sessions, history, session_list, undone
from ..store.numbering import Numbering
from .desk import Desk


@dataclass(frozen=True)
class UndoneGroup:
    """Exchanges that were undone together. Each has the number that it would get if its group were brought back now.

    `newer` is how many exchanges of the session would come after the first of them.
    """

    undone_utc: str
    exchanges: tuple[Exchange, ...]
    newer: int

    @property
    def ids(self) -> list[str]:
        """The first turn of each exchange."""
        return [exchange.id for exchange in self.exchanges]


@dataclass(frozen=True)
class Undid:
    """What `undo` took out of a session, and the session's failed prompts after that."""

    session: Session
    exchanges: tuple[Exchange, ...]
    failed: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class Redid:
    """What `redo` brought back into a session, and the newer exchanges that were undone for it."""

    session: Session
    exchanges: tuple[Exchange, ...]
    instead_of: tuple[Exchange, ...] = ()


class Undoing:
    """Takes exchanges out of sessions and brings them back. Only one table of ours changes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = Sessions(desk.log)

    def undo(self, name: str, count: int = 1) -> Undid:
        """Take the last `count` exchanges out of a session. Raises SessionError if there are fewer."""
        session = self._desk.session(name)
        self._desk.prepare()
        with self._desk.writing():
            attempts, turns = self.check_idle(session), self._turns(session)
            if not 1 <= count <= len(turns):
                raise SessionError(*self._too_few(session, turns))
            gone = turns.first[-count:]
            self.take_out(session.thread_id, gone)
        said = self._read(turns, range(len(turns) - count + 1, len(turns) + 1))
        failed = [one for one in attempts if one.answered_by is None and turns.place(one.id) == len(turns)]
        return Undid(session, said, tuple(failed))

    def check_idle(self, session: Session) -> list[Attempt]:
        """Return a session's attempts. Raises SessionError if a prompt is in progress: its reply is still to come."""
        attempts = self._store.attempts.of(session.thread_id)
        if any(attempt.in_progress for attempt in attempts):
            hint = "Wait for its reply, or end the process that sends it. Then try again."
            raise SessionError(f"A prompt in “{session.name}” is still in progress.", hint)
        return attempts

    def take_out(self, thread_id: str, turn_ids: Iterable[str]) -> str:
        """Take exchanges, given by their first turns, out of a thread as one group. Call it inside a transaction.

        Return the group's time, which is later than those of all groups of the thread, whatever the clock says.
        """
        now, latest = self._desk.timestamp(), max(undone.undone_at(self._desk.log, thread_id).values(), default="")
        if now <= latest:
            now = (datetime.fromisoformat(latest) + timedelta(microseconds=1)).isoformat()
        undone.take_out(self._desk.log, thread_id, turn_ids, now)
        return now

    def redo(self, name: str, number: int = 1, *, keep_new: bool = False, undo_new: bool = False) -> Redid:
        """Bring a group of exchanges back into a session: the one undone last, or the one with this number.

        If the session has newer exchanges, they stay after it (`keep_new`), or they are undone (`undo_new`).

        Raises:
            NoSuchSession: the session has no such group
            SessionError: the session has newer exchanges, and nothing says what happens to them
        """
        session = self._desk.session(name)
        self._desk.prepare()
        with self._desk.writing():
            group = self._group(session, number)
            turns = self._turns(session)
            newer = turns.first[len(turns) - group.newer :]
            if newer and not (keep_new or undo_new):
                raise SessionError(*_newer(session, len(turns), group))
            undone.bring_back(self._desk.log, session.thread_id, group.ids)
            replaced = newer if undo_new else []
            if replaced:
                self.take_out(session.thread_id, replaced)
            now = self._turns(session)
        said = self._read(now, [now.numbers()[id_] for id_ in group.ids])
        return Redid(session, said, self._read(turns, [turns.numbers()[id_] for id_ in replaced]))

    def groups(self, name: str) -> Sequence[UndoneGroup]:
        """Return what was undone in a session, the group undone last first."""
        session = self._desk.session(name)
        turns, times = self._turns(session), undone.undone_at(self._desk.log, session.thread_id)
        found: dict[str, list[tuple[int, tuple[str, ...]]]] = {utc: [] for utc in times.values()}
        for ids, after in zip(turns.undone, turns.undone_after, strict=True):
            group = found[times[ids[0]]]
            group.append((after + len(group) + 1, ids))
        return [
            UndoneGroup(utc, tuple(history.exchanges(self._desk.log, group, with_content=False)), newer)
            for utc, group in found.items()
            if group
            for newer in [len(turns) - group[0][0] + 1]
        ]

    def sessions(self) -> list[Session]:
        """Return the sessions that exchanges were undone of, newest use first."""
        threads = set(undone.threads_with_undone(self._desk.log))
        return [one for one in session_list.matching(self._desk.log, Filters()) if one.thread_id in threads]

    def _group(self, session: Session, number: int) -> UndoneGroup:
        groups = self.groups(session.name)
        if not groups:
            raise NoSuchSession(f"No exchange of “{session.name}” was undone, so there is none to bring back.")
        if not 1 <= number <= len(groups):
            hint = f"List them with: {self._desk.command('undo', '--list', session.name)}"
            raise NoSuchSession(f"“{session.name}” has {counted(len(groups), 'undone group')}, no {number}.", hint)
        return groups[number - 1]

    def _too_few(self, session: Session, turns: Numbering) -> tuple[str, str]:
        if not turns:
            return f"Session “{session.name}” has no exchange to undo.", ""
        has = f"Session “{session.name}” has only {counted(len(turns), 'exchange')}."
        return has, f"Undo all of it with: {self._desk.command('undo', session.name, '-n', str(len(turns)))}"

    def _turns(self, session: Session) -> Numbering:
        return history.exchange_turns(self._desk.log, session.thread_id)

    def _read(self, turns: Numbering, numbers: Iterable[int]) -> tuple[Exchange, ...]:
        wanted = [(number, turns.turns(number)) for number in numbers]
        return tuple(history.exchanges(self._desk.log, wanted, with_content=False))


def _newer(session: Session, count: int, group: UndoneGroup) -> tuple[str, str]:
    newest = f"#{count}" if group.newer == 1 else f"#{count - group.newer + 1} to #{count}"
    message = f"“{session.name}” has {counted(group.newer, 'new exchange')} since then ({newest})."
    return message, (
        "To bring back what was undone before the new ones, add --keep-new. To undo the new ones and have the old ones"
        " instead, add --undo-new."
    )
