"""Jobs as frozen values: many prompts that are asked, each an item that is done once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from .frozen import dataclass

JobKind = Literal["batch", "workflow", "rerun"]

JobState = Literal["open", "done", "stopped", "cancelled"]
"""`stopped`: it ended before all its items were asked, for example at its cost; `resume` continues it."""

ItemState = Literal["waiting", "running", "done", "failed", "skipped", "cancelled"]
"""`skipped`: a step of a workflow whose condition did not hold, or one that it needs failed."""


@dataclass(frozen=True)
class Item:
    """One prompt of a job, or one step of a workflow.

    `position` counts from 1 and orders the items. `key` is a hash of what is asked, so that nothing is asked twice in
    one job. `id` is what its file calls it. `kind` is "prompt", or that of a step without a model. `input` has the
    prompt and what differs from the job's settings. `needs` are the positions of the items that must end before.
    `thread_id` and `turn_id` are where the answer is in the log; `output` is the value of a step without a model.
    `tries` is how often it was asked. `input_tokens`, `output_tokens` and `duration_ms` are of all calls of its answer;
    `cost_usd` is None if the price is unknown or the model is local.
    """

    job_id: str
    position: int
    key: str
    input: Mapping[str, Any]
    id: str | None = None
    kind: str = "prompt"
    model: str | None = None
    needs: tuple[int, ...] = ()
    state: ItemState = "waiting"
    tries: int = 0
    error: str | None = None
    thread_id: str | None = None
    turn_id: str | None = None
    output: Any = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    duration_ms: int | None = None
    cost_usd: float | None = None
    not_before_utc: str | None = None
    started_utc: str | None = None
    ended_utc: str | None = None


@dataclass(frozen=True)
class Job:
    """A job: what holds for all its items, and how far it is.

    `settings` is what its command was told (model, system prompt, options, limits, ...), as a JSON object; `definition`
    the text of a workflow's file, `inputs` that workflow's inputs. `thread_id` is the session of all its items; None if
    each has one of its own. `max_cost` and `spent_usd` are in US dollars; `spent_usd` is None if no
    answer has a known cost. `counts` has the number of items by state.
    """

    id: str
    name: str
    kind: JobKind
    settings: Mapping[str, Any]
    created_utc: str
    state: JobState = "open"
    reason: str | None = None
    thread_id: str | None = None
    definition: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    max_cost: float | None = None
    spent_usd: float | None = None
    ended_utc: str | None = None
    counts: Mapping[ItemState, int] = field(default_factory=dict)
