"""Run a workflow that has been started: ask its steps, and make the items of lists once these are known."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ModelFailed, SessionError
from ..model import Session
from ..model.jobs import Item, Job
from ..model.workflows import Step, TemplateSource
from ..rules import names
from ..rules.words import counted
from ..rules.workflows.order import last
from ..rules.workflows.shapes import lacking
from ..services.bundle import Services
from ..services.workflows import items, templates
from ..services.workflows.commands import StepFailed, run
from ..services.workflows.results import StepResult, StepResults, value_of
from ..services.workflows.templates import TemplateFailed, evaluated, filled
from .asking import Answered, ask
from .creating import Wanted
from .failures import read
from .workflow_asking import Lookups, model_name, question
from .workflow_beginning import of_job, refuse_commands
from .working import Also, Skip, Wait

MOST_OF_A_LIST = 10_000
"""How many items a step may run for."""


class WorkflowRun:
    """Asks the items of one run. Its threads share it: what they look up and what steps have given is kept once."""

    def __init__(self, job: Job, *, allow_shell: bool = False) -> None:
        """Read the workflow of a job.

        Raises StepFailed if it has commands and `allow_shell` is False.
        """
        self.job, self.workflow = job, of_job(job)
        self._lookups = Lookups()
        self._kept: dict[str, StepResult] = {}
        self._places = {str(one.id): one.position for one in items.of_steps(self.workflow)}
        refuse_commands(self.workflow, allow_shell=allow_shell)

    def results(self, services: Services) -> StepResults:
        """Return what the steps have given so far."""
        return StepResults(services.desk, self.job, self.workflow, self._places, self._kept)

    def __call__(self, services: Services, item: Item, also: Also) -> Any:
        """Ask one item (see `working.Runner`)."""
        step = self.workflow.steps[item.input["step"]]
        results = self.results(services)
        for need in step.needs:
            if (broken := results.broken(need)) is not None:
                self._give_up(services, broken)
        values: dict[str, Any] = {**self.job.inputs, "steps": results}
        if item.kind == items.LIST:
            return self._list(services, step, item, values)
        if "index" in item.input:
            values |= {"index": item.input["index"], "item": item.input.get("item")}
        if step.when is not None and not self._told(step, lambda: evaluated(step.when, values)):  # type: ignore[arg-type]
            raise Skip(f"Its condition doesn't hold: {step.when.text}")
        return self._again(step, lambda: self._told(step, lambda: self._once(services, step, item, values, also)))

    def output(self, services: Services) -> str:
        """Return what the run prints at its end: its `output`, or the answers of its last steps."""
        results = self.results(services)
        if self.workflow.output is not None:
            try:
                return filled(self.workflow.output, {**self.job.inputs, "steps": results})
            except TemplateFailed as error:
                raise SessionError(f"The output can't be made: line {error.line:,}: {error.message}") from error
        texts = {name: str(results[name]) for name in last(self.workflow.steps)}
        given = {name: text for name, text in texts.items() if text}
        return "\n\n".join(text if len(given) == 1 else f"# {name}\n\n{text}" for name, text in given.items())

    def on_failed(self, item: Item, sentence: str) -> str | None:
        """Return why the run stops when an item has failed, or None if it continues."""
        step = self.workflow.steps[item.input["step"]]
        return f"Step “{item.id}” failed: {sentence}" if step.on_error == "stop" else None

    def _give_up(self, services: Services, broken: Item) -> None:
        """Skip an item that needs one without a result, or stop the run and let it wait."""
        reason = self.on_failed(broken, str(broken.error)) if broken.state == "failed" else None
        if reason is None:
            raise Skip(f"Step “{broken.id}” failed.")
        services.jobs.stop(self.job, reason)
        raise Wait(())

    # -- steps ---------------------------------------------------------

    def _told(self, step: Step, act: Callable[[], Any]) -> Any:
        """Do something. The error of a template says in which line of the file it is."""
        try:
            return act()
        except TemplateFailed as error:
            raise StepFailed(f"Line {error.line:,}: {error.message}", f"See step “{step.name}”.") from error

    @staticmethod
    def _again(step: Step, act: Callable[[], Any]) -> Any:
        """Do something again if it fails, as often as the step says. Failures that may pass are retried elsewhere."""
        left = step.retry
        while True:
            try:
                return act()
            except (ModelFailed, StepFailed) as error:  # noqa: PERF203  a call takes seconds
                failure = read(error)
                if left == 0 or failure.again or failure.for_all:
                    raise
                left -= 1

    def _once(self, services: Services, step: Step, item: Item, values: Mapping[str, Any], also: Also) -> Any:
        if step.kind == "shell":
            stdin = filled(step.stdin, values) if step.stdin else ""
            return run(step, stdin, {name: filled(one, values) for name, one in step.env.items()})
        asked = question(services, step, values, self._lookups)
        where = self._where(services, step, values)
        name = item.model or model_name(step, values, self._lookups) or _model_of(where)
        wrong = ""

        def keep(answered: Answered) -> None:
            nonlocal wrong
            wrong = lacking(asked.schema, value_of(answered.text)) if step.schema and asked.schema else ""
            if not wrong:
                also(answered)

        ask(services, where, asked, self._lookups.model(name), also=keep)
        if wrong:
            raise StepFailed(f"The answer doesn't follow the schema: {wrong}.", "It is in the session of the run.")
        return None

    def _where(self, services: Services, step: Step, values: Mapping[str, Any]) -> Session | Wanted:
        """Return the session that a step is asked in: the run's, or the one that the step names."""
        if step.session is not None:
            name = filled(step.session, values).strip()
            return services.sessions.find(name) or Wanted(names.check(name))
        found = services.sessions.of_thread(self.job.thread_id) if self.job.thread_id else None
        if found is None:
            raise SessionError("The session of this run was deleted.", "Start the workflow again.")
        return found

    def _list(self, services: Services, step: Step, item: Item, values: Mapping[str, Any]) -> Any:
        """Make the items of a list, wait for them, and end after the last of them."""
        results = self.results(services)
        children = list(results.children(step.name))
        if not children:
            if self._is_skipped(step, values):
                raise Skip(f"Its condition doesn't hold: {step.when.text if step.when else ''}")
            children = self._made(services, step, item, self._values_of(step, values))
        left = [one.position for one in children if one.state in ("waiting", "running")]
        if left:
            raise Wait((left[-1],))  # one is enough: if others are left then, it waits again
        failed = [one for one in children if one.state == "failed"]
        if failed and step.on_error != "continue":
            raise StepFailed(f"{counted(len(failed), 'item')} of {len(children):,} failed: {failed[0].error}")
        return len(children)

    def _is_skipped(self, step: Step, values: Mapping[str, Any]) -> bool:
        """Return whether a condition that doesn't depend on the list's items excludes the whole step."""
        if step.when is None:
            return False
        mentioned = {one.name for one in templates.mentions(step.when, expression=True)}
        when = step.when
        return not mentioned & {"item", "index"} and not self._told(step, lambda: evaluated(when, values))

    def _values_of(self, step: Step, values: Mapping[str, Any]) -> list[Any]:
        """Return the values of for_each. Raises StepFailed if it is not a list."""
        if not isinstance(step.for_each, TemplateSource):
            return list(step.for_each or ())
        source = step.for_each
        found = self._told(step, lambda: evaluated(source, values))
        if isinstance(found, str | bytes | Mapping) or not hasattr(found, "__iter__"):
            raise StepFailed(f"Line {source.line:,}: for_each takes a list, but “{source.text.strip()}” is not a list.")
        listed = [_plain(one) for one in found]
        if len(listed) > MOST_OF_A_LIST:
            raise StepFailed(f"The list has {len(listed):,} items; the most is {MOST_OF_A_LIST:,}.")
        return listed

    def _made(self, services: Services, step: Step, item: Item, values: list[Any]) -> list[Item]:
        """Add the items of a list to the job, and return them."""
        needs = tuple(one for one in item.needs if one <= len(self.workflow.steps))
        services.jobs.extend(self.job, items.of_list(step, values, needs, item.model))
        return list(self.results(services).children(step.name))


def _plain(value: Any) -> Any:
    """Return an item of a list as it is kept: a result of a step as its text."""
    if isinstance(value, StepResult):
        return str(value)
    if isinstance(value, str | int | float | bool | dict | list) or value is None:
        return value
    return list(value) if isinstance(value, tuple) else str(value)


def _model_of(where: Session | Wanted) -> str | None:
    return where.settings.model if isinstance(where, Session) else None


def runner(job: Job) -> WorkflowRun:
    """Return what asks the items of a run, if it has no commands. Raises SessionError otherwise."""
    try:
        return WorkflowRun(job)
    except StepFailed as error:
        again = f"llm sessions run --resume {shlex.quote(job.name)} --allow-shell"
        raise SessionError(error.message, f"If you trust this workflow, continue with: {again}") from error
