"""Begin a workflow: check what its steps name in llm, and keep the run as a job with a session for its answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..model import Settings
from ..model.jobs import Job
from ..model.workflows import Step, Workflow
from ..rules.safe_text import one_line
from ..rules.workflows.nodes import Mistake, refused
from ..services.bundle import Services
from ..services.workflows import items
from ..services.workflows.checking import checked
from ..services.workflows.commands import StepFailed
from ..services.workflows.templates import TemplateFailed, filled
from .tables import migrated
from .workflow_asking import Lookups, is_known, model_name, schema_of
from .workflow_asking import check as check_step


def of_text(text: str, where: str, model: str | None = None) -> Workflow:
    """Return the workflow of a file's text. `model` is for steps that name no model, instead of the file's.

    Raises WorkflowRefused.
    """
    return checked(text, where, Path(where).stem, schema_of, model)


def of_job(job: Job) -> Workflow:
    """Return the workflow that a job runs. Raises SessionError if the job is not a run of a workflow."""
    if job.kind != "workflow" or job.definition is None:
        raise SessionError(
            f"Job “{job.name}” is not the run of a workflow.", "Continue it with: llm sessions job resume"
        )
    return of_text(job.definition, str(job.settings.get("file") or job.name), job.settings.get("model"))


def check(services: Services | None, workflow: Workflow, inputs: Mapping[str, Any], where: str) -> None:
    """Check what the steps name in llm, and the templates that need no other step, before anything is sent.

    `services` is None if there is no log yet.

    Raises WorkflowRefused.
    """
    lookups = Lookups()
    found = [
        wrong for step in workflow.steps.values() if (wrong := _mistake_in(services, step, inputs, lookups)) is not None
    ]
    if found:
        raise refused(found, where)


def _mistake_in(services: Services | None, step: Step, inputs: Mapping[str, Any], lookups: Lookups) -> Mistake | None:
    try:
        if step.kind == "prompt":
            check_step(services, step, inputs, lookups)
        for _, source in step.sources():
            if is_known(source):
                filled(source, inputs)
    except TemplateFailed as error:
        return Mistake(error.message, error.hint, error.line)
    except SessionError as error:
        return Mistake(f"Step “{step.name}”: {error.message}", error.hint, step.line)
    return None


def begin(services: Services, workflow: Workflow, text: str, inputs: Mapping[str, Any], **more: Any) -> Job:
    """Keep a run as a job, with a session for its answers, all or nothing, and return it.

    `more` are `file`, the name of the file, `model`, as for `of_text`, and `max_cost`, in US dollars or None.
    """
    max_cost = more.pop("max_cost", None)
    settings = {name: value for name, value in more.items() if value is not None}
    migrated(services.desk.log)
    services.desk.prepare()
    with services.writing():
        name = services.jobs.free_name(workflow.name, services.sessions.names())
        session = services.sessions.create(name, settings=Settings(model=settings.get("model")))
        job = services.jobs.new(
            "workflow",
            name,
            settings,
            thread_id=session.thread_id,
            definition=text,
            inputs=dict(inputs),
            max_cost=max_cost,
        )
        return services.jobs.add(job, items.of_steps(workflow, _models(workflow, inputs)))


def _models(workflow: Workflow, inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return the ids of the models that the steps will ask, as far as they are known. A resumed run asks the same."""
    lookups, found = Lookups(), {}
    for step in workflow.steps.values():
        known = is_known(step.model) if step.model else step.session is None
        if step.kind == "prompt" and known:
            found[step.name] = str(lookups.model(model_name(step, inputs, lookups)).model_id)
    return found


def refuse_commands(workflow: Workflow, *, allow_shell: bool) -> None:
    """Raise StepFailed if a workflow has commands, unless these are allowed."""
    commands = [step for step in workflow.steps.values() if step.shell is not None]
    if commands and not allow_shell:
        raise StepFailed(
            f"Step “{commands[0].name}” runs a command: “{one_line(str(commands[0].shell), 200)}”.",
            "See all its commands with --dry-run. If you trust it, add --allow-shell.",
        )
