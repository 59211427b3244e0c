"""What asks the items of a job, by the job's kind: a batch, a rerun or a workflow.

Each kind has a module with a function `runner`, which gets the job. A provider's batch interface (half the price, an
answer within a day) would be one more way to run a batch: the function to choose it in is that of the kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from ..model.jobs import Job, JobKind

if TYPE_CHECKING:
    from .working import Runner

_MODULES: Mapping[JobKind, str] = {"batch": "batch_runner", "rerun": "rerunning", "workflow": "workflow_running"}


def runner_of(job: Job) -> Runner:
    """Return what asks the items of a job. Raises SessionError if a model of the job is not found."""
    found: Runner = import_module(f".{_MODULES[job.kind]}", __package__).runner(job)
    return found
