"""The conversations of an older llm, and their rows in the table of responses, which has no index for finding them.

The table is read once and the result is cached until rows are added or deleted, which today's llm never does. It takes
about half a kilobyte per conversation.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .cache import CACHE, kept
from .figures import Cost, Figures
from .source import Source
from .tables import OLDER


@dataclass(frozen=True)
class Older:
    """One conversation: its first and last row, its newest response, and its figures."""

    thread_id: str
    first_row: int
    last_row: int
    last_id: str
    model: str
    figures: Figures
    models: tuple[str, ...] = ()
    """All models that it used, in the order of their names."""


class OlderLog:
    """All conversations that an older llm wrote into one log, last used at the end."""

    def __init__(self, conversations: Collection[Older] = ()) -> None:
        self._ordered = sorted(conversations, key=lambda one: one.last_id)
        self._keys = [one.last_id for one in self._ordered]
        self._by_id = {one.thread_id: one for one in self._ordered}
        used: dict[str, set[str]] = {}
        for one in self._ordered:
            for model in one.models:
                used.setdefault(model, set()).add(one.thread_id)
        self.by_model = {model: frozenset(threads) for model, threads in used.items()}
        """The conversations that used each model."""
        self.threads = frozenset(self._by_id)

    def __len__(self) -> int:
        return len(self._ordered)

    def __iter__(self) -> Iterator[Older]:
        return iter(self._ordered)

    def get(self, thread_id: str) -> Older | None:
        """Return a conversation, or None."""
        return self._by_id.get(thread_id)

    def before(self, key: str) -> Iterator[Older]:
        """Yield the conversations whose newest response has a lower id, newest first."""
        for place in range(bisect_left(self._keys, key) - 1, -1, -1):
            yield self._ordered[place]

    def after(self, key: str) -> Iterator[Older]:
        """Yield the conversations whose newest response has a higher id, oldest first."""
        for place in range(bisect_right(self._keys, key), len(self._ordered)):
            yield self._ordered[place]


def older_log(source: Source) -> OlderLog:
    """Return the conversations that an older llm wrote into a log."""
    return kept(source, "older, as of now", lambda: _older_log(source))


def _older_log(source: Source) -> OlderLog:
    if not source.tables.issuperset(OLDER):
        return OlderLog()
    (counted,) = source.query("select count(*) as rows, max(rowid) as last from responses")
    if not counted["rows"]:
        return OlderLog()
    state = tuple(counted.values())
    return CACHE.get((source.log, source.tables, "older"), lambda: state, lambda: _read(source), len)


def _read(source: Source) -> OlderLog:
    names: dict[str, str] = {}
    found = []
    for row in source.rows("old_conversations"):
        cost = Cost(row["cost"], row["calls"], row["counted"], row["priced"], row["local"] or 0)
        model = row["last_model"] or ""
        figures = Figures(
            row["exchanges"],
            row["calls"],
            row["input_tokens"],
            row["output_tokens"],
            cost,
            row["first_utc"] or "",
            row["last_utc"] or "",
        )
        where = (row["first_row"], row["last_row"], row["last_id"] or "")
        used = tuple(names.setdefault(one, one) for one in sorted(filter(None, json.loads(row["models"]))))
        found.append(Older(row["conversation_id"], *where, names.setdefault(model, model), figures, used))
    return OlderLog(found)
