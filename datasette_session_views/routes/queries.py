"""The page of the canned queries, by topic."""

from __future__ import annotations

from typing import Any

from ..web.access import log_of
from ..web.answering import answering, as_json, as_page
from ..web.links import Links
from ..web.offering import offer, visible
from . import parameters


@answering
async def queries(datasette: Any, request: Any) -> Any:
    """Return the canned queries that the visitor may run, by topic."""
    log = await log_of(datasette, request)
    await offer(datasette, [log.name])
    parameters.only(request)
    links = Links(datasette, log.name)
    found = await visible(datasette, request.actor, log.name)
    if request.url_vars.get("format") == "json":
        listed = [
            {
                "name": query.name,
                "title": query.title,
                "topic": topic,
                "means": query.means,
                "parameters": dict(query.parameters),
                "url": datasette.absolute_url(request, links.query(query.name)),
            }
            for topic, queries in found.items()
            for query in queries
        ]
        page = datasette.absolute_url(request, links.queries())
        return as_json({"ok": True, "database": log.name, "queries": listed, "html_url": page})
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "topics": found,
        "count": sum(map(len, found.values())),
    }
    return await as_page(datasette, request, "sv_queries", context, links.queries("json"))
