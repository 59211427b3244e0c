"""Names of files: for names of sessions, safe on every system, and without their folders.

Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from .names import key
from .safe_text import without_halves

_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices, with any ending."""

_MOST_BYTES = 200
"""Most file systems allow 255; the rest is for a number and an ending."""


def without_folders(path: str) -> str:
    """Return the name of a file on any system, without its folders."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def file_names(names: Iterable[str], ending: str) -> list[str]:
    """Return a file name for each name, in the same order, with an ending such as `.jsonl`.

    No two are the same on a file system that ignores case: later ones get a number, as in `work (2).jsonl`.
    """
    taken: set[str] = set()
    found = []
    for name in names:
        safe, number = _safe(name), 1
        candidate = safe
        while key(candidate) in taken:
            number += 1
            candidate = f"{safe} ({number})"
        taken.add(key(candidate))
        found.append(candidate + ending)
    return found


def _safe(name: str) -> str:
    """Return a name without what a file name can't have, a dot at its beginning included (it would be hidden)."""
    text = _UNSAFE.sub("_", unicodedata.normalize("NFC", without_halves(name))).lstrip(". ")
    text = text.encode("utf-8")[:_MOST_BYTES].decode("utf-8", "ignore").rstrip(". ") or "session"
    return _RESERVED.sub(r"\1_", text) if _RESERVED.match(text) else text
