"""`llm sessions job resume`, `retry-failed` and `work`: continue a job."""

from __future__ import annotations

import click

from ..errors import SessionError
from ..rules.words import counted
from .common import opened, session_command
from .elsewhere import is_elsewhere, refuse_working, resumed
from .job_argument import job_argument
from .job_options import Limiting, limit_options
from .job_text import noun
from .working import work_on


@session_command("resume", short_help="Continue a job that stopped or was interrupted")
@job_argument
@limit_options
def resume_command(name: str, limiting: Limiting, database: str | None) -> None:
    """Continue a job that stopped, was cancelled or was interrupted. What is done is not asked again.

    The job keeps the limits that it was started with, unless you give others. Failed items stay failed: see
    retry-failed.

    \b
        llm sessions job resume prompts-2026-11-28-1
        llm sessions job resume prompts-2026-11-28-1 --max-cost 10
    """
    from ..llm_seam.runners import way_of

    changed = {"max_cost": limiting.max_cost} if limiting.max_cost is not None or limiting.no_max_cost else {}
    with opened(database) as memory:
        job = memory.jobs.get(name)
        if is_elsewhere(job):
            resumed(memory, job, changed)
            return
        way_of(job)  # whatever can't be worked on stays as it is
        job = memory.jobs.resume(job, **changed)
        if not (job.counts.get("waiting") or job.counts.get("running")):
            failed = job.counts.get("failed", 0)
            retry = memory.desk.command("job", "retry-failed", job.name)
            hint = f"{counted(failed, noun(job))} failed. Ask again with: {retry}" if failed else ""
            raise SessionError(f"Job “{job.name}” has nothing left to ask.", hint)
    work_on(database, job.id, limiting)


@session_command("retry-failed", short_help="Ask again what failed")
@job_argument
@limit_options
def retry_failed_command(name: str, limiting: Limiting, database: str | None) -> None:
    """Ask a job's failed items again, and whatever else is left.

    \b
        llm sessions job retry-failed prompts-2026-11-28-1 -j 1
    """
    from ..llm_seam.runners import way_of

    changed = {"max_cost": limiting.max_cost} if limiting.max_cost is not None or limiting.no_max_cost else {}
    with opened(database) as memory:
        job = memory.jobs.get(name)
        if is_elsewhere(job):
            resumed(memory, job, changed, failed=True)
            return
        way_of(job)  # as above
        job = memory.jobs.retry_failed(job)
        if changed:
            memory.jobs.resume(job, **changed)
    work_on(database, job.id, limiting)


@session_command("work", short_help="Help another process with a job")
@job_argument
@limit_options
def work_command(name: str, limiting: Limiting, database: str | None) -> None:
    """Help the process that started a job. Each item is asked by only one of them.

    Limits per minute apply to each process separately.

    \b
        llm sessions job work prompts-2026-11-28-1 -j 4
    """
    with opened(database) as memory:
        job = memory.jobs.get(name)
        refuse_working(memory, job)
        if limiting.max_cost is not None or limiting.no_max_cost:
            raise click.UsageError("--max-cost limits the whole job. Change it with: llm sessions job resume JOB")
        if job.state != "open":
            resume = memory.desk.command("job", "resume", job.name)
            hint = "" if job.state == "done" else f"Continue it with: {resume}"
            raise SessionError(f"Job “{job.name}” is {job.state}.", hint)
    work_on(database, job.id, limiting)
