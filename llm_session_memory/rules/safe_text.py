"""Text that somebody else wrote, made safe to print.

Pure. What a model, a tool or a fragment wrote may hold escape sequences that move the cursor, recolour or retitle the
terminal, and marks that turn the direction of reading around. They are shown as visible signs instead.
"""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL_PICTURES = 0x2400
_DELETE = 0x7F
_LAST_C0 = 0x1F


def plain(text: str) -> str:
    """Return `text` with control characters (but newline and tab) and direction marks as visible signs."""
    return _DIRECTION.sub(_code, _CONTROL.sub(_picture, text.replace("\r\n", "\n")))


def escaped(json_text: str) -> str:
    """Return JSON text with control characters and direction marks as JSON escapes: the same value, safe to print."""

    def escape(match: re.Match[str]) -> str:
        return f"\\u{ord(match.group()):04x}"

    return _DIRECTION.sub(escape, _CONTROL.sub(escape, json_text))


def one_line(text: str, width: int) -> str:
    """Return the beginning of `text` on one line of at most `width` characters."""
    flat = " ".join(plain(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= _LAST_C0:
        return chr(_CONTROL_PICTURES + code)
    return "␡" if code == _DELETE else f"<{code:02X}>"


def _code(match: re.Match[str]) -> str:
    return f"<U+{ord(match.group()):04X}>"
