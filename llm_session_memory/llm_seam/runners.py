"""How the items of a job are asked, by the job's kind: a batch, a rerun or a workflow.

Each kind has a module with a function `runner`, which gets the job. A provider's batch interface (half the price, an
answer within a day) would be one more way to run a batch: the function to choose it in is that of the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from ..model.jobs import Item, Job, JobKind
from ..services.bundle import Services

if TYPE_CHECKING:
    from .working import Runner

_MODULES: Mapping[JobKind, str] = {"batch": "batch_runner", "rerun": "rerunning", "workflow": "workflow_running"}


@dataclass(frozen=True)
class Way:
    """How a job is worked on.

    `run` and `on_failed` are as for `working.work`. `jobs` is how many items may be asked at the same time, if that is
    not for a person to choose. `output` returns what is printed when the job is done.
    """

    run: Runner
    on_failed: Callable[[Item, str], str | None] | None
    jobs: int | None
    output: Callable[[Services], str] | None


def way_of(job: Job) -> Way:
    """Return how a job is worked on. Raises SessionError if llm lacks a model of it, or if it runs commands."""
    run: Runner = import_module(f".{_MODULES[job.kind]}", __package__).runner(job)
    one_by_one = job.kind == "rerun" and not job.settings.get("same_context")  # each is sent with those before it
    return Way(run, getattr(run, "on_failed", None), 1 if one_by_one else None, getattr(run, "output", None))
