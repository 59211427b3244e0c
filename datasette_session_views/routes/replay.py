"""The replay of a session. Without JavaScript the page is the transcript; with `.json` it is the replay's data."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from llm_session_memory.insight.replay import Replay, stretch
from llm_session_memory.insight.replay import replay as read_replay
from llm_session_memory.insight.timing import IDLE, SPEEDS
from llm_session_memory.reader import transcript as reader
from llm_session_memory.reader.points import after_snapshot
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.values import Transcript
from llm_session_memory.rules.safe_text import one_line

from ..compat import NotFound, Response, tilde_decode
from ..show.cards import Card, cards
from ..show.replay import dressed, embedded, pauses, unknown_runs
from ..show.showing import Showing
from ..show.words import moment
from ..web.access import VisitorLog, log_of, thread_of
from ..web.answering import answering, as_json, as_page
from ..web.links import Links
from ..web.log_path import to_name
from . import parameters

_AT = re.compile(r"(\d{1,100})(?::\d{1,9}(?:\.\d{1,9})?)?", re.ASCII)

_RENDERED = 25
"""Exchanges rendered as HTML in one response. The script requests the ones around the current moment."""

_TOGETHER = 100
"""Scenes whose texts share one piece of the page's data. The script parses a piece when it shows one of them."""


@answering
async def replay(datasette: Any, request: Any) -> Any:
    """Return the replay of a session as a page, or its data as JSON."""
    log = await log_of(datasette, request)
    reference = tilde_decode(request.url_vars["session"])
    thread_id = await thread_of(log, request)
    parameters.only(request, "at", "from", "snapshot", "rendered")
    at = _exchange(request)
    start = parameters.number(request, "from")
    links = Links(datasette, log.name)
    snapshot = parameters.text(request, "snapshot")
    if snapshot is not None:
        number = await log.read(after_snapshot, thread_id, snapshot)
        if number is None:
            raise NotFound(f"Snapshot “{one_line(snapshot, 200)}” not found in “{one_line(reference, 200)}”.")
        if request.url_vars.get("format") != "json":
            return Response.redirect(links.replay(reference, at=number))
        start = number
    rendered = parameters.number(request, "rendered")
    if rendered is not None and request.url_vars.get("format") == "json":
        return as_json(await _rendered(log, links, thread_id, reference, rendered))

    def read(source: Source) -> tuple[Replay, Transcript]:
        found = read_replay(source, thread_id, start)
        if start is None and at is not None and found.last < at <= found.total:
            found = read_replay(source, thread_id, at)
        return found, reader.transcript(source, thread_id, start=at or found.first)

    found, page = await log.read(read)
    if request.url_vars.get("format") == "json":
        html_url = datasette.absolute_url(request, links.replay(found.line.reference, **{"from": start}))
        return as_json({"ok": True, **_fields(links, found), "html_url": html_url})
    context = await _context(log, links, found, page)
    twin = links.replay(found.line.reference, "json", **{"from": found.first if found.first > 1 else None})
    return await as_page(datasette, request, "sv_replay", context, twin)


async def _rendered(log: VisitorLog, links: Links, thread_id: str, reference: str, first: int) -> dict[str, Any]:
    """Return the messages of some exchanges as HTML, which the script asks for."""
    some = await log.read(stretch, thread_id, first, first + _RENDERED - 1)
    showing = Showing(links, reference, may_see_files=False, folds=False)
    html = await asyncio.get_running_loop().run_in_executor(None, dressed, some, showing)
    return {"ok": True, "session": reference, "first": first, "rendered": html}


async def _context(log: VisitorLog, links: Links, found: Replay, page: Transcript) -> dict[str, Any]:
    """Return what the page shows: the transcript for visitors without JavaScript, and the data for the player."""
    here = found.line.reference
    showing = Showing(links, here, may_see_files="attachments" in log.tables)

    def drawn() -> tuple[list[Card], str, list[str]]:
        data = _fields(links, found)
        texts = [[scene.pop("before"), scene.pop("after")] for scene in data["scenes"]]
        pieces = [embedded(texts[place : place + _TOGETHER]) for place in range(0, len(texts), _TOGETHER)]
        ask = {"rendered_url": links.replay(here, "json", rendered="0").removesuffix("0"), "rendered": _RENDERED}
        whole = {**data, **ask, "together": _TOGETHER, "speeds": SPEEDS}
        return cards(page, showing, to_name(log.database.path)), embedded(whole), pieces

    shown, data, texts = await asyncio.get_running_loop().run_in_executor(None, drawn)
    earlier = max(found.first - (found.last - found.first + 1), 1)
    return {
        "database": log.name,
        "private": log.private,
        "links": links,
        "reference": here,
        "title": one_line(found.line.heading, 120) or found.line.thread_id,
        "found": found,
        "data": data,
        "texts": texts,
        "cards": shown,
        "page": page,
        "moment": moment,
        "speeds": [f"{speed:g}" for speed in SPEEDS],
        "idles": [("0", "none"), ("1", "1 s"), ("2", "2 s"), ("3", "3 s"), ("10", "10 s"), ("off", "as recorded")],
        "idle": f"{IDLE:g}",
        "earlier_url": links.replay(here, **{"from": earlier}) if found.first > 1 else None,
        "later_url": links.replay(here, **{"from": found.last + 1}) if found.last < found.total else None,
    }


def _exchange(request: Any) -> int | None:
    """Return the number of the exchange that the replay starts at: from `at=12`, or `at=12:3.5` with seconds."""
    given = parameters.text(request, "at")
    found = _AT.fullmatch(given) if given else None
    if given and not found:
        raise parameters.Wrong("“at” must be the number of an exchange like 12, or with seconds like 12:3.5.", "at")
    return min(max(int(found[1]), 1), 10**11) if found else None


def _fields(links: Links, found: Replay) -> dict[str, Any]:
    here = found.line.reference
    return {
        "session": here,
        "name": found.line.name,
        "thread_id": found.line.thread_id,
        "first": found.first,
        "last": found.last,
        "exchanges_in_all": found.total,
        "idle": IDLE,
        "unpriced": found.line.figures.cost.words if found.line.figures.cost.dollars is None else "",
        "context_url": links.context(here, 0).removesuffix("0"),
        "transcript_url": links.session(here),
        "scenes": [scene.fields() for scene in found.scenes],
        "windows": {number: window.fields() for number, window in sorted(found.windows.items())},
        "pauses": pauses(found.scenes),
        "not_logged": [list(run) for run in unknown_runs(found.unknown)],
        "chapters": {number: one_line(label, 80) for number, label in found.chapters.items()},
    }
