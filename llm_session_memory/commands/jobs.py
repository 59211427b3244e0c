"""`llm sessions jobs` and `job`: many prompts that were started together by `batch`, `rerun` or `run`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click_default_group import DefaultGroup
from tabulate import tabulate

from ..memory import Memory
from ..model.jobs import Item, Job
from ..rules.safe_text import escaped
from ..rules.words import counted
from .common import as_json, echo, local_time, opened, session_command
from .elsewhere import cancelled, deleted_there, heard, is_elsewhere
from .job_argument import job_argument
from .job_text import item_fields, item_line, job_fields, job_lines, noun, progress, spent, state, total
from .resuming import resume_command, retry_failed_command, work_command
from .working import STANDARD_OUTPUT

_MOST = 20
"""How many jobs, and how many failed items, are listed."""


@session_command("jobs", short_help="List jobs: batches, reruns and workflows")
@click.option("-n", "--limit", type=click.IntRange(min=0), default=_MOST, help=f"How many to list, 0 for all [{_MOST}]")
@click.option("--json", "json_", is_flag=True, help="Output as JSON")
def jobs_command(limit: int, json_: bool, database: str | None) -> None:
    """List jobs (batches, reruns and workflows), newest first, and how far each one is.

    \b
        llm sessions jobs
        llm sessions job show prompts-2026-11-28-1
    """
    with opened(database) as memory:
        found = memory.jobs.list(limit or None)
        if any(map(is_elsewhere, found)):
            found = heard(memory, found)
        if json_:
            as_json([job_fields(memory, job) for job in found])
            return
        rows = [
            (
                *(job.name, job.kind, state(job, is_worked_on=memory.jobs.is_worked_on(job)), progress(job)),
                *(spent(memory, job), local_time(job.created_utc)),
            )
            for job in found
        ]
    if rows:
        headers = ("job", "kind", "state", "progress", "cost", "started")
        echo(tabulate(rows, headers, tablefmt="plain", disable_numparse=True))
    else:
        echo("There are no jobs. Start one with: llm sessions batch FILE -m MODEL", err=True)


@click.group("job", cls=DefaultGroup, default="show", short_help="Show, resume, cancel or delete a job")
def job_command() -> None:
    """Show, continue or end a job. JOB is its name, its id, or the beginning of its id.

    A job is a batch, a rerun or the run of a workflow. List jobs with: llm sessions jobs
    """


@session_command("show", short_help="Show a job [default]")
@job_argument
@click.option("--items", is_flag=True, help="List all items, not only those that failed")
@click.option(
    *("-o", "--output"),
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write the answers so far to a .jsonl or .csv file (- prints them as JSONL)",
)
@click.option("--force", is_flag=True, help="Replace the file if it already exists")
@click.option("--json", "json_", is_flag=True, help="Output the job as JSON, with --items its items too")
def show_command(
    name: str,
    items: bool,
    output: Path | None,
    force: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Show how far a job is, what it has cost, and what went wrong. With -o, write its answers to a file.

    \b
        llm sessions job show prompts-2026-11-28-1
        llm sessions job show prompts-2026-11-28-1 -o answers.csv
    """
    with opened(database) as memory:
        job = memory.jobs.get(name)
        if is_elsewhere(job):
            (job,) = heard(memory, [job])
        if output is not None:
            _write(memory, job, output, force=force)
        elif json_:
            shown = [*map(item_fields, memory.jobs.items(job))] if items else None
            as_json(job_fields(memory, job) | ({} if shown is None else {"item_list": shown}))
        else:
            for line in job_lines(memory, job):
                echo(line)
            _list(memory, job, everything=items)


def _write(memory: Memory, job: Job, output: Path, *, force: bool) -> None:
    from ..interchange.answer_files import form_of, lines_of, write_answers

    if str(output) == STANDARD_OUTPUT:
        for line in lines_of(memory, job):
            click.echo(escaped(line), nl=False)
        return
    answered = write_answers(memory, job, output, form_of(output), force=force)
    echo(f"Wrote {counted(answered, 'answer')} of {counted(total(job), noun(job))} to {output}.")


def _list(memory: Memory, job: Job, *, everything: bool) -> None:
    """List the items of a job: all, or the first that failed."""
    found: Iterator[Item] = memory.jobs.items(
        job, None if everything else "failed", limit=None if everything else _MOST
    )
    for item in found:
        echo(item_line(item))
    failed = job.counts.get("failed", 0)
    if failed > _MOST and not everything:
        echo(f"… and {failed - _MOST:,} more that failed. See all items with --items.")


@session_command("cancel", short_help="Cancel a job: nothing more is sent")
@job_argument
def cancel_command(name: str, database: str | None) -> None:
    """Cancel a job. Items already being asked still get answers; the rest are not asked. What is done stays in the log.

    \b
        llm sessions job cancel prompts-2026-11-28-1
    """
    with opened(database) as memory:
        job = memory.jobs.get(name)
        job = cancelled(memory, job) if is_elsewhere(job) else memory.jobs.cancel(job)
    echo(f"Cancelled job “{job.name}”: {progress(job)}.")


@session_command("delete", short_help="Delete a job; its answers stay in the log")
@job_argument
def delete_command(name: str, database: str | None) -> None:
    """Delete a job and the list of its items. Its answers stay in their sessions.

    \b
        llm sessions job delete prompts-2026-11-28-1
    """
    with opened(database) as memory:
        job = memory.jobs.get(name)
        if is_elsewhere(job):
            deleted_there(memory, job)
        job = memory.jobs.delete(job)
    done = job.counts.get("done", 0)
    echo(f"Deleted job “{job.name}”. Its {counted(done, 'answer')} {'stays' if done == 1 else 'stay'} in the log.")


for _command in (
    *(show_command, resume_command, retry_failed_command),
    *(work_command, cancel_command, delete_command),
):
    job_command.add_command(_command)
