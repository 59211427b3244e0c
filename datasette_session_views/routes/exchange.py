"""Addresses that last: they name an exchange by its id, and redirect to wherever it stands now."""

from __future__ import annotations

from typing import Any

from llm_session_memory.reader.places import Place, place
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.threads import find
from llm_session_memory.rules.safe_text import one_line

from ..compat import NotFound, Response, tilde_decode
from ..web.access import VisitorLog, log_of, thread_of
from ..web.answering import answering
from ..web.links import Links
from . import parameters


@answering
async def exchange(datasette: Any, request: Any) -> Any:
    """Redirect to an exchange of a session."""
    log = await log_of(datasette, request)
    found, _ = await place_of(log, request)
    return Response.redirect(_address(Links(datasette, log.name), found, parameters.text(request, "q")))


async def place_of(log: VisitorLog, request: Any) -> tuple[Place, bool]:
    """Return where the exchange named in a request's path stands, and whether that is in the session named there.

    It is found by its id in a session that was renamed too. Raises NotFound if the log lacks it.
    """
    reference = tilde_decode(request.url_vars["session"])
    wanted = tilde_decode(request.url_vars["exchange"])

    def read(source: Source) -> tuple[Place | None, bool]:
        thread_id = find(source, reference)
        found = place(source, wanted, thread_id)
        return found, found is not None and found.session.thread_id == thread_id

    found, is_here = await log.read(read)
    if found is None:
        await thread_of(log, request)  # says so if there is no such session either
        raise NotFound(f"Exchange “{one_line(wanted, 40)}” not found in “{one_line(reference, 200)}”.")
    return found, is_here


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
    return links.card(found.session.reference, found.number, found.id, **asked)
