"""`llm sessions list`: list sessions, all or filtered."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from tabulate import tabulate

from ..llm_seam.models import log_path
from ..memory import Memory
from ..model import Filters, SessionSummary
from ..reader.files.fields import relative_fields
from ..rules import dates
from ..rules.safe_text import one_line
from ..store.sealing import Sealed
from .common import as_json, complete, echo, local_time, session_command
from .selecting import filter_options, is_narrowed, typed

_PAGE = 20
_WIDTH = 40
"""How many characters of a name, a model or a list of tags are shown."""


@session_command("list", short_help="List sessions, most recently used first")
@click.option("-n", "--count", type=click.IntRange(min=0), default=_PAGE, help="How many to list [20]; 0 for all")
@click.option(
    "--after", metavar="NAME", shell_complete=complete, help="Continue after this session (the last one listed)"
)
@filter_options()
@click.option("--tree", is_flag=True, help="List forks below what they were forked from; -n counts families")
@click.option("--sealed", is_flag=True, help="List sealed sessions, with their dates and files")
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
@click.pass_context
def list_command(
    ctx: click.Context,
    count: int,
    after: str | None,
    filters: Filters,
    tree: bool,
    sealed: bool,
    json_: bool,
    database: str | None,
) -> None:
    """List sessions, most recently used first, with model, exchanges, tokens in and out, last use, project and tags.

    \b
        llm sessions
        llm sessions -n 50 --json
        llm sessions list --tag bridge --meta client=harbour --since 2026-01
        llm sessions list --project bridge
        llm sessions list --archived
        llm sessions list --tree
        llm sessions list --sealed
    """
    if tree and after:
        raise click.UsageError("--tree can't be combined with --after.")
    if sealed and (tree or after or is_narrowed(filters)):
        raise click.UsageError("--sealed can't be combined with filters, --tree or --after.")
    path = log_path(database)
    found: Sequence[SessionSummary] = []
    archived = 0
    kept: Sequence[Sealed] = []
    if path.exists():
        with Memory(path, typed=database) as memory:
            kept = memory.sessions.sealed()
            if sealed:
                _print_sealed(kept, path, json_=json_)
                return
            found = memory.sessions.list(count + 1 if count and not tree else -1, after, filters)
            archived = 0 if found else len(memory.sessions.names(archived=True))
    branches = [*families(found, count)] if tree else [ListedBranch(line) for line in found[: count or None]]
    shown = [branch.line for branch in branches]
    if json_:
        as_json([_fields(line) for line in shown])
    elif shown:
        print_table(shown, names=[branch.name for branch in branches])
        if len(found) > len(shown):
            echo(f"More: {_next(ctx, None if tree else shown[-1].session.name)}", err=True)
    elif not kept or after or is_narrowed(filters):
        echo(_none(path, after, archived if filters.archived is False else 0, narrowed=is_narrowed(filters)), err=True)
    if kept and len(found) == len(shown) and not (json_ or after or is_narrowed(filters)):
        _print_sealed(kept, path, json_=False, apart=bool(shown))


def _print_sealed(kept: Sequence[Sealed], path: Path, *, json_: bool, apart: bool = False) -> None:
    """Print the sealed sessions; `apart`: below a blank line."""
    if json_:
        as_json([asdict(one) for one in kept])
    elif kept:
        rows = [
            (one_line(one.name, _WIDTH), f"{one.exchanges:,}", *map(_day, (one.first_utc, one.last_utc)), one.file)
            for one in kept
        ]
        if apart:
            echo("")
        headers = ("sealed", "exchanges", "first", "last", "file")
        echo(tabulate(rows, headers, tablefmt="plain", colalign=("left", "right"), disable_numparse=True))
    else:
        echo(f"No sealed sessions in {path}.", err=True)


def _day(utc: str | None) -> str:
    return local_time(utc)[:10] if utc else ""


def _none(path: Path, after: str | None, archived: int, *, narrowed: bool) -> str:
    if after:
        return f"No {'matching ' if narrowed else ''}sessions after “{after}” in {path}."
    if narrowed:
        return f"No matching sessions in {path}. List all with: llm sessions -n 0"
    if archived:
        return f"All sessions in {path} are archived ({archived:,}). List them with: llm sessions list --archived"
    return f'No sessions yet in {path}. Start one with: llm --session NAME "..."'


def _next(ctx: click.Context, last: str | None) -> str:
    """Return the command for the next page: the same options, after the last session shown; for a tree, all of it."""
    where = ["-d", ctx.params["database"]] if ctx.params["database"] else []
    paged = ["llm", "sessions", "-n", str(ctx.params["count"]), "--after", last or ""]
    words = paged if last is not None else ["llm", "sessions", "list", "--tree", "-n", "0"]
    return shlex.join([*words, *typed(ctx), *where])


@dataclass(frozen=True)
class ListedBranch:
    """A session in a list, `depth` generations below the first one of its family that is listed."""

    line: SessionSummary
    depth: int = 0
    in_tree: bool = False

    @property
    def name(self) -> str:
        """The session's name; in a tree, with its depth and the place where it was forked."""
        name, origin = one_line(self.line.session.name, _WIDTH), self.line.origin
        if not self.in_tree or origin is None:
            return name
        of = "" if self.depth else f"{one_line(origin.reference, _WIDTH)} "
        at = f"#{origin.number:,}" if origin.number else ""
        below = f"└{'─' * self.depth} " if self.depth else ""
        return f"{below}{name} ({f'from {of}{at}'.strip()})"


def families(lines: Sequence[SessionSummary], count: int = 0) -> Iterator[ListedBranch]:
    """Yield sessions (given most recently used first), each with its forks below it; of `count` families, or of all.

    A family is as recently used as any of its members; the oldest fork of a session comes first.
    """
    listed = {line.session.thread_id: line for line in lines}
    forks: dict[str, list[SessionSummary]] = {}
    for line in sorted(lines, key=lambda line: line.session.created_utc):
        if line.origin and line.origin.thread_id in listed:
            forks.setdefault(line.origin.thread_id, []).append(line)
    done: set[str] = set()
    roots = 0
    for line in lines:
        if line.session.thread_id in done:
            continue
        if count and roots == count:
            return
        roots += 1
        waiting = [ListedBranch(_first(line, listed), in_tree=True)]
        while waiting:
            branch = waiting.pop()
            id_ = branch.line.session.thread_id
            if id_ not in done:  # a damaged log may go in circles
                done.add(id_)
                yield branch
                waiting += [ListedBranch(fork, branch.depth + 1, True) for fork in reversed(forks.get(id_, []))]  # noqa: FBT003


def _first(line: SessionSummary, listed: Mapping[str, SessionSummary]) -> SessionSummary:
    """Return the first one of a session's family that is listed."""
    seen: set[str] = set()
    while line.origin and line.origin.thread_id in listed and line.session.thread_id not in seen:
        seen.add(line.session.thread_id)
        line = listed[line.origin.thread_id]
    return line


_HEADERS = ("name", "model", "exchanges", "tokens in", "tokens out", "last used")
_ALIGN = ("left", "left", "right", "right", "right", "left")


def print_table(shown: Sequence[SessionSummary], *, project: bool = True, names: Sequence[str] | None = None) -> None:
    """Print sessions as a table, with their projects if any is in one and `project` is set.

    `names` are printed instead of their names.
    """
    headers: tuple[str, ...] = _HEADERS
    align: tuple[str, ...] = _ALIGN
    rows = [_row(line) for line in shown]
    if names is not None:
        rows = [(name, *row[1:]) for name, row in zip(names, rows, strict=True)]
    if any(line.title for line in shown):
        headers, align = (headers[0], "title", *headers[1:]), (align[0], "left", *align[1:])
        rows = [(row[0], one_line(line.title, _WIDTH), *row[1:]) for row, line in zip(rows, shown, strict=True)]
    for header, cells in (
        ("project", [line.project or "" for line in shown if project]),
        ("tags", [", ".join(line.tags) for line in shown]),
        ("archived", [local_time(line.session.archived_utc or "")[:10] for line in shown]),
    ):
        if any(cells):
            headers, align = (*headers, header), (*align, "left")
            rows = [(*row, one_line(cell, _WIDTH)) for row, cell in zip(rows, cells, strict=True)]
    click.echo(tabulate(rows, headers=headers, tablefmt="plain", colalign=align, disable_numparse=True))


def _row(line: SessionSummary) -> tuple[str, ...]:
    failed = f" ({line.attempts} failed)" if line.attempts else ""
    return (
        one_line(line.session.name, _WIDTH),
        one_line(line.model or "", _WIDTH),
        f"{line.exchanges:,}{failed}",
        f"{line.input_tokens:,}",
        f"{line.output_tokens:,}",
        local_time(line.last_used_utc),
    )


def _fields(line: SessionSummary) -> dict[str, object]:
    return {
        "name": line.session.name,
        "title": line.title or None,
        "thread_id": line.session.thread_id,
        "model": line.model,
        "exchanges": line.exchanges,
        "input_tokens": line.input_tokens,
        "output_tokens": line.output_tokens,
        "last_used_utc": dates.zoned(line.last_used_utc),
        "created_utc": dates.zoned(line.session.created_utc),
        "failed_prompts": line.attempts,
        "budget_usd": line.session.budget_usd,
        "project": line.project,
        "template": line.session.template,
        "private": line.session.private,
        "forked_from": relative_fields(line.origin),
        "archived_utc": line.session.archived_utc and dates.zoned(line.session.archived_utc),
        "tags": list(line.tags),
        "meta": dict(line.meta),
    }
