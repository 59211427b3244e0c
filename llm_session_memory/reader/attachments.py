"""Read an attachment's bytes, if the log has them."""

from __future__ import annotations

from .source import Source


def attachment(source: Source, attachment_id: str) -> tuple[str, bytes] | None:
    """Return the type and bytes of an attachment, or None if the log lacks it or has only its path or URL."""
    wanted = attachment_id.encode("utf-8", "replace").decode()
    found = source.query("select type, content from attachments where id = :id and content is not null", id=wanted)
    if not found:
        return None
    content = found[0]["content"]
    return found[0]["type"] or "", content if isinstance(content, bytes) else str(content).encode()
