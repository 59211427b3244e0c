"""How the items of a job are asked, by the job's kind: a batch, a rerun or a workflow.

A provider's batch interface (half the price, an answer within a day) would be one more way for the kind `batch`: this
is the place that would choose it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import SessionError
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
    on_failed: Callable[[Item, str], str | None] | None = None
    jobs: int | None = None
    output: Callable[[Services], str] | None = None


def way_of(job: Job) -> Way:
    """Return how a job is worked on. Raises SessionError if llm lacks a model of it, or if it runs commands."""
    return _WAYS[job.kind](job)


def _batch(job: Job) -> Way:
    from .batch_runner import runner

    return Way(runner(job))


def _rerun(job: Job) -> Way:
    from .rerunning import runner

    return Way(runner(job), jobs=None if job.settings.get("same_context") else 1)  # each is sent with those before it


def _workflow(job: Job) -> Way:
    from .workflow_running import Run, of_job

    commands = [step.name for step in of_job(job).steps.values() if step.shell is not None]
    if commands:
        resume = shlex.join(["llm", "sessions", "run", "--resume", job.name, "--allow-shell"])
        raise SessionError(f"Step “{commands[0]}” of “{job.name}” runs a command.", f"If you trust it: {resume}")
    run = Run(job)
    return Way(run, run.on_failed, output=run.output)


_WAYS: Mapping[JobKind, Callable[[Job], Way]] = {"batch": _batch, "rerun": _rerun, "workflow": _workflow}
