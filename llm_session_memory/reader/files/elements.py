"""The elements of a rendered text, each written with its text escaped. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from ...rules.safe_text import one_line, visible
from .code import coloured
from .dialect import CLOSING, teach
from .mathml import mathml

_LINK = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x1f]+", re.IGNORECASE)
"""The addresses that a link may have. The slashes matter: `https:/-/logout` would lead to the page's own server."""

DEEPEST = 40
"""The most levels of nesting (quotes, lists) of a text that is rendered as Markdown."""

Options = Any
Env = MutableMapping[str, Any]


@dataclass
class Formatting:
    """What may still be formatted on a page, so that a page of long texts does not take long: counts of characters."""

    prose: int = 600_000
    """Characters of Markdown, without blocks of code. What is beyond is shown as it was written."""
    formulas: int = 30_000
    """Characters of formulas. Those beyond are shown as code."""
    unformatted: bool = False
    """Whether a text was beyond. Whoever says so on the page sets this back."""
    keys: set[str] = field(default_factory=set)
    """What the addresses of footnotes begin with, for each text that has some."""

    def key(self, text: str) -> str:
        """Return a beginning for the ids of a text's footnotes that no other text of the page has."""
        key = first = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
        while key in self.keys:
            key = f"{first}-{len(self.keys)}"
        self.keys.add(key)
        return key


def code_block(text: str, language: str = "") -> str:
    """Return code as an HTML block that scrolls and can be copied."""
    label = one_line(language)
    named = f' data-language="{escape(label)}"' if label else ""
    shown = coloured(visible(text).removesuffix("\n"), label.split(" ", 1)[0])
    return f'<div class="sv-code"{named}><pre tabindex="0" dir="ltr"><code>{shown}</code></pre></div>\n'


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

    def code_inline(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return _code(tokens[index].content)

    def math_inline(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options
        token = tokens[index]
        html = _formula(token.content, env, block=token.markup in ("\\[", "$$"))
        return html or _code(f"{token.markup}{token.content}{CLOSING[token.markup]}")

    def math_block(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options
        html = _formula(tokens[index].content, env, block=True)
        return f"<p>{html}</p>\n" if html else code_block(tokens[index].content.strip("\n"), "latex")

    def footnote_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options
        number, direction = tokens[index].meta["number"], _direction(tokens[index])
        back = str(number)
        if number in env.get("referred", ()):
            back = f'<a href="#fnref-{env["key"]}-{number}" aria-label="Back to note {number} in the text">{number}</a>'
        own = f' id="fn-{env["key"]}-{number}"' if _is_first("defined", number, env) else ""
        return f'<div class="sv-footnote"{own}{direction}><sup>{back}</sup>\n'

    def footnote_close(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del tokens, index, options, env
        return "</div>\n"

    def footnote_reference(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options
        number = tokens[index].meta["number"]
        own = f' id="fnref-{env["key"]}-{number}"' if _is_first("referred", number, env) else ""
        return f'<sup{own}><a href="#fn-{env["key"]}-{number}" aria-label="Note {number}">{number}</a></sup>'

    def task(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        done = tokens[index].meta["done"]
        return (
            f'<span class="sv-box" role="img" aria-label="{"done" if done else "open"}">{"☑" if done else "☐"}</span> '
        )

    def small_tag(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return f"<{tokens[index].tag}>{escape(tokens[index].content)}</{tokens[index].tag}>"

    def image(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        token = tokens[index]
        address = str(token.attrs.get("src") or "")
        alt = escape(_words(token.children or []) or "image")
        if not is_safe_link(address):
            return f'<span class="sv-image">{alt} ({escape(address)})</span>'
        return f'<span class="sv-image">image, not loaded: {_link(address)}{alt}</a></span>'

    def link_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        token = tokens[index]
        return _link(str(token.attrs.get("href") or ""), str(token.attrs.get("title") or ""))

    def heading_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options
        return f"<{_under(env, int(tokens[index].tag[1:]))}{_direction(tokens[index])}>"

    def heading_close(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options
        return f"</{_under(env, int(tokens[index].tag[1:]))}>\n"

    def table_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return f'<div class="sv-table" tabindex="0"{_direction(tokens[index])}><table>\n'

    def table_close(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del tokens, index, options, env
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return f"<{_head(tokens[index + 1])}{_aligned(tokens[index])}>"

    def th_close(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return f"</{_head(tokens[index - 1])}>\n"

    def td_open(self, tokens: Sequence[Token], index: int, options: Options, env: Env) -> str:
        del options, env
        return f"<td{_aligned(tokens[index])}>"


_WIDE = 40
"""The characters from which a formula may be too wide for a phone, so that the keyboard must be able to scroll it."""


def _formula(tex: str, env: Env, *, block: bool) -> str | None:
    """Return a formula as MathML, or None if it can't be shown so, or the page has had enough of them."""
    page: Formatting = env["page"]
    page.formulas -= len(tex)
    html = mathml(tex, block=block) if page.formulas >= 0 else None
    if html is None:
        return None
    wide = len(tex) > _WIDE
    kind = " sv-display" if block else " sv-math-long" if wide else ""
    scrolls = ' tabindex="0"' if wide else ""
    return f'<span class="sv-math{kind}"{scrolls}>{html}</span>'


def _is_first(what: str, number: int, env: Env) -> bool:
    """Return whether a footnote is defined or referred to for the first time, which gives it its id."""
    seen: set[int] = env.setdefault(what, set())
    is_new = number not in seen
    seen.add(number)
    return is_new


def _words(tokens: Sequence[Token]) -> str:
    """Return the text of a line's tokens: an image's description, in which formulas are their source."""
    return "".join(
        _words(token.children) if token.children else token.content or " " * ("break" in token.type) for token in tokens
    )


def _code(text: str) -> str:
    return f'<code dir="ltr">{escape(text)}</code>'


def _direction(token: Token) -> str:
    return ' dir="auto"' if token.attrs.get("dir") else ""


def _link(address: str, title: str = "") -> str:
    shown = escape(visible(f"{title} — {address}" if title else address))
    return f'<a href="{escape(address)}" title="{shown}" rel="nofollow noopener noreferrer ugc">'


def _under(env: Env, level: int) -> str:
    """Return the element of a heading: below the page's own two levels, one level below the heading that it is under.

    A text that begins with ###, or goes on from # to ###, would otherwise leave a level out, and screen readers that
    lead from heading to heading would have readers look for it.
    """
    above: list[int] = env.setdefault("headings", [])
    while above and above[-1] >= level:
        above.pop()
    above.append(level)
    return f"h{min(2 + len(above), 6)}"


def _head(inside: Token) -> str:
    """Return the element of a cell in a table's head: one without a word heads nothing."""
    return "th" if inside.content.strip() else "td"


def _aligned(token: Token) -> str:
    """Return a cell's alignment as a class, because the page's policy blocks style attributes."""
    for side in ("right", "center"):
        if side in str(token.attrs.get("style") or ""):
            return f' class="sv-{side}"'
    return ""


@cache
def reader() -> MarkdownIt:
    """Return the parser of Markdown, which knows what models write and makes our elements."""
    made = MarkdownIt(
        "commonmark", {"html": False, "linkify": False, "maxNesting": DEEPEST}, renderer_cls=_Renderer
    ).enable(["table", "strikethrough"])
    made.disable("reference")  # link definitions would not be shown
    made.validateLink = is_safe_link  # type: ignore[method-assign, assignment]  # as its documentation does
    teach(made)
    return made
