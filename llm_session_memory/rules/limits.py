"""What can be stored: how long texts may be, and each text as it is kept or a SessionError that says the rule. Pure."""

from __future__ import annotations

import unicodedata

from ..errors import SessionError
from ..model import MARKS, Rating
from .safe_text import one_line

LONGEST_NOTE = 2_000
"""Characters of a note: it goes with every prompt."""

LONGEST_NOTE_OF_A_MODEL = 500
"""Characters of a note that a model keeps by itself."""

LONGEST_TAG = 60
"""Characters of a tag, and of a key of meta."""

LONGEST_VALUE = 1_000
"""Characters of a value of meta."""

LONGEST_REMARK = 2_000
"""Characters of a rating's note."""

LONGEST_LABEL = 100
"""Characters of a bookmark's label."""


def storable(text: str, what: str) -> str:
    """Return a text that can be stored. Raises SessionError if it has half characters: bytes that were not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SessionError(f"{what} is not UTF-8.", "Nothing was changed.") from None
    return text


def checked_note(text: str) -> str:
    """Return a note as it is kept, or raise SessionError saying the rule."""
    kept = storable(text, "The note").strip()
    if not kept or len(kept) > LONGEST_NOTE:
        message = f"A note has 1 to {LONGEST_NOTE:,} characters; this one has {len(kept):,}."
        raise SessionError(message, "It is sent with every prompt, so keep it short.")
    return kept


def checked_tag(tag: str) -> str:
    """Return a tag as it is kept (NFC, single blanks), or raise SessionError saying the rule."""
    kept = " ".join(unicodedata.normalize("NFC", tag).split())
    if not kept or len(kept) > LONGEST_TAG or not kept.isprintable():
        message = f"“{one_line(tag, LONGEST_TAG)}” can't be a tag or a key."
        raise SessionError(message, f"It has 1 to {LONGEST_TAG} printable characters.")
    return kept


def checked_key(text: str) -> str:
    """Return a key of meta as it is kept, or raise SessionError saying the rule."""
    if "=" in text:
        raise SessionError(f"“{one_line(text, LONGEST_TAG)}” can't be a key.", "A key has no “=” in it.")
    return checked_tag(text)


def checked_value(text: str, instead: str) -> str:
    """Return a value of meta, or raise SessionError saying the rule; `instead` is the command that keeps a note."""
    if len(storable(text, "The value")) > LONGEST_VALUE:
        message = f"A value has at most {LONGEST_VALUE:,} characters; this one has {len(text):,}."
        raise SessionError(message, f"For more, keep a note: {instead}")
    return text


def checked_rating(mark: str, note: str, rated_utc: str) -> Rating:
    """Return a rating as it is kept, or raise SessionError saying the rule."""
    return Rating(checked_mark(mark), checked_remark(note), rated_utc)


def checked_mark(mark: str) -> str:
    """Return a mark as it is kept, or raise SessionError saying the rule."""
    kept = mark.strip().lower()
    if kept not in MARKS:
        message = f"“{one_line(mark, LONGEST_LABEL)}” can't be a rating."
        raise SessionError(message, "Rate with up, down, or 1 to 5 (5 is best).")
    return kept


def checked_remark(note: str) -> str:
    """Return a rating's note as it is kept, or raise SessionError saying the rule."""
    kept = storable(note, "The note").strip()
    if len(kept) > LONGEST_REMARK:
        message = f"The note of a rating has at most {LONGEST_REMARK:,} characters; this one has {len(kept):,}."
        raise SessionError(message, "Nothing was changed.")
    return kept


def checked_label(label: str) -> str:
    """Return a label as it is kept (one line), or raise SessionError saying the rule."""
    kept = " ".join(storable(label, "The label").split())
    if not kept or len(kept) > LONGEST_LABEL or not kept.isprintable():
        message = f"“{one_line(label, LONGEST_LABEL)}” can't be a label."
        raise SessionError(message, f"It has 1 to {LONGEST_LABEL} printable characters.")
    return kept
