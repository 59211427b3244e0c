"""`llm sessions secrets`: find keys, tokens and passwords in the log."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import click

from ..memory import Memory
from ..model import Secret, SecretPlace
from ..rules.secrets import masked
from ..rules.words import counted
from .common import as_json, complete, echo, opened, progress_line, session_command

_EXTRA = "More kinds are found with: llm install 'llm-session-memory[secrets]'"


@session_command("secrets", short_help="Find keys, tokens and passwords in the log")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete)
@click.option("--json", "as_json_", is_flag=True, help="Output as JSON")
def secrets_command(
    name: str | None,
    as_json_: bool,  # noqa: FBT001  a flag
    database: str | None,
) -> None:
    """List what looks like a key, a token or a password, by session and exchange, masked. NAME: only in this session.

    The exit status is 1 if there are any, and 0 if there are none.

    \b
        llm sessions secrets
        llm sessions secrets work
        llm sessions secrets work --json
    """
    with opened(database) as memory:
        found = _found(memory, name)
        if as_json_:
            as_json({"secrets": [_fields(one) for one in found]})
        else:
            _print(found, memory, name)
    if found:
        sys.exit(1)


def _found(memory: Memory, name: str | None) -> list[Secret]:
    thread_id = memory.conversations.get(name).thread_id if name is not None else None
    with progress_line("row", patience=1) as line:
        return memory.secrets.find(thread_id, line.show)


def _print(found: Sequence[Secret], memory: Memory, name: str | None) -> None:
    if not found:
        echo(f"No secrets found in {f'session “{name}”' if name else 'the log'}.")
    for title, rows in groupby(_rows(found), key=lambda row: _title(row[0])):
        echo(title)
        for place, secret in rows:
            number = f"#{place.number} " if place.number else ""
            echo(f"  {number}{place.where}: {secret.kind} {masked(secret.value)}")
    if found:
        echo(f"Found {counted(len(found), 'secret')}. Revoke or change those that are still valid.", err=True)
    if not memory.secrets.has_package():
        echo(_EXTRA, err=True)


def _rows(found: Sequence[Secret]) -> Iterator[tuple[SecretPlace, Secret]]:
    """Return each place with its secret, by session and exchange."""
    rows = [(place, secret) for secret in found for place in secret.places]
    return iter(sorted(rows, key=lambda row: (row[0].name, row[0].thread_id or "", row[0].number or 0)))


def _title(place: SecretPlace) -> str:
    if place.name:
        return place.name
    return f"{place.thread_id} (no name)" if place.thread_id else "No conversation"


def _fields(secret: Secret) -> dict[str, Any]:
    """Return a secret as JSON; the value itself is never printed."""
    places = [
        {
            "session": place.name or None,
            "thread_id": place.thread_id,
            "exchange": place.number,
            "turn_id": place.turn_id,
            "where": place.where,
        }
        for place in secret.places
    ]
    return {"kind": secret.kind, "masked": masked(secret.value), "places": places}
