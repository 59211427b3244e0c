"""The pages for what went wrong: crumbs, a sentence, and the nearest names. Datasette's own have none of these."""

from __future__ import annotations

import sqlite3
from typing import Any
from urllib.parse import urlencode

from llm_session_memory.errors import SessionError
from llm_session_memory.rules.safe_text import one_line

from ..compat import Response, others_forbid, status_and_words
from .hints import Hints, hints, is_ours, path_of
from .links import Links
from .rendering import rendered

_TITLES = {400: "Not understood", 403: "Not allowed", 404: "Not found"}
_FAILED = "Something went wrong"
UNUSABLE = 503
"""The HTTP status of a request for a log that can't be read now."""

_FORBIDDEN = 403
_ERROR = 500

_FILES = (".csv", ".jsonl", ".md", ".atom", ".rss", ".xml", ".txt")
"""Endings of pages that programs read. They get the sentence alone."""


def wants_page(request: Any) -> bool:
    """Return whether an error of a request is shown on a page of ours."""
    return is_ours(request) and not path_of(request).endswith(".json")


async def failed(datasette: Any, request: Any, error: Exception) -> Any:
    """Return the page for an error, or None if it can't be made: Datasette has its own."""
    try:
        return await _page(datasette, request, error)
    except Exception:  # noqa: BLE001  an error page must not fail; Datasette's own page says what happened
        return None


async def forbidden(datasette: Any, request: Any, message: str) -> Any:
    """Return the page for a visitor without permission, unless another plugin has one, such as a form to sign in."""
    elsewhere = await others_forbid(datasette, request, message)
    if elsewhere is not None:
        return elsewhere
    said = message if " " in message else "You don't have permission to see this page."
    hint = "" if request.actor else "If you have an account here, sign in first."
    return await _shown(datasette, request, _FORBIDDEN, said, hint)


async def _page(datasette: Any, request: Any, error: Exception) -> Any:
    hint = ""
    if isinstance(error, SessionError):
        status, said, hint = UNUSABLE, error.message, error.advice
    elif isinstance(error, sqlite3.DatabaseError):
        status, (said, hint) = UNUSABLE, unreadable(error)
    else:
        status, said = status_and_words(error)
    if status == _ERROR:
        said = f"This page failed with {type(error).__name__}: {one_line(str(error), 200)}"
        hint = "This is a bug in the plugin. Datasette printed the details in the terminal or log that it runs in."
    return await _shown(datasette, request, status, said, hint, getattr(error, "parameter", ""))


def unreadable(error: sqlite3.DatabaseError) -> tuple[str, str]:
    """Return what to say of a log that SQLite can't read, and what to do about it."""
    return (
        f"The log can't be read: {one_line(str(error), 200)}.",
        "If another program is writing to it, try again in a moment.",
    )


async def _shown(datasette: Any, request: Any, status: int, said: str, hint: str, parameter: str = "") -> Any:  # noqa: PLR0913  the parts of a page
    if path_of(request).endswith(_FILES) and "text/html" not in request.headers.get("accept", ""):
        return Response.text(f"{said} {hint}".strip() + "\n", status=status)
    found = Hints() if status in (_FORBIDDEN, UNUSABLE) else await hints(datasette, request)
    context = {
        "heading": _TITLES.get(status, _FAILED if status >= _ERROR else "Not done"),
        "said": said,
        "hint": hint,
        "database": found.log.name if found.log else None,
        "links": found.links,
        "session": found.session,
        "session_title": found.session and one_line(found.session.heading, 80),
        "alike": found.alike,
        "of_databases": found.log is None,
        "wanted": found.wanted,
        "nearby": _nearby(path_of(request), found.links),
        "may_search": found.log is not None and found.log.searchable,
        "without": _without(request, parameter) if parameter else None,
        "parameter": parameter,
    }
    return await rendered(datasette, request, "sv_error", context, {}, status)


def _nearby(path: str, links: Links | None) -> tuple[str, str] | None:
    """Return the page from which a page of a job or of a comparison is reached, with its name."""
    if links is None:
        return None
    if "/-/sessions/job" in path:
        return "All jobs", links.jobs()
    return ("Choose what to compare", links.compare()) if "/-/sessions/compare" in path else None


def _without(request: Any, parameter: str) -> str:
    """Return the URL of a request without one of its parameters."""
    rest = [(name, value) for name in request.args for value in request.args.getlist(name) if name != parameter]
    path = request.path.partition("?")[0]
    return f"{path}?{urlencode(rest)}" if rest else path
