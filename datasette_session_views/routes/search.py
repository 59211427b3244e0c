"""Search in a whole log, or in one session."""

from __future__ import annotations

from typing import Any

from llm_session_memory.reader.entries import MARK, RATED_WORDS, UNMARK, Found, Hit, Results
from llm_session_memory.reader.listing import projects
from llm_session_memory.reader.llms_indexes import Order
from llm_session_memory.reader.search import search as read
from llm_session_memory.reader.threads import lines
from llm_session_memory.rules.safe_text import one_line
from llm_session_memory.rules.search_terms import query_of

from ..compat import Forbidden, NotFound
from ..show.words import marked, moment
from ..web.access import RATINGS, Log, log_of, thread_named
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
        raise NotFound("This log has no search index: its llm was older than 0.6. Any prompt with today's llm adds one")
    parameters.only(request, "q", "session", "sort", "next", *parameters.FILTERS)
    filters = await parameters.narrowed(log, request)
    start = parameters.number(request, "next")
    asked_for = query_of(filters.text or "")
    order: Order = parameters.choice(request, "sort", _ORDERS) or "best"
    links = Links(datasette, log.name)
    thread_id, within = await _within(log, parameters.text(request, "session"))
    found: Results = await log.read(read, filters, thread_id=thread_id, order=order, after=start and str(start))
    asked = {
        **parameters.asked(filters),
        "session": within and within.reference,
        "sort": None if order == "best" else order,
    }
    if request.url_vars.get("format") == "json":
        following = links.search("json", next=found.next, **asked) if found.next else None
        return as_json(
            {
                "ok": True,
                "database": log.name,
                "groups": [_fields(datasette, request, links, group) for group in found.groups],
                "hits": found.hits,
                "limited_to_newest": found.limited,
                "llms_index": found.llms_index,
                "next": found.next,
                "next_url": following and datasette.absolute_url(request, following),
            }
        )
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "filters": filters,
        "projects": await log.read(projects),
        "rated": RATED_WORDS if RATINGS in log.tables else None,
        "order": order,
        "within": within,
        "within_title": within and one_line(within.heading, 80),
        "found": found,
        "groups": [_group(links, group, filters.text) for group in found.groups],
        "searched": bool(asked_for.words or asked_for.signs),
        "more_url": links.search(next=found.next, **asked) if found.next else None,
        "everywhere_url": links.search(**{**asked, "session": None}) if within else None,
    }
    twin = links.search("json", next=start, **asked)
    return await as_page(datasette, request, "sv_search", context, twin)


async def _within(log: Log, reference: str | None) -> tuple[str | None, Any]:
    """Return the thread to search in, and its line in the list."""
    if reference is None:
        return None, None
    thread_id = await thread_named(log, reference)
    (line,) = await log.read(lines, [thread_id])
    return thread_id, line


def _group(links: Links, group: Found, words: str | None) -> dict[str, Any]:
    here = group.line.reference
    return {
        "url": links.session(here),
        "title": one_line(group.line.heading, 100) or group.line.thread_id,
        "named": group.line.name is not None,
        "called": one_line(group.line.title, 120) if group.line.name else "",
        "archived": bool(group.line.archived_utc),
        "hits": [
            {
                "url": links.exchange(here, hit.turn_id, q=words),
                "number": hit.number,
                "utc": hit.datetime_utc,
                "when": moment(hit.datetime_utc),
                "model": one_line(hit.model, 60),
                "prompt": marked(hit.prompt),
                "reply": marked(hit.reply),
            }
            for hit in group.hits
        ],
    }


def _fields(datasette: Any, request: Any, links: Links, group: Found) -> dict[str, Any]:
    line = group.line

    def hit_fields(hit: Hit) -> dict[str, Any]:
        return {
            "number": hit.number,
            "turn_id": hit.turn_id,
            "model": hit.model,
            "datetime_utc": hit.datetime_utc,
            "prompt": _plain(hit.prompt),
            "reply": _plain(hit.reply),
        }

    return {
        "name": line.name,
        "thread_id": line.thread_id,
        "first_words": line.first_words,
        "title": line.title or None,
        "archived_utc": line.archived_utc,
        "url": datasette.absolute_url(request, links.session(line.reference, "json")),
        "hits": [hit_fields(hit) for hit in group.hits],
    }


def _plain(snippet: str) -> str:
    return snippet.replace(MARK, "").replace(UNMARK, "")
