"""Addresses like ours that no page has: Datasette would look for a table of that name, and say that there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..compat import NotFound
from ..web.access import log_of
from ..web.answering import Handler, answering
from ..web.hints import path_of

_ENDING = re.compile(r"(?P<stem>.*[^/.])\.(?P<ending>[A-Za-z0-9]{1,10})", re.DOTALL)
_FORMATS = re.compile(r"\(\?P<format>([a-z|]+)\)")


def nowhere(routes: Sequence[tuple[str, Any]]) -> Handler:
    """Return a handler that says what is wrong with an address, given the routes that exist."""

    @answering
    async def missing(datasette: Any, request: Any) -> Any:
        """Say that there is no such page, or which other forms it has."""
        if "database" in request.url_vars:
            await log_of(datasette, request)
        found = _ENDING.fullmatch(path_of(request))
        has = _formats(routes, found["stem"]) if found else None
        if found is None or has is None:
            raise NotFound("This page doesn't exist.")
        also = f" It has {' and '.join(f'.{one}' for one in has)}." if has else ""
        raise NotFound(f"This page has no .{found['ending']} version.{also}")

    return missing


def _formats(routes: Sequence[tuple[str, Any]], path: str) -> list[str] | None:
    """Return the formats of the page at a path, or None if there is no page."""
    for pattern, _ in routes:
        if re.match(pattern, path):
            formats = _FORMATS.search(pattern)
            return formats[1].split("|") if formats else []
    return None
