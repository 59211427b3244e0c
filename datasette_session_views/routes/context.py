"""The model's view of an exchange: the request as sent, and the recorded reasons for its contents."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from llm_session_memory.reader.entries import Relative
from llm_session_memory.reader.numbering import numbering
from llm_session_memory.reader.places import Place
from llm_session_memory.reader.points import stems
from llm_session_memory.reader.requests import history_length, messages_of
from llm_session_memory.reader.requests import request as read_request
from llm_session_memory.reader.sent import Sent, Since
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.transcript import judged, notes_for_all, notes_of, pins_of
from llm_session_memory.reader.values import Judged, Note, Said, Stem
from llm_session_memory.rules.safe_text import one_line, visible
from llm_session_memory.rules.words import counted

from ..compat import NotFound, Response
from ..show import context as shown
from ..show import sent_fields as fields
from ..show.commands import to_send_more
from ..show.fields import message_fields, rating_fields
from ..show.items import Items, message
from ..show.points import session_of
from ..show.showing import Showing
from ..show.window import window
from ..web.access import VisitorLog, log_of
from ..web.answering import answering, as_json, as_page
from ..web.links import Links
from ..web.log_path import to_name
from . import parameters
from .exchange import place_of

_MESSAGES = 100
"""Messages on one page of “exactly as sent”, and messages whose text is on the page of a request."""


@dataclass(frozen=True)
class ReadContext:
    """The values read for a page."""

    session: Relative
    id: str
    near: tuple[str, str]
    """The ids of the exchanges before and after it, or empty."""
    sent: Sent
    change: Since | None
    said: tuple[Said, ...]
    begin: int
    history: int | None
    notes: tuple[Note, ...]
    pins: dict[int, str]
    judged: Judged
    stems: tuple[Stem, ...]


@answering
async def context(datasette: Any, request: Any) -> Any:
    """Return what was sent for an exchange, as a page or as JSON."""
    log = await log_of(datasette, request)
    there, is_here = await place_of(log, request)
    if not there.numbered:
        said = f"“{one_line(there.id, 40)}” was undone or failed, so the log doesn't count it as an exchange."
        raise NotFound(said)
    parameters.only(request, "exact", "call", "from")
    exact = parameters.flag(request, "exact")
    call, begin = parameters.number(request, "call"), parameters.number(request, "from")
    links, form = Links(datasette, log.name), request.url_vars.get("format") or ""
    asked = {"call": call, "exact": 1 if exact else None, "from": begin if exact else None}
    if not is_here:
        return Response.redirect(links.context(there.session.reference, there.id, form, **asked))
    found = await log.read(_read, there, call, begin if exact else None)
    if form == "json":
        return as_json(_as_json(datasette, request, links, found, exact=exact))
    twin = links.context(found.session.reference, found.id, "json", **asked)
    return await as_page(datasette, request, "sv_context", await _as_page(log, links, found, exact=exact), twin)


def _read(source: Source, place: Place, call: int | None, begin: int | None) -> ReadContext:
    thread_id = place.session.thread_id
    numbers = numbering(source, thread_id)
    number = numbers.number_of(place.id) or 0
    read = read_request(source, thread_id, number, call)
    if read is None:
        raise NotFound("This exchange has just been deleted.")
    sent, change = read
    end = len(sent.messages)
    if begin is None:
        said = messages_of(source, sent, 0, end) if end <= 4 * _MESSAGES else _ends(source, sent)
    else:
        begin = min(begin, max(end, 1))
        said = messages_of(source, sent, begin - 1, begin - 1 + _MESSAGES)
    return ReadContext(
        session=place.session,
        id=place.id,
        near=(numbers.first[number - 2] if number > 1 else "", next(iter(numbers.first[number:]), "")),
        sent=sent,
        change=change,
        said=said,
        begin=begin or 1,
        history=history_length(source, thread_id, place.id) if sent.why else None,
        notes=tuple(
            replace(note, text=" ".join(note.text.split()))
            for note in (*notes_for_all(source, thread_id), *notes_of(source, thread_id))
        ),
        pins=pins_of(source, numbers, thread_id),
        stems=stems(source, numbers),
        judged=judged(source, thread_id).get(place.id, Judged()),
    )


def _ends(source: Source, sent: Sent) -> tuple[Said, ...]:
    """Return the texts of the first and last messages of a very long request, with empty ones in between."""
    first, last = messages_of(source, sent, 0, 12), len(sent.messages) - 100
    silent = {role: Said(role, ()) for role in {message.role for message in sent.messages}}
    between = (silent[message.role] for message in sent.messages[12:last])
    return (*first, *between, *messages_of(source, sent, last, len(sent.messages)))


def _as_json(datasette: Any, request: Any, links: Links, found: ReadContext, *, exact: bool) -> dict[str, Any]:
    sent = found.sent
    return {
        "ok": True,
        "session": found.session.reference,
        "name": found.session.name,
        "exchange": found.id,
        **fields.call_fields(sent),
        "rating": rating_fields(found.judged),
        "sent_is_logged": sent.unknown is None,
        "not_logged_because": None if sent.unknown is None else fields.NOT_LOGGED[sent.unknown],
        "recorded": None if sent.why is None else fields.why_fields(sent.why),
        **fields.extra_fields(sent),
        "inherited": [{"session": s.reference, "first": s.first, "last": s.last} for s in found.stems],
        "fates": [fields.run_fields(run) for run in sent.runs] if sent.has_fates else [],
        "since": None if found.change is None else fields.since_fields(found.change, sent),
        "messages_in_all": len(sent.messages),
        "messages": [
            {
                "place": place,
                "hash": one.hash,
                "role": one.role,
                "characters": one.characters,
                "tokens_about": sent.share(one.characters),
                **({"parts": message_fields(said)["parts"]} if exact else {}),
            }
            for place, one, said in _numbered(found, exact=exact)
        ],
        "html_url": datasette.absolute_url(request, links.context(found.session.reference, found.id)),
    }


def _numbered(found: ReadContext, *, exact: bool) -> list[tuple[int, Any, Any]]:
    begin = found.begin - 1 if exact else 0
    messages = found.sent.messages[begin : begin + _MESSAGES] if exact else found.sent.messages
    said: tuple[Any, ...] = found.said if exact else (None,) * len(messages)
    return [(begin + place + 1, one, text) for place, (one, text) in enumerate(zip(messages, said, strict=False))]


async def _as_page(log: VisitorLog, links: Links, found: ReadContext, *, exact: bool) -> dict[str, Any]:
    sent, here, change = found.sent, found.session.reference, found.change
    showing = Showing(links, here, may_see_files="attachments" in log.tables)
    loop = asyncio.get_running_loop()

    def drawn() -> tuple[list[Any], list[Any]]:
        if sent.unknown:
            return [], []
        if exact:
            return [], [
                (place, one.role, f"{one.characters:,}", message(said, showing, sent.number))
                for place, one, said in _numbered(found, exact=True)
            ]
        return Items(sent, found.said, showing, links, here, found.stems).rows(found.notes, found.pins), []

    rows, messages = await loop.run_in_executor(None, drawn)
    parts, marks = window(sent)
    return {
        "database": log.name,
        "private": log.private,
        "links": links,
        "reference": here,
        "exchange": found.id,
        "near": found.near,
        "title": one_line(found.session.heading, 120) or found.session.thread_id,
        "sent": sent,
        "unknown": shown.unknown(sent),
        "lead": shown.lead(sent),
        "chips": shown.chips(sent, found.history),
        "of_session": session_of(found.stems, sent.number),
        "rated": one_line(found.judged.with_reason, 200),
        "parts": parts,
        "marks": marks,
        "cells": [] if exact else shown.cells(sent, links, here, found.stems),
        "words": shown.WORDS,
        "left_out": shown.left_out(sent) if sent.has_fates else "",
        "commands": to_send_more(sent, found.session.name, to_name(log.database.path)),
        "reason": visible(sent.why.reason) if sent.why else "",
        "window_source": visible(sent.why.window_source) if sent.why else "",
        "change": change,
        "cached": shown.cached(change, sent) if change else "",
        "size": shown.size(sent, change) if change else "",
        "rows": rows,
        "exact": exact,
        "messages": messages,
        "counted": counted,
        **_around(links, found, found.begin + len(messages) - 1, exact=exact),
    }


def _around(links: Links, found: ReadContext, last: int, *, exact: bool) -> dict[str, Any]:
    """Return the places of the messages shown, and the URLs of the other pages of a request."""
    sent = found.sent

    def at(begin: int | None) -> str:
        call = sent.call if sent.calls > 1 else None
        return links.context(found.session.reference, found.id, exact=1, call=call, **{"from": begin})

    return {
        "exact_url": at(None),
        "earlier_url": at(max(found.begin - _MESSAGES, 1)) if exact and found.begin > 1 else None,
        "later_url": at(last + 1) if exact and last < len(sent.messages) else None,
        "places": (found.begin, last),
    }
