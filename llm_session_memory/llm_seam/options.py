"""Our options on llm's own commands. Runs at every start of llm, so it imports nothing but click.

Without `--session`, `--new-session` or LLM_SESSION, llm's own callbacks are called as without the plugin.
"""

from __future__ import annotations

import contextlib
import functools
import gc
from collections.abc import Callable, Iterator
from typing import Any

import click

COMMANDS = ("prompt", "chat")

ENVIRONMENT = "LLM_SESSION"

PROJECT = "LLM_PROJECT"


def install(cli: click.Group) -> None:
    """Add the options to the commands and wrap their callbacks."""
    for name in COMMANDS:
        command = cli.commands.get(name)
        if command is None or command.callback is None:
            continue
        options = _options()
        command.params.extend(options)
        command.callback = _before(command.callback, [str(option.name) for option in options])


def ours() -> list[str]:
    """Return the names of the parameters that we add."""
    return [str(option.name) for option in _options()]


def _options() -> list[click.Option]:
    return [
        click.Option(
            ["--session"],
            metavar="NAME",
            envvar=ENVIRONMENT,
            shell_complete=_complete,
            help="Continue the session NAME, or create it; the model is never sent more than fits its context window",
        ),
        click.Option(
            ["--new-session"],
            is_flag=True,
            help="Start the session over and keep the old one as NAME~1. Without --session: create one with a "
            "generated name",
        ),
        click.Option(
            ["--fork-at"],  # --at is llm's own: the type of an attachment
            type=click.IntRange(min=1),
            metavar="N",
            help="Fork the session: continue after exchange N in a new session, which shares exchanges 1 to N",
        ),
        click.Option(
            ["--project"],
            metavar="NAME",
            envvar=PROJECT,
            shell_complete=_complete_project,
            help="Create the session in the project NAME, with its defaults (none: in no project)",
        ),
        click.Option(
            ["--max-context-tokens"],
            type=click.IntRange(min=1),
            metavar="N",
            help="Maximum tokens in a whole request [64000, or less if the model's context window is smaller]",
        ),
        click.Option(
            ["--memory"],
            metavar="POLICY",
            callback=_policy,
            help="What to send besides the newest exchanges and pins: recall (relevant excerpts from older "
            "exchanges), summary (of exchanges that are not sent), summary,recall (both), window (nothing) or full "
            "(everything) [recall]",
        ),
        click.Option(
            ["--recall-share"],
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            metavar="S",
            help="Largest share of a request that excerpts may fill [0.95, at most 3,800 tokens]",
        ),
        click.Option(
            ["--recall-model"],
            metavar="MODEL",
            help="Embedding model that recall uses to search by meaning, or none [llm's, or session-minilm]",
        ),
        click.Option(
            ["--summary-model"],
            metavar="MODEL",
            help="Model that writes the summary for --memory summary [the session's model]",
        ),
        click.Option(
            ["--think"],
            type=click.Choice(["drop", "keep"]),
            help="Whether <think> text in earlier replies is sent again [drop]",
        ),
        click.Option(
            ["--recall-fragments"],
            type=bool,
            metavar="[yes|no]",
            help="Whether recall uses fragments and text attachments of earlier prompts [yes]",
        ),
        click.Option(
            ["--global-notes/--no-global-notes"],
            default=None,
            help="Send the notes for all sessions, or don't [send them]",
        ),
        click.Option(
            ["--recall-from"],
            metavar="WHERE",
            callback=_recall_from,
            shell_complete=_complete_sources,
            help="Other sessions to recall excerpts from: names, tag:TAG or project:NAME, separated by commas; or all "
            "[self: none]",
        ),
        click.Option(
            ["--guard"],
            type=bool,
            metavar="[on|off]",
            help="Warn, and ask on a terminal, before a secret is sent to a model that is not local [off]",
        ),
        click.Option(
            ["--send-anyway"],
            is_flag=True,
            help="Send the prompt even if it seems not to fit the context window; the figures are estimates",
        ),
        click.Option(
            ["--over-budget"],
            is_flag=True,
            help="Send the prompt even if it would exceed the budget in dollars of its session or project",
        ),
    ]


def _policy(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return a policy in its normal form. Raises BadParameter if it is invalid."""
    if value is None:
        return None
    from ..errors import SessionError
    from ..model import POLICIES
    from ..rules.policy import parsed_policy
    from ..rules.safe_text import unbroken

    try:
        return parsed_policy(value)
    except SessionError:
        choices = ", ".join(POLICIES)
        raise click.BadParameter(
            f"“{unbroken(value)}” is not one of: {choices} or summary,recall.", ctx, param
        ) from None


def _recall_from(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return a value of --recall-from in its normal form. Raises BadParameter if it is invalid."""
    if value is None:
        return None
    from ..errors import SessionError
    from ..rules.recall_from import normal
    from ..rules.safe_text import unbroken

    try:
        return normal(value)
    except SessionError as error:
        raise click.BadParameter(unbroken(str(error)), ctx, param) from None


def _before(original: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    @functools.wraps(original)
    def callback(**parameters: Any) -> Any:
        ours = {name: parameters.pop(name, None) for name in names}
        if ours["session"] is None and not ours["new_session"]:
            for name in names[2:]:
                if _asks(name, ours[name]) and (name != "project" or _typed(name)):
                    flag = f"--{name.replace('_', '-')}"
                    raise click.UsageError(f"{flag} needs a session: add --session NAME (or --new-session).")
            return original(**_plain(parameters))
        if _otherwise(parameters, ours):
            return original(**_plain(parameters))
        with _start_frozen():
            return _in_session(original, parameters, ours)

    return callback


def _asks(name: str, value: Any) -> bool:
    """Return whether the value of an option asks for something: for these settings, so does False."""
    return value is not None and (value is not False or name in ("recall_fragments", "global_notes", "guard"))


def _typed(name: str) -> bool:
    from .typed import typed

    return typed(name)


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a prompt without a session: as they are, but -c doesn't continue an import."""
    if not parameters.get("_continue"):
        return parameters
    from .plain_continue import without_imports

    return without_imports(parameters)


def _otherwise(parameters: dict[str, Any], ours: dict[str, Any]) -> bool:
    """Return whether another flag chooses the conversation and no session was typed.

    Raises UsageError if both were typed.
    """
    from .typed import typed

    flags = {"_continue": "-c", "conversation_id": "--cid", "save": "--save"}
    other = next((flag for name, flag in flags.items() if parameters.get(name)), None)
    if other is None or not (typed("session") or ours["new_session"]):
        return other is not None
    flag = "--session" if typed("session") else "--new-session"
    why = "both choose which conversation to continue"
    if other == "--save":
        why = "--save only stores a template and sends nothing"
    raise click.UsageError(f"{flag} and {other} can't be combined: {why}.")


def _in_session(original: Callable[..., Any], parameters: dict[str, Any], ours: dict[str, Any]) -> Any:
    """Run llm's command inside a session, after checking that llm still has what sessions need."""
    from ..errors import SessionError
    from .shape import check

    try:
        check("sessions")
    except SessionError as error:
        raise click.ClickException(str(error)) from error
    from .command import run

    return run(original, parameters, ours)


@contextlib.contextmanager
def _start_frozen() -> Iterator[None]:
    """Keep Python's garbage collector from scanning everything that llm has loaded, which lives until the end.

    A scan takes 30 to 40 ms of a prompt's 600 ms, and a long session makes enough objects to trigger one.
    We don't change how the process ends: Python scans everything then, as after any command.
    """
    if not hasattr(gc, "freeze") or gc.get_freeze_count():  # not CPython, or the caller has frozen objects itself
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete session names. Never print anything or fail, whatever the state of the log."""
    del param
    from .models import known_names

    return known_names(ctx.params.get("database"), incomplete)


def _complete_project(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete project names, in the same way."""
    del param
    from .models import known_projects

    return known_projects(ctx.params.get("database"), incomplete)


def _complete_sources(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the values of --recall-from, in the same way."""
    del param
    from .models import known_sources

    return known_sources(ctx.params.get("database"), incomplete)
