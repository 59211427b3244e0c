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
    TITLE_AFTER,
    Note,
    Project,
    Session,
    Settings,
    Summary,
)
from .said import SIDES, Attachment, Attempt, Exchange, Message, Part, Side, Turn
from .sent import Block, Budget, Context, ContextItem, Fate, Recalled, Sized, Window, WindowFacts

if TYPE_CHECKING:
    from .deleting import Amounts, Covering, Deleted, DeletionPlan, Stay, Target, Trace
    from .secrets import Redacted, Secret, SecretPlace
    from .shown import (
        Beside,
        Bookmark,
        Conversation,
        Filters,
        Hit,
        Opinion,
        ProjectSummary,
        Rating,
        Relative,
        SessionSummary,
        Title,
    )

__all__ = [
    "DEFAULT_MAX_CONTEXT_TOKENS",
    "MARKS",
    "POLICIES",
    "RATED",
    "SIDES",
    "THINK",
    "TITLE_AFTER",
    "Amounts",
    "Attachment",
    "Attempt",
    "Beside",
    "Block",
    "Bookmark",
    "Budget",
    "Context",
    "ContextItem",
    "Conversation",
    "Covering",
    "Deleted",
    "DeletionPlan",
    "Exchange",
    "Fate",
    "Filters",
    "Hit",
    "Message",
    "Note",
    "Opinion",
    "Part",
    "Project",
    "ProjectSummary",
    "Rating",
    "Recalled",
    "Redacted",
    "Relative",
    "Secret",
    "SecretPlace",
    "Session",
    "SessionSummary",
    "Settings",
    "Side",
    "Sized",
    "Stay",
    "Summary",
    "Target",
    "Title",
    "Trace",
    "Turn",
    "Window",
    "WindowFacts",
]


def __getattr__(name: str) -> object:
    """Return a value of `shown`, `deleting` or `secrets`, which are imported only when something asks for them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    for module in ("shown", "deleting", "secrets"):
        found = import_module(f".{module}", __name__)
        if hasattr(found, name):
            return getattr(found, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
