"""Render untrusted Markdown as safe HTML, and untrusted text as plain text. Pure.

Nothing is lost: raw HTML is escaped and shown, an image becomes a link to it, and a link to anything but http, https or
mailto stays text. Text that is too long or nested too deeply is shown as plain text. The output is always balanced
HTML, whatever the input.
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
"""The most characters of a text that is rendered as Markdown."""

_DEEPEST = 40
"""The most levels of nesting (quotes, lists) of a text that is rendered as Markdown."""

_MOST_BRACKETS = 3_000
"""The most brackets of a text that is rendered as Markdown: parsing time grows with the square of open brackets."""

_LINK = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x1f]+", re.IGNORECASE)
"""The addresses that a link may have. The slashes matter: `https:/-/logout` would lead to the page's own server."""

Options = Any
Env = MutableMapping[str, Any]


def rendered(text: str) -> str:
    """Return Markdown as harmless HTML."""
    if len(text) > LONGEST or text.count("[") > _MOST_BRACKETS:
        return plain(text)
    try:
        tokens = _reader().parse(visible(text))
    except RecursionError:
        return plain(text)
    if any(token.level >= _DEEPEST - 1 for token in tokens):  # deeper than this, the parser drops text
        return plain(text)
    html: str = _reader().renderer.render(tokens, _reader().options, {})
    return f'<div class="sv-md" dir="auto">{visible(html)}</div>'  # again, because entities can spell such characters


def plain(text: str) -> str:
    """Return a text as HTML with its line breaks and without markup."""
    return f'<div class="sv-plain" dir="auto">{escape(visible(text))}</div>'


def code_block(text: str, language: str = "") -> str:
    """Return code as an HTML block that scrolls and can be copied."""
    label = one_line(language)
    named = f' data-language="{escape(label)}"' if label else ""
    shown = coloured(visible(text).removesuffix("\n"), label.split(" ", 1)[0])
    return f'<div class="sv-code"{named}><pre tabindex="0"><code>{shown}</code></pre></div>\n'


def is_safe_link(address: str) -> bool:
    """Return whether an address may be a link: it must be a full web or mail address."""
    try:
        urlsplit(address)
    except ValueError:
        return False
    return bool(_LINK.fullmatch(address))


class _Renderer(RendererHTML):
    """Markdown-it's renderer with a few rules of our own."""

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
    """Return the heading two levels lower, because the page's own headings come above the messages."""
    return f"h{min(int(tag[1:]) + 2, 6)}"


def _aligned(token: Token) -> str:
    """Return a cell's alignment as a class, because the page's policy blocks style attributes."""
    for side in ("right", "center"):
        if side in str(token.attrs.get("style") or ""):
            return f' class="sv-{side}"'
    return ""


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt(
        "commonmark", {"html": False, "linkify": False, "maxNesting": _DEEPEST}, renderer_cls=_Renderer
    ).enable(["table", "strikethrough"])
    reader.disable("reference")  # link definitions would not be shown
    reader.validateLink = is_safe_link  # type: ignore[method-assign, assignment]  # as its documentation does
    return reader
