"""Run `llm prompt` or `llm chat` inside a session: interpret the flags and report errors."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import click
import llm
from llm import cli as llm_cli

from ..errors import SessionError
from ..model import Settings
from ..rules.names import check
from ..rules.safe_text import plain, unbroken
from ..services import current
from ..services.bundle import Services
from ..store import history, owned_file
from ..store.log import sentence, telling
from . import convert, received
from .attempts import cause
from .conversation import AsyncSessionConversation, SessionConversation
from .creating import Wanted, fork_of, place_of
from .models import Models, found, log_path
from .output import Output, door
from .prompting import Prompting
from .shape import check as check_shape
from .tables import migrated
from .typed import typed

if TYPE_CHECKING:
    from .templates import Given

RELIED_ON = {
    "llm": "get_default_model",
    "cli": "get_async_model get_model load_conversation",
    "parameters of cli.load_conversation": "conversation_id async_ database",
    "options of prompt": """
        prompt system model_id database attachments attachment_types tools python_tools options schema_input fragments
        system_fragments no_log log _continue conversation_id save async_
        """,
    "options of chat": "system model_id _continue conversation_id options database tools python_tools",
    "an instance of models.Conversation": "id loaded_tools",
    "an instance of models.AsyncConversation": "id loaded_tools",
}
"""The parts of llm that this module relies on (see `shape`)."""


def run(original: Callable[..., Any], parameters: dict[str, Any], ours: dict[str, Any]) -> Any:
    """Run one of llm's commands inside a session, and report our errors as click errors."""
    with door() as output, telling(_say):
        return _reported(original, parameters, ours, output)


def _reported(original: Callable[..., Any], parameters: dict[str, Any], ours: dict[str, Any], output: Output) -> Any:
    try:
        return _run(original, parameters, ours, output)
    except SessionError as error:
        raise click.ClickException(unbroken(str(error))) from error
    except click.ClickException as error:
        # a server's text may have several lines, our sentences don't
        safe = unbroken if isinstance(error.__context__, SessionError) else plain
        shown = safe(error.message)
        if shown == error.message:
            raise
        raise click.ClickException(shown) from error  # llm passes on the server's text unchanged
    except sqlite3.Error as error:
        raise click.ClickException(str(sentence(error, log_path(parameters.get("database"))))) from error


def _run(original: Callable[..., Any], parameters: dict[str, Any], ours: dict[str, Any], output: Output) -> Any:
    command = click.get_current_context().command
    parameters, ours = received.arguments(command, parameters), received.arguments(command, ours)
    name = check(ours["session"]) if ours["session"] is not None else None
    recording = not parameters.get("no_log")
    path = log_path(parameters.get("database"))
    owned_file(path)
    with Services.open(path, typed=parameters.get("database")) as memory:
        if not memory.desk.log.columns("turns"):
            migrated(memory.desk.log)
        new, project = bool(ours["new_session"]), ours.get("project")
        place = place_of(memory, name, project, new=new, typed=typed("project"))
        if ours.get("fork_at") is not None:
            place = fork_of(memory, place, ours["fork_at"], recording=recording)
        session, kept = (place.over, place.defaults) if isinstance(place, Wanted) else (place, place.settings)
        given = _templates(parameters)
        if given and isinstance(place, Wanted):
            once = given.system_has_input and not parameters.get("system")
            place = replace(place, template=given.remembered, system_once=once)
        said = found(Settings(**{one.name: ours[one.name] for one in fields(Settings) if one.name in ours}))
        if ours.get("retrying") is None:
            said = memory.desk.settled(said)
        keeps = recording and name is not None and "prompt" in parameters  # a chat has no prompt yet
        models = Models(async_=bool(parameters.get("async_")), missing=_stand_in if keeps else None)
        _choose_model(parameters, session is not None or bool(kept.model or (given and given.model)), models)
        parameters["options"] = received.readable(_options(parameters, kept, given, models), _say)
        tools = {
            "tools": list(parameters.get("tools") or ()),
            "functions": list(parameters.get("python_tools") or ()),
        }
        one = Prompting(
            memory,
            place,
            said,
            _say,
            recording=recording,
            tools=tools,
            retrying=ours.get("retrying"),
            insist=bool(ours.get("send_anyway")),
            over_budget=bool(ours.get("over_budget")),
        )
        parameters["conversation_id"] = session.thread_id if session else "session"
        if "log" in parameters and recording:
            parameters["log"] = True
        chosen = parameters.get("model_id") or (given and given.model) or kept.model or llm.get_default_model()
        output.holds, output.explain = one.is_waiting, lambda why: _unseen(one, why)
        with _handed_over(one, models, chosen, given), _signals_raised(), received.standard_input():
            return _called(original, parameters, one, output)


def _called(original: Callable[..., Any], parameters: dict[str, Any], one: Prompting, output: Output) -> Any:
    """Call llm's command; keep the prompt if the call fails or is interrupted."""
    try:
        done = original(**parameters)
        if parameters.get("usage"):
            _say_cost(one)
    except BaseException as error:
        told = isinstance(error, (click.Abort, SessionError)) or bool(getattr(error, "message", ""))
        unsent = one.latest is None or one.latest.opened is None
        if isinstance(error, UnicodeDecodeError) and unsent:
            what = "A file or a fragment of this prompt is not UTF-8, so nothing was sent."
            raise SessionError(what, "Convert it first: iconv -f latin1 -t utf-8 FILE") from error
        if isinstance(error, UnicodeEncodeError) and unsent:
            what = "The name of a file or a fragment can't be read in this locale, so nothing was sent."
            raise SessionError(
                what, "Rename it in UTF-8, or use another locale, for example: LC_ALL=C.UTF-8"
            ) from error
        if _kept(one, error, quiet=output.caused(error)) and isinstance(error, Exception) and not told:
            # llm chat shows a model's errors as tracebacks, and llm shows those without a message as “Error: ”.
            # Ctrl-C and signals are raised unchanged.
            raise click.ClickException(cause(error)) from error
        raise
    else:
        return done
    finally:
        current.hold(None)
        if one.latest is not None and one.latest.titling is not None:
            one.latest.titling.awaited()


def _unseen(one: Prompting, why: str) -> SessionError:
    """Return the error for output that could not be written, which says where the reply is."""
    if one.session is None or one.latest is None or not one.latest.logged:
        return SessionError(f"The output could not be written: {why}.", outcome="Nothing was logged.")
    see = one.services.desk.command("show", one.session.name, "-n", "1")
    return SessionError(f"The output could not be written: {why}.", f"The reply is logged. Show it with: {see}")


def _kept(one: Prompting, error: BaseException, *, quiet: bool) -> bool:
    """Keep the prompt if a call was in progress, and print where it is. Return whether anything was printed.

    If it is to be `quiet`, print only what must be known: that the prompt is in a file.
    """
    if one.latest is None or (one.latest.logged and (quiet or isinstance(error, click.Abort))):
        return False  # click aborts at the end of a chat's input
    whole = bool(one.latest.finished)
    try:
        kept = one.latest.keep(error)
    except SessionError as trouble:
        _say(f"The prompt could not be logged: {trouble}")
        return True
    if one.latest.logged and not quiet:
        _say("The reply was logged, but a later step failed.")
        return True
    if kept is None or one.session is None or quiet:
        return False
    if kept.partial:
        _say("")
    if whole:
        see = one.services.desk.command("show", one.session.name)
        _say(f"session {one.session.name}: the reply could not be logged. It is kept with its prompt; see: {see}")
        return True
    one.latest.tell_kept()
    return True


def _say(sentence: str) -> None:
    click.echo(plain(sentence), err=True)


def _say_cost(one: Prompting) -> None:
    """Print what a prompt cost, as llm prints its tokens. A failure is not worth an error: the reply is there."""
    with contextlib.suppress(SessionError, sqlite3.Error):
        check_shape("usage")
        from .usage import cost_of  # nobody else needs the prices

        told = cost_of(one)
        if told:
            click.echo(click.style(plain(told), fg="yellow", bold=True), err=True)


def _stand_in(model_id: str, error: SessionError) -> Any:
    check_shape("missing")
    from .missing import Missing

    return Missing(model_id, error)


def _templates(parameters: Mapping[str, Any]) -> Given | None:
    """Return the templates that the command was given, or None."""
    if not parameters.get("template"):
        return None
    check_shape("templates")
    from .templates import Given  # few prompts have one

    return Given(parameters["template"])


def _choose_model(parameters: dict[str, Any], is_set: bool, models: Models) -> None:  # noqa: FBT001  a fact
    """Choose the model: the one typed, or else the template's, the session's or the project's, or LLM_MODEL.

    `is_set`: one of those has a model, or the session exists. Without any, llm chooses its default.
    """
    model_id = parameters.get("model_id")
    if model_id is None:
        return
    if is_set and not typed("model_id"):
        parameters["model_id"] = None
        return
    parameters["model_id"] = models.of(model_id).model_id


def _options(
    parameters: dict[str, Any], kept: Settings, given: Given | None, models: Models
) -> tuple[tuple[str, Any], ...]:
    """Return the options typed, and those of the session, or of a new one's project, that the model knows.

    A template's come before the session's. llm adds them itself, but not in a chat.
    """
    typed = tuple(parameters.get("options") or ())
    named = {name for name, _ in typed}
    of_template = {name: value for name, value in (given.options if given else {}).items() if name not in named}
    others = {name: value for name, value in kept.options.items() if name not in named and name not in of_template}
    model_id = parameters.get("model_id") or (given and given.model) or kept.model
    if others and model_id is not None:
        known = getattr(models.of(model_id).Options, "model_fields", {})
        others = {name: value for name, value in others.items() if name in known}
    added = of_template if "prompt" not in parameters else {}
    return (*others.items(), *added.items(), *typed)


@contextlib.contextmanager
def _handed_over(one: Prompting, models: Models, chosen: str, given: Given | None) -> Iterator[None]:
    """Make llm's command load our conversation instead of its own while it runs, and the models that we found."""
    loading = {"load_template": given.load} if given else {}
    names = ("load_conversation", "get_model", "get_async_model", *loading)
    originals = {name: getattr(llm_cli, name) for name in names}

    def load_conversation(conversation_id: str | None, async_: bool = False, database: str | None = None) -> Any:  # noqa: FBT001, FBT002  llm's own signature
        del conversation_id, database
        return _conversation(one, models.of(chosen), async_=async_)

    for name, ours in {
        "load_conversation": load_conversation,
        "get_model": models.of,
        "get_async_model": models.of,
        **loading,
    }.items():
        setattr(llm_cli, name, ours)
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(llm_cli, name, original)


def _conversation(one: Prompting, model: Any, *, async_: bool) -> Any:
    """Return the conversation of this run, on the session's thread or on a new one."""
    made: Any = (AsyncSessionConversation if async_ else SessionConversation)(model=model)
    made.prompting = one
    if one.known is not None:
        made.loaded_tools = convert.tool_specs(
            history.first_turn_tools(one.services.desk.log, one.known.thread_id), model
        )
    if one.session is not None:
        made.id = one.session.thread_id
    return made


@contextlib.contextmanager
def _signals_raised() -> Iterator[None]:
    """Treat a closed terminal or a `kill` like any other failure, so that the prompt is kept."""

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(128 + number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # not the main thread: a program that calls llm's command itself
        for name in names:
            number = getattr(signal, name)
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
