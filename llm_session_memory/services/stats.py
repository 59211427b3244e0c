"""The numbers of a log: what `llm sessions stats` and the dashboard show, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..insight.panels import totals
from ..insight.run import all_panels
from ..reader.narrowing import Span
from .desk import Desk


@dataclass(frozen=True)
class Stats:
    """The numbers of a log, or of a part of it.

    `totals` are the figures by name (None: not known), `rows` those of each panel by the name of its canned query.
    """

    totals: Mapping[str, int | float | None]
    rows: Mapping[str, tuple[Mapping[str, Any], ...]]


def stats(
    desk: Desk, session: str | None = None, since: str | None = None, until: str | None = None, model: str | None = None
) -> Stats:
    """Return the numbers of a log, of one session if it is named. Raises NoSuchSession."""
    thread_id = desk.session(session).thread_id if session is not None else None
    rows = {
        panel.made_by: numbers.rows for panel, numbers in all_panels(desk.path, Span(since, until, model, thread_id))
    }
    return Stats(dict(totals(rows)), rows)
