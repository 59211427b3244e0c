"""Use cases for snapshots: named points in a session to go back to.

A snapshot has the session's last exchange, and its settings, pins, notes and summary at that time. To go back to it,
later exchanges are undone, so nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ..errors import NoSuchSession, SessionError
from ..model import Exchange, Note, Session, Settings, Summary
from ..rules.limits import LONGEST_LABEL, checked_label
from ..rules.names import key, near
from ..store import Notes, Sessions, history, snapshots, undone
from ..store.numbering import Numbering
from .desk import Desk
from .undoing import Undoing

_BEFORE = "before restoring: {label}"


@dataclass(frozen=True)
class SnapshotState:
    """What a snapshot keeps beside its exchange. `pins` has times by the ids of exchanges.

    `undone` has the exchanges that were undone at that time; `summary` is None if none was in use.
    """

    settings: Settings
    pins: Mapping[str, str]
    notes: tuple[Note, ...]
    summary: Summary | None
    undone: tuple[str, ...] = ()


@dataclass(frozen=True)
class SnapshotPoint:
    """A snapshot of a session. `number` is that of its last exchange: 0 if it has none, None if that is undone."""

    id: int
    session: Session
    label: str
    number: int | None
    turn_id: str | None
    made_utc: str
    state: SnapshotState


@dataclass(frozen=True)
class RestoredPoint:
    """What `restore` undid and brought back, and the label of the snapshot that it made of the point before, if any."""

    point: SnapshotPoint
    undid: tuple[Exchange, ...]
    brought_back: tuple[Exchange, ...]
    kept: str | None


class Snapshots:
    """The snapshots of a log's sessions."""

    def __init__(self, desk: Desk, undoing: Undoing) -> None:
        self._desk = desk
        self._undoing = undoing
        self._store = Sessions(desk.log)
        self._notes = Notes(desk.log)

    def make(self, name: str, label: str) -> SnapshotPoint:
        """Keep the present point of a session under a label. Raises SessionError if the label is refused or taken."""
        kept = checked_label(label)
        if kept.isdigit():
            raise SessionError(f"“{kept}” can't be a label.", "It would be taken for the number of an exchange.")
        session = self._desk.session(name)
        self._desk.prepare()
        with self._desk.writing():
            self._add(session, kept, self._turns(session))
        return self.get(name, kept)

    def list(self, name: str | None = None) -> Sequence[SnapshotPoint]:
        """Return the snapshots of a session, or of all, oldest first."""
        session = self._desk.session(name) if name is not None else None
        rows = snapshots.snapshots(self._desk.log, session.thread_id if session else None)
        known: dict[str, tuple[Session, Numbering]] = {}
        found: list[SnapshotPoint] = []
        for row in rows:
            if row["thread_id"] not in known:
                of_thread = session or self._store.session_of_thread(row["thread_id"])
                if of_thread is None:
                    continue
                known[row["thread_id"]] = of_thread, self._turns(of_thread)
            found.append(_point(row, *known[row["thread_id"]]))
        return found

    def get(self, name: str, label: str) -> SnapshotPoint:
        """Return a snapshot by its label; case doesn't matter. Raises NoSuchSession."""
        found = {key(point.label): point for point in self.list(name)}
        if key(label) in found:
            return found[key(label)]
        session, like = self._desk.session(name), near(label, [point.label for point in found.values()])
        hint = f"Did you mean “{like}”?" if like else f"List them with: {self._desk.command('snapshots', session.name)}"
        if not found:
            hint = f"It has none yet. Make one with: {self._desk.command('snapshot', session.name, label)}"
        raise NoSuchSession(f"Session “{session.name}” has no snapshot “{label}”.", hint)

    def number(self, name: str, label: str) -> int:
        """Return the number of a snapshot's exchange. Raises NoSuchSession if it has none or if that was undone."""
        point = self.get(name, label)
        if point.number:
            return point.number
        if point.number == 0:
            raise NoSuchSession(f"The snapshot “{point.label}” was made before the first exchange.")
        hint = f"Go back to it first: {self._desk.command('restore', point.session.name, point.label)}"
        raise NoSuchSession(f"The exchange of the snapshot “{point.label}” was undone.", hint)

    def labels(self, name: str) -> Mapping[str, Sequence[str]]:
        """Return the labels of a session's snapshots by the first turn of their exchange."""
        return snapshots.labels(self._desk.log, self._desk.session(name).thread_id)

    def delete(self, name: str, label: str) -> SnapshotPoint:
        """Delete a snapshot, and nothing else. Raises NoSuchSession."""
        self._desk.prepare()
        with self._desk.writing():
            point = self.get(name, label)
            snapshots.delete(self._desk.log, point.id)
        return point

    def restore(self, name: str, label: str) -> RestoredPoint:
        """Go back to a snapshot: its exchanges, settings, pins, notes and summary.

        Later exchanges are undone as one group. If anything else changes, the present state is kept as a snapshot.
        Raises NoSuchSession, or SessionError if a prompt is in progress or the snapshot's exchange was deleted.
        """
        self._desk.prepare()
        with self._desk.writing():
            point = self.get(name, label)
            session = point.session
            self._undoing.check_idle(session)
            now = self._turns(session)
            then = self._exchanges_then(point, now)
            gone = [id_ for id_ in now.first if id_ not in then]
            back = [id_ for id_ in now.every() if id_ in then and id_ not in now.numbers()]
            kept = None
            if back or _differ(point.state, self._state(session, now)):
                kept = self._free_label(session, point.label)
                self._add(session, kept, now)
            if gone:
                self._undoing.take_out(session.thread_id, gone)
            undone.bring_back(self._desk.log, session.thread_id, back)
            after = self._turns(session)
            self._store.set_settings(session.thread_id, point.state.settings)
            self._put_back(session.thread_id, point.state, after.numbers())
        return RestoredPoint(self.get(name, label), self._read(now, gone), self._read(after, back), kept)

    def give(self, point: SnapshotPoint, fork: Session) -> None:
        """Give a fork that was made at a snapshot its pins, notes and summary. Call it inside a transaction."""
        self._put_back(fork.thread_id, point.state, self._turns(fork).numbers())

    def _exchanges_then(self, point: SnapshotPoint, now: Numbering) -> frozenset[str]:
        """Return the exchanges that the session had at a snapshot. Raises SessionError if its last one was deleted."""
        if point.turn_id is None:
            return frozenset()
        every = now.every()
        if point.turn_id not in every:
            message = f"The exchange of the snapshot “{point.label}” is no longer in the log."
            raise SessionError(message, "Delete the snapshot with --delete.")
        return frozenset(every[: every.index(point.turn_id) + 1]) - {*point.state.undone}

    def _free_label(self, session: Session, label: str) -> str:
        taken = {key(row["label"]) for row in snapshots.snapshots(self._desk.log, session.thread_id)}
        base = _BEFORE.format(label=label)
        if len(base) > LONGEST_LABEL - 6:
            base = base[: LONGEST_LABEL - 6] + "…"
        return next(one for one in _numbered(base) if key(one) not in taken)

    def _add(self, session: Session, label: str, turns: Numbering) -> None:
        state, last = self._state(session, turns), turns.first[-1] if turns else None
        stored = json.dumps(asdict(state), ensure_ascii=False)
        row = {"turn_id": last, "state_json": stored, "made_utc": self._desk.timestamp()}
        snapshots.add(self._desk.log, session.thread_id, label, row)

    def _state(self, session: Session, turns: Numbering) -> SnapshotState:
        """Return a session's present state."""
        thread_id = session.thread_id
        usable = [one for one in self._notes.summaries(thread_id) if one.is_usable(turns.numbers())]
        return SnapshotState(
            settings=session.settings,
            pins=self._store.pin_times(thread_id),
            notes=tuple(self._notes.notes(thread_id)),
            summary=next(iter(usable), None),
            undone=tuple(ids[0] for ids in turns.undone),
        )

    def _put_back(self, thread_id: str, state: SnapshotState, numbers: Mapping[str, int]) -> None:
        """Replace pins and notes, and use the summary of that time again if another one is in use."""
        for turn_id in self._store.pins(thread_id):
            self._store.unpin(thread_id, turn_id)
        for turn_id, pinned_utc in state.pins.items():
            if turn_id in numbers:
                self._store.pin(thread_id, turn_id, pinned_utc)
        for note in self._notes.notes(thread_id):
            self._notes.delete_note(thread_id, note.id)
        for note in state.notes:
            self._notes.add_note(thread_id, note.text, note.author, note.created_utc)
        usable = (one for one in self._notes.summaries(thread_id) if one.is_usable(numbers))
        in_use, wanted = next(usable, None), state.summary
        if wanted is not None and wanted.is_usable(numbers) and (in_use is None or in_use.text != wanted.text):
            again = replace(wanted, input_tokens=None, output_tokens=None, duration_ms=None)  # it cost nothing again
            self._notes.add_summary(thread_id, again)

    def _turns(self, session: Session) -> Numbering:
        return history.exchange_turns(self._desk.log, session.thread_id)

    def _read(self, turns: Numbering, ids: Iterable[str]) -> tuple[Exchange, ...]:
        numbered = [(number, turns.turns(number)) for number in (turns.numbers()[id_] for id_ in ids)]
        return tuple(history.exchanges(self._desk.log, numbered, with_content=False))


def _point(row: Mapping[str, Any], session: Session, turns: Numbering) -> SnapshotPoint:
    number = 0 if row["turn_id"] is None else turns.number_of(row["turn_id"])
    state = _state_of(json.loads(row["state_json"] or "{}"))
    return SnapshotPoint(row["id"], session, row["label"], number, row["turn_id"], row["made_utc"], state)


def _state_of(stored: Mapping[str, Any]) -> SnapshotState:
    summary, notes = stored.get("summary"), stored.get("notes") or ()
    return SnapshotState(
        settings=Settings(**_known(Settings, stored.get("settings") or {})),
        pins=dict(stored.get("pins") or {}),
        notes=tuple(Note(**_known(Note, note)) for note in notes),
        summary=Summary(**_known(Summary, summary)) if summary else None,
        undone=tuple(stored.get("undone") or ()),
    )


def _known(kind: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a value of this kind has of what was stored: a later version may store more."""
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in stored.items() if name in names}


def _differ(then: SnapshotState, now: SnapshotState) -> bool:
    """Return whether settings, pins, notes or summary differ."""
    notes = [[(note.text, note.author) for note in state.notes] for state in (then, now)]
    summaries = [state.summary.text if state.summary else None for state in (then, now)]
    lost = summaries[0] is not None and summaries[0] != summaries[1]
    return lost or notes[0] != notes[1] or then.settings != now.settings or then.pins.keys() != now.pins.keys()


def _numbered(base: str) -> Iterable[str]:
    yield base
    number = 1
    while True:
        number += 1
        yield f"{base} ({number})"
