"""`llm sessions attempts`: list the prompts that got no complete reply, or remove them."""

from __future__ import annotations

import click
from tabulate import tabulate

from ..memory import Memory
from ..model import Attempt
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import as_json, complete, echo, local_time, opened, session_command

_WIDTH = 40
"""How many characters of a name, an error or a prompt are shown."""


@session_command("attempts", short_help="List or remove prompts that got no complete reply")
@click.argument("name", required=False, shell_complete=complete)
@click.option("--drop", is_flag=True, help="Remove the session's failed and interrupted prompts")
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def attempts_command(
    name: str | None,
    drop: bool,
    json_: bool,
    database: str | None,
) -> None:
    """List the prompts that got no complete reply, in the session NAME or in all sessions.

    Such a prompt failed, was interrupted, or is still in progress. --drop removes a session's failed and interrupted
    ones. If the session has nothing else (its name was a typo, say), it is removed too.

    \b
        llm sessions attempts
        llm sessions attempts work --drop
    """
    if drop and name is None:
        raise click.UsageError("--drop needs the NAME of a session.")
    with opened(database) as memory:
        if name is not None and drop:
            told = _drop(memory, name)
        else:
            found = memory.record.unanswered(name)
            told = "" if found else _none(memory, name)
    if drop:
        echo(told)
    elif json_:
        as_json([_fields(session, attempt) for session, attempt in found])
    elif found:
        _print(found)
    else:
        echo(told, err=True)


def _drop(memory: Memory, name: str) -> str:
    session = memory.sessions.get(name)
    with memory.writing():
        count = memory.record.drop(name)
        removed = memory.sessions.remove_empty(name)
    told = f"Removed {counted(count, 'prompt')} from session “{session.name}”."
    if removed and count:
        return f"{told} The session had nothing else, so it was removed too."
    if removed:
        return f"Session “{session.name}” was empty, so it was removed."
    return told if count else _none(memory, name)


def _none(memory: Memory, name: str | None) -> str:
    if name is None:
        return "No failed or interrupted prompts."
    return f"Session “{memory.sessions.get(name).name}” has no failed or interrupted prompts."


def state(attempt: Attempt) -> str:
    """Return how a prompt ended, in a few words."""
    if attempt.in_progress:
        return "in progress"
    return "interrupted" if attempt.error == "interrupted" else f"failed: {one_line(attempt.error, _WIDTH)}"


def _print(found: list[tuple[str, Attempt]]) -> None:
    rows = [
        (
            one_line(session, _WIDTH),
            local_time(attempt.datetime_utc),
            one_line(attempt.model, _WIDTH),
            one_line(attempt.prompt, _WIDTH),
            state(attempt),
        )
        for session, attempt in found
    ]
    headers = ("session", "sent", "model", "prompt", "state")
    click.echo(tabulate(rows, headers=headers, tablefmt="plain", disable_numparse=True))


def _fields(session: str, attempt: Attempt) -> dict[str, object]:
    return {
        "session": session,
        "id": attempt.id,
        "prompt": attempt.prompt,
        "partial": attempt.partial,
        "error": attempt.error,
        "in_progress": attempt.in_progress,
        "model": attempt.model,
        "datetime_utc": attempt.datetime_utc,
    }
