"""The responses of our handlers: what they return, and what went wrong as a page or as JSON."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from ..compat import Forbidden, NotFound, Refused
from .hints import hints, path_of
from .mistakes import UNUSABLE, failed, unreadable, wants_page
from .rendering import HEADERS, as_json, as_page

__all__ = ["HEADERS", "Handler", "answering", "as_json", "as_page"]

Handler = Callable[[Any, Any], Awaitable[Any]]

_FORBIDDEN = 403


def answering(handler: Handler) -> Handler:
    """Return a handler whose errors are JSON if JSON was requested, and else a page that says what went wrong.

    A page is made here and not left to Datasette, which prints a traceback for it. Missing permission is left to
    it, because another plugin may lead to a page to sign in; so are addresses that it redirects.
    """

    @functools.wraps(handler)
    async def answered(datasette: Any, request: Any) -> Any:
        try:
            return await handler(datasette, request)
        except (Refused, NotFound, sqlite3.DatabaseError) as error:
            if request.url_vars.get("format") == "json":
                return await _in_json(datasette, request, error)
            redirected = isinstance(error, NotFound) and ("%" in request.path or path_of(request).endswith("/"))
            page = None if redirected or not wants_page(request) else await failed(datasette, request, error)
            if page is None:
                raise
            return page
        except Forbidden:
            if request.url_vars.get("format") != "json":
                raise
            said = "Forbidden"
            return as_json({"ok": False, "error": said, "errors": [said], "status": _FORBIDDEN}, _FORBIDDEN)

    return answered


async def _in_json(datasette: Any, request: Any, error: Exception) -> Any:
    near: list[str] = []
    if isinstance(error, Refused):
        said, status = str(error.message), int(error.status)
    elif isinstance(error, sqlite3.DatabaseError):
        said, status = " ".join(unreadable(error)), UNUSABLE
    else:
        said, status = str(error) or "Not found", 404
        near = [name for name, _ in (await hints(datasette, request)).alike]
    more = {"did_you_mean": near} if near else {}
    return as_json({"ok": False, "error": said, "errors": [said], "status": status, **more}, status)
