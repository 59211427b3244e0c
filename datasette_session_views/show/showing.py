"""Turn messages into safe HTML, limited to what a page can hold. Pure."""

from __future__ import annotations

from html import escape

from llm_session_memory.reader.files.elements import Formatting
from llm_session_memory.reader.files.markup import json_block, plain, rendered
from llm_session_memory.reader.files.segments import as_json
from llm_session_memory.reader.values import HeldAttachment

from ..web.links import Links
from .attached import attached

_PAGE_OF_TEXT = 3_000_000
"""Characters shown on one page. After that, only the beginning of each message is shown."""

_MESSAGE = 500_000
"""Characters shown of one message."""

_AT_LEAST = 5_000


class Showing:
    """Renders the texts of one page. It counts their characters so that no page gets too long to open."""

    def __init__(self, links: Links, reference: str, *, may_see_files: bool, folds: bool = True) -> None:
        """Prepare a page. With `folds`, the rest of a long text is folded behind “Show all”."""
        self.links, self.reference, self._may_see_files, self._folds = links, reference, may_see_files, folds
        self._formatting, self._text = Formatting(), _PAGE_OF_TEXT

    def markdown(self, text: str, number: int | None = None) -> str:
        """Return Markdown as HTML, within the limits of the page."""
        kept, rest = self._taken(text, number)
        if rest and as_json(text) is not None:
            return json_block(kept) + rest  # a part of JSON is still no Markdown
        html = rendered(kept, self._formatting, fold=self._folds)
        if self._formatting.unformatted:
            self._formatting.unformatted = False
            rest = self._unformatted(number) + rest
        return html + rest

    def text(self, text: str, number: int | None = None) -> str:
        """Return plain text as HTML, within the limits of the page."""
        kept, rest = self._taken(text, number)
        return plain(kept, fold=self._folds) + rest

    def code(self, text: str, number: int) -> str:
        """Return data or code as a block, within the limits of the page."""
        kept, rest = self._taken(text, number)
        return json_block(kept) + rest

    def file(self, held: HeldAttachment) -> str:
        """Return an attachment as a picture or a chip."""
        return attached(held, self.links.attachment(held.id) if held.kept and held.id and self._may_see_files else None)

    def _unformatted(self, number: int | None) -> str:
        """Return the notice that a text is shown as it was written."""
        alone = ""
        if number:
            address = escape(self.links.session(self.reference, **{"from": number}))
            alone = f' <a href="{address}">Show the page from #{number:,} on</a>'
        return f'<p class="sv-rest">Not formatted, because so much text comes before it on this page.{alone}</p>'

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
