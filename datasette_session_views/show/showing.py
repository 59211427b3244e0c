"""Turn messages into safe HTML, limited to what a page can hold. Pure."""

from __future__ import annotations

from html import escape

from llm_session_memory.reader.files.markup import code_block, plain, rendered
from llm_session_memory.reader.values import Held
from llm_session_memory.rules.safe_text import one_line

from ..web.links import Links

_PAGE_OF_MARKDOWN = 400_000
"""Characters rendered as Markdown on one page. The rest is shown as plain text."""

_PAGE_OF_TEXT = 3_000_000
"""Characters shown on one page. After that, only the beginning of each message is shown."""

_MESSAGE = 500_000
"""Characters shown of one message."""

_AT_LEAST = 5_000

_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


class Showing:
    """Renders the texts of one page. It counts their characters so that no page gets too long to open."""

    def __init__(self, links: Links, reference: str, *, may_see_files: bool) -> None:
        self.links, self.reference, self._may_see_files = links, reference, may_see_files
        self._markdown, self._text = _PAGE_OF_MARKDOWN, _PAGE_OF_TEXT

    def markdown(self, text: str, number: int | None = None) -> str:
        """Return Markdown as HTML, within the limits of the page."""
        kept, rest = self._taken(text, number)
        if len(kept) > self._markdown or rest:
            return plain(kept) + rest
        self._markdown -= len(kept)
        return rendered(kept)

    def text(self, text: str, number: int | None = None) -> str:
        """Return plain text as HTML, within the limits of the page."""
        kept, rest = self._taken(text, number)
        return plain(kept) + rest

    def code(self, text: str, number: int) -> str:
        """Return data or code as a block, within the limits of the page."""
        kept, rest = self._taken(text, number)
        return code_block(kept, "json" if kept[:1] in ("{", "[") else "") + rest

    def file(self, held: Held) -> str:
        """Return an attachment as an image or a link."""
        kind = escape(one_line(held.type or "a file", 80))
        if held.kept and self._may_see_files:
            address = escape(self.links.attachment(held.id))
            if held.type in _IMAGES:
                return (
                    f'<a class="sv-picture" href="{address}"><img src="{address}" loading="lazy"'
                    f' alt="Attachment, {kind}"></a>'
                )
            return f'<p>Attachment: <a href="{address}">{kind}, {held.size or 0:,} bytes</a></p>'
        where = held.url or held.path or (held.id[:12] and f"{held.id[:12]}…")
        return f"<p>Attachment: {kind}, {escape(one_line(where, 200))}</p>"

    def _taken(self, text: str, number: int | None) -> tuple[str, str]:
        """Return the part of a text to show, and a notice about the rest."""
        room = min(max(self._text, _AT_LEAST), _MESSAGE)
        self._text -= min(len(text), room)
        if len(text) <= room:
            return text, ""
        whole = "The full text is in the log."
        if number:
            address = self.links.session(self.reference, "md", **{"from": number, "to": number})
            whole = f'<a href="{escape(address)}">Download the exchange as Markdown</a>'
        return text[:room], f'<p class="sv-rest">… and {len(text) - room:,} more characters. {whole}</p>'
