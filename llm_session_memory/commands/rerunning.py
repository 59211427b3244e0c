"""`llm sessions rerun`: ask the prompts of a session again, with another model or other settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ..llm_seam.shape import check
from ..memory import Memory
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import echo, opened, session_argument, session_command
from .job_options import Limiting, dollars
from .settings_options import Changes, changed, settings_options
from .working import INTERRUPTED, asked

if TYPE_CHECKING:
    from ..model.jobs import Job
    from ..services.reruns import Rerun

_WIDTH = 160
"""How many characters of an error are shown."""


@session_command("rerun", short_help="Ask the prompts of a session again, with another model")
@session_argument()
@click.option("--as", "new_name", metavar="NAME", help="Name of the new session [NAME-MODEL, or the next that is free]")
@click.option(
    "--from",
    "start",
    type=click.IntRange(min=1),
    metavar="N",
    help="Exchange to begin with; those before it are shared",
)
@settings_options
@click.option("--same-context", is_flag=True, help="Send each prompt with the messages that were sent before it then")
@click.option("--run-tools", is_flag=True, help="Run tools, instead of using the recorded results of their calls")
@click.option(
    "-j", "jobs", type=click.IntRange(min=1), metavar="N", help="How many to ask at a time, with --same-context [1]"
)
@click.option(
    "--max-cost",
    metavar="DOLLARS",
    callback=dollars,
    help="Stop before it costs more than this, such as 5; none: no limit",
)
@click.option("--resume", is_flag=True, help="Continue a rerun that was interrupted, and ask again what failed")
def rerun_command(
    name: str,
    new_name: str | None,
    start: int | None,
    changes: Changes,
    same_context: bool,
    run_tools: bool,
    jobs: int | None,
    max_cost: float | str | None,
    resume: bool,
    database: str | None,
) -> None:
    """Ask the prompts of a session again in a new session, with another model, system prompt or memory.

    Fragments, attachments, schemas and options are sent again, and so is a system prompt for a single prompt. Each
    prompt is sent with the new session's own history; with --same-context, with exactly the messages that were sent
    before it in the old one. With --from, exchanges 1 to N - 1 are shared, as a fork shares them. If a prompt fails, it
    is kept as an attempt, and the next one is asked.

    Tools are offered, but not run: a call that was recorded gets its recorded result, and any other call is answered
    that there is none. --run-tools runs them.

    \b
        llm sessions rerun work -m gpt-4o-mini
        llm sessions rerun work -m llama3 --from 5 --as work-llama3
        llm sessions rerun work -s "Answer in one sentence." --same-context
        llm sessions compare work work-llama3
    """
    check("rerun")
    from ..llm_seam.rerunning import begin, go_on
    from ..llm_seam.runners import way_of

    with opened(database) as memory:
        if resume:
            _check_alone(start, changes, same_context=same_context, run_tools=run_tools)
            same_context = bool(memory.reruns.unfinished(name, new_name).settings["same_context"])
        if jobs is not None and jobs > 1 and not same_context:
            raise click.UsageError("-j needs --same-context: otherwise each prompt waits for the answer before it.")
        if resume:
            job = go_on(memory, name, new_name, **({} if max_cost is None else {"max_cost": _limit(max_cost)}))
        else:
            wanted = _wanted(memory, name, new_name, start or 1, changes)
            wanted = replace(wanted, same_context=same_context, run_tools=run_tools)
            job = begin(memory, replace(wanted, jobs=jobs or 1, max_cost=_limit(max_cost)))
        worked = asked(memory.path, job, way_of(job), Limiting(jobs=jobs), database)
        _report(memory, worked.job)
    if worked.interrupted:
        raise click.exceptions.Exit(INTERRUPTED)
    if worked.job.state != "done" or worked.job.counts.get("failed"):
        raise click.exceptions.Exit(1)


def _check_alone(start: int | None, changes: Changes, *, same_context: bool, run_tools: bool) -> None:
    """Raise UsageError if --resume is combined with options that start a rerun."""
    if start is not None or changes or same_context or run_tools:
        raise click.UsageError(
            "--resume continues the rerun as it was started: leave out the other options, except --as, -j and "
            "--max-cost."
        )


def _limit(max_cost: float | str | None) -> float | None:
    """Return the most that it may cost, or None for no limit."""
    return max_cost if isinstance(max_cost, float) else None


def _wanted(memory: Memory, name: str, new_name: str | None, start: int, changes: Changes) -> Rerun:
    """Return what is to be asked again."""
    from ..llm_seam.rerunning import settings_for
    from ..services.reruns import Rerun

    before = settings_for(memory, name, changes.get("model"))
    settings = changed(before, changes)
    options = {option: settings.options.get(option) for option, _ in changes.get("options", ())}
    return Rerun(name, settings, new_name, start, options)


def _report(memory: Memory, job: Job) -> None:
    """Print what has come of it, and what can be done next."""
    source, made = str(job.settings["source_name"]), memory.reruns.session(job).name
    total, done = sum(job.counts.values()), job.counts.get("done", 0)
    spent = memory.jobs.spent(job)
    cost = f", {spent.words}" if spent.cost.priced and spent.dollars else ""
    echo(f"Session “{made}” answers {done:,} of {counted(total, 'prompt')} of “{source}”{cost}.")
    for item in memory.jobs.items(job, "failed", limit=5):
        echo(f"#{item.input['number']} failed: {one_line(item.error or '', _WIDTH)}", err=True)
    if job.reason:
        echo(job.reason, err=True)
    if done < total:
        echo(f"Continue with: {memory.desk.command('rerun', source, '--as', made, '--resume')}", err=True)
    elif done:
        echo(f"Compare them with: {memory.desk.command('compare', source, made)}")
