"""Parse the parameters of a request. An empty one is missing; one that can't be understood is refused, and named."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from llm_session_memory.reader.entries import ARCHIVED, RATED, Filters
from llm_session_memory.reader.usage import models_called
from llm_session_memory.rules.safe_text import one_line, visible

from ..compat import Refused
from ..web.access import VisitorLog

_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,100}", re.ASCII)
_MOST = 10**11
"""No log has so many of anything."""

_ALL = "all"
"""The value of `since` for all days."""

_ON, _FLAGS = ("1", "on", "yes", "true"), ("1", "0", "on", "off", "yes", "no", "true", "false")

FILTERS = ("model", "tag", "since", "until", "named", "rated", "project", "template")
"""The parameters of `filters`, besides the one with the text."""

Known = TypeVar("Known", bound=str)


class Wrong(Refused):
    """A parameter of the address can't be understood; has its name."""

    def __init__(self, message: str, parameter: str) -> None:
        super().__init__(message, 400)
        self.parameter = parameter


def only(request: Any, *names: str) -> None:
    """Refuse a request for JSON that has other parameters than these, which it would ignore without a word.

    Pages ignore them, because trackers and mail programs add some to links. Tokens of other plugins stay allowed.
    """
    if request.url_vars.get("format") != "json":
        return
    for name in request.args:
        if name not in names and name != "_auth_token":
            has = f"It has: {', '.join(names)}." if names else "It has none."
            raise Wrong(f"“{one_line(name, 40)}” is not a parameter of this page. {has}", name)


def text(request: Any, name: str, longest: int = 1_000) -> str | None:
    """Return a parameter as text that is safe for SQLite and for a page, or None if it is missing or empty."""
    given = (request.args.get(name) or "").replace("\x00", " ")[:longest]
    return given.encode("utf-8", "replace").decode("utf-8").strip() or None


def number(request: Any, name: str) -> int | None:
    """Return a parameter as a number of at least 1, or None if it is missing. Raises Wrong for anything else."""
    given = text(request, name)
    if given is None:
        return None
    if not _NUMBER.fullmatch(given):
        raise Wrong(f"“{name}” must be a number, not {_quoted(given)}.", name)
    return min(max(int(given), 1), _MOST)


def flag(request: Any, name: str) -> bool:
    """Return a parameter that is on or off: off if it is missing. Raises Wrong for anything else."""
    return choice(request, name, _FLAGS) in _ON


def choice(request: Any, name: str, known: Iterable[Known]) -> Known | None:
    """Return a parameter that is one of some words, or None if it is missing. Raises Wrong for any other word."""
    given = text(request, name)
    if given is None:
        return None
    words = [*known]
    for word in words:
        if given == word:
            return word
    raise Wrong(f"“{name}” must be one of {', '.join(words)}; it is {_quoted(given)}.", name)


def day(request: Any, name: str, *, end: bool = False) -> str | None:
    """Return a parameter as a day (`2026-11-28`), or None if it is missing. Raises Wrong for anything else.

    A month or a year is its first day or, with `end`, its last. `since=all` is not a day.
    """
    given = next((one for one in map(str.strip, request.args.getlist(name)) if one not in ("", _ALL)), None)
    if given is None:
        return None
    found = _DAY.fullmatch(given)
    try:
        if found:
            year, month = int(found[1]), int(found[2] or (12 if end else 1))
            last = monthrange(year, month)[1] if end else 1
            return date(year, month, int(found[3] or last)).isoformat()
    except ValueError:
        pass  # there is no such day, as in 2026-02-30
    raise Wrong(
        f"“{name}” must be a date like 2026-11-28, a month like 2026-11 or a year; it is {_quoted(given)}.", name
    )


def filters(request: Any, search: str = "q") -> Filters:
    """Return the filters of a list or a search. `search` is the name of the parameter with the text."""
    return Filters(
        text=text(request, search),
        model=text(request, "model"),
        tag=text(request, "tag"),
        since=day(request, "since"),
        until=day(request, "until", end=True),
        named=flag(request, "named"),
        rated=choice(request, "rated", RATED),
        project=text(request, "project"),
        template=text(request, "template"),
    )


async def narrowed(log: VisitorLog, request: Any) -> Filters:
    """Return the filters of a list or a search, with the model spelled as in the log instead of as on the page."""
    found = filters(request)
    if found.model and not found.model.isascii():
        known = await log.read(models_called)
        found = replace(found, model=next((one for one in known if visible(one) == found.model), found.model))
    return found


def archived(request: Any) -> tuple[str | None, bool | None]:
    """Return what a list shows of archived sessions, as in the request and as in Filters: without any, nothing."""
    given = choice(request, "archived", ARCHIVED)
    return (given, ARCHIVED[given]) if given is not None else (None, False)


def all_days(request: Any) -> bool:
    """Return whether all days were requested: `since=all` and no day."""
    return _ALL in request.args.getlist("since") and day(request, "since") is None


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


def _quoted(given: str) -> str:
    return f"“{one_line(given, 40)}”"
