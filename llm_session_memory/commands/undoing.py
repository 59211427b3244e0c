"""`llm sessions undo` and `redo`: take exchanges out of a session, but not out of the log, and bring them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..errors import NoSuchSession
from ..memory import Memory
from ..model import Exchange, Filters
from ..rules.dates import zoned
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import as_json, complete, echo, local_time, opened, session_command

if TYPE_CHECKING:
    from ..services.undoing import UndoneGroup

_WIDTH = 60
"""How many characters of a prompt are shown."""

_SHOWN = 10
"""How many exchanges are shown of those that were undone or brought back."""


@session_command("undo", short_help="Take the last exchanges out of a session")
@click.argument("name", required=False, shell_complete=complete)
@click.option("-n", "--count", type=click.IntRange(min=1), default=1, help="How many exchanges [1]")
@click.option(
    "list_", "--list", is_flag=True, help="List what was undone in NAME, or in all sessions, and change nothing"
)
@click.option("json_", "--json", is_flag=True, help="With --list: output as JSON")
def undo_command(
    name: str | None,
    count: int,
    list_: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Take the last exchanges out of the session NAME, or of the session used last.

    They are no longer sent, shown, found or counted, but they stay in the log: `redo` brings them back.

    \b
        llm sessions undo
        llm sessions undo work -n 2
        llm sessions undo --list work
    """
    if json_ and not list_:
        raise click.UsageError("--json needs --list.")
    with opened(database) as memory:
        if list_:
            _list(memory, name, json_=json_)
            return
        done = memory.undoing.undo(name or used_last(memory), count)
        session = done.session.name
        redo, drop = memory.desk.command("redo", session), memory.desk.command("attempts", session, "--drop")
    echo(f"Undid {counted(len(done.exchanges), 'exchange')} of “{session}”:")
    _lines(done.exchanges)
    for attempt in done.failed[-1:]:
        echo(f"The newest prompt failed, so it is not an exchange and stays: {one_line(attempt.prompt, _WIDTH)}")
        echo(f"Remove failed prompts with: {drop}")
    echo(f"Bring {'it' if len(done.exchanges) == 1 else 'them'} back with: {redo}", err=True)


@session_command("redo", short_help="Bring back undone exchanges")
@click.argument("name", required=False, shell_complete=complete)
@click.option(
    "--group", type=click.IntRange(min=1), default=1, metavar="N", help="Group as numbered by undo --list [1: the last]"
)
@click.option("--keep-new", is_flag=True, help="Put what comes back before the new exchanges")
@click.option("--undo-new", is_flag=True, help="Undo the new exchanges")
def redo_command(
    name: str | None,
    group: int,
    keep_new: bool,
    undo_new: bool,
    database: str | None,
) -> None:
    """Bring back the exchanges that were undone last in the session NAME, or in the session used last.

    If the session has new exchanges since then, add --keep-new or --undo-new.

    \b
        llm sessions redo work
        llm sessions redo work --undo-new
        llm sessions redo work --group 2
    """
    if keep_new and undo_new:
        raise click.UsageError("--keep-new and --undo-new can't be combined.")
    with opened(database) as memory:
        done = memory.undoing.redo(name or used_last(memory), group, keep_new=keep_new, undo_new=undo_new)
    echo(f"Brought back {counted(len(done.exchanges), 'exchange')} of “{done.session.name}”:")
    _lines(done.exchanges)
    if done.instead_of:
        echo(f"Undid {counted(len(done.instead_of), 'exchange')} instead:")
        _lines(done.instead_of)


def used_last(memory: Memory) -> str:
    """Return the name of the session used last. Raises NoSuchSession if there is none."""
    found = memory.sessions.list(1, filters=Filters(archived=False))
    if not found:
        if memory.sessions.names():
            raise NoSuchSession("All sessions are archived.", "Give the name of one.")
        raise NoSuchSession("There is no session yet.", 'Start one with: llm --session NAME "..."')
    return found[0].session.name


def _lines(exchanges: Sequence[Exchange]) -> None:
    width = len(f"#{exchanges[-1].number}")
    for exchange in exchanges[:_SHOWN]:
        when = local_time(exchange.turns[0].datetime_utc)
        echo(f"  {f'#{exchange.number}':<{width}}  {when}  {one_line(exchange.prompt, _WIDTH)}")
    if len(exchanges) > _SHOWN:
        echo(f"  and {len(exchanges) - _SHOWN:,} more, up to #{exchanges[-1].number:,}")


def _list(memory: Memory, name: str | None, *, json_: bool) -> None:
    """Print what was undone in a session, or in all sessions."""
    sessions = [memory.sessions.get(name)] if name else memory.undoing.sessions()
    found = [(one.name, groups) for one in sessions if (groups := memory.undoing.groups(one.name))]
    if json_:
        as_json([_fields(one, number, group) for one, groups in found for number, group in enumerate(groups, 1)])
        return
    if not found:
        echo(
            f"No exchange of “{sessions[0].name}” was undone." if name else "No exchange was undone in any session.",
            err=True,
        )
        return
    for one, groups in found:
        if not name:
            echo(f"“{one}”:")
        _print(groups)
    redo = memory.desk.command("redo", found[0][0] if len(found) == 1 else "NAME")
    others = ", an earlier group with --group N" if any(len(groups) > 1 for _, groups in found) else ""
    echo(f"Bring back the last group with: {redo}{others}", err=True)


def _print(groups: Sequence[UndoneGroup]) -> None:
    for number, group in enumerate(groups, 1):
        echo(f"{number}. {counted(len(group.exchanges), 'exchange')}, undone {local_time(group.undone_utc)}")
        _lines(group.exchanges)


def _fields(session: str, number: int, group: UndoneGroup) -> dict[str, object]:
    return {
        "session": session,
        "group": number,
        "undone_utc": zoned(group.undone_utc),
        "newer_exchanges": group.newer,
        "exchanges": [
            {
                "id": exchange.id,
                "number": exchange.number,
                "datetime_utc": zoned(exchange.turns[0].datetime_utc),
                "prompt": exchange.prompt,
            }
            for exchange in group.exchanges
        ],
    }
