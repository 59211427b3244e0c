"""Texts and names in a form that other databases can hold: any text of a log, without what they refuse.

SQLite's texts may have NUL and halves of characters (lone surrogates). Neither is UTF-8 that a server, or SQLite's own
functions for JSON, takes. Such a text is written as `~` and the hexadecimal digits of its bytes, and so is one that
begins with `~`, so that no two texts are written alike.
"""

from __future__ import annotations

import re

_REFUSED = re.compile("^~|[\0\ud800-\udfff]")
MARK = "~"


def packed(text: str) -> str:
    """Return a text as it is, or as `~` and hexadecimal digits."""
    return MARK + text.encode("utf-8", "surrogatepass").hex() if _REFUSED.search(text) else text


def unpacked(text: str) -> str:
    """Return the text that was packed. Raises ValueError if it can't be one."""
    return bytes.fromhex(text[1:]).decode("utf-8", "surrogatepass") if text.startswith(MARK) else text
