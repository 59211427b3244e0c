"""Text that somebody else wrote, made safe to show: in a terminal, on a page, in a file.

Pure. Controls move the cursor, recolour or retitle a terminal; directional overrides, zero-width characters and tags
let a text say one thing to a person and another to a program. Each comes out as a sign or as its name, `⟦U+202E⟧`,
except where it does honest work: joiners inside emoji and scripts that need them, variation selectors after what they
vary. There is one list of these characters, and all that is shown goes through a function of this module.
"""

from __future__ import annotations

import json
import re

_SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINERS = "\u200c\u200d"
_AFTER_ASCII = "#*0123456789"
"""The ASCII that becomes an emoji with a variation selector."""

_CONTROL_PICTURES = 0x2400


def visible(text: str) -> str:
    """Return a text with nothing hidden in it: the same text, unless it hid something. Line ends become newlines."""
    return plain(text.replace("\r\n", "\n").replace("\r", "\n"))


def plain(text: str) -> str:
    """Return a text as `visible` does, for a terminal: a lone carriage return, which overwrites a line, is shown."""
    if text.isascii() and text.isprintable():
        return text
    return _SUSPECT.sub(_shown, text.replace("\r\n", "\n"))


def one_line(text: str, width: int | None = None) -> str:
    """Return a text on one line, cut to a width with an ellipsis."""
    short = text if width is None else text.lstrip()[: width * 4]
    line = " ".join(plain(short).split())
    return line if width is None or len(line) <= width else line[: width - 1].rstrip() + "…"


def escaped(json_text: str) -> str:
    """Return JSON text with each hidden character as a JSON escape: the same value, safe to show."""

    def escape(match: re.Match[str]) -> str:
        honest = _is_honest(match.string, match.start(), match.group())
        return match.group() if honest else json.dumps(match.group())[1:-1]

    return _SUSPECT.sub(escape, json_text)


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
    """Return whether a character may have a joiner or selector beside it: anything seen that is not Latin."""
    return (
        bool(character)
        and (character >= "\u0300")
        and (not _SUSPECT.match(character) or "\ufe00" <= character <= "\ufe0f")
    )
