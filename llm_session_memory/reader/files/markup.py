"""Render untrusted Markdown as safe HTML, and untrusted text as plain text. Pure.

Nothing is lost: raw HTML is escaped and shown, an image becomes a link to it, and a link to anything but http, https or
mailto stays text. Formulas become MathML, or code if they can't. A part that is nested too deeply to format is shown as
it was written, and a sentence says so. The output is always balanced HTML, whatever the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from markdown_it.token import Token

from ...rules.safe_text import visible
from .dialect import footnotes
from .elements import DEEPEST, Env, Formatting, code_block, reader
from .folding import cut, cut_plain, shortened, unfolding
from .segments import Segment, as_json, segments

_MOST_BRACKETS = 3_000
"""The most brackets of a part that is rendered as Markdown: parsing time grows with the square of open brackets."""


_NESTED = '<p class="sv-rest">This part is nested too deeply to format, so it is shown as it was written.</p>'


def rendered(text: str, page: Formatting | None = None, *, fold: bool = False) -> str:
    """Return Markdown as harmless HTML; JSON becomes a block of code.

    Args:
        text: What a model wrote.
        page: What may still be formatted on the page. Without it, the text is alone.
        fold: Whether the rest of a long text is folded behind “Show all”.
    """
    shown = visible(text)
    data = as_json(shown)
    if data is not None:
        return f'<div class="sv-md">{code_block(data, "json")}</div>'
    parts = shortened([*segments(shown)]) if fold else [*segments(shown)]
    notes = footnotes("\n".join(part.text for part in parts if part.language is None))
    page = page or Formatting()
    env: Env = {"footnotes": notes, "key": page.key(shown) if notes else "", "page": page}
    html = [_part(part, page, env) for part in parts]
    first = cut(parts) if fold else len(parts)
    rest = _folded(parts[first:], "".join(html[first:])) if first < len(parts) else ""
    why = _NESTED if env.get("deep") else ""
    return f'<div class="sv-md">{"".join(html[:first])}{rest}{why}</div>'


def json_block(text: str) -> str:
    """Return data as a block of code: JSON on lines of its own, other text as it is."""
    data = as_json(text)
    return code_block(text if data is None else data, "" if data is None and text[:1] not in ("{", "[") else "json")


def plain(text: str, *, fold: bool = False) -> str:
    """Return a text as HTML with its line breaks and without markup. With `fold`, “Show all” unfolds a long one."""
    shown = visible(text)
    end = cut_plain(shown) if fold else len(shown)
    begin = f'<div class="sv-plain" dir="auto">{escape(shown[:end])}</div>'
    if end == len(shown):
        return begin
    rest = shown[end:].removeprefix("\n")
    return begin + unfolding(len(rest), f'<div class="sv-plain" dir="auto">{escape(rest)}</div>')


def _part(part: Segment, page: Formatting, env: Env) -> str:
    if part.language is not None:
        return code_block(part.text, part.language)
    if page.prose <= 0:
        page.unformatted = True
        return plain(part.text)
    page.prose -= len(part.text)
    tokens = _tokens(part.text, env)
    if tokens is None:
        env["deep"] = True
        return plain(part.text)
    html: str = reader().renderer.render(tokens, reader().options, env)
    return visible(html)  # again, because entities can spell such characters


def _tokens(text: str, env: Env) -> list[Token] | None:
    """Return the tokens of a part, or None if the parser would take too long or drop text."""
    if text.count("[") > _MOST_BRACKETS:
        return None
    try:
        tokens = reader().parse(text, env)
    except RecursionError:
        return None
    if any(token.level >= DEEPEST - 1 for token in tokens):  # deeper than this, the parser drops text
        return None
    for token in tokens:
        if token.level == 0 and token.nesting == 1:
            token.attrSet("dir", "auto")  # each block by itself, and not what is in code
    return tokens


def _folded(parts: Sequence[Segment], html: str) -> str:
    return unfolding(sum(len(part.text) for part in parts), f'<div class="sv-md">{html}</div>')
