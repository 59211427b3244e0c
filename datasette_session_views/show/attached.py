"""Attachments on the pages: a picture if the log has it, else a chip with the file's name. Pure."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from llm_session_memory.reader.files.elements import is_safe_link
from llm_session_memory.reader.values import HeldAttachment
from llm_session_memory.rules.file_names import without_folders
from llm_session_memory.rules.safe_text import one_line, visible
from llm_session_memory.rules.words import counted

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""The types that are shown as pictures. SVG is not one of them, because it can hold a script."""

_NAME = 60
"""The most characters of a file's name."""

_ICONS = {
    "image": '<rect x="1.5" y="2.5" width="13" height="11" rx="1.5"/><path d="m2 12 4-5 3 3.5 2-2 3 3.5"/>',
    "audio": '<path d="M2 6v4h3l4 3V3L5 6zM11.5 5.5a4 4 0 0 1 0 5"/>',
    "video": '<rect x="1.5" y="3.5" width="9" height="9" rx="1.5"/><path d="m10.5 7 4-2v6l-4-2"/>',
}
_PAPER = '<path d="M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3"/>'


def attached(held: HeldAttachment, address: str | None) -> str:
    """Return an attachment as HTML.

    Args:
        held: the attachment.
        address: the URL of its content, or None if the log doesn't have it or the visitor may not see it.
    """
    kind = one_line(held.type or "a file", 80)
    if address and held.type in _PICTURES:
        picture = f'<img src="{escape(address)}" loading="lazy" alt="Attachment, {escape(kind)}">'
        return f'<a class="sv-picture" href="{escape(address)}">{picture}</a>'
    where = held.path or held.url or ""
    name = _name(held)
    size = counted(held.size, "byte") if held.size is not None else ""
    words = ", ".join(filter(None, [name or kind, size]))
    title = escape(", ".join(filter(None, [kind if name else "", visible(one_line(where, 1_000))])))
    inside = f'{_icon(held.type)}<span class="sv-aside">Attachment: </span><bdi>{escape(words)}</bdi>'
    link = address or (held.url if held.url and is_safe_link(held.url) else None)
    if link is None:
        return f'<span class="sv-chip" title="{title}">{inside}</span>'
    foreign = "" if address else ' rel="nofollow noopener noreferrer ugc"'
    return f'<a class="sv-chip" href="{escape(link)}" title="{title}"{foreign}>{inside}</a>'


def _name(held: HeldAttachment) -> str:
    """Return the name of the file that an attachment was, as far as its path or URL has one."""
    if held.path:
        return one_line(without_folders(held.path), _NAME)
    if not held.url or held.url.startswith("data:"):
        return ""
    try:
        parts = urlsplit(held.url)
    except ValueError:
        return one_line(held.url, _NAME)
    return one_line(parts.path.rstrip("/").rpartition("/")[2] or parts.netloc or held.url, _NAME)


def _icon(kind: str) -> str:
    drawn = _ICONS.get(kind.partition("/")[0], _PAPER)
    return f'<svg class="sv-icon" width="15" height="15" viewBox="0 0 16 16" aria-hidden="true">{drawn}</svg>'
