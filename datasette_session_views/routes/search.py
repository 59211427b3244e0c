"""Search in a whole log, or in one session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_session_memory.reader.alike import alike
from llm_session_memory.reader.entries import PAGE, RATED_WORDS, Filters, Results
from llm_session_memory.reader.families import called
from llm_session_memory.reader.listing import projects, tags
from llm_session_memory.reader.llms_indexes import Order
from llm_session_memory.reader.search import search as read
from llm_session_memory.reader.usage import models_called
from llm_session_memory.rules.safe_text import one_line
from llm_session_memory.rules.search_terms import query_of

from ..compat import Forbidden, NotFound
from ..show import found as shown
from ..web.access import RATINGS, VisitorLog, log_of, thread_named
from ..web.answering import answering, as_json, as_page
from ..web.links import Links
from . import parameters

_ORDERS: tuple[Order, ...] = ("best", "newest")


@answering
async def search(datasette: Any, request: Any) -> Any:
    """Return the search results, or just the form."""
    log = await log_of(datasette, request)
    if not log.searchable:
        if await log.has_index():
            raise Forbidden("view-table")
        raise NotFound(
            "This log has no search index: its llm was older than 0.6. Any prompt with today's llm adds one."
        )
    parameters.only(request, "q", "session", "sort", "next", *parameters.FILTERS)
    filters = await parameters.narrowed(log, request)
    start = parameters.number(request, "next")
    order: Order = parameters.choice(request, "sort", _ORDERS) or "best"
    links = Links(datasette, log.name)
    thread_id, within = await _within(log, parameters.text(request, "session"))
    found: Results = await log.read(read, filters, thread_id=thread_id, order=order, after=start and str(start))
    one = _Search(log, links, filters, order, start, within, found)

    def absolute(address: str) -> str:
        return str(datasette.absolute_url(request, address))

    if request.url_vars.get("format") == "json":
        return as_json(_fields(one, absolute))
    twin = links.search("json", next=start, **one.asked)
    return await as_page(datasette, request, "sv_search", await _context(one), twin)


@dataclass(frozen=True)
class _Search:
    """A search as it was asked, and what was found; `within` is the session that was searched."""

    log: VisitorLog
    links: Links
    filters: Filters
    order: Order
    start: int | None
    within: Any
    found: Results

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of addresses that ask for the same, but for the page."""
        return {
            **parameters.asked(self.filters),
            "session": self.within and self.within.reference,
            "sort": None if self.order == "best" else self.order,
        }

    @property
    def next_page(self) -> dict[str, Any]:
        """The parameters of the next page."""
        return {"next": self.found.next, **self.asked}


def _fields(one: _Search, absolute: Callable[[str], str]) -> dict[str, Any]:
    """Return what was found as plain values."""
    links, found = one.links, one.found
    return {
        "ok": True,
        "database": one.log.name,
        "groups": [shown.fields(absolute, links, group, one.filters.text) for group in found.groups],
        "hits": found.hits,
        "exchanges": found.hits,
        "sessions": len(found.groups),
        "limited_to_newest": found.limited,
        "llms_index": found.llms_index,
        "next": found.next,
        "next_url": absolute(links.search("json", **one.next_page)) if found.next else None,
        "html_url": absolute(links.search(next=one.start, **one.asked)),
    }


async def _context(one: _Search) -> dict[str, Any]:
    """Return what the page shows."""
    log, links, filters, found, within = one.log, one.links, one.filters, one.found, one.within
    asked_for = query_of(filters.text or "")
    searched = bool(asked_for.words or asked_for.signs)
    is_empty = searched and not found.hits and not within and not one.start
    near = await log.read(alike, filters.text) if is_empty else ()
    return {
        "database": log.name,
        "private": log.private,
        "links": links,
        "filters": filters,
        "models": await log.read(models_called),
        "tags": await log.read(tags),
        "projects": await log.read(projects),
        "rated": RATED_WORDS if RATINGS in log.tables else None,
        "order": one.order,
        "within": within,
        "within_title": within and one_line(within.heading, 80),
        "found": found,
        "count": shown.count(found, one.start or 0, PAGE),
        "groups": [shown.group(links, group, filters.text) for group in found.groups],
        "active": shown.active(links, one.asked),
        "near": [(one_line(line.heading, 80), links.session(line.reference)) for line in near],
        "searched": searched,
        "more_url": links.search(**one.next_page) if found.next else None,
        "first_url": links.search(**one.asked) if one.start else None,
        "everywhere_url": links.search(**{**one.asked, "session": None}) if within else None,
    }


async def _within(log: VisitorLog, reference: str | None) -> tuple[str | None, Any]:
    """Return the thread to search in, and what it is called."""
    if reference is None:
        return None, None
    thread_id = await thread_named(log, reference)
    return thread_id, (await log.read(called, [thread_id]))[thread_id]
