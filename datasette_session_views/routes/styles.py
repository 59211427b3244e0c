"""The style of a page in one piece, kept by browsers until it changes."""

from __future__ import annotations

from typing import Any

from ..compat import NotFound, Response
from ..web.assets import is_page, style, style_hash

_FOREVER = "public, max-age=31536000, immutable"


async def styles(request: Any) -> Any:
    """Return the style of one of our pages."""
    view = request.url_vars["view"]
    if not is_page(view):
        raise NotFound("There is no style of this name.")
    lasting = request.args.get("_hash") == style_hash(view)
    headers = {"Cache-Control": _FOREVER if lasting else "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response(style(view).decode(), content_type="text/css; charset=utf-8", headers=headers)
