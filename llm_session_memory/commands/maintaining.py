"""`llm sessions maintenance`, `migrations` and `migrate`: upkeep of the log's file and its tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from ..llm_seam.tables import names_of_migrations
from ..rules.words import counted
from .common import as_json, echo, local_time, opened, progress_line, session_command

if TYPE_CHECKING:
    from ..memory import Memory
    from ..services.maintenance import Advice


@session_command("maintenance", short_help="Make the log's file smaller or faster, or see what would help")
@click.option("--vacuum", is_flag=True, help="Rewrite the file without the space that deleted rows left")
@click.option("--analyze", is_flag=True, help="Collect statistics for SQLite's query planner")
@click.option("--optimize", is_flag=True, help="Merge the full-text indexes, and run SQLite's optimize")
@click.option("--reindex", is_flag=True, help="Rebuild all indexes")
@click.option("--wal", type=click.Choice(["on", "off"]), help="Turn WAL mode on or off")
@click.option("json_", "--json", is_flag=True, help="Output the figures as JSON; not with another option")
def maintenance_command(
    vacuum: bool,
    analyze: bool,
    optimize: bool,
    reindex: bool,
    wal: str | None,
    json_: bool,
    database: str | None,
) -> None:
    """Make the log's file smaller or faster. Without an option, print figures and what would help, and do nothing.

    Nothing in the log changes. To see whether it is damaged, use `llm sessions check`.

    \b
        llm sessions maintenance
        llm sessions maintenance --optimize --vacuum
        llm sessions maintenance --wal on
    """
    work = {"--reindex": reindex, "--optimize": optimize, "--analyze": analyze, "--vacuum": vacuum, "--wal": wal}
    wanted = [name for name, asked in work.items() if asked]
    if json_ and wanted:
        raise click.UsageError(f"--json is for the figures, without {wanted[0]}.")
    with opened(database) as memory:
        if not wanted:
            _print(memory.maintenance.advice(), json_=json_)
            return
        with progress_line("step") as line:
            for name in wanted:
                line.say(f"{name}…")
                said = _done(memory, name, wal, line)
                line.end()
                echo(said)


def _done(memory: Memory, name: str, wal: str | None, line: progress_line) -> str:
    """Do one thing, and return what was done."""
    if name == "--reindex":
        memory.maintenance.reindex()
        return "Rebuilt all indexes."
    if name == "--optimize":
        memory.maintenance.optimize(lambda index, steps: line.say(f"Merging {index}: {counted(steps, 'step')}"))
        return "Merged the full-text indexes."
    if name == "--analyze":
        memory.maintenance.analyze()
        return "Collected statistics for SQLite's query planner."
    if name == "--vacuum":
        before, after = memory.maintenance.vacuum()
        return f"Rewrote the file: {before:,} bytes before, {after:,} bytes now."
    changed = memory.maintenance.set_wal(on=wal == "on")
    return f"WAL mode is {'now' if changed else 'already'} {wal}."


def _print(found: Advice, *, json_: bool) -> None:
    figures = found.figures
    if json_:
        as_json({**asdict(figures), "helps": [{"option": option, "why": why} for option, why in found.helps]})
        return
    free = figures.free_pages * figures.page_size
    rows = [
        ("size", f"{figures.size:,} bytes in {counted(figures.pages, 'page')}"),
        ("free", f"{free:,} bytes in {counted(figures.free_pages, 'page')} ({free / max(figures.size, 1):.1%})"),
        *((f"index {name}", counted(count, "segment")) for name, count in figures.segments.items()),
        ("statistics", "collected" if figures.statistics else "none; llm and the pages don't need them"),
        ("journal mode", figures.journal_mode),
        *([("write-ahead log", f"{figures.wal_size:,} bytes")] if figures.wal_size else []),
    ]
    click.echo(tabulate(rows, tablefmt="plain", disable_numparse=True))
    for option, why in found.helps:
        echo(f"{option} {why}.")
    if not found.helps:
        echo("Nothing would help. Nothing was done.", err=True)


@session_command("migrations", short_help="List the migrations of llm's tables and of ours")
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def migrations_command(json_: bool, database: str | None) -> None:
    """List the migrations of llm's tables and of this plugin's: when each was applied, or that it is pending.

    Pending ones are applied automatically: llm's by the next prompt that is logged, ours by the next use of a session.

    \b
        llm sessions migrations
    """
    with opened(database) as memory:
        found = memory.maintenance.migrations(names_of_migrations())
        migrate = memory.desk.command("migrate")
    if json_:
        as_json([asdict(one) for one in found])
        return
    rows = [
        (
            one.set,
            one.name,
            local_time(one.applied_utc) if one.applied_utc else "pending",
            "" if one.known else "of a newer version",
        )
        for one in found
    ]
    click.echo(tabulate(rows, headers=("set", "migration", "applied", ""), tablefmt="plain", disable_numparse=True))
    if any(one.applied_utc is None and one.set != "llm" for one in found):
        echo(f"Apply ours now with: {migrate}", err=True)


@session_command("migrate", short_help="Apply pending migrations of our tables now")
@click.option("--to", metavar="NAME", help="Only up to this migration [the newest]")
def migrate_command(to: str | None, database: str | None) -> None:
    """Apply the pending migrations of this plugin's tables, which the next use of a session would do too.

    llm's own tables are left alone. Migrations are not undone: to go back, restore a backup.

    \b
        llm sessions migrate
        llm sessions migrate --to 008_recall
    """
    with opened(database) as memory:
        done = memory.maintenance.migrate(to)
    for name in done:
        echo(f"Applied {name}.")
    if not done:
        echo("Nothing to apply." if to is None else f"{to} is applied already.")
