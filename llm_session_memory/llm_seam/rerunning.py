"""Ask the prompts of a session again: begin the job, and ask one of its items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import llm

from ..errors import SessionError
from ..model import Message, Part, Session, Settings
from ..model.jobs import Item, Job
from ..rules.policy import effective
from ..services.asked_again import Again
from ..services.bundle import Services
from ..services.reruns import Rerun
from . import convert
from .asking import Also, Answered, Question, ask
from .models import found, model_of, valid_options
from .programs import said_of_program
from .tool_results import RecordedResult, recorded_tools, tools_of

if TYPE_CHECKING:
    from .working import JobProgress, Runner

RELIED_ON = {"llm": "Fragment get_default_model"}
"""The parts of llm that this module relies on (see `shape`)."""


def settings_for(services: Services, name: str, model_id: str | None) -> Settings:
    """Return the settings of a session for another model, which gets only the options that it knows."""
    settings = services.desk.session(name).settings
    if model_id is None and settings.model is None:
        return settings
    model = model_of(model_id or settings.model or llm.get_default_model())
    return replace(settings, model=model.model_id, options=usable_options(model, settings.options))


def begin(services: Services, wanted: Rerun) -> Job:
    """Make the new session of a rerun and its job. Raises SessionError if the model or a setting is wrong."""
    model = model_of(wanted.settings.model or llm.get_default_model())
    given = {name: value for name, value in (wanted.options or {}).items() if value is not None}
    valid_options(model, {**wanted.settings.options, **given})
    settings = replace(services.desk.settled(wanted.settings), model=model.model_id)
    return services.reruns.begin(replace(wanted, settings=settings))


def go_on(services: Services, name: str, as_: str | None = None, **changed: Any) -> Job:
    """Open the newest unfinished rerun of a session again, with the prompts that failed, and return its job.

    `max_cost` changes the most that it may cost, None for no limit.

    Raises NoSuchJob if there is none, SessionError if a process works on it.
    """
    job = services.reruns.unfinished(name, as_)
    if services.jobs.is_worked_on(job):
        raise SessionError(f"Another process is working on the rerun “{job.name}”.", "Wait until it has ended.")
    with services.writing():
        if job.counts.get("failed"):
            services.jobs.retry_failed(job)
        return services.jobs.resume(job, **changed)


def session_asked(  # noqa: PLR0913  what a program can ask for, each on its own
    services: Services,
    name: str,
    model: str | None,
    as_: str | None,
    start: int,
    same_context: bool,  # noqa: FBT001  passed on by Memory.rerun, which takes it by name
    run_tools: bool,  # noqa: FBT001  as above
    *,
    settings: Mapping[str, Any],
    progress: Callable[[JobProgress], None] | None,
) -> Session:
    """Ask the prompts of a session again for a program, and return the new session (see Memory.rerun)."""
    from .working import work

    said = found(said_of_program(settings))
    kept = effective(settings_for(services, name, model), said)
    wanted = Rerun(name, kept, as_, start, said.options, same_context, run_tools)
    job = begin(services, wanted)
    worked = work(services.path, job, runner(job), jobs=1, progress=progress, typed=services.desk.typed)
    session = services.reruns.session(worked.job)
    if worked.job.state != "done" or worked.job.counts.get("failed"):
        failed = next(services.jobs.items(worked.job, "failed"), None)
        why = worked.job.reason or (failed.error if failed else None) or "It was interrupted."
        what = f"Not all prompts of “{name}” were answered in “{session.name}”: {why}"
        raise SessionError(what, f"Continue with: {services.desk.command('rerun', name, '--resume')}")
    return session


def runner(job: Job) -> Runner:
    """Return the function that asks one item of a rerun. Raises SessionError if llm lacks its model."""
    model = model_of(job.settings["model"] or llm.get_default_model())

    def run(services: Services, item: Item, also: Also) -> None:
        session = services.reruns.session(job)
        again = services.reruns.asked(job, item)
        if item.error is not None or item.tries > 1:
            services.record.forget_try(session.thread_id, again.prompt)

        def logged(answered: Answered) -> None:
            also(answered)
            if again.before is not None:
                services.reruns.keep_excerpts(job, again, answered.turn_id)

        ask(services, session, question(model, again, job.settings), model, also=logged)

    return run


def question(model: Any, again: Again, settings: Mapping[str, Any]) -> Question:
    """Return the question that asks an exchange again, under the settings of its job."""
    typed = settings["options"]
    recorded = {name: value for name, value in (again.options or {}).items() if name not in typed}
    differs = again.before is None and not settings["new_system"] and again.system != settings["system"]
    return Question(
        again.prompt,
        system=again.system if differs else None,
        fragments=[llm.Fragment(text, source or "") if source else text for text, source in again.fragments],
        attachments=again.attachments,
        options={**usable_options(model, recorded), **{name: one for name, one in typed.items() if one is not None}},
        schema=again.schema,
        tools=_tools(model, again, run=settings["run_tools"]),
        context="session" if again.before is None else _with_system(again.before, settings),
    )


def usable_options(model: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a model knows and accepts."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if name in getattr(model.Options, "model_fields", {}):
            with suppress(SessionError):  # another model may accept other values
                found |= valid_options(model, {name: value})
    return found


def _tools(model: Any, again: Again, *, run: bool) -> list[Any]:
    """Return the tools to offer: those that can be run, if they are to be, and recorded results for the others."""
    results = [RecordedResult(one.name, one.arguments, one.output, one.attachments) for one in again.ran]
    if not run:
        return recorded_tools(again.tools, results)
    found: list[Any] = []
    for spec in convert.tool_specs(map(dict, again.tools), model):
        with suppress(SessionError):  # its plugin is not installed any more
            found += tools_of(model, [spec], (), run=True)
    names = {name for name, _ in convert.tool_weights(found)}
    return [*found, *recorded_tools([row for row in again.tools if row["name"] not in names], results)]


def _with_system(before: tuple[Message, ...], settings: Mapping[str, Any]) -> tuple[Message, ...]:
    """Return recorded messages with the new system prompt in place of the old one, if there is another.

    Notes and a summary may follow in the system message; they stay.
    """
    if not settings["new_system"]:
        return before
    held = before[0] if before and before[0].role == "system" else None
    text, old = held.text if held else "", settings["source_system"] or ""
    rest = text[len(old) :] if text.startswith(old) else ""
    whole = ((settings["system"] or "") + rest).strip("\n")
    others = before[1:] if held else before
    return (Message("system", (Part({"type": "text", "text": whole}),)), *others) if whole else others
