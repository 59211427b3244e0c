"""What a reader of another tool's file gives: conversations of exchanges of past model calls.

Pure. Which of it is new to a log, and how it is written there, is decided elsewhere: a reader only reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ...llm_seam.past import PastTurn
from .source import SourceFile


@dataclass(frozen=True)
class ForeignExchange:
    """A prompt and everything up to its final reply, as another tool kept it.

    Attributes:
        key: What identifies it within its conversation, also in a later export; None: its content does.
        turns: The model calls, oldest first; the first one's input is the prompt. At least one.
        rating: The person's thumb for it.
    """

    key: str | None
    turns: Sequence[PastTurn]
    rating: Literal["up", "down"] | None = None


@dataclass(frozen=True)
class ForeignConversation:
    """A conversation, or a branch of one.

    Attributes:
        key: The conversation's id in its tool, the same in each export; None: what it begins with identifies it.
        exchanges: Its exchanges, oldest first; of a branch, only those after `forked_from`.
        name: What its session should be called: a title or a label, of any length and with any characters; or None.
        created_utc: When it began, in ISO form, or “” if the file doesn't say.
        model: The model to continue with, or None.
        system: The system prompt, or None.
        options: Model options, such as temperature.
        title: Its title, if it is more than a name.
        project: The project (or folder, or working directory) that it belongs to.
        tags: Tags of it.
        meta: Facts about it, such as a version or an address, by their names.
        notes: Texts that its tool always sends with it, such as a memory or a role.
        archived: Whether it is put away in its tool.
        forked_from: For a branch: the key of the conversation, and of its last exchange that both have (None: none).
    """

    key: str | None
    exchanges: Iterable[ForeignExchange]
    name: str | None = None
    created_utc: str = ""
    model: str | None = None
    system: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    title: str | None = None
    project: str | None = None
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    archived: bool = False
    forked_from: tuple[str, str | None] | None = None


class Losses:
    """Counts what could not be taken over, in words, each with the first place where it was found."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.places: dict[str, str] = {}

    def add(self, what: str, place: str, count: int = 1) -> None:
        """Count something that is left out, such as “a canvas”, or “the field model_slug_v2 of a message”."""
        self.counts[what] += count
        self.places.setdefault(what, place)


class Format(Protocol):
    """One kind of file of another tool; a module `foreign/NAME.py` has one, called FORMAT.

    Attributes:
        source: The tool in one word, such as “chatgpt”. It is stored.
        title: What the tool's file is called in a sentence, such as “ChatGPT's export”.
        may_repeat: Whether conversations in one file may have the same content and still be two.
    """

    source: str
    title: str
    may_repeat: bool

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file or folder is of this kind, by looking at its beginning. It must be cheap."""
        ...

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Read its conversations one at a time, each original before its branches.

        Raises FileRefused, with the place, for anything that is not as the format says.
        """
        ...


Progress = Callable[[int, "int | None"], None]
"""Called with the number of conversations done, and the number in all if that is known."""
