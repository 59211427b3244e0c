"""Responses: pages inside Datasette's layout with their content security policy, and JSON."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ..compat import Response

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)

HEADERS = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
"""Datasette sends the first header with its own pages, but not with those of plugins."""


def as_json(value: Mapping[str, Any] | list[Any], status: int = 200, link: str | None = None) -> Any:
    """Return a JSON response. `link` is the address of the next page, for a list that has no place for it."""
    headers = {**HEADERS, "Link": f'<{link}>; rel="next"'} if link else HEADERS
    return Response.json(value, status=status, headers=headers)


async def as_page(  # noqa: PLR0913  the parts of a page
    datasette: Any, request: Any, view: str, context: Mapping[str, Any], twin: str, *, posts: bool = False
) -> Any:
    """Return a page in Datasette's layout.

    Args:
        datasette: The Datasette instance.
        request: The request to respond to.
        view: The name of the view and of its template.
        context: Values for the template.
        twin: The URL of the same page as JSON.
        posts: Whether the page has a form that writes. Browsers name the origin of a form only if there is a referrer.
    """
    alternate = datasette.absolute_url(request, twin)
    whole = {**context, "alternate_url_json": alternate, "json_url": twin}
    headers = {"Link": f'<{alternate}>; rel="alternate"; type="application/json+datasette"'}
    if posts:
        headers["Referrer-Policy"] = "same-origin"
    return await rendered(datasette, request, view, whole, headers)


async def rendered(  # noqa: PLR0913  as above
    datasette: Any, request: Any, view: str, context: Mapping[str, Any], headers: Mapping[str, str], status: int = 200
) -> Any:
    """Return a page in Datasette's layout with these headers and those of all our pages."""
    frame = await datasette.render_template("sv_frame.html", {}, request=request, view_name=view)
    html = await datasette.render_template(f"{view}.html", context, request=request, view_name=view)
    whole = {**HEADERS, "Content-Security-Policy": policy(frame), **headers}
    return Response.html(_in_english(html), status=status, headers=whole)


def _in_english(html: str) -> str:
    """Return a page with its language, which Datasette 0.65's layout doesn't name and screen readers need."""
    return html.replace("<html>", '<html lang="en">', 1)


def policy(frame: str) -> str:
    """Return a content security policy: nothing from other sites, and no inline scripts except the layout's own.

    The frame was rendered without the page's content, so its inline scripts come from Datasette and its plugins.
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
