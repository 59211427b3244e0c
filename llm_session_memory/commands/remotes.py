"""`llm sessions remote`: servers and folders that several machines keep the same conversations on."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from ..llm_seam.models import log_path
from ..memory import Memory
from ..model.remotes import RemoteSettings
from ..rules.addresses import FOLDER, kind_of
from ..rules.safe_text import one_line
from .common import as_json, echo, local_time, opened, session_command
from .grouped import ListedOrShown
from .remote_adding import add_command
from .remote_argument import check_log, complete_remote, kind, remote_argument
from .syncing import emptied

if TYPE_CHECKING:
    from ..model.remotes import Condition

_WIDTH = 60
"""How many characters of an address are listed."""


@click.group(
    "remote",
    cls=ListedOrShown,
    default="show",
    short_help="Manage servers and folders that keep conversations for several machines",
)
def remote_command() -> None:
    """Manage remotes: servers and folders where several machines keep the same conversations.

    A remote is a PostgreSQL server, a MongoDB server, or a folder, such as a mounted drive.

    \b
        llm sessions remote add drive /mnt/drive/llm
        llm sessions sync drive
        llm sessions remote
    """


@session_command("list", short_help="List remotes")
@click.option("--json", "json_", is_flag=True, help="Output as JSON")
def list_command(json_: bool, database: str | None) -> None:
    """List the remotes of this log, and when they were pushed to and pulled from.

    \b
        llm sessions remote
        llm sessions remote list --json
    """
    check_log(database)
    with opened(database) as memory:
        found = memory.remotes.list()
        adding = memory.desk.command("remote", "add")
    if json_:
        as_json([*map(_fields, found)])
        return
    rows = [
        (*(one.name, kind(one), one_line(one.address, _WIDTH)), *(_when(at) for at in (one.pushed_utc, one.pulled_utc)))
        for one in found
    ]
    if rows:
        echo(tabulate(rows, ("remote", "kind", "address", "pushed", "pulled"), tablefmt="plain", disable_numparse=True))
    else:
        echo(f"There are no remotes. Add one with: {adding} NAME ADDRESS", err=True)


@session_command("show", short_help="Show how a remote is set up [default]")
@remote_argument
@click.option("--json", "json_", is_flag=True, help="Output as JSON")
def show_command(remote: str | None, json_: bool, database: str | None) -> None:
    """Show how a remote is set up, and where its password comes from. Nothing is sent to it.

    \b
        llm sessions remote show team
    """
    check_log(database)
    with opened(database) as memory:
        settings = memory.remotes.chosen(remote)
        machine = memory.remotes.machine()
    if json_:
        as_json(_fields(settings) | {"machine": machine.name})
        return
    lines = {
        "remote": settings.name,
        "kind": kind(settings),
        "address": settings.address,
        "password": _source(settings),
        "schema": settings.schema,
        "person": settings.person or machine.person,
        "machine": machine.name,
        "sends": _sends(settings),
        "added": local_time(settings.created_utc),
        "pushed": _when(settings.pushed_utc),
        "pulled": _when(settings.pulled_utc),
    }
    for name, value in lines.items():
        if value is not None:
            echo(f"{name.ljust(8)}  {value}")


@session_command("remove", short_help="Forget a remote")
@click.argument("remote", shell_complete=complete_remote)
def remove_command(remote: str, database: str | None) -> None:
    """Forget a remote. The remote keeps all that it has, and so does this log.

    \b
        llm sessions remote remove team
    """
    check_log(database)
    with opened(database) as memory:
        gone = memory.remotes.remove(remote)
    echo(f"Forgot remote “{gone.name}”. What was pushed stays there: {gone.address}")
    if gone.secret is not None:
        echo(f"Its password stays in llm's keys as “{gone.secret}”. Find that file with: llm keys path", err=True)


@session_command("test", short_help="See whether a remote can be used")
@remote_argument
@click.option("--json", "json_", is_flag=True, help="Output as JSON")
def test_command(remote: str | None, json_: bool, database: str | None) -> None:
    """Connect to a remote, and say what it is and what you may do there. This changes nothing.

    \b
        llm sessions remote test team
    """
    import time
    from contextlib import closing

    from ..remotes.opening import open_remote
    from ..rules.syncing import clock_sentence

    check_log(database)
    with opened(database) as memory:
        settings = memory.remotes.chosen(remote)
        pushing = memory.desk.command("push", settings.name)
    with closing(open_remote(settings)) as there:
        found, place = there.condition(), there.place
        here = time.time()
    if json_:
        ahead = None if found.now is None else round(here - found.now, 1)
        as_json({"name": settings.name, "place": place, **asdict(found), "clock_ahead_seconds": ahead})
        return
    if not found.version and settings.pushed_utc:
        raise emptied(settings, place)
    for line in _condition(settings, found, place, pushing):
        echo(line)
    if said := clock_sentence(here, found.now):
        echo(said, err=True)


def _condition(settings: RemoteSettings, found: Condition, place: str, pushing: str) -> list[str]:
    said = [
        f"Remote “{settings.name}” can be used: {found.server} at {place} answered in {found.seconds * 1000:,.0f} ms."
    ]
    if not found.writable:
        said[0] = said[0].replace("can be used", "can only be read")
        said.append("You can pull, but not push.")
    if not found.version:
        begin = f" Start with: {pushing}" if found.writable else " Somebody with write access has to push first."
        said.append(f"Nothing has been pushed there yet.{begin}")
    return said


@session_command("machine", short_help="Show or set what this machine is called on remotes")
@click.argument("name", required=False)
@click.option("--person", metavar="WHO", help="Whose log this is")
@click.option("--json", "json_", is_flag=True, help="Output as JSON")
def machine_command(name: str | None, person: str | None, json_: bool, database: str | None) -> None:
    """Show what this machine is called on remotes, and whose log it is; or set it.

    If two sessions have the same name, the other machine's name is added to its session: work@laptop. Ratings are kept
    by person. Unless you set other names, those of this computer and its user are used.

    \b
        llm sessions remote machine
        llm sessions remote machine laptop --person ada
    """
    with Memory(log_path(database), create=True, typed=database) as memory:
        machine = memory.remotes.name_machine(name, person)
    if json_:
        as_json({"machine": machine.name, "person": machine.person})
        return
    echo(f"This machine is called “{machine.name}” on remotes, and its log is that of “{machine.person}”.")


def _fields(settings: RemoteSettings) -> dict[str, Any]:
    return {
        "name": settings.name,
        "kind": kind_of(settings.address),
        "address": settings.address,
        "key": settings.secret,
        "person": settings.person,
        "project": settings.project,
        "exclude_tags": [*settings.exclude_tags],
        "schema": settings.schema,
        "redact": settings.redact,
        "created_utc": settings.created_utc,
        "pushed_utc": settings.pushed_utc,
        "pulled_utc": settings.pulled_utc,
    }


def _source(settings: RemoteSettings) -> str | None:
    """Return where a remote's password comes from, in words. Folders have none."""
    from ..llm_seam import keys
    from ..remotes.opening import variable

    name = variable(settings.name)
    if os.environ.get(name, "").strip():
        return f"in the environment variable {name}"
    if settings.secret is not None:
        missing = "" if keys.has(settings.secret) else f", which is missing: llm keys set {settings.secret}"
        return f"in llm's keys as “{settings.secret}”{missing}"
    return None if kind_of(settings.address) == FOLDER else "not set here"


def _sends(settings: RemoteSettings) -> str:
    what = f"sessions of the project “{settings.project}”" if settings.project else "sessions of all projects"
    if settings.exclude_tags:
        what += f" without the tags {', '.join(f'“{one}”' for one in settings.exclude_tags)}"
    return f"{what}, secrets replaced" if settings.redact else what


def _when(utc: str | None) -> str:
    return local_time(utc) if utc else "never"


for _command in (
    *(add_command, list_command, show_command, remove_command),
    *(test_command, machine_command),
):
    remote_command.add_command(_command)
