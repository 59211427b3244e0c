"""The style of a page in one piece, and our modules: browsers keep both until they change."""

from __future__ import annotations

from typing import Any

from ..compat import NotFound, Response, same_for_all
from ..web.assets import is_page, modules, scripts_hash, style, style_hash

_FOREVER = "public, max-age=31536000, immutable"


@same_for_all
async def styles(request: Any) -> Any:
    """Return the style of one of our pages."""
    view = request.url_vars["view"]
    if not is_page(view):
        raise NotFound("There is no style of this name.")
    return _asset(style(view), "text/css", lasting=request.args.get("_hash") == style_hash(view))


@same_for_all
async def script(request: Any) -> Any:
    """Return one of our modules. A page that was opened before an update gets the new one."""
    found = modules().get(request.url_vars["name"])
    if found is None:
        raise NotFound("There is no script of this name.")
    return _asset(found, "text/javascript", lasting=request.url_vars["hash"] == scripts_hash())


def _asset(content: bytes, kind: str, *, lasting: bool) -> Any:
    headers = {"Cache-Control": _FOREVER if lasting else "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response(content.decode(), content_type=f"{kind}; charset=utf-8", headers=headers)
