"""Untrusted Markdown as safe HTML, and untrusted text as it is. Pure.

Nothing that was written is lost: raw HTML is escaped and shown, an image is a link to it, a link that leads anywhere
but http, https or mailto stays the text that it was written as. What is too long or nested too deeply to render is
shown as plain text. The output is always balanced, whatever the input.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import cache
from html import escape
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from ...rules.safe_text import one_line, visible
from .code import coloured

LONGEST = 60_000
"""Characters of the longest text that is read as Markdown."""

_DEEPEST = 40
"""Levels of nesting (quotes, lists) up to which a text is read as Markdown."""

_MOST_BRACKETS = 3_000
"""Brackets up to which a text is read as Markdown: the time that open ones take grows with their square."""

_LINK = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x1f]+", re.IGNORECASE)
"""What a link may lead to. Without its slashes, `https:/-/logout` would lead into the page's own server."""

Options = Any
Env = MutableMapping[str, Any]


def rendered(text: str) -> str:
    """Return Markdown as HTML that can do nothing."""
    if len(text) > LONGEST or text.count("[") > _MOST_BRACKETS:
        return plain(text)
    try:
        tokens = _reader().parse(visible(text))
    except RecursionError:
        return plain(text)
    if any(token.level >= _DEEPEST - 1 for token in tokens):  # beyond it the parser would leave text out
        return plain(text)
    html: str = _reader().renderer.render(tokens, _reader().options, {})
    return f'<div class="sv-md" dir="auto">{visible(html)}</div>'  # once more: entities can spell what was taken out


def plain(text: str) -> str:
    """Return a text as HTML with its line breaks, nothing in it read as markup."""
    return f'<div class="sv-plain" dir="auto">{escape(visible(text))}</div>'


def code_block(text: str, language: str = "") -> str:
    """Return code as a block that scrolls and can be copied."""
    label = one_line(language)
    named = f' data-language="{escape(label)}"' if label else ""
    shown = coloured(visible(text).removesuffix("\n"), label.split(" ", 1)[0])
    return f'<div class="sv-code"{named}><pre tabindex="0"><code>{shown}</code></pre></div>\n'


def is_safe_link(address: str) -> bool:
    """Return whether an address may be a link: it leads to the web or to a mailbox, and says so."""
    try:
        urlsplit(address)
    except ValueError:
        return False
    return bool(_LINK.fullmatch(address))


class _Renderer(RendererHTML):
    """Markdown-it's renderer, with the few rules of ours."""

    def fence(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return code_block(tokens[index].content, tokens[index].info)

    def code_block(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return code_block(tokens[index].content)

    def image(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        token = tokens[index]
        address = str(token.attrs.get("src") or "")
        alt = escape(self.renderInlineAsText(token.children or [], options, env) or "image")
        if not is_safe_link(address):
            return f'<span class="sv-image">{alt} ({escape(address)})</span>'
        return f'<span class="sv-image">image, not loaded: {_link(address)}{alt}</a></span>'

    def link_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        token = tokens[index]
        return _link(str(token.attrs.get("href") or ""), str(token.attrs.get("title") or ""))

    def heading_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return f"<{_lower(tokens[index].tag)}>"

    def heading_close(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return f"</{_lower(tokens[index].tag)}>\n"

    def table_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del tokens, index, options, env
        return '<div class="sv-table" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del tokens, index, options, env
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return f"<th{_aligned(tokens[index])}>"

    def td_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return f"<td{_aligned(tokens[index])}>"


def _link(address: str, title: str = "") -> str:
    shown = escape(visible(f"{title} — {address}" if title else address))
    return f'<a href="{escape(address)}" title="{shown}" rel="nofollow noopener noreferrer ugc">'


def _lower(tag: str) -> str:
    """Return the heading two levels down: the page has its own, above all that was said."""
    return f"h{min(int(tag[1:]) + 2, 6)}"


def _aligned(token: Token) -> str:
    """Return a cell's alignment as a class, since no style attribute gets past our policy."""
    for side in ("right", "center"):
        if side in str(token.attrs.get("style") or ""):
            return f' class="sv-{side}"'
    return ""


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt(
        "commonmark", {"html": False, "linkify": False, "maxNesting": _DEEPEST}, renderer_cls=_Renderer
    ).enable(["table", "strikethrough"])
    reader.disable("reference")  # a definition is text that would not be shown
    reader.validateLink = is_safe_link  # type: ignore[method-assign, assignment]  # as its documentation does
    return reader
