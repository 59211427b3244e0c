"""The facts of the product as frozen values: what was said in a session, what is sent of it, what is kept about it.

Pure: no SQL, no llm, no decisions. The terms are those of the glossary in the README. Import all values from here.
"""

from typing import TYPE_CHECKING

from .kept import (
    DEFAULT_MAX_CONTEXT_TOKENS,
    MARKS,
    POLICIES,
    RATED,
    THINK,
    Note,
    Session,
    Settings,
    Summary,
)
from .said import SIDES, Attachment, Attempt, Exchange, Message, Part, Side, Turn
from .sent import Block, Budget, Context, Fate, Item, Recalled, Sized, Window, WindowFacts

if TYPE_CHECKING:
    from .shown import Beside, Bookmark, Filters, Hit, Rating, SessionSummary

__all__ = [
    "DEFAULT_MAX_CONTEXT_TOKENS",
    "MARKS",
    "POLICIES",
    "RATED",
    "SIDES",
    "THINK",
    "Attachment",
    "Attempt",
    "Beside",
    "Block",
    "Bookmark",
    "Budget",
    "Context",
    "Exchange",
    "Fate",
    "Filters",
    "Hit",
    "Item",
    "Message",
    "Note",
    "Part",
    "Rating",
    "Recalled",
    "Session",
    "SessionSummary",
    "Settings",
    "Side",
    "Sized",
    "Summary",
    "Turn",
    "Window",
    "WindowFacts",
]


def __getattr__(name: str) -> object:
    """Return a value of `shown`, which is imported only when something asks for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import shown

    return getattr(shown, name)
