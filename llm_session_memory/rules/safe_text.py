"""Text from others, made safe to show in a terminal, on a page or in a file.

Pure. Control characters move the cursor, recolour or retitle a terminal. Directional overrides, zero-width characters
and tags let a text say one thing to a person and another to a program. Each of them is replaced by a symbol or by its
number, `⟦U+202E⟧`, except if it is legitimate: joiners inside emoji and in scripts that need them, and variation
selectors after the characters they vary. There is one list of these characters, and all text that is shown passes
through a function of this module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

HALVES = re.compile("[\ud800-\udfff]")
"""Halves of characters (lone surrogates), which UTF-8 can't hold."""

_JOINERS = "\u200c\u200d"
_AFTER_ASCII = "#*0123456789"
"""The ASCII characters that become an emoji with a variation selector."""

_CONTROL_PICTURES = 0x2400


@cache
def _suspect() -> re.Pattern[str]:
    """Return the pattern of the characters. It takes half a millisecond to compile, and plain ASCII needs none."""
    return re.compile(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
        "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
        "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    )


def visible(text: str) -> str:
    """Return a text with its hidden characters made visible; other text is unchanged. Line ends become newlines."""
    return plain(text.replace("\r\n", "\n").replace("\r", "\n"))


def plain(text: str) -> str:
    """Return a text like `visible`, for a terminal: a lone carriage return, which overwrites a line, is shown too."""
    if text.isascii() and text.isprintable():
        return text
    return _suspect().sub(_shown, mended(text).replace("\r\n", "\n"))


def unbroken(text: str) -> str:
    """Return a text like `plain`, with its line ends and tabs shown too, for a sentence that quotes what was given.

    Otherwise a name could end the sentence and begin another.
    """
    return re.sub(r"[\n\t]", _shown, plain(text))


def mended(text: str) -> str:
    """Return a text with the bytes that Python could not decode decoded as UTF-8, as far as they are UTF-8.

    In the C locale, Python decodes arguments and standard input as ASCII, and leaves every other byte as half of a
    character. Half of a character that stands for a byte which is not UTF-8 stays as it is.
    """
    if text.isascii() or not HALVES.search(text):
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # halves from elsewhere, for example from JSON
        return text


def without_halves(text: str) -> str:
    """Return a text with “\ufffd” for each half of a character, which neither SQLite nor UTF-8 can hold.

    Python has them for bytes that are not UTF-8, and JSON may spell them out.
    """
    return text if text.isascii() else HALVES.sub("\ufffd", mended(text))


def storable(text: str) -> str:
    """Return a text without halves and with “\ufffd” for each NUL, at which many programs take a text to end."""
    return without_halves(text).replace("\0", "\ufffd")


def bindable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a statement's parameters in a form that SQLite can take: texts without halves of characters."""
    return {name: without_halves(value) if isinstance(value, str) else value for name, value in parameters.items()}


def one_line(text: str, width: int | None = None) -> str:
    """Return a text on one line, cut to a width with an ellipsis."""
    short = text if width is None else text.lstrip()[: width * 4]
    line = " ".join(plain(short).split())
    return line if width is None or len(line) <= width else line[: width - 1].rstrip() + "…"


def without_hidden(text: str) -> str:
    """Return a text without the characters that `visible` replaces, for a text that a model wrote about another."""

    def removed(match: re.Match[str]) -> str:
        return match.group() if _is_honest(match.string, match.start(), match.group()) else ""

    return _suspect().sub(removed, mended(text))


def escaped(json_text: str) -> str:
    """Return JSON text with each hidden character as a JSON escape: the same value, safe to show."""

    def escape(match: re.Match[str]) -> str:
        honest = _is_honest(match.string, match.start(), match.group())
        return match.group() if honest else json.dumps(match.group())[1:-1]

    return _suspect().sub(escape, json_text)


def _shown(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    if character < " ":
        return chr(_CONTROL_PICTURES + code)
    if character == "\x7f":
        return "\u2421"
    if _is_honest(match.string, match.start(), character):
        return character
    return f"⟦U+{code:04X}⟧"


def _is_honest(text: str, place: int, character: str) -> bool:
    before = text[place - 1] if place else ""
    after = text[place + 1] if place + 1 < len(text) else ""
    if character in _JOINERS:
        return _carries(before) and (_carries(after) or character == "\u200c")
    if "\ufe00" <= character <= "\ufe0f":
        return _carries(before) or (bool(before) and before in _AFTER_ASCII)
    if "\u180b" <= character <= "\u180f":
        return "\u1820" <= before <= "\u18aa"
    return False


def _carries(character: str) -> bool:
    """Return whether a joiner or selector may be next to a character: any visible one that is not Latin."""
    return (
        bool(character)
        and (character >= "\u0300")
        and (not _suspect().match(character) or "\ufe00" <= character <= "\ufe0f")
    )
