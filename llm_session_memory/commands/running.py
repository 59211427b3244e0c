"""`llm sessions run`: run a workflow, a file of prompts that build on each other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from ..errors import SessionError
from ..llm_seam.models import log_path
from ..memory import Memory
from ..model.jobs import Job
from ..model.workflows import Workflow
from ..rules.words import counted
from ..rules.workflows.graph_text import shown
from ..rules.workflows.nodes import WorkflowRefused
from .common import as_json, echo, session_command
from .job_options import Limiting, limit_options
from .working import INTERRUPTED, asked


@session_command("run", short_help="Run a workflow: prompts that build on each other")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("-p", "--param", "params", type=(str, str), multiple=True, metavar="KEY VALUE", help="Value of an input")
@click.option("-m", "--model", help="Model for steps that name none [the file's, or llm's default]")
@limit_options
@click.option("--allow-shell", is_flag=True, help="Allow the workflow to run its commands on this computer")
@click.option("--dry-run", is_flag=True, help="Check everything and print commands and known prompts, but send nothing")
@click.option("--show", is_flag=True, help="Check the file and print its graph")
@click.option("--resume", metavar="RUN", help="Continue a run: finished steps stay, failed ones are tried again")
@click.option("--json-schema", "schema", is_flag=True, help="Print the JSON schema of the file format, for editors")
def run_command(
    file: Path | None,
    params: tuple[tuple[str, str], ...],
    model: str | None,
    allow_shell: bool,
    dry_run: bool,
    show: bool,
    resume: str | None,
    schema: bool,
    limiting: Limiting,
    database: str | None,
) -> None:
    """Run the steps of a workflow, each as soon as the steps that it needs are done.

    FILE is YAML. Each step is a prompt in a new session, which is named after the file and the day. A run that was
    interrupted, or failed, continues with --resume.

    \b
        llm sessions run draft.yaml -p topic "Bridges of Lisbon"
        llm sessions run draft.yaml --show
        llm sessions run --resume draft-2026-11-28-1
    """
    from ..llm_seam.workflow_beginning import begin, refuse_commands

    if schema:
        from ..rules.workflows.editor_schema import editor_schema

        as_json(editor_schema())
    elif resume is not None:
        if params or model or dry_run or show:
            raise click.UsageError("--resume can't be combined with -p, -m, --dry-run or --show: a run keeps its own.")
        _resume(file, resume, limiting, allow_shell=allow_shell, database=database)
    elif file is None:
        raise click.UsageError("Name the file of a workflow, or a run with --resume.")
    else:
        text, workflow = _read(file, model)
        if show:
            for line in shown(workflow):
                echo(line)
            return
        inputs = _inputs(workflow, params)
        _check(workflow, inputs, file, database)
        if dry_run:
            _tell_plan(workflow, inputs)
            return
        refuse_commands(workflow, allow_shell=allow_shell)
        with Memory(log_path(database), create=True, typed=database) as memory:
            given = {"file": file.name, "model": model, "max_cost": limiting.max_cost, **limiting.settings}
            job = begin(memory, workflow, text, inputs, **given)
            _work(memory, job, limiting, allow_shell=allow_shell, database=database)


# -- the file --------------------------------------------------------------


def _read(file: Path, model: str | None) -> tuple[str, Workflow]:
    from ..llm_seam.workflow_beginning import of_text
    from ..services.workflows.text import read

    text = read(file)
    try:
        return text, of_text(text, file.name, model)
    except WorkflowRefused as error:
        _tell_mistakes(error)
        raise


def _tell_mistakes(error: WorkflowRefused) -> None:
    """Print each mistake, if there are several; the error itself says only their number then."""
    for one in error.mistakes if len(error.mistakes) > 1 else ():
        echo(one, err=True)


def _inputs(workflow: Workflow, params: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Return the values of the inputs. Standard input is read only if the workflow uses it."""
    from ..services.workflows.checking import PIPED, uses_pipe
    from ..services.workflows.inputs import given

    pipe = PIPED if uses_pipe(workflow) else ""
    piped = None
    if pipe and pipe not in dict(params) and not sys.stdin.isatty():
        piped = sys.stdin.read() or None
    return given(workflow, params, piped=piped, pipe=pipe)


def _check(workflow: Workflow, inputs: Mapping[str, Any], file: Path, database: str | None) -> None:
    from ..llm_seam.workflow_beginning import check

    path = log_path(database)
    try:
        with Memory(path, typed=database) if path.exists() else nullcontext() as memory:
            check(memory, workflow, inputs, file.name)
    except WorkflowRefused as error:
        _tell_mistakes(error)
        raise


def _tell_plan(workflow: Workflow, inputs: Mapping[str, Any]) -> None:
    """Print the graph, all commands, and the prompts that don't depend on an answer."""
    from ..llm_seam.workflow_asking import is_known
    from ..services.workflows.templates import filled

    for line in shown(workflow):
        echo(line)
    for step in workflow.steps.values():
        if step.shell is not None:
            echo(f"\n{step.name}, a command:\n{step.shell}")
        text = step.prompt
        if text is not None and is_known(text):
            echo(f"\n{step.name}:\n{filled(text, inputs)}")
    prompts = [step for step in workflow.steps.values() if step.kind == "prompt"]
    lists = ", and more for the items of lists" if any(step.for_each is not None for step in prompts) else ""
    once = sum(step.for_each is None for step in prompts)
    echo(f"\nIt would send {counted(once, 'prompt')}{lists}. Nothing was sent.")


# -- runs ------------------------------------------------------------------


def _resume(file: Path | None, reference: str, limiting: Limiting, *, allow_shell: bool, database: str | None) -> None:
    from ..llm_seam.workflow_beginning import of_job, refuse_commands
    from ..services.workflows.text import read

    with Memory(log_path(database), typed=database) as memory:
        job = memory.jobs.get(reference)
        refuse_commands(of_job(job), allow_shell=allow_shell)
        if file is not None and read(file) != job.definition:
            raise SessionError(
                f"{file} has changed since run “{job.name}” began.",
                f"Continue with the file as it was: {memory.desk.command('run', '--resume', job.name)}",
            )
        changed = {"max_cost": limiting.max_cost} if limiting.max_cost is not None or limiting.no_max_cost else {}
        if job.state == "done" and not job.counts.get("failed"):
            echo(f"Run “{job.name}” is done.", err=True)
        elif job.counts.get("failed"):
            job = memory.jobs.resume(memory.jobs.retry_failed(job), **changed)
        else:
            job = memory.jobs.resume(job, **changed)
        _work(memory, job, limiting, allow_shell=allow_shell, database=database)


def _work(memory: Memory, job: Job, limiting: Limiting, *, allow_shell: bool, database: str | None) -> None:
    """Ask the steps of an open run, print what it gives, and say what went wrong."""
    from ..llm_seam.runners import Way
    from ..llm_seam.workflow_running import WorkflowRun

    run, interrupted = WorkflowRun(job, allow_shell=allow_shell), False
    if job.state == "open":
        worked = asked(memory.path, job, Way(run, run.on_failed, None, run.output), limiting, database)
        job, interrupted = worked.job, worked.interrupted
    problem = _problem(memory, run, job)
    if job.state == "done":
        said = run.output(memory)
        if said:
            echo(said)
    if problem and interrupted:
        echo(" ".join(problem), err=True)
        raise click.exceptions.Exit(INTERRUPTED)
    if problem:
        raise SessionError(*problem)


def _problem(memory: Memory, run: Any, job: Job) -> tuple[str, str] | None:
    """Return what went wrong with a run, and what to do, or None. Failures that the workflow ignores are only told."""
    resume = f"Continue with: {memory.desk.command('run', '--resume', job.name)}"
    if job.state != "done":
        ended = job.reason or ("It was cancelled." if job.state == "cancelled" else "It was interrupted.")
        return f"Run “{job.name}” is not done. {ended}", resume
    failed = list(memory.jobs.items(job, "failed"))
    ignored = [one for one in failed if run.workflow.steps[one.input["step"]].on_error == "continue"]
    for one in ignored:
        echo(f"Step “{one.id}” failed: {one.error}", err=True)
    serious = [one for one in failed if one not in ignored]
    if not serious:
        return None
    skipped = job.counts.get("skipped", 0)
    more = f", and {counted(skipped, 'step')} {'was' if skipped == 1 else 'were'} skipped" if skipped else ""
    first = serious[0]
    return f"Step “{first.id}” failed: {first.error} {counted(len(serious), 'step')} failed{more}.", resume
