"""Turn messages into safe HTML, limited to what a page can hold. Pure."""

from __future__ import annotations

from html import escape

from llm_session_memory.reader.files.markup import code_block, plain, rendered
from llm_session_memory.reader.values import Held

from ..web.links import Links
from .attached import attached

_PAGE_OF_MARKDOWN = 400_000
"""Characters rendered as Markdown on one page. The rest is shown as plain text."""

_PAGE_OF_TEXT = 3_000_000
"""Characters shown on one page. After that, only the beginning of each message is shown."""

_MESSAGE = 500_000
"""Characters shown of one message."""

_AT_LEAST = 5_000


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
        """Return an attachment as a picture or a chip."""
        return attached(held, self.links.attachment(held.id) if held.kept and held.id and self._may_see_files else None)

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
