"""Parse the parameters of a request. Invalid values are treated as missing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from llm_session_memory.reader.entries import ARCHIVED, RATED, SORTS, Filters, Sort
from llm_session_memory.reader.listing import models
from llm_session_memory.rules.safe_text import visible

from ..web.access import Log

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def text(request: Any, name: str, longest: int = 1_000) -> str | None:
    """Return a parameter as text that is safe for SQLite and for a page, or None if it is missing or empty."""
    given = (request.args.get(name) or "").replace("\x00", " ")[:longest]
    return given.encode("utf-8", "replace").decode("utf-8").strip() or None


def number(request: Any, name: str) -> int | None:
    """Return a parameter as a number of at least 1, or None if it is not a number."""
    given = request.args.get(name) or ""
    return max(int(given), 1) if given.isascii() and given.isdigit() and len(given) < 12 else None  # noqa: PLR2004


def filters(request: Any, search: str = "q") -> Filters:
    """Return the filters of a list or a search. `search` is the name of the parameter with the text."""
    since, until = text(request, "since"), text(request, "until")
    return Filters(
        text=text(request, search),
        model=text(request, "model"),
        tag=text(request, "tag"),
        since=since if since and _DAY.fullmatch(since) else None,
        until=until if until and _DAY.fullmatch(until) else None,
        named=bool(text(request, "named")),
        rated=rated if (rated := text(request, "rated")) in RATED else None,
        project=text(request, "project"),
        template=text(request, "template"),
    )


async def narrowed(log: Log, request: Any) -> Filters:
    """Return the filters of a list or a search, with the model spelled as in the log instead of as on the page."""
    found = filters(request)
    if found.model and not found.model.isascii():
        known = await log.read(models)
        found = replace(found, model=next((one for one in known if visible(one) == found.model), found.model))
    return found


def archived(request: Any) -> tuple[str | None, bool | None]:
    """Return what a list shows of archived sessions, as in the request and as in Filters: without any, nothing."""
    given = text(request, "archived")
    return (given, ARCHIVED[given]) if given in ARCHIVED else (None, False)


def all_days(request: Any) -> bool:
    """Return whether all days were requested: `since=all` and no day."""
    given = request.args.getlist("since")
    return "all" in given and not any(map(_DAY.fullmatch, given))


def sort(request: Any) -> Sort:
    """Return the sort order of a list."""
    given = text(request, "sort")
    for known in SORTS:
        if given == known:
            return known
    return "used"


def asked(filters: Filters, search: str = "q") -> dict[str, str | None]:
    """Return filters as the URL parameters that select them."""
    return {
        search: filters.text,
        "model": filters.model,
        "tag": filters.tag,
        "since": filters.since,
        "until": filters.until,
        "named": "1" if filters.named else None,
        "rated": filters.rated,
        "project": filters.project,
        "template": filters.template,
    }
