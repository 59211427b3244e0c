"""Answering a request: pages inside Datasette's frame with their policy, JSON twins, errors in the form asked for."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..compat import Forbidden, NotFound, Refused, Response

Handler = Callable[[Any, Any], Awaitable[Any]]

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)

_HEADERS = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
"""Datasette sends the first with its own pages; those of plugins don't get it."""


def answering(handler: Handler) -> Handler:
    """Let a handler's errors come out as JSON where JSON was asked for. Datasette makes pages of them otherwise."""

    @functools.wraps(handler)
    async def answered(datasette: Any, request: Any) -> Any:
        form = request.url_vars.get("format")
        try:
            return await handler(datasette, request)
        except Refused as error:
            if form != "json":
                raise
            said = str(error.message)
            return as_json({"ok": False, "error": said, "errors": [said], "status": error.status}, error.status)
        except (Forbidden, NotFound) as error:
            if form != "json":
                raise
            status = 403 if isinstance(error, Forbidden) else 404
            said = "Forbidden" if status == 403 else (str(error) or "Not found")  # noqa: PLR2004  as above
            return as_json({"ok": False, "error": said, "errors": [said], "status": status}, status)

    return answered


def as_json(value: Mapping[str, Any], status: int = 200) -> Any:
    """Return a JSON response."""
    return Response.json(value, status=status, headers=_HEADERS)


async def as_page(  # noqa: PLR0913  what a page is made of
    datasette: Any, request: Any, view: str, context: Mapping[str, Any], twin: str, *, posts: bool = False
) -> Any:
    """Return a page in Datasette's frame. `view` names its template, `twin` is the address of its JSON.

    `posts`: it has a form that writes. Without any referrer, browsers would not say that it comes from here.
    """
    alternate = datasette.absolute_url(request, twin)
    whole = {**context, "alternate_url_json": alternate, "json_url": twin}
    referrer = {"Referrer-Policy": "same-origin"} if posts else {}
    headers = {**_HEADERS, **referrer, "Link": f'<{alternate}>; rel="alternate"; type="application/json+datasette"'}
    frame = await datasette.render_template("sv_frame.html", {}, request=request, view_name=view)
    headers["Content-Security-Policy"] = policy(frame)
    html = await datasette.render_template(f"{view}.html", whole, request=request, view_name=view)
    return Response.html(html, headers=headers)


def policy(frame: str) -> str:
    """Return the policy for a page in this frame: nothing from elsewhere, no inline script but the frame's own.

    The frame was rendered without the page's content, so what it has inline is Datasette's and its plugins'.
    """
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8", "replace")).digest()).decode() + "'"
        for script in dict.fromkeys(_INLINE_SCRIPT.findall(frame))
    ]
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src", "'self'", *hashes]),
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        ]
    )
