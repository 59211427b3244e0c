"""Shared by all commands: the log option, session names with completion, error messages, and output."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from ..errors import NoSuchSession, SessionError
from ..llm_seam import received
from ..llm_seam.models import known_groups, known_names, known_projects, known_sources, known_templates, log_path
from ..llm_seam.output import takes_everything
from ..memory import Memory
from ..model import RATED
from ..rules.safe_text import escaped, plain, unbroken
from ..rules.words import counted
from ..store.log import telling

F = TypeVar("F", bound=Callable[..., Any])


def session_command(name: str, **attributes: Any) -> Callable[[F], click.Command]:
    """Return a decorator for a command with `-d`. A SessionError is printed as `Error: …`, with exit status 1."""

    def decorate(function: F) -> click.Command:
        @functools.wraps(function)
        def guarded(*args: Any, **parameters: Any) -> Any:
            command = click.get_current_context().command
            parameters = received.arguments(command, parameters)
            try:
                with telling(functools.partial(echo, err=True)):
                    done = function(*args, **parameters)
            except SessionError as error:
                raise click.ClickException(unbroken(str(error))) from error
            if received.is_unreadable(command, parameters):
                click.echo(received.NOTICE, err=True)
            return done

        option = click.option(
            "-d",
            "--database",
            type=click.Path(dir_okay=False),
            help="Path to the log database [llm's log]",
        )
        make: Callable[[Any], click.Command] = click.command(name, **attributes)
        return make(option(guarded))

    return decorate


def session_argument(name: str = "name") -> Callable[[F], F]:
    """Return a decorator for an argument that is a session's name."""
    decorate: Callable[[F], F] = click.argument(name, shell_complete=complete)
    return decorate


def rated_option(rated: str, unrated: str, parameter: str = "rated") -> Callable[[F], F]:
    """Return a decorator for `--rated`. Its help says what the command selects if rated, and if `unrated`.

    `parameter` is the keyword that the command gets it by.
    """
    said = f"{rated} good (up, 4 or 5), bad (down, 1 or 2), up, down, 1 to 5, or any; none: {unrated}"
    kind = click.Choice(tuple(RATED))
    decorate: Callable[[F], F] = click.option("--rated", parameter, type=kind, metavar="HOW", help=said)
    return decorate


def completing(known: Callable[[str | None, str], list[str]]) -> Callable[..., list[str]]:
    """Return a completion for click: what `known` finds in the command's log that begins as what was typed."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        del param
        return known(ctx.params.get("database"), incomplete)

    return complete


complete = completing(known_names)
"""Completes the names of sessions that are not archived."""

complete_archived = completing(functools.partial(known_names, archived=True))
complete_project = completing(known_projects)
complete_group = completing(known_groups)
complete_template = completing(known_templates)
complete_sources = completing(known_sources)

COMPLETING = {"project": complete_project, "template": complete_template}
"""How the values of filters are completed in the shell, by the filter's name."""


def exchange_number(text: str | None) -> int | None:
    """Return the number of an exchange, or None if the text is not a number, or None. Raises BadParameter below 1."""
    if text is None or not (text.isascii() and text.lstrip("-").isdigit()):
        return None
    if int(text) < 1:
        raise click.BadParameter(f"{text} is not the number of an exchange. Numbers begin at 1.")
    return int(text)


def existing_log(database: str | None) -> Path:
    """Return the path of the log that a command uses. Raises NoSuchSession if there is no log yet."""
    path = log_path(database)
    if not path.exists():
        raise NoSuchSession(f"There is no log at {path} yet.", 'Start a session with: llm --session NAME "..."')
    return path


def opened(database: str | None) -> Memory:
    """Open the log to read or change existing sessions. Raises NoSuchSession if there is no log yet."""
    return Memory(existing_log(database), typed=database)


def project_key(name: str | None, database: str | None) -> str | None:
    """Return the key of a project, by its name, or None without a name. Raises NoSuchSession if it is unknown."""
    if name is None:
        return None
    with opened(database) as memory:
        return memory.projects.get(name).key


def echo(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Print a text. Characters that could control the terminal are made visible."""
    click.echo(plain(text), nl=nl, err=err)


def as_json(value: Any) -> None:
    """Print a value as JSON. Characters that could control the terminal, or that it lacks, are escaped."""
    click.echo(escaped(json.dumps(value, indent=2, ensure_ascii=not takes_everything())))


class progress_line:  # noqa: N801  used as a context manager
    """A line on the terminal (stderr) that counts what is done, and is removed at the end."""

    def __init__(self, noun: str, every: int = 1, patience: float = 0) -> None:
        """Count things of this name, and update the line after every so many of them.

        The line appears only if the work takes longer than `patience` seconds.
        """
        self._noun, self._every = noun, every
        self._from = time.monotonic() + patience
        self._shown = 0

    def __enter__(self) -> progress_line:  # noqa: PYI034  Self needs Python 3.11
        return self

    def show(self, done: int, total: int | None = None) -> None:
        """Update the line, if enough was done since the last update."""
        if done % self._every == 0:
            self.say(f"{done:,} of {counted(total, self._noun)}" if total else counted(done, self._noun))

    def say(self, text: str) -> None:
        """Replace the line, if there is a terminal and enough time has passed."""
        if sys.stderr.isatty() and time.monotonic() >= self._from:
            click.echo(f"\r{text.ljust(self._shown)}", nl=False, err=True)
            self._shown = len(text)

    def end(self) -> None:
        """Remove the line."""
        if self._shown:
            click.echo("\r" + " " * self._shown + "\r", nl=False, err=True)
            self._shown = 0

    def __exit__(self, *error: object) -> None:
        self.end()


def local_time(utc: str) -> str:
    """Return a stored time in local time, to the minute."""
    try:
        moment = datetime.fromisoformat(utc)
    except ValueError:
        return utc
    if moment.tzinfo is None:
        from datetime import timezone

        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
