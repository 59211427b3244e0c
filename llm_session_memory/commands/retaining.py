"""`llm sessions retention`: delete conversations that have not been used for long."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..memory import Memory
from ..model import Conversation
from ..rules.dates import zoned
from ..rules.retention import parsed_days
from ..rules.safe_text import one_line
from ..rules.words import counted
from ..services.retention import NEVER, Keeping
from .common import COMPLETING, as_json, echo, local_time, opened, session_command

_SHOWN = 10
_WIDTH = 60
"""How many old conversations are shown, and how many characters of a name."""


@session_command("retention", short_help="Delete conversations that have not been used for long")
@click.argument("time", required=False, metavar="[TIME|off|never]")
@click.option(
    "--project", metavar="NAME", shell_complete=COMPLETING["project"], help="Only for the sessions of this project"
)
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def retention_command(
    time: str | None,
    project: str | None,
    json_: bool,
    database: str | None,
) -> None:
    """Delete conversations for good that have not been used for TIME, such as 30d, 12w, 6m or 1y; or show what is set.

    It is off unless you set it. Old conversations, with a name or without, are deleted at most once a day, after a
    prompt in a session, which then says how many. The first time it only says what will go the next day.

    These stay: conversations with a pinned exchange, a tag, a bookmark or a snapshot, archived sessions, imported
    conversations, and the session in use. Nothing is deleted while the clock looks wrong.

    A project can have its own time; `never` keeps its sessions, and `off` treats them like all others.

    \b
        llm sessions retention 90d
        llm sessions retention 1y --project bridge
        llm sessions retention off
    """
    with opened(database) as memory:
        if time is not None:
            memory.retention.set(_days(memory, time, project), project)
        kept = memory.retention.keeping()
        if project is not None:
            memory.projects.get(project)
        old = memory.retention.old()
    if json_:
        as_json(_fields(kept, old))
    else:
        _print(kept, old)


def _days(memory: Memory, time: str, project: str | None) -> int | None:
    if time == "off":
        return None
    if time == "never":
        if project is None:
            raise click.UsageError("`never` is for a --project. To keep all conversations, use: off")
        return NEVER
    return parsed_days(time, memory.desk.now())


def _print(kept: Keeping, old: Sequence[Conversation]) -> None:
    if kept.shortest is None:
        echo("Retention is off: conversations are kept until you delete them.")
    elif kept.days:
        echo(f"Conversations are deleted when they have not been used for {counted(kept.days, 'day')}.")
    for name, days in kept.projects.items():
        never = "are always kept" if days == NEVER else f"are deleted after {counted(days, 'day')}"
        echo(f"Sessions of the project “{one_line(name, _WIDTH)}” {never}.")
    if kept.shortest is None:
        return
    if not old:
        echo("No conversation is old enough yet.")
        return
    echo(f"{counted(len(old), 'conversation')} {'is' if len(old) == 1 else 'are'} old enough now:")
    for one in old[:_SHOWN]:
        what = f"“{one.name}”" if one.name else f"{one.thread_id}  {one.first_words}"
        echo(f"  {local_time(one.last_used_utc or '')}  {one_line(what, _WIDTH)}")
    if len(old) > _SHOWN:
        echo(f"  and {len(old) - _SHOWN:,} more")
    if kept.reported_utc is None:
        echo("The next prompt in a session says so again; the first prompt a day later deletes them.")
    else:
        echo(f"They are deleted after a prompt in a session from {local_time(kept.next_utc or '')} on.")


def _fields(kept: Keeping, old: Sequence[Conversation]) -> dict[str, object]:
    return {
        "days": kept.days,
        "projects": {name: days or "never" for name, days in kept.projects.items()},
        "next_utc": kept.next_utc and zoned(kept.next_utc),
        "reported_utc": kept.reported_utc and zoned(kept.reported_utc),
        "old": [
            {"thread_id": one.thread_id, "name": one.name, "last_used_utc": zoned(one.last_used_utc or "")}
            for one in old
        ],
    }
