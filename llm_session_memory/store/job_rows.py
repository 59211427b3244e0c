"""Rows of jobs and of their items as values.

Something else may have written to the tables, so any text may be invalid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from ..model.jobs import Item, ItemState, Job
from ..rules.money import stored


def job_of(row: Mapping[str, Any], counts: Mapping[ItemState, int]) -> Job:
    """Return the job of a row of memory_jobs. `counts` has the number of its items by state."""
    return Job(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        settings=json_object(row["settings_json"]),
        created_utc=row["created_utc"],
        state=row["state"],
        reason=row["reason"],
        thread_id=row["thread_id"],
        definition=row["definition"],
        inputs=json_object(row["inputs_json"]),
        max_cost=stored(row["max_cost_usd"]),
        spent_usd=stored(row["spent_usd"]),
        ended_utc=row["ended_utc"],
        counts=counts,
    )


def item_of(row: Mapping[str, Any]) -> Item:
    """Return the item of a row of memory_job_items."""
    needs = _value(row["needs_json"])
    return Item(
        job_id=row["job_id"],
        position=row["position"],
        key=row["key"],
        input=json_object(row["input_json"]),
        id=row["id"],
        kind=row["kind"],
        model=row["model"],
        needs=tuple(one for one in needs if isinstance(one, int)) if isinstance(needs, list) else (),
        state=row["state"],
        tries=row["tries"],
        error=row["error"],
        thread_id=row["thread_id"],
        turn_id=row["turn_id"],
        output=_value(row["output_json"]),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        duration_ms=row["duration_ms"],
        cost_usd=stored(row["cost_usd"]),
        not_before_utc=row["not_before_utc"],
        started_utc=row["started_utc"],
        ended_utc=row["ended_utc"],
    )


def json_object(text: str | None) -> dict[str, Any]:
    """Return a JSON object, or an empty one if the text is none."""
    found = _value(text)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _value(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
