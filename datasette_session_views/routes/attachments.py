"""The content of an attachment, for visitors who may view the table of attachments."""

from __future__ import annotations

from typing import Any

from llm_session_memory.reader.attachments import attachment as read

from ..compat import Forbidden, NotFound, Response, tilde_decode
from ..web.access import log_of
from ..web.answering import answering

_IMAGES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
"""Image types to show inline, and the bytes they start with. Not SVG, because it can contain scripts."""


@answering
async def attachment(datasette: Any, request: Any) -> Any:
    """Return an attachment: images inline, everything else as a download."""
    log = await log_of(datasette, request)
    if "attachments" not in log.tables:
        raise Forbidden("view-table")
    wanted = tilde_decode(request.url_vars["attachment"])
    found = await log.read(read, wanted)
    if found is None:
        raise NotFound("Attachment not found in this log.")
    kind, content = found
    shown = kind in _IMAGES and content.startswith(_IMAGES[kind])
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": "inline" if shown else f'attachment; filename="{_filename(wanted)}"',
        "Referrer-Policy": "no-referrer",
    }
    return Response(content, content_type=kind if shown else "application/octet-stream", headers=headers)


def _filename(attachment_id: str) -> str:
    return f"attachment-{attachment_id[:16]}" if attachment_id.isascii() and attachment_id.isalnum() else "attachment"
