"""The list as a file: all of its sessions as CSV, and the newest as an Atom feed."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

from llm_session_memory.reader import listing as reader
from llm_session_memory.reader.entries import PAGE
from llm_session_memory.reader.threads import lines

from ..compat import Response, streamed
from ..show.feed import atom
from ..show.listing import cells, header
from ..web.answering import HEADERS, answering
from .asking import ListRequest, asked_of

_MOST = 200_000
"""The most sessions of a file."""

_CHUNK = 200
"""The number of sessions read at a time."""


@answering
async def as_csv(datasette: Any, request: Any) -> Any:
    """Return all sessions of a list as CSV."""
    asked = await asked_of(datasette, request)
    name = f"{asked.log.name}-sessions.csv".replace('"', "_").encode("ascii", "replace").decode().replace("?", "_")
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    order = asked.order
    keys: list[str] = await asked.log.read(
        reader.keys, asked.filters, sort=order.by, descending=order.descending, most=_MOST
    )
    return streamed(_rows(datasette, request, asked, keys), "text/csv; charset=utf-8", headers)


async def _rows(datasette: Any, request: Any, asked: ListRequest, keys: Sequence[str]) -> AsyncIterator[str]:
    """Yield the lines of the file, some sessions at a time."""
    yield _written([header()])
    for start in range(0, len(keys), _CHUNK):
        found = await asked.log.read(lines, keys[start : start + _CHUNK])
        yield _written(
            [cells(line, datasette.absolute_url(request, asked.links.session(line.reference))) for line in found]
        )


def _written(rows: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


@answering
async def as_atom(datasette: Any, request: Any) -> Any:
    """Return the newest sessions of a list as an Atom feed."""
    asked = await asked_of(datasette, request)
    found = await asked.log.read(reader.listing, asked.filters, count=PAGE)

    def absolute(url: str) -> str:
        return str(datasette.absolute_url(request, url))

    entries = [(line, absolute(asked.links.session(line.reference))) for line in found.lines]
    narrowed = ", narrowed" if asked.filters.any else ""
    title = f"{asked.log.name}: sessions{narrowed}"
    feed = atom(title, absolute(asked.url("atom")), absolute(asked.url()), entries)
    return Response(feed, headers=HEADERS, content_type="application/atom+xml; charset=utf-8")


@answering
async def as_rss(datasette: Any, request: Any) -> Any:
    """Redirect to the Atom feed, which every reader of RSS can read."""
    asked = await asked_of(datasette, request)
    return Response.redirect(asked.url("atom"))
