"""Addresses that last: they name an exchange by its id, and redirect to wherever it stands now."""

from __future__ import annotations

from typing import Any

from llm_session_memory.reader.places import Place, place
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.threads import find
from llm_session_memory.rules.safe_text import one_line

from ..compat import NotFound, Response, tilde_decode
from ..web.access import log_of, thread_of
from ..web.answering import answering
from ..web.links import Links
from . import parameters


@answering
async def exchange(datasette: Any, request: Any) -> Any:
    """Redirect to an exchange of a session, given by its id; it is found in a session that was renamed too."""
    log = await log_of(datasette, request)
    reference = tilde_decode(request.url_vars["session"])
    wanted = tilde_decode(request.url_vars["exchange"])

    def read(source: Source) -> Place | None:
        return place(source, wanted, find(source, reference))

    found = await log.read(read)
    if found is None:
        await thread_of(log, request)  # says so if there is no such session either
        raise NotFound(f"Exchange “{one_line(wanted, 40)}” not found in “{one_line(reference, 200)}”.")
    return Response.redirect(_address(Links(datasette, log.name), found, parameters.text(request, "q")))


@answering
async def turn(datasette: Any, request: Any) -> Any:
    """Redirect to the exchange of a turn, whatever session it is in."""
    log = await log_of(datasette, request)
    found = await log.read(place, tilde_decode(request.url_vars["turn"]))
    if found is None:
        raise NotFound("Turn not found in this log.")
    return Response.redirect(_address(Links(datasette, log.name), found, None))


def _address(links: Links, found: Place, words: str | None) -> str:
    asked = {"undone": 1 if found.undone else None, "q": words}
    return links.card(found.line.reference, found.number, found.id, **asked)
