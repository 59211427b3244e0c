"""`llm sessions compare`: sessions or models side by side, with figures, and groups of sessions to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click
from tabulate import tabulate

from ..rules import dates
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import as_json, complete, complete_group, echo, local_time, opened, session_command
from .grouped import Grouped

if TYPE_CHECKING:
    from ..memory import Memory
    from ..model.groups import Group
    from ..reader.compared import By, Matching

_WIDTH = 40
"""How many characters of a name are shown."""


@click.group(
    "compare", cls=Grouped, default="sessions", short_help="Compare sessions or models: tokens, cost, time, ratings"
)
def compare_command() -> None:
    """Compare the answers of several sessions, or models, to the same prompts: tokens, cost, time, length, ratings.

    Answers to the same prompt are compared with each other. A difference counts as shown only if chance is an unlikely
    cause (p < 0.05); “no difference shown” does not mean “the same”. SESSION can also be the id of a conversation
    without a name. If a session has the name of one of the commands below, put “sessions” before it.

    \b
        llm sessions compare work work-b
        llm sessions compare work work-b work-c --by model
        llm sessions compare work work-b --by prompt
        llm sessions compare new bridges work work-b
        llm sessions compare --group bridges --json
    """


@session_command("sessions", short_help="Compare sessions (this is what runs without a command)")
@click.argument("names", metavar="[SESSION]...", nargs=-1, shell_complete=complete)
@click.option("--group", metavar="NAME", shell_complete=complete_group, help="Compare the sessions of this group")
@click.option(
    "--by",
    type=click.Choice(("session", "model", "prompt")),
    default="session",
    help="Compare sessions, or the models that answered in them; or show the answers prompt by prompt [session]",
)
@click.option(
    "--match",
    "matching",
    type=click.Choice(("prompt", "number")),
    default="prompt",
    help="Compare answers to the same prompt, or those with the same place in their sessions [prompt]",
)
@click.option("json_", "--json", is_flag=True, help="Output everything as JSON, with the answers")
def _sessions_command(
    names: tuple[str, ...],
    group: str | None,
    by: str,
    matching: str,
    json_: bool,
    database: str | None,
) -> None:
    """Compare the answers of several sessions, or models, to the same prompts."""
    if group is None and not names:
        raise click.UsageError("Name the sessions to compare, or a group with --group.")
    sides = cast("By", "session" if by == "prompt" else by)
    with opened(database) as memory:
        found, verdict = memory.groups.compared(names, group=group, by=sides, matching=cast("Matching", matching))
    if json_:
        from ..insight.comparing.fields import as_fields

        as_json(as_fields(found, verdict))
        return
    from .comparison_text import print_prompts, print_verdict

    print_prompts(found) if by == "prompt" else print_verdict(found, verdict)


@session_command("new", short_help="Make a group of sessions to compare")
@click.argument("group")
@click.argument("names", metavar="SESSION...", nargs=-1, required=True, shell_complete=complete)
def _new_command(group: str, names: tuple[str, ...], database: str | None) -> None:
    """Make a group of sessions. The others are compared with the first one.

    \b
        llm sessions compare new bridges work work-b
        llm sessions compare --group bridges
    """
    with opened(database) as memory:
        made = memory.groups.create(group, names)
        command = memory.desk.command("compare", "--group", made.name)
    echo(f"Group “{made.name}” has {counted(len(made.thread_ids), 'session')}.")
    echo(f"Compare them with: {command}", err=True)


@session_command("add", short_help="Add sessions to a group")
@click.argument("group", shell_complete=complete_group)
@click.argument("names", metavar="SESSION...", nargs=-1, required=True, shell_complete=complete)
def _add_command(group: str, names: tuple[str, ...], database: str | None) -> None:
    """Add sessions to a group, after those already in it."""
    with opened(database) as memory:
        new = memory.groups.add(group, names)
        now = memory.groups.get(group)
    there = "" if new == len(set(names)) else " Others were in it already."
    echo(f"Added {counted(new, 'session')} to “{now.name}”, which has {len(now.thread_ids):,}.{there}")


@session_command("list", short_help="List groups")
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def _list_command(json_: bool, database: str | None) -> None:
    """List the groups of sessions."""
    with opened(database) as memory:
        groups = [(group, _members(memory, group)) for group in memory.groups.list()]
    if json_:
        as_json([_fields(group, members) for group, members in groups])
    elif not groups:
        echo("No groups yet. Make one with: llm sessions compare new NAME SESSION SESSION", err=True)
    else:
        rows = [
            (one_line(group.name, _WIDTH), one_line(", ".join(called for called, _ in members), 2 * _WIDTH))
            for group, members in groups
        ]
        click.echo(tabulate(rows, headers=("group", "sessions"), tablefmt="plain", disable_numparse=True))


@session_command("show", short_help="Show the sessions of a group")
@click.argument("group", shell_complete=complete_group)
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def _show_command(group: str, json_: bool, database: str | None) -> None:
    """Show the sessions of a group, in the order in which they are compared."""
    with opened(database) as memory:
        found = memory.groups.get(group)
        members = _members(memory, found)
        command = memory.desk.command("compare", "--group", found.name)
    if json_:
        as_json(_fields(found, members))
        return
    echo(f"{found.name}, made {local_time(found.created_utc)}")
    for called, thread_id in members:
        echo(f"  {called}" if called == thread_id else f"  {called}  ({thread_id})")
    echo(f"Compare them with: {command}", err=True)


@session_command("delete", short_help="Delete a group, or take sessions out of it")
@click.argument("group", shell_complete=complete_group)
@click.argument("names", metavar="[SESSION]...", nargs=-1, shell_complete=complete)
def _delete_command(group: str, names: tuple[str, ...], database: str | None) -> None:
    """Delete a group, or only take these sessions out of it. The sessions themselves stay in the log."""
    with opened(database) as memory:
        if names:
            left = memory.groups.take_out(group, names)
            echo(f"Group “{left.name}” has {counted(len(left.thread_ids), 'session')} left.")
        else:
            gone = memory.groups.delete(group)
            echo(f"Deleted the group “{gone.name}”. Its sessions are still in the log.")


for _command in (_sessions_command, _new_command, _add_command, _list_command, _show_command, _delete_command):
    compare_command.add_command(_command)


def _members(memory: Memory, group: Group) -> list[tuple[str, str]]:
    """Return what each member is called, with its thread."""
    return [(memory.conversations.get(one).name or one, one) for one in group.thread_ids]


def _fields(group: Group, members: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "name": group.name,
        "created_utc": dates.zoned(group.created_utc),
        "sessions": [{"name": None if called == id_ else called, "thread_id": id_} for called, id_ in members],
    }
