"""One session: its transcript as a page, as JSON and as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from llm_session_memory.reader import transcript as reader
from llm_session_memory.reader.around import Around, around
from llm_session_memory.reader.by_hand import transcript_by_hand
from llm_session_memory.reader.entries import PAGE
from llm_session_memory.reader.groups import groups_of
from llm_session_memory.reader.jobs import jobs_of
from llm_session_memory.reader.values import Transcript
from llm_session_memory.rules.safe_text import one_line

from ..compat import Response, allowed, sql_url
from ..show.beside import family, rail
from ..show.cards import cards
from ..show.commands import command, commands
from ..show.downloads import FORMS, disposition, download, file_name, heading
from ..show.fields import fields, progress_fields
from ..show.head import chips, neighbours
from ..show.marks import Marks, marked
from ..show.outline import elsewhere, more_elsewhere, outline
from ..show.showing import Showing
from ..show.words import day, moment
from ..web.access import VisitorLog, log_of, thread_of
from ..web.answering import answering, as_json, as_page
from ..web.links import Links
from ..web.log_path import to_name
from . import parameters
from .rating import form_values

_TAGS = 12
"""The most tags shown in a page's head."""

_JOBS = 5
"""The most jobs named in a page's head."""

_ATTEMPTS = 100
"""The most failed prompts shown on a page: the newest."""


@answering
async def session(datasette: Any, request: Any) -> Any:
    """Return a page of a transcript, as HTML, JSON or a file."""
    log = await log_of(datasette, request)
    thread_id = await thread_of(log, request)
    form = request.url_vars.get("format")
    links = Links(datasette, log.name)
    if form in FORMS:
        return await _download(
            log, thread_id, form, parameters.number(request, "from"), parameters.number(request, "to")
        )
    parameters.only(request, "from", "undone", "exchanges")
    start = parameters.number(request, "from")
    undone = parameters.flag(request, "undone")
    if form == "json" and parameters.text(request, "exchanges") == "0":
        newest: Transcript = await log.read(reader.transcript, thread_id, count=1)
        return as_json({"ok": True, **progress_fields(newest)})
    page: Transcript = await log.read(reader.transcript, thread_id, start=start, undone=undone)
    if form == "json":
        return as_json(_as_json(datasette, request, links, page))
    return await _as_page(datasette, request, log, links, page, undone=undone)


async def _download(log: VisitorLog, thread_id: str, form: str, begin: int | None, end: int | None) -> Any:
    body = await log.read(download, thread_id, form, begin, end)
    name = file_name(await log.read(heading, thread_id), form, begin, end)
    headers = {
        "Content-Disposition": disposition(name),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox",
    }
    return Response(body.encode("utf-8", "replace"), content_type=FORMS[form].content_type, headers=headers)


def _as_json(datasette: Any, request: Any, links: Links, page: Transcript) -> dict[str, Any]:
    here = page.line.reference

    def at(number: int | None) -> str | None:
        address = links.session(here, "json", **{"from": number}) if number else None
        return datasette.absolute_url(request, address) if address else None

    return {
        "ok": True,
        **fields(page),
        "earlier_url": at(_earlier(page)),
        "later_url": at(_later(page)),
        "html_url": datasette.absolute_url(request, links.session(here)),
    }


def _earlier(page: Transcript) -> int | None:
    return max(page.first - PAGE, 1) if page.first > 1 else None


def _later(page: Transcript) -> int | None:
    return page.last + 1 if page.last < page.total else None


async def _as_page(  # noqa: PLR0913  the parts of a page
    datasette: Any, request: Any, log: VisitorLog, links: Links, page: Transcript, *, undone: bool
) -> Any:
    line, here = page.line, page.line.reference
    failed = len(page.attempts)
    page = replace(page, attempts=page.attempts[-_ATTEMPTS:])
    showing = Showing(links, here, may_see_files="attachments" in log.tables)
    loop = asyncio.get_running_loop()
    beyond = await log.read(around, line.thread_id)
    path = to_name(log.database.path)
    jobs = await log.read(jobs_of, line.thread_id, [exchange.id for exchange in page.exchanges])
    groups = await log.read(groups_of, line.thread_id)
    marks = Marks(parameters.text(request, "q") or "")
    shown, beside = await loop.run_in_executor(
        None, lambda: (marks.cards(cards(page, showing, path)), rail(links, page, showing))
    )
    may_sql = await allowed(datasette, request.actor, "execute-sql", log.name)
    start = parameters.number(request, "from")
    may_rate = await log.may_be_rated_by(datasette, request.actor)

    def at(**asked: Any) -> str:
        return links.session(here, **{"undone": 1 if undone else None, "q": marks.text, **asked})

    twin = links.session(here, "json", undone=1 if undone else None, **{"from": start})
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "title": one_line(line.heading, 120) or line.thread_id,
        "line": line,
        "reference": here,
        **_head(links, page, beyond, path),
        "jobs": [(one_line(one.name, 80), links.job(one.id)) for one in jobs[:_JOBS]],
        "more_jobs": max(len(jobs) - _JOBS, 0),
        "groups": [(one_line(name, 80), links.compare(group=name)) for name in groups],
        "outline": outline(page, shown),
        "undone": undone,
        "undone_url": at(undone=None if undone else 1, **{"from": start}),
        "page": page,
        "cards": shown,
        "more_attempts": failed - len(page.attempts),
        "list_attempts": command("attempts", here, database=path),
        "rail": beside,
        "marked": marked(links, here, marks, at(q=None, **{"from": start})),
        "moment": moment,
        **_paging(page, at),
        "downloads": [(form.title, form.about, links.session(here, ending)) for ending, form in FORMS.items()],
        "data": _data(datasette, log, links, page, twin, may_sql=may_sql),
        "may_search": log.searchable,
        "live": _live(log, links, page),
        "rating": form_values(request, links, here, start) if may_rate else None,
    }
    return await as_page(datasette, request, "sv_transcript", context, twin, posts=may_rate)


def _head(links: Links, page: Transcript, beyond: Around, path: str) -> dict[str, Any]:
    """Return what stands in a page's head, and what leads to other pages of the session and to other sessions."""
    line = page.line
    return {
        "called": one_line(line.title, 300) if line.name else "",
        "chips": chips(line, beyond),
        "project": line.project and (one_line(line.project, 60), links.listing(project=line.project)),
        "tags": [(one_line(tag, 40), links.listing(tag=tag)) for tag in line.tags[:_TAGS]],
        "more_tags": max(len(line.tags) - _TAGS, 0),
        "commands": commands(page, path),
        "archived": day(line.archived_utc) if line.archived_utc else "",
        "unarchive": command("unarchive", line.reference, database=path),
        "family": family(links, page),
        "elsewhere": elsewhere(page, beyond.bookmarks, links),
        "more_elsewhere": more_elsewhere(page, beyond.bookmarks),
        "near": neighbours(beyond, links),
    }


def _paging(page: Transcript, at: Callable[..., str]) -> dict[str, str | None]:
    """Return the URLs of the other pages of a session. `at` returns the URL of a page."""
    return {
        "first_url": at(**{"from": 1}) if page.first > 1 else None,
        "earlier_url": at(**{"from": _earlier(page)}) if page.first > 1 else None,
        "later_url": at(**{"from": _later(page)}) if page.last < page.total else None,
        "newest_url": at() if page.last < page.total else None,
    }


def _live(log: VisitorLog, links: Links, page: Transcript) -> dict[str, Any] | None:
    """Return what the page's script needs to say that the session has gone on, or None if it can't go on."""
    if not log.mutable:
        return None
    here = page.line.reference
    return {
        "url": links.session(here, "json", exchanges="0"),
        "total": page.total,
        "here_url": links.session(here),
        "next_url": links.exchange(here, page.total + 1),
    }


def _data(  # noqa: PLR0913  the parts of a page
    datasette: Any, log: VisitorLog, links: Links, page: Transcript, twin: str, *, may_sql: bool
) -> list[tuple[str, str, str]]:
    """Return what leads to the page's data: a name, what it is, and the URL."""
    thread_id = page.line.thread_id
    found = [
        ("JSON", "this page", twin),
        ("Row", "in Datasette's tables", links.row(_row_of(page), thread_id)),
    ]
    if may_sql:
        sql = sql_url(datasette, log.name, transcript_by_hand(log.tables), {"thread_id": thread_id})
        found.append(("SQL", "the query for this transcript", sql))
    return found


def _row_of(page: Transcript) -> str:
    """Return the table that has a row for the session: llm has none before the first reply of its own."""
    own = page.total - (page.stems[-1].last if page.stems else 0) + page.undone_in_all
    if not own and page.line.name is not None:
        return "memory_sessions"
    return "conversations" if page.older and not _is_today(page) else "threads"


def _is_today(page: Transcript) -> bool:
    return any(not call.older for exchange in page.exchanges for call in exchange.calls)
