"""Read and store the snapshots of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from dataclasses import fields as fields_of

from ..errors import SessionError
from ..model import Note, Settings, Summary
from ..rules.limits import checked_label
from ..rules.names import key
from ..rules.records import NOTE, PIN, SNAPSHOT, SUMMARY
from ..services.snapshots import SnapshotState
from ..store import Log, snapshots
from . import beside
from .fields import Fields
from .lines import FileRefused
from .settings import settings_of


@dataclass(frozen=True)
class SnapshotRecord:
    """A snapshot, with exchanges as numbers. `exchange`: 0 if it was made before the first one."""

    label: str
    exchange: int
    made_utc: str
    settings: Settings
    pins: Mapping[int, str]
    notes: tuple[Note, ...]
    summary: tuple[int, int, Summary] | None
    undone: tuple[int, ...]


def read(header: Fields) -> tuple[SnapshotRecord, ...]:
    """Return the snapshots of a header. Raises FileRefused."""
    found = tuple(_snapshot(one) for one in header.each("snapshots", "snapshot", SNAPSHOT))
    if len({key(one.label) for one in found}) < len(found):
        raise FileRefused(f"{header.place} has two snapshots with the same label.")
    return found


def _snapshot(fields: Fields) -> SnapshotRecord:
    settings = fields.inner("settings", tuple(one.name for one in fields_of(Settings)))
    summary = fields.inner("summary", SUMMARY)
    return SnapshotRecord(
        label=_label(fields),
        exchange=fields.whole("exchange") or 0,
        made_utc=fields.time("made_utc"),
        settings=settings_of(settings) if settings else Settings(),
        pins={one.whole("exchange") or 0: one.time("pinned") for one in fields.each("pins", "pin", PIN)},
        notes=tuple(map(beside.note_of, fields.each("notes", "note", NOTE))),
        summary=beside.summary_of(summary) if summary else None,
        undone=tuple(fields.wholes("undone")),
    )


def _label(fields: Fields) -> str:
    try:
        label = checked_label(fields.needed_text("label"))
    except FileRefused:
        raise
    except SessionError as error:
        raise FileRefused(f"{fields.place}: {error}") from error
    if label.isdigit():
        raise fields.wrong("label", "a label that is not a number")
    return label


def keep(
    log: Log, thread_id: str, what: tuple[SnapshotRecord, ...], first_turn: Callable[[int], str | None], now: str
) -> None:
    """Store snapshots. `first_turn` returns an exchange's id. A snapshot after a missing exchange is left out."""
    for one in what:
        turn_id = first_turn(one.exchange) if one.exchange else None
        if one.exchange and turn_id is None:
            continue
        pins = {id_: time or now for number, time in one.pins.items() if (id_ := first_turn(number))}
        undone = tuple(id_ for id_ in map(first_turn, one.undone) if id_)
        state = SnapshotState(one.settings, pins, one.notes, _summary(one, first_turn), undone)
        stored = json.dumps(asdict(state), ensure_ascii=False)
        snapshots.add(
            log, thread_id, one.label, {"turn_id": turn_id, "state_json": stored, "made_utc": one.made_utc or now}
        )


def _summary(one: SnapshotRecord, first_turn: Callable[[int], str | None]) -> Summary | None:
    if one.summary is None:
        return None
    first, last, summary = one.summary
    start, end = first_turn(first), first_turn(last)
    return replace(summary, first_turn_id=start, last_turn_id=end) if start and end else None
