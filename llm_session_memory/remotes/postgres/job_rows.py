"""The jobs of a remote as values. Whoever can write to that database may have written anything into the rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...model.jobs import Item, ItemState, Job, JobState
from ...rules.safe_text import one_line

_STATES = ("waiting", "running", "done", "failed", "skipped", "cancelled")
_LONGEST_ID, _LONGEST_ERROR = 200, 500


@dataclass(frozen=True)
class Offer:
    """What workers could ask now: items for a model, with these tools. `queue` is DBOS's name for them."""

    queue: str
    model: str
    is_async: bool
    tools: tuple[str, ...]


@dataclass(frozen=True)
class Ticket:
    """What DBOS gives a worker: an item, and which of its workflows this is."""

    job_id: str
    position: int
    number: int

    @property
    def place(self) -> dict[str, Any]:
        """The values that name it in SQL."""
        return {"job_id": self.job_id, "position": self.position, "ticket": self.number}


def offer_of(row: Mapping[str, Any]) -> Offer:
    """Return what workers could ask now. Tools that can't be read become ones that nobody allows."""
    tools = tuple(map(str, row["tools"])) if isinstance(row["tools"], list) else ("?",)
    return Offer(row["name"], one_line(row["model"], _LONGEST_ID), row["is_async"], tools)


def queue_of(model: str, tools: list[str], *, is_async: bool) -> str:
    """Return the name of the queue for a model, with tools."""
    return " ".join(["ask", model, *(["async"] if is_async else []), *(["with", *tools] if tools else [])])


def job_of(row: Mapping[str, Any]) -> Job:
    """Return a job."""
    settings = row["settings"] if isinstance(row["settings"], dict) else {}
    known: tuple[JobState, ...] = ("open", "done", "stopped", "cancelled")
    return Job(
        *(row["id"], one_line(row["name"], 200), "batch", settings, row["created_utc"]),
        state=row["state"] if row["state"] in known else "stopped",
        reason=_short(row["reason"], _LONGEST_ERROR),
        thread_id=row["thread_id"],
        max_cost=_dollars(row["max_cost_usd"]),
        spent_usd=_dollars(row["spent_usd"]),
        counts={"waiting": row["items"]},
    )


def item_of(row: Mapping[str, Any]) -> Item:
    """Return an item to ask."""
    given = row["input"] if isinstance(row["input"], dict) else {}
    return Item(
        *(row["job_id"], row["position"], row["key"], given),
        id=row["id"],
        model=row["model"],
        state=row["state"],
        tries=row["tries"],
    )


def outcome_of(job_id: str, row: Mapping[str, Any]) -> Item:
    """Return what came of an item. Whoever can write there may have written anything."""
    state: ItemState = row["state"] if row["state"] in _STATES else "failed"
    return Item(
        *(job_id, row["position"], "", {}),
        state=state,
        tries=row["tries"],
        error=_short(row["error"], _LONGEST_ERROR),
        model=_short(row["model"]),
        thread_id=_short(row["thread_id"]),
        turn_id=_short(row["turn_id"]),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        duration_ms=row["duration_ms"],
        cost_usd=_dollars(row["cost_usd"]),
        started_utc=row["started_utc"],
        ended_utc=row["ended_utc"],
    )


def _short(text: str | None, width: int = _LONGEST_ID) -> str | None:
    return None if text is None else one_line(text, width)


def _dollars(value: float | None) -> float | None:
    """Return an amount, or None if it is not a number that can be summed."""
    return value if value is not None and math.isfinite(value) else None
