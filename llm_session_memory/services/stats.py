"""The statistics that `llm sessions stats` and the dashboard show, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..insight.panels import totals
from ..insight.run import all_panels
from ..reader.narrowing import Span
from .desk import Desk
from .projects import Projects


@dataclass(frozen=True)
class Stats:
    """The statistics of a log, or of a part of it.

    `totals` has the figures by name (None: unknown), `rows` the rows of each panel by the name of its canned query.
    """

    totals: Mapping[str, int | float | None]
    rows: Mapping[str, tuple[Mapping[str, Any], ...]]


def stats(  # noqa: PLR0913  one parameter a filter
    desk: Desk,
    session: str | None = None,
    since: str | None = None,
    until: str | None = None,
    model: str | None = None,
    project: str | None = None,
) -> Stats:
    """Return the statistics of a log, of one session, or of a project. Raises NoSuchSession."""
    thread_id = desk.session(session).thread_id if session is not None else None
    key = Projects(desk).get(project).key if project is not None else None
    rows = {
        panel.made_by: numbers.rows
        for panel, numbers in all_panels(desk.path, Span(since, until, model, thread_id, key))
    }
    return Stats(dict(totals(rows)), rows)
