"""`llm sessions stats`: print the dashboard's numbers in the terminal, as tables with small bars."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from ..llm_seam.models import called
from ..rules.safe_text import one_line
from .common import as_json, complete, complete_project, echo, existing_log, opened, project_key, session_command

if TYPE_CHECKING:
    from ..insight.numbers import Numbers
    from ..insight.panels import Panel

_BAR = 16
"""Characters of the longest bar."""

_EIGHTHS = " ▏▎▍▌▋▊▉"
_WIDEST = 40


@session_command("stats", short_help="Show statistics: tokens, cost, speed, pruning and recall")
@click.argument("name", required=False, shell_complete=complete)
@click.option("--days", type=click.IntRange(min=1), metavar="N", help="Only the last N days, including today (UTC)")
@click.option("-m", "--model", help="Only this model")
@click.option("--project", metavar="NAME", shell_complete=complete_project, help="Only the sessions of this project")
@click.option("json_", "--json", is_flag=True, help="Output all rows as JSON")
def stats_command(
    name: str | None,
    days: int | None,
    model: str | None,
    project: str | None,
    json_: bool,
    database: str | None,
) -> None:
    """Show statistics of all conversations, or of session NAME: tokens, cost, speed, pruning and recall.

    \b
        llm sessions stats
        llm sessions stats work --days 30
        llm sessions stats --project bridge
    """
    from ..insight.panels import in_words, totals
    from ..insight.run import all_panels
    from ..reader.narrowing import Span

    since = (datetime.now(timezone.utc).date() - timedelta(days=days - 1)).isoformat() if days else None
    thread_id = None
    if name is not None:
        with opened(database) as memory:
            thread_id = memory.sessions.get(name).thread_id
    span = Span(since, None, model, thread_id, project_key(project, database))
    found = all_panels(existing_log(database), span)
    figures = totals({panel.made_by: numbers.rows for panel, numbers in found})
    if not any(value for _, value in figures) and (meant := called(model)):
        found = all_panels(existing_log(database), replace(span, model=meant))
        figures = totals({panel.made_by: numbers.rows for panel, numbers in found})
    if json_:
        as_json({"totals": dict(figures), "panels": [_fields(panel, numbers) for panel, numbers in found]})
        return
    click.echo(
        " · ".join(f"{figure} {label}" for figure, label in in_words(figures, _cell))
        or _nothing(days=days, narrowed=bool(model or name or project))
    )
    for panel, numbers in found:
        if any(row[panel.bar] for row in numbers.rows):
            click.echo(f"\n{click.style(panel.title, bold=True)}")
            _print(panel, numbers, database)


def _nothing(*, days: int | None, narrowed: bool) -> str:
    if narrowed:
        return "Nothing in the log matches."
    return "Nothing was logged in this period." if days else "Nothing is logged yet."


def _fields(panel: Panel, numbers: Numbers) -> dict[str, Any]:
    from ..insight.catalogue import catalogue

    query = catalogue()[f"sessions_{panel.made_by}"]
    return {"query": query.short_name, "title": panel.title, "means": query.means, "rows": list(numbers.rows)}


def _print(panel: Panel, numbers: Numbers, database: str | None) -> None:
    shown = [row for row in numbers.rows if any(isinstance(value, int | float) and value for value in row.values())]
    more = len(shown) - panel.rows
    if panel.spread and more > 0:
        shown = [shown[round(place * (len(shown) - 1) / (panel.rows - 1))] for place in range(panel.rows)]
    shown = shown[: panel.rows]
    bars = _bars([row[panel.bar] for row in shown])
    columns = [column for column in numbers.columns if any(row[column] is not None for row in shown)]
    cells = [[*(_cell(row[column]) for column in columns), bar] for row, bar in zip(shown, bars, strict=True)]
    sides = [*(_side(shown, column) for column in columns), "left"]
    heads = [*(column.replace("_", " ") for column in columns), ""]
    click.echo(tabulate(cells, headers=heads, tablefmt="plain", disable_numparse=True, colalign=sides))
    if more > 0:
        command = ["llm", "sessions", "query", panel.made_by, *(["-d", database] if database else [])]
        echo(f"… and {more:,} more: {shlex.join(command)}")


def _bars(values: Sequence[Any]) -> list[str]:
    """Return a bar for each value, to an eighth of a character. The greatest value has the longest bar."""
    numbers = [max(value or 0, 0) for value in values]
    most = max(numbers, default=0)
    eighths = [round(value / most * _BAR * 8) if most else 0 for value in numbers]
    return ["█" * (long // 8) + _EIGHTHS[long % 8].strip() for long in eighths]


def _side(rows: Sequence[Mapping[str, Any]], column: str) -> str:
    return "right" if any(isinstance(row[column], int | float) for row in rows) else "left"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.4f}".rstrip("0").rstrip(".")
    return one_line(str(value), _WIDEST)
