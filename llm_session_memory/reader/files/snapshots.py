"""A snapshot as the header of a file has it, in the format of `rules.records`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from ...model import Settings, Summary
from ...rules.records import NOTE, said


def snapshot_record(
    row: Mapping[str, Any], numbers: Mapping[str, int], summary_record: Callable[[Summary], dict[str, Any] | None]
) -> dict[str, Any] | None:
    """Return a row of memory_snapshots, or None if its exchange is not in the file, such as one that was undone.

    `numbers` has the numbers of the exchanges in the file by their ids; `summary_record` returns a summary's fields.
    """
    if row["turn_id"] is not None and row["turn_id"] not in numbers:
        return None
    state = json.loads(row["state_json"] or "{}")
    settings, summary = state.get("settings") or {}, state.get("summary")
    pins, notes = (state.get("pins") or {}).items(), state.get("notes") or ()
    values = {
        "settings": said({one.name: settings.get(one.name) for one in fields(Settings)}),
        "pins": [{"exchange": numbers[id_], "pinned": time} for id_, time in pins if id_ in numbers],
        "notes": [{name: note[name] for name in NOTE if name in note} for note in notes],
        "summary": summary_record(_summary(summary)) if summary else None,
        "undone": [numbers[id_] for id_ in state.get("undone") or () if id_ in numbers],
    }
    number = numbers[row["turn_id"]] if row["turn_id"] is not None else 0
    return {"label": row["label"], "exchange": number, "made_utc": row["made_utc"], **said(values)}


def _summary(stored: Mapping[str, Any]) -> Summary:
    """Return a summary as it was stored; a later version may have stored more."""
    return Summary(**{one.name: stored[one.name] for one in fields(Summary) if one.name in stored})
