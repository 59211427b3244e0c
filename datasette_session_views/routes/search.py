"""Search in a whole log, or in one session."""

from __future__ import annotations

from typing import Any

from llm_session_memory.reader.alike import alike
from llm_session_memory.reader.entries import PAGE, RATED_WORDS, Results
from llm_session_memory.reader.listing import projects, tags
from llm_session_memory.reader.llms_indexes import Order
from llm_session_memory.reader.search import search as read
from llm_session_memory.reader.threads import lines
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
    asked = {
        **parameters.asked(filters),
        "session": within and within.reference,
        "sort": None if order == "best" else order,
    }

    def absolute(address: str) -> str:
        return str(datasette.absolute_url(request, address))

    if request.url_vars.get("format") == "json":
        following = links.search("json", next=found.next, **asked) if found.next else None
        return as_json(
            {
                "ok": True,
                "database": log.name,
                "groups": [shown.fields(absolute, links, group, filters.text) for group in found.groups],
                "hits": found.hits,
                "exchanges": found.hits,
                "sessions": len(found.groups),
                "limited_to_newest": found.limited,
                "llms_index": found.llms_index,
                "next": found.next,
                "next_url": following and absolute(following),
                "html_url": absolute(links.search(next=start, **asked)),
            }
        )
    asked_for = query_of(filters.text or "")
    searched = bool(asked_for.words or asked_for.signs)
    near = await log.read(alike, filters.text) if searched and not found.hits and not within and not start else ()
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "filters": filters,
        "models": await log.read(models_called),
        "tags": await log.read(tags),
        "projects": await log.read(projects),
        "rated": RATED_WORDS if RATINGS in log.tables else None,
        "order": order,
        "within": within,
        "within_title": within and one_line(within.heading, 80),
        "found": found,
        "count": shown.count(found, start or 0, PAGE),
        "groups": [shown.group(links, group, filters.text) for group in found.groups],
        "active": shown.active(links, asked),
        "near": [(one_line(one.heading, 80), links.session(one.reference)) for one in near],
        "searched": searched,
        "more_url": links.search(next=found.next, **asked) if found.next else None,
        "first_url": links.search(**asked) if start else None,
        "everywhere_url": links.search(**{**asked, "session": None}) if within else None,
    }
    twin = links.search("json", next=start, **asked)
    return await as_page(datasette, request, "sv_search", context, twin)


async def _within(log: VisitorLog, reference: str | None) -> tuple[str | None, Any]:
    """Return the thread to search in, and its line in the list."""
    if reference is None:
        return None, None
    thread_id = await thread_named(log, reference)
    (line,) = await log.read(lines, [thread_id])
    return thread_id, line
