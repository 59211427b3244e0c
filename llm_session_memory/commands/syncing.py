"""`llm sessions push`, `pull`, `sync` and `status`: keep the same conversations on several machines."""

from __future__ import annotations

import functools
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from ..errors import RemoteFailed
from ..llm_seam.tables import up_to_date
from ..memory import Memory
from ..model.remotes import Machine, Remote, RemoteSettings
from ..model.syncing import Moved, SyncScope
from .common import COMPLETING, F, as_json, complete, echo, opened, progress_line, session_command
from .ending import ending_in_order
from .merging import print_conflicts
from .remote_argument import check_log, remote_argument
from .selecting import dry_run_option
from .syncing_text import pulled_lines, pushed_lines, status_lines
from .watching import EVERY, watched

if TYPE_CHECKING:
    from ..services.syncing import Syncing

_SAID = {"push": pushed_lines, "pull": pulled_lines}


def _options(function: F) -> F:
    """Give a command the options of push, pull and sync, as a scope and what else was asked for."""

    @functools.wraps(function)
    def asked(
        session: str | None,
        project: str | None,
        everything: bool,
        watch: bool,
        every: int | None,
        **parameters: Any,
    ) -> Any:
        if sum((session is not None, project is not None, everything)) > 1:
            raise click.UsageError("Give only one of --session, --project and --all.")
        if every is not None and not watch:
            raise click.UsageError("--every needs --watch.")
        if watch and (parameters["dry_run"] or parameters["json_"]):
            raise click.UsageError("--watch can't be combined with --dry-run or --json.")
        seconds = (every or EVERY) if watch else None
        return function(scope=SyncScope(session, project, everything), every=seconds, **parameters)

    decorated: Any = asked
    for option in reversed(
        (
            click.option("-s", "--session", metavar="NAME", shell_complete=complete, help="Only this session"),
            click.option(
                "--project", metavar="NAME", shell_complete=COMPLETING["project"], help="Only sessions of this project"
            ),
            click.option("--all", "everything", is_flag=True, help="All conversations, including those without a name"),
            dry_run_option("Only print what would be moved"),
            click.option("--watch", is_flag=True, help="Keep going until Ctrl-C, and print only what is new"),
            click.option(
                "--every",
                type=click.IntRange(min=1),
                metavar="SECONDS",
                help=f"How often --watch looks [{EVERY}]",
            ),
            click.option("--json", "json_", is_flag=True, help="Output as JSON"),
        )
    ):
        decorated = option(decorated)
    return remote_argument(decorated)  # type: ignore[no-any-return]


@session_command("push", short_help="Send conversations to a remote")
@_options
@ending_in_order()
def push_command(**parameters: Any) -> None:
    """Send to REMOTE what is new or newer here. You can leave out REMOTE if there is only one.

    All sessions are sent unless you choose some. Private and sealed sessions are never sent, nor those that the remote
    excludes. A push that breaks off has sent whole turns; push again to send the rest.

    \b
        llm sessions push
        llm sessions push team -s work --dry-run
        llm sessions push --watch
    """
    _move(("push",), **parameters)


@session_command("pull", short_help="Fetch conversations from a remote")
@_options
@ending_in_order()
def pull_command(**parameters: Any) -> None:
    """Fetch from REMOTE what is new or newer there. You can leave out REMOTE if there is only one.

    What other machines deleted is deleted here too. If both sides changed the same thing, the newer change wins, and
    the older one is kept: llm sessions status --conflicts.

    \b
        llm sessions pull
        llm sessions remote add team postgresql://ada@db.example/llm -d team.db
        llm sessions pull -d team.db --watch
    """
    _move(("pull",), **parameters)


@session_command("sync", short_help="Pull from a remote, then push to it")
@_options
@ending_in_order()
def sync_command(**parameters: Any) -> None:
    """Pull from REMOTE, then push to it. You can leave out REMOTE if there is only one.

    \b
        llm sessions sync
        llm sessions sync drive --all
        llm sessions sync --watch --every 60
    """
    _move(("pull", "push"), **parameters)


@session_command("status", short_help="Compare this log with a remote")
@remote_argument
@click.option("--all", "everything", is_flag=True, help="All conversations, including those without a name")
@click.option(
    "--conflicts", is_flag=True, help="List the older values that lost to newer ones, without contacting a remote"
)
@click.option("--json", "json_", is_flag=True, help="Output as JSON")
def status_command(
    remote: str | None,
    everything: bool,
    conflicts: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Say which sessions a push or a pull would move, and what is held back and why. This changes nothing.

    \b
        llm sessions status
        llm sessions status --all
        llm sessions status team --json
        llm sessions status --conflicts
    """
    if conflicts:
        with opened(database) as memory:
            print_conflicts(memory, json_=json_)
        return
    settings = _chosen(database, remote)
    with closing(_connected(settings)) as there, progress_line("turn", patience=1) as line:
        line.say("Comparing…")
        is_new(there, settings)
        with opened(database) as memory:
            syncing, place = _syncing(memory, there, settings, memory.remotes.machine()), there.place
            found = syncing.status(SyncScope(everything=everything))
            listing = memory.desk.command("status", "--conflicts")
    if json_:
        as_json({"remote": settings.name, "place": place, "in_sync": found.in_sync, **asdict(found)})
        return
    for text in status_lines(found, settings.name, place, listing):
        echo(text)
    if found.clock:
        echo(found.clock, err=True)


# -- steps -----------------------------------------------------------------


def _move(
    ways: tuple[str, ...],
    scope: SyncScope,
    *,
    remote: str | None,
    dry_run: bool,
    every: int | None,
    json_: bool,
    database: str | None,
) -> None:
    """Push, pull or both: once, or until Ctrl-C."""
    settings = _chosen(database, remote)
    moving = _Moving(settings, scope, database, dry_run=dry_run, silent=json_, quiet=every is not None)
    if every is not None:
        watched(settings.name, lambda: _connected(settings), lambda there: moving.move(there, ways), every)
        return
    with closing(_connected(settings)) as there:
        done = moving.move(there, ways)
    if json_:
        as_json({"remote": settings.name, "dry_run": dry_run, **{way: asdict(moved) for way, moved in done.items()}})
    elif dry_run:
        echo("Dry run: nothing was moved.", err=True)


@dataclass
class _Moving:
    """Pushes and pulls between a log and a remote. `silent` prints nothing, `quiet` only what moved."""

    settings: RemoteSettings
    scope: SyncScope
    database: str | None
    dry_run: bool
    silent: bool
    quiet: bool
    clock: str = ""

    def move(self, there: Remote, ways: tuple[str, ...]) -> dict[str, Moved]:
        """Push, pull, or both in this order, and print what came of it."""
        done = {}
        empty = is_new(there, self.settings)
        with progress_line("turn", patience=1) as line, opened(self.database) as memory:
            up_to_date(memory.desk)
            syncing = _syncing(memory, there, self.settings, memory.remotes.name_machine())
            if self.scope.project is not None and ways == ("push",):
                memory.projects.get(self.scope.project)  # a pull may bring it
            for way in ways:
                does = syncing.push if way == "push" else syncing.pull
                moved = done[way] = does(self.scope, dry_run=self.dry_run, say=line.say)
                line.end()
                again = way == "push" and "pull" in done and done["pull"].conflicts
                self._tell(way, replace(moved, conflicts=0) if again else moved, memory, empty=empty)
        return done

    def _tell(self, way: str, moved: Moved, memory: Memory, *, empty: bool) -> None:
        if not (self.silent or (self.quiet and moved.nothing)):
            listing = memory.desk.command("status", "--conflicts")
            if empty and way == "pull":
                echo(f"Nothing to pull: nobody has pushed to “{self.settings.name}” yet.")
            else:
                chosen = self.scope.session is not None or self.scope.project is not None
                said = _SAID[way](moved, self.settings.name, would=self.dry_run, conflicts=listing, chosen=chosen)
                for text in said:
                    echo(text)
        if moved.clock and not self.clock:  # once is enough
            self.clock = moved.clock
            echo(moved.clock, err=True)


def _chosen(database: str | None, name: str | None) -> RemoteSettings:
    """Return the remote that a command is about. Raises NoSuchSession if the log has none, or there is no log."""
    check_log(database)
    with opened(database) as memory:
        return memory.remotes.chosen(name)


def is_new(there: Remote, settings: RemoteSettings) -> bool:
    """Return whether nobody has pushed to a remote yet.

    Raises RemoteFailed if it was used before and is empty: the folder of a drive that isn't connected, say. Otherwise a
    push would fill the computer's own disk, and a pull would find nothing new.
    """
    if there.condition().version:
        return False
    if settings.pushed_utc:
        raise emptied(settings, there.place)
    return True


def emptied(settings: RemoteSettings, place: str) -> RemoteFailed:
    """Return the error that a remote is empty and was used before."""
    hint = "Connect its drive, or check its address. To begin again there, add it with --replace."
    return RemoteFailed(f"Remote “{settings.name}” is empty, but it was used before: {place}.", hint)


def _connected(settings: RemoteSettings) -> Remote:
    from ..remotes.opening import open_remote

    return open_remote(settings)


def _syncing(memory: Memory, remote: Remote, settings: RemoteSettings, machine: Machine) -> Syncing:
    from ..services.syncing import Syncing

    return Syncing(memory.desk, remote, settings, machine)
