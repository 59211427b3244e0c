"""Limits of what can be stored: each check returns the stored form or raises SessionError with the rule. Pure."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ..errors import SessionError
from ..model import MARKS
from .names import hidden
from .safe_text import one_line

if TYPE_CHECKING:
    from ..model import Rating

LONGEST_NOTE = 2_000
"""The most characters of a note, which is sent with every prompt."""

LONGEST_NOTE_OF_A_MODEL = 500
"""The most characters of a note that a model keeps on its own."""

LONGEST_TAG = 60
"""The most characters of a tag or a meta key."""

LONGEST_VALUE = 1_000
"""The most characters of a meta value."""

LONGEST_REMARK = 2_000
"""The most characters of a rating's note."""

LONGEST_LABEL = 100
"""The most characters of a bookmark's label."""


def storable(text: str, what: str) -> str:
    """Return the text if it can be stored. Raises SessionError if it has lone surrogates: bytes that were not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SessionError(f"{what} is not valid UTF-8.", outcome="Nothing was changed.") from None
    return text


def checked_note(text: str) -> str:
    """Return a note in its stored form. Raises SessionError with the rule that it breaks."""
    kept = storable(text, "The note").strip()
    if not kept or len(kept) > LONGEST_NOTE:
        message = f"A note can have 1 to {LONGEST_NOTE:,} characters; this one has {len(kept):,}."
        raise SessionError(message, "It is sent with every prompt, so keep it short.")
    return kept


def checked_tag(tag: str) -> str:
    """Return a tag in its stored form (NFC, single spaces). Raises SessionError with the rule that it breaks."""
    kept = " ".join(unicodedata.normalize("NFC", tag).split())
    if not kept or len(kept) > LONGEST_TAG or hidden(kept):
        message = f"“{one_line(tag, LONGEST_TAG)}” can't be a tag or a key."
        raise SessionError(message, f"Use 1 to {LONGEST_TAG} printable characters.")
    return kept


def checked_key(text: str) -> str:
    """Return a meta key in its stored form. Raises SessionError with the rule that it breaks."""
    if "=" in text:
        raise SessionError(f"“{one_line(text, LONGEST_TAG)}” can't be a key.", "A key can't contain “=”.")
    return checked_tag(text)


def checked_value(text: str, instead: str) -> str:
    """Return a meta value; `instead` is the command that keeps a note. Raises SessionError with the rule it breaks."""
    if len(storable(text, "The value")) > LONGEST_VALUE:
        message = f"A value can have at most {LONGEST_VALUE:,} characters; this one has {len(text):,}."
        raise SessionError(message, f"For more, keep a note: {instead}")
    return text


def checked_rating(mark: str, note: str, rated_utc: str) -> Rating:
    """Return a rating in its stored form. Raises SessionError with the rule that it breaks."""
    from ..model import Rating  # no prompt needs it

    return Rating(checked_mark(mark), checked_remark(note), rated_utc)


def checked_mark(mark: str) -> str:
    """Return a mark in its stored form. Raises SessionError with the rule that it breaks."""
    kept = mark.strip().lower()
    if kept not in MARKS:
        message = f"“{one_line(mark, LONGEST_LABEL)}” can't be a rating."
        raise SessionError(message, "Rate with up, down, or 1 to 5 (5 is best).")
    return kept


def checked_remark(note: str) -> str:
    """Return a rating's note in its stored form. Raises SessionError with the rule that it breaks."""
    kept = storable(note, "The note").strip()
    if len(kept) > LONGEST_REMARK:
        message = f"A rating's note can have at most {LONGEST_REMARK:,} characters; this one has {len(kept):,}."
        raise SessionError(message, outcome="Nothing was changed.")
    return kept


def checked_label(label: str) -> str:
    """Return a label in its stored form, on one line. Raises SessionError with the rule that it breaks."""
    kept = " ".join(storable(label, "The label").split())
    if not kept or len(kept) > LONGEST_LABEL or not kept.isprintable():
        message = f"“{one_line(label, LONGEST_LABEL)}” can't be a label."
        raise SessionError(message, f"Use 1 to {LONGEST_LABEL} printable characters.")
    return kept
