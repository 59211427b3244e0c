"""`llm sessions query`: run the canned queries of the Datasette pages in the terminal."""

from __future__ import annotations

import csv
import io
import shutil
import textwrap
from datetime import date
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from ..errors import SessionError
from ..rules.safe_text import one_line, plain
from .common import as_json, complete_project, existing_log, opened, project_key, session_command
from .remote_argument import remote_option

if TYPE_CHECKING:
    from ..insight.catalogue import Query
    from ..model.remotes import RemoteSettings

_WIDEST = 60
"""How many characters of a table's cell are shown."""


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from ..insight.catalogue import catalogue

    del ctx, param
    return [query.short_name for query in catalogue().values() if query.short_name.startswith(incomplete)]


def _topics(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from ..insight.catalogue import by_topic

    del ctx, param
    return list(by_topic(incomplete))


@session_command("query", short_help="Run a canned query on the log")
@click.argument("name", required=False, shell_complete=_names)
@click.option("parameters", "-p", "--param", nargs=2, multiple=True, metavar="KEY VALUE", help="Parameter of the query")
@click.option("--project", metavar="NAME", shell_complete=complete_project, help="Only the sessions of this project")
@remote_option
@click.option("form", "--table", flag_value="table", default=True, help="Output as an aligned table [default]")
@click.option("form", "--csv", flag_value="csv", help="Output as CSV")
@click.option("form", "--json", flag_value="json", help="Output as JSON")
@click.option("form", "--sql", flag_value="sql", help="Print the SQL of the query, and don't run it")
@click.option("--topic", metavar="WORD", shell_complete=_topics, help="Describe the queries of a topic, such as “cost”")
def query_command(
    name: str | None,
    parameters: tuple[tuple[str, str], ...],
    project: str | None,
    remote: str | None,
    form: str,
    topic: str | None,
    database: str | None,
) -> None:
    """Run a canned query on the log. Without NAME, list the queries.

    \b
        llm sessions query
        llm sessions query --topic cost
        llm sessions query tokens_a_day -p days 7
        llm sessions query cost_a_day --project bridge
        llm sessions query one_session -p session work --csv
        llm sessions query cost_by_model --remote team
    """
    from ..insight.catalogue import named

    if name is None or topic is not None:
        _list(name, topic)
        return
    query = named(name)
    if query is None:
        hint = "List the queries with: llm sessions query"
        raise SessionError(f"Query “{one_line(name, _WIDEST)}” not found.", hint)
    if form == "sql":
        click.echo(_as_sql(query, remote, database))
        return
    columns, rows = _run(query, dict(parameters), project, remote, database)
    if form == "json":
        as_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif form == "csv":
        click.echo(_as_csv(columns, rows), nl=False)
    elif rows:
        cells = [[_cell(value) for value in row] for row in rows]
        click.echo(tabulate(cells, headers=columns, tablefmt="plain", disable_numparse=True, colalign=_sides(rows)))
    else:
        click.echo(_nothing(query, dict(parameters)), err=True)


def _nothing(query: Query, given: dict[str, str]) -> str:
    """Return what to say if there are no rows: which parameter was not given, if the query finds nothing without it."""
    needed = [name for name, words in query.parameters if "empty for" not in words and not given.get(name)]
    return f"No rows. This query needs: {' '.join(f'-p {name} …' for name in needed)}" if needed else "No rows."


_NUMBERS = ("days", "exchange", "least", "most")
"""The parameters that are numbers. SQLite reads any other text as 0 or as nothing, so the rows would mislead."""


def _run(
    query: Query, given: dict[str, str], project: str | None, remote: str | None, database: str | None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    from ..insight.run import run

    known = [name for name, _ in query.parameters]
    for name, value in given.items():
        if name not in known:
            hint = f"Its parameters are: {', '.join(known)}." if known else "It has no parameters."
            raise SessionError(f"Query “{query.short_name}” has no parameter “{one_line(name, _WIDEST)}”.", hint)
        if name in _NUMBERS and value and not (value.isascii() and value.isdigit()):
            message = f"Parameter “{name}” must be a whole number, not “{one_line(value, _WIDEST)}”."
            raise SessionError(message, f"Example: -p {name} 30")
        if name == "day" and value and not _is_day(value):
            message = f"Parameter “{name}” must be a date, not “{one_line(value, _WIDEST)}”."
            raise SessionError(message, f"Example: -p {name} 2026-05-04")
    if remote is None:
        return run(existing_log(database), query, given, project_key(project, database))
    from ..remotes.asking import asking
    from ..remotes.postgres.asking import columns_and_rows
    from ..rules import names

    with asking(_settings(remote, database)) as server:
        return columns_and_rows(server, query, given, None if project is None else names.key(project))


def _settings(remote: str, database: str | None) -> RemoteSettings:
    with opened(database) as memory:
        return memory.remotes.get(remote)


def _is_day(text: str) -> bool:
    try:
        return len(text) == len("2026-05-04") and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _list(name: str | None, topic: str | None) -> None:
    """Print all queries by topic, or the descriptions of those of a topic."""
    from ..insight.catalogue import TOPICS, by_topic

    if name is not None:
        raise SessionError("A query and --topic can't be combined.", "Leave out one of them.")
    found = by_topic(topic or "")
    if not found:
        hint = f"The topics are: {', '.join(TOPICS)}."
        raise SessionError(f"There is no topic “{one_line(topic or '', _WIDEST)}”.", hint)
    for place, (called, queries) in enumerate(found.items()):
        click.echo(("\n" if place else "") + click.style(called, bold=True))
        click.echo(_titles(queries) if topic is None else _described(queries))
    if topic is None:
        click.echo("\nWhat they show, and their parameters: llm sessions query --topic WORD", err=True)


def _titles(queries: list[Query]) -> str:
    return "\n".join(f"  {query.short_name:<{_NAMES}} {query.title}" for query in queries)


_NAMES = 28
"""Columns for the names of queries in a list."""


def _described(queries: list[Query]) -> str:
    width = min(shutil.get_terminal_size().columns, 100)
    lines: list[str] = []
    for query in queries:
        asked = "".join(f" -p {name} …" for name, _ in query.parameters)
        lines.append(click.style(f"  {query.short_name}{asked}", bold=True))
        said = [query.means, *(f"{name}: {words}." for name, words in query.parameters)]
        lines += [textwrap.fill(one, width, initial_indent="    ", subsequent_indent="    ") for one in said]
    return "\n".join(lines)


def _as_sql(query: Query, remote: str | None, database: str | None) -> str:
    """Return a query with what it means: for SQLite, or for psql if it is that of a remote."""
    said = [f"-- {query.title}: {query.means}", *(f"-- :{name} is {words}" for name, words in query.parameters)]
    if remote is None:
        return "\n".join([*said, query.sql])
    from ..remotes.postgres.asking import for_psql

    return "\n".join([*said, *for_psql(query, _settings(remote, database).schema)])


def _as_csv(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([[plain(value) if isinstance(value, str) else value for value in row] for row in rows])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return one_line(str(value), _WIDEST)


def _sides(rows: list[tuple[Any, ...]]) -> tuple[str, ...]:
    columns = zip(*rows, strict=True)
    return tuple("right" if any(isinstance(value, int | float) for value in column) else "left" for column in columns)
