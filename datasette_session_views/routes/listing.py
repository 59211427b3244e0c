"""The lists: the sessions of one log, and the newest sessions of all logs."""

from __future__ import annotations

import sqlite3
from typing import Any

from llm_session_memory.reader import listing as reader
from llm_session_memory.reader.by_hand import sessions_by_hand
from llm_session_memory.reader.entries import RATED_WORDS, Filters, Line, Listing
from llm_session_memory.reader.groups import has_groups
from llm_session_memory.reader.jobs import has_jobs
from llm_session_memory.rules.safe_text import one_line

from ..compat import Forbidden, allowed, sql_url
from ..show.listing import ORDERS, Order, fields, order, row
from ..web.access import VisitorLog, seen
from ..web.answering import answering, as_json, as_page
from ..web.links import Links, everything
from ..web.offering import offer
from . import parameters
from .asking import COLUMNS, ListRequest, active, asked_of, facets, headers, unknown, values_of

_A_FEW = 10
"""Sessions shown for each log on the page of all logs."""

_SHAPES = ("objects", "array")
"""What `_shape` may ask for, as on Datasette's own pages: an object with the list in it, or the list alone."""


@answering
async def listing(datasette: Any, request: Any) -> Any:
    """Return the sessions of one log."""
    asked = await asked_of(datasette, request)
    await offer(datasette, [asked.log.name])
    after = parameters.text(request, "next")
    page = await _read(asked.log, asked.filters, asked.order, after)
    if request.url_vars.get("format") == "json":
        return _as_json(datasette, request, asked, page)
    may_sql = await allowed(datasette, request.actor, "execute-sql", asked.log.name)
    context = {
        **_frame(asked.log, asked.links, page),
        "filters": asked.filters,
        "order": asked.order,
        "orders": ORDERS,
        "headers": headers(asked),
        "facets": facets(asked, page),
        "active": active(asked),
        "unknown": unknown(asked, page),
        "rated": RATED_WORDS,
        "jobs_url": asked.links.jobs() if await asked.log.read(has_jobs) else None,
        "compare_url": asked.links.compare() if await asked.log.read(has_groups) else None,
        "archived": asked.archived,
        "archived_url": asked.links.listing(archived="only"),
        "older_url": asked.url(next=page.next) if page.next else None,
        "newest_url": asked.url() if request.args.get("next") else None,
        "sql_url": sql_url(datasette, asked.log.name, sessions_by_hand(asked.log.tables), {}) if may_sql else None,
        "csv_url": asked.url("csv"),
        "atom_url": asked.url("atom"),
    }
    twin = asked.url("json", next=request.args.get("next"))
    return await as_page(datasette, request, "sv_list", context, twin)


def _as_json(datasette: Any, request: Any, asked: ListRequest, page: Listing) -> Any:
    sessions = [_fields(datasette, request, asked.links, line) for line in page.lines]
    following = asked.url("json", next=page.next, _shape=request.args.get("_shape")) if page.next else None
    next_url = following and datasette.absolute_url(request, following)
    if parameters.choice(request, "_shape", _SHAPES) == "array":
        return as_json(sessions, link=next_url)
    return as_json(
        {
            "ok": True,
            "database": asked.log.name,
            "sessions": sessions,
            "named": page.named,
            "unnamed": page.others,
            "archived": page.archived,
            "matching": page.matching,
            "facets": {
                name: [{"value": one.value, "sessions": one.sessions} for one in values]
                for name, values in values_of(page).items()
            },
            "next": page.next,
            "next_url": next_url,
            "html_url": datasette.absolute_url(request, asked.url(next=request.args.get("next"))),
        }
    )


@answering
async def everywhere(datasette: Any, request: Any) -> Any:
    """Return the newest sessions of every log that the visitor may see."""
    if not await allowed(datasette, request.actor, "view-instance"):
        raise Forbidden("view-instance")
    newest, unreadable = await _newest(datasette, request.actor)
    if request.url_vars.get("format") == "json":
        parameters.only(request)
        return as_json(
            {
                "ok": True,
                "databases": [
                    {
                        "database": log.name,
                        "url": datasette.absolute_url(request, Links(datasette, log.name).listing("json")),
                        "html_url": datasette.absolute_url(request, Links(datasette, log.name).listing()),
                        "named": page.named,
                        "unnamed": page.others,
                        "sessions": [
                            _fields(datasette, request, Links(datasette, log.name), line) for line in page.lines
                        ],
                    }
                    for log, page in newest
                ],
                "unreadable": [{"database": name, "error": why} for name, why in unreadable],
            }
        )
    context = {
        "unreadable": unreadable,
        "sections": [_frame(log, Links(datasette, log.name), page) for log, page in newest],
        "headers": [{"by": by, "label": label} for by, label in COLUMNS.items()],
        "named": sum(page.named for _, page in newest),
        "others": sum(page.others for _, page in newest),
    }
    return await as_page(datasette, request, "sv_all", context, everything(datasette, "json"))


async def _newest(datasette: Any, actor: Any) -> tuple[list[tuple[VisitorLog, Listing]], list[tuple[str, str]]]:
    """Return the newest sessions of every log that an actor may see, and the databases that can't be read, and why."""
    found: list[tuple[VisitorLog, Listing]] = []
    unreadable: list[tuple[str, str]] = []
    for database in list(datasette.databases.values()):
        try:
            log = await seen(datasette, actor, database)
            if log is not None:
                found.append((log, await _read(log, Filters(archived=False), order(None), None, _A_FEW)))
        except sqlite3.DatabaseError as error:  # noqa: PERF203  a damaged file must not hide the other logs
            if await allowed(datasette, actor, "view-database", database.name):
                unreadable.append((database.name, one_line(str(error), 200)))
    return found, unreadable


async def _read(
    log: VisitorLog, filters: Filters, order: Order, after: str | None, count: int | None = None
) -> Listing:
    more = {} if count is None else {"count": count}
    return await log.read(reader.listing, filters, sort=order.by, descending=order.descending, after=after, **more)


def _frame(log: VisitorLog, links: Links, page: Listing) -> dict[str, Any]:
    """Return what both pages show of a log."""
    return {
        "database": log.name,
        "private": log.private,
        "links": links,
        "page": page,
        "rows": [row(links, line) for line in page.lines],
        "may_search": log.searchable,
    }


def _fields(datasette: Any, request: Any, links: Links, line: Line) -> dict[str, Any]:
    def address(form: str = "") -> str:
        return str(datasette.absolute_url(request, links.session(line.reference, form)))

    return fields(line, address("json"), address())
