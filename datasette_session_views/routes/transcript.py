"""One session: its transcript as a page, as JSON and as a file."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from llm_session_memory.reader import transcript as reader
from llm_session_memory.reader.by_hand import transcript_by_hand
from llm_session_memory.reader.entries import PAGE, Line
from llm_session_memory.reader.numbering import numbering
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.threads import lines, owner
from llm_session_memory.reader.values import Transcript
from llm_session_memory.rules.safe_text import one_line, visible
from llm_session_memory.rules.words import counted

from ..compat import NotFound, Response, allowed, csrf_token, sql_url, tilde_decode
from ..show.cards import cards
from ..show.downloads import FORMS, download
from ..show.fields import fields
from ..show.showing import Showing
from ..show.words import day, moment, span
from ..web.access import Log, log_of, thread_of
from ..web.answering import answering, as_json, as_page
from ..web.links import Links
from ..web.rating import LONGEST_REMARK
from . import parameters


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
    start = parameters.number(request, "from")

    page: Transcript = await log.read(reader.transcript, thread_id, start=start)
    if form == "json":
        return as_json(_as_json(datasette, request, links, page))
    return await _as_page(datasette, request, log, links, page)


async def turn(datasette: Any, request: Any) -> Any:
    """Redirect to the exchange of a turn."""
    log = await log_of(datasette, request)
    turn_id = tilde_decode(request.url_vars["turn"])

    def place(source: Source) -> tuple[Line, int | None] | None:
        thread_id = owner(source, turn_id)
        if thread_id is None:
            return None
        (line,) = lines(source, [thread_id])
        return line, numbering(source, thread_id).number_of(turn_id)

    found = await log.read(place)
    if found is None:
        raise NotFound("Turn not found in this log.")
    line, number = found
    links = Links(datasette, log.name)
    return Response.redirect(links.exchange(line.reference, number) if number else links.session(line.reference))


async def _download(log: Log, thread_id: str, form: str, begin: int | None, end: int | None) -> Any:
    body = await log.read(download, thread_id, form, begin, end)
    named = f"-{thread_id[:40]}" if thread_id.isascii() and thread_id.isalnum() else ""
    headers = {
        "Content-Disposition": f'attachment; filename="session{named}.{form}"',
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


async def _as_page(datasette: Any, request: Any, log: Log, links: Links, page: Transcript) -> Any:
    line, here = page.line, page.line.reference
    showing = Showing(links, here, may_see_files="attachments" in log.tables)
    loop = asyncio.get_running_loop()
    shown, rail = await loop.run_in_executor(None, lambda: (cards(page, showing), _rail(links, page, showing)))
    may_sql = await allowed(datasette, request.actor, "execute-sql", log.name)
    start = parameters.number(request, "from")
    may_rate = await log.may_be_rated_by(datasette, request.actor)
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "title": one_line(line.heading, 120) or line.thread_id,
        "line": line,
        "reference": here,
        "facts": _facts(line),
        "tags": [(one_line(tag, 40), links.listing(tag=tag)) for tag in line.tags],
        "page": page,
        "cards": shown,
        "rail": rail,
        "moment": moment,
        "first_url": links.session(here, **{"from": 1}) if page.first > 1 else None,
        "earlier_url": links.session(here, **{"from": _earlier(page)}) if page.first > 1 else None,
        "later_url": links.session(here, **{"from": _later(page)}) if page.last < page.total else None,
        "newest_url": links.session(here) if page.last < page.total else None,
        "downloads": [(name, links.session(here, form)) for name, form in _OFFERED],
        "thread_url": links.row(_row_of(page), line.thread_id),
        "sql_url": sql_url(datasette, log.name, transcript_by_hand(log.tables), {"thread_id": line.thread_id})
        if may_sql
        else None,
        "may_search": log.searchable,
        "rating": _rating(request, links, here, start) if may_rate else None,
    }
    twin = links.session(here, "json", **{"from": start})
    return await as_page(datasette, request, "sv_transcript", context, twin, posts=may_rate)


def _rating(request: Any, links: Links, reference: str, start: int | None) -> dict[str, Any]:
    """Return the values shared by all rating forms of a page."""
    return {
        "url": links.rating(reference),
        "token": csrf_token(request),
        "start": start,
        "longest": LONGEST_REMARK,
    }


_OFFERED = (("Markdown", "md"), ("JSONL", "jsonl"), ("HTML", "html"))


def _row_of(page: Transcript) -> str:
    """Return the table that has a row for the session: llm has none if no prompt was answered."""
    if not page.total and page.line.name is not None:
        return "memory_sessions"
    return "conversations" if page.older and not _is_today(page) else "threads"


def _is_today(page: Transcript) -> bool:
    return any(not call.older for exchange in page.exchanges for call in exchange.calls)


def _facts(line: Line) -> list[tuple[str, str]]:
    """Return the facts in the header, each a figure and its label."""
    figures = line.figures
    facts = [(f"{figures.exchanges:,}", "exchange" if figures.exchanges == 1 else "exchanges")]
    if line.model:
        facts.append(("", one_line(line.model, 80)))
    first, last = day(figures.first_utc), day(figures.last_utc)
    if first:
        facts.append(("", first if first == last else f"{first} – {last}"))
    if figures.input_tokens is not None or figures.output_tokens is not None:
        facts.append((f"{figures.input_tokens or 0:,}", "tokens in"))
        facts.append((f"{figures.output_tokens or 0:,}", "out"))
    if figures.cost.words:
        facts.append((figures.cost.words, ""))
    if line.attempts:
        facts.append((f"{line.attempts:,}", "failed prompt" if line.attempts == 1 else "failed prompts"))
    return facts


def _options(text: str) -> str:
    """Return options as `llm sessions set` shows them (`num_ctx=8192`), or the text itself if it is no JSON object."""
    try:
        options = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return " ".join(f"{name}={value}" for name, value in options.items()) if isinstance(options, dict) else text


def _rail(links: Links, page: Transcript, showing: Showing) -> dict[str, Any]:
    """Return the contents of the sidebar."""
    settings, figures = page.settings, page.line.figures
    chosen = [
        ("Policy", settings.policy),
        ("Budget", settings.budget and f"{settings.budget:,}"),
        ("Window", f"{settings.window:,}" if settings.window else settings.window_source),
        ("Options", one_line(_options(settings.options), 200)),
        ("Forked from", page.line.forked_from),
    ]
    clock = []
    if page.exchanges and figures.first_utc and figures.last_utc:
        clock.append(("First", moment(figures.first_utc)))
        clock.append(("Last", moment(figures.last_utc)))
    if figures.duration_ms:
        clock.append(("Model time", span(figures.duration_ms / 1000)))
    sent = None
    if settings.last_number and settings.last_estimate is not None:
        words = f"#{settings.last_number:,}: about {settings.last_estimate:,}"
        sent = {
            "words": f"{words} of {settings.last_budget:,} tokens" if settings.last_budget else f"{words} tokens",
            "part": settings.last_estimate,
            "whole": max(settings.last_budget or settings.last_estimate, 1),
            "start": settings.last_start,
        }
    return {
        "system": showing.text(settings.system) if settings.system else None,
        "system_size": counted(len(settings.system or ""), "character"),
        "settings": [(name, value) for name, value in chosen if value],
        "window_source": visible(settings.window_source) if settings.window else "",
        "notes": [(visible(note.text), one_line(note.author, 60), day(note.created_utc)) for note in page.notes],
        "pins": [(number, links.exchange(page.line.reference, number)) for number in page.pins],
        "clock": clock,
        "sent": sent,
    }
