"""Work on a job until it ends: with a bar on the terminal, and its answers in a file if it was started with -o."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..memory import Memory
from ..model.jobs import Job
from ..rules.safe_text import escaped, one_line
from ..rules.words import counted
from .common import echo, existing_log, opened, progress_line
from .job_options import DEFAULT_JOBS, Limiting
from .job_text import noun, spent, total

if TYPE_CHECKING:
    from ..llm_seam.runners import Way
    from ..llm_seam.working import JobProgress, Worked

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it."""

STANDARD_OUTPUT = "-"
"""What stands for the name of a file of answers that is printed instead, as JSONL."""

_BAR = 20
_MINUTE, _HOUR = 60, 3600
_FAST = 2.0
"""From this many items a second on, the rate is said by the second."""


def work_on(database: str | None, reference: str, limiting: Limiting | None = None) -> None:
    """Work on an open job until it ends, and print what came of it. Raises click's Exit if anything is left or failed.

    `limiting` has what holds instead of what the job was begun with.
    """
    from ..llm_seam.runners import way_of

    with opened(database) as memory:
        job = memory.jobs.get(reference)
    way = way_of(job)
    worked = asked(existing_log(database), job, way, limiting or Limiting(), database)
    with opened(database) as memory:
        if worked.job.state == "done" and way.output is not None and (said := way.output(memory)):
            echo(said)
        _conclude(memory, worked.job, interrupted=worked.interrupted)


def asked(path: Path, job: Job, way: Way, limiting: Limiting, database: str | None) -> Worked:
    """Ask the items of an open job, with a bar on the terminal, and return what has come of it.

    `limiting` has what holds instead of what the job was begun with.
    """
    from ..llm_seam.working import Limits, work

    given = {**job.settings, **limiting.settings}
    with progress_line(noun(job)) as line:
        return work(
            path,
            job,
            way.run,
            on_failed=way.on_failed,
            jobs=way.jobs or given.get("jobs") or DEFAULT_JOBS,
            limits=Limits(given.get("requests_a_minute"), given.get("tokens_a_minute")),
            progress=lambda now: line.say(shown(now, shutil.get_terminal_size().columns)),
            typed=database,
        )


def _conclude(memory: Memory, job: Job, *, interrupted: bool) -> None:
    """Write the file of answers if the job is done, and print what came of it."""
    if job.state == "done" and job.settings.get("output"):
        _write(memory, job)
    echo(_summary(memory, job), err=job.settings.get("output") == STANDARD_OUTPUT)
    if job.state == "open" and interrupted:
        echo("Another process continues it.", err=True)
    elif job.state in ("open", "stopped"):
        reason = f"{job.reason.rstrip('.')}.\n" if job.reason else ""
        echo(f"{reason}Continue with: {memory.desk.command('job', 'resume', job.name)}", err=True)
        if job.max_cost is not None and not interrupted:
            echo("Its limit stays unless you add --max-cost with another one, or with “none”.", err=True)
    failed = job.counts.get("failed", 0)
    if failed:
        see, again = (memory.desk.command("job", *words, job.name) for words in (("show",), ("retry-failed",)))
        them = "it" if failed == 1 else "them"
        echo(f"See what failed with: {see}\nAsk {them} again with: {again}", err=True)
    if interrupted:
        raise click.exceptions.Exit(INTERRUPTED)
    if failed or job.state != "done":
        raise click.exceptions.Exit(1)


def _write(memory: Memory, job: Job) -> None:
    from ..interchange.answer_files import lines_of, write_answers

    if job.settings["output"] == STANDARD_OUTPUT:
        for line in lines_of(memory, job):
            click.echo(escaped(line), nl=False)
        return
    path = Path(str(job.settings["output"]))
    answered = write_answers(memory, job, path, job.settings["output_form"], force=True)
    echo(f"Wrote {counted(answered, 'answer')} to {path}.", err=True)


def _summary(memory: Memory, job: Job) -> str:
    """Return what came of a job, in a sentence."""
    done, of = job.counts.get("done", 0), total(job)
    said = f"{counted(of, noun(job))} done" if done == of else f"{done:,} of {counted(of, noun(job))} done"
    rest = [f"{job.counts.get('failed', 0):,} failed"] if job.counts.get("failed") else []
    rest += [f"{job.counts.get('skipped', 0):,} skipped"] if job.counts.get("skipped") else []
    cost = spent(memory, job)
    session = memory.sessions.of_thread(job.thread_id) if job.thread_id else None
    where = f" Answers: session “{session.name}”." if session and done else ""
    return f"{', '.join([f'Job “{job.name}”: {said}', *rest, *([cost] if cost else [])])}.{where}"


# -- the bar -----------------------------------------------------------------


def shown(now: JobProgress, width: int) -> str:
    """Return a line of progress that fits a terminal: a bar, the rate, what it has cost and the time left."""
    full = round(_BAR * now.ended / now.total) if now.total else _BAR
    parts = [f"{'█' * full}{'·' * (_BAR - full)} {now.ended:,} of {now.total:,}"]
    if failed := now.job.counts.get("failed"):
        parts.append(f"{failed:,} failed")
    if now.a_minute is not None:
        fast = now.a_minute / _MINUTE >= _FAST
        parts.append(f"{now.a_minute / _MINUTE:,.0f} a second" if fast else f"{now.a_minute:,.0f} a minute")
    if now.job.spent_usd:
        parts.append(f"${now.job.spent_usd:,.2f}" if now.job.spent_usd >= 0.01 else "under $0.01")  # noqa: PLR2004  a cent
    if now.stopping:
        parts.append("stopping; Ctrl-C again stops at once")
    elif now.waits >= 1:
        parts.append(f"waiting {round(now.waits)} s: {now.waits_for}")
    elif now.seconds_left is not None:
        parts.append(f"{_duration(now.seconds_left)} left")
    return one_line(", ".join(parts), max(width - 1, 1))


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{round(seconds)} s"
    if seconds < _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    return f"{int(seconds // _HOUR)} h {round(seconds % _HOUR / _MINUTE)} min"
