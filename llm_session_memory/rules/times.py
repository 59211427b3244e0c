"""Times that a prompt names: what else it asks for, and whether it asks for all that was said at that time.

Pure. Most prompts name no time, so reading them (see `time_reading`) is loaded only for those that may.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .folding import fold
from .passages import SMALL_TALK, query_words

if TYPE_CHECKING:
    from datetime import datetime

    from .time_reading import NamedTime

_REMINDING = frozenset("recap remember remind summarise summarize summary".split())
_QUESTIONS = frozenset("did how what when where which who whose why".split())

_HINTS = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august"
    " september october november december yesterday today tonight ago last past previous this weekend"
).split()
"""A prompt without any of these and without a digit names no time."""

_ABOUT = SMALL_TALK | frozenset(
    "answer answered ask asked bring brought chat chats chatted conversation conversations cover covered decide decided"
    " did discuss discussed discussing discussion discussions exchange exchanges happen happened mention mentioned"
    " message messages past previous question questions recall recap remember remembered remind session speak spoke"
    " spoken subject subjects suggest suggested summaries summarise summarize summary talked talking tell told topic"
    " topics tried wrote".split()
)
"""Words about talking: a prompt with no others asks for all that was said at a time."""

_ASKING = frozenset(
    "did asked brought chat chatted conversation conversations covered decided discussed discussing discussion happened"
    " mentioned recap remember remind said spoke spoken suggested summarise summarize summary talk talked talking told"
    " tried wrote".split()
)
"""A prompt without other words that has none of these asks for nothing that was said: “How are you today?”"""


def named(text: str, now: datetime) -> list[NamedTime]:
    """Return the times in the past that a text names, given the local time."""
    lower = text.lower()
    if not any(hint in lower for hint in _HINTS) and not any(map(str.isdigit, text)):
        return []
    from .time_reading import read

    return read(text, now)


def words_beside(text: str, times: Sequence[NamedTime]) -> list[str]:
    """Return the words of a prompt to look up besides the times that it names; see `passages.query_words`."""
    rest = " ".join(text[start:end] for start, end in _between(text, times))
    words = query_words(rest)
    return [] if _ABOUT.issuperset(words) else words


def asks_only_when(text: str, times: Sequence[NamedTime]) -> bool:
    """Return whether a prompt asks for what was said at a time, without a word about what it was."""
    if words_beside(text, times):
        return False
    return _looks_back(" ".join(text[start:end] for start, end in _between(text, times)))


def asks(text: str, times: Sequence[NamedTime]) -> bool:
    """Return whether a prompt asks for something that may have been said, rather than tells it."""
    words = fold(text).lower().split()
    return "?" in text or words[0] in _QUESTIONS or not _REMINDING.isdisjoint(words) or asks_only_when(text, times)


def _looks_back(text: str) -> bool:
    return not _ASKING.isdisjoint(fold(text).lower().split())


def _between(text: str, times: Sequence[NamedTime]) -> list[tuple[int, int]]:
    """Return the stretches of a text that are not times."""
    starts = [0, *(time.end for time in times)]
    return list(zip(starts, [*(time.start for time in times), len(text)], strict=True))
