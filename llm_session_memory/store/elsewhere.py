"""The passages of other sessions in the index: one query a word, however many sessions are searched."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

from ..rules.passages import term
from .forks import lineage
from .index import Index, Scope
from .index_writing import LEAST_RULES, OF_FRAGMENTS, RULES
from .log import Log
from .schema import statement

_FEW = 50
"""Up to this many threads are named one by one in a query for the index."""

_MOST_COMPARED = 20_000
"""The most passages that are compared with a prompt by meaning."""

_TRANSACTION_SECONDS = 0.2
"""Several short sessions are indexed in one transaction, which others wait for about this long."""

_CANDIDATES = 20_000
"""At most this many of the newest passages with a word are examined if more threads than that are searched."""

_AMPLE = 2
"""As many times as there should be enough passages of the threads that are searched among them."""


class Elsewhere:
    """The passages that sessions have, given their names by thread: those of their own threads and what forks share.

    `apart` are threads whose passages are left out: those of the session that recalls.
    """

    def __init__(self, log: Log, names: Mapping[str, str], apart: Collection[str]) -> None:
        self.log = log
        self.index = Index(log)
        self._numbers: dict[int, tuple[str, int]] | None = None
        self.names = names
        self.apart = frozenset(apart)

    @cached_property
    def owners(self) -> dict[str, list[str]]:
        """The threads to search, each with the sessions that have its exchanges.

        What a fork shares with a private session is not searched.
        """
        found = {thread_id: [thread_id] for thread_id in self.names if thread_id not in self.apart}
        for fork in self._forks():
            for owner, _ in lineage(self.log, fork)[:-1]:
                if owner not in self.apart and owner not in self._private:
                    found.setdefault(owner, []).append(fork)
        return found

    def _forks(self) -> list[str]:
        if not self.log.columns("memory_forks"):
            return []
        forks = self.log.tuples("select thread_id from memory_forks order by thread_id")
        return [fork for (fork,) in forks if fork in self.names]

    @cached_property
    def _private(self) -> frozenset[str]:
        if "private" not in self.log.columns("memory_sessions"):  # a read-only log of an earlier version
            return frozenset()
        rows = self.log.tuples("select thread_id from memory_sessions where private = 1")
        return frozenset(thread_id for (thread_id,) in rows)

    @property
    def _indexed(self) -> dict[int, tuple[str, int]]:
        """The numbers of the threads in the index, with the thread and its passages."""
        if self._numbers is None:
            self._numbers = self._read_numbers()
        return self._numbers

    def _read_numbers(self) -> dict[int, tuple[str, int]]:
        few = len(self.owners) <= _FEW
        one_by_one = [*self.owners] if few else [one for one in self.owners if one not in self.names]
        named = "" if few else " or thread_id in (select thread_id from memory_sessions)"
        rows = self.log.tuples(
            "select number, thread_id, passages from memory_index where rules >= :rules"  # noqa: S608  constants
            f" and (thread_id in (select value from json_each(:ids)){named})",
            {"rules": LEAST_RULES, "ids": json.dumps(one_by_one)},
        )
        return {number: (id_, passages) for number, id_, passages in rows if id_ in self.owners}

    @property
    def passages(self) -> int:
        """The number of passages that are searched."""
        return sum(passages for _, passages in self._indexed.values())

    @property
    def scopes(self) -> list[Scope]:
        """The threads in the index, to search by meaning; none if they are too many, or have too many passages."""
        if len(self._indexed) > _FEW or self.passages > _MOST_COMPARED:
            return []
        return [Scope(number, passages, None) for number, (_, passages) in sorted(self._indexed.items())]

    def catch_up(self, seconds: float) -> int:
        """Index what is new in these sessions for about `seconds`, newest first. Return how many threads are left."""
        end = time.monotonic() + seconds
        behind = self._behind()
        done = 0
        while done < len(behind) and time.monotonic() < end:
            until = min(end, time.monotonic() + _TRANSACTION_SECONDS)
            with self.log.writing():
                while done < len(behind) and (left := until - time.monotonic()) > 0:
                    self.index.catch_up_own(behind[done], left)
                    done += 1
        if behind:
            self._numbers = None
        return len(behind) - done

    def _behind(self) -> list[str]:
        if len(self.owners) <= _FEW:
            return [one for one in sorted(self.owners, reverse=True) if not self.index.is_current(one)]
        rows = self.log.tuples(statement("behind_newest"), {"rules": RULES})
        if self.log.columns("responses"):
            rows += self.log.tuples(statement("old_behind"), {"rules": RULES})
        return [one for one in dict.fromkeys(one for (one,) in rows) if one in self.owners]

    def lookup(self, words: Iterable[str], most: int, *, fragments: bool = True) -> dict[str, dict[int, int]]:
        """Return the passages with each word, newest first, each with the number of its thread.

        A word that more than `most` passages have is left out. Without `fragments`, so are passages of texts that went
        with prompts.
        """
        numbers = self._indexed
        if not numbers:
            return {}
        within, candidates = "", most + 1
        if len(numbers) <= _FEW:
            threads = " OR ".join(f'"{number}"' for number in numbers)
            within = f"thread : ({threads}) AND "
        else:
            share = self.passages / max(1, self.log.value("select sum(passages) from memory_index"))
            candidates = min(_CANDIDATES, int(_AMPLE * most / max(share, 0.001)))
        found: dict[str, dict[int, int]] = {}
        for word in words:
            query = f"{within}{{text parts}} : ({term(word)})"
            query = query if fragments else f'({query}) NOT thread : "{OF_FRAGMENTS}"'
            asked = {"query": query, "most": candidates}
            rows = self.log.tuples(statement("elsewhere"), asked)
            here = {id_: number for id_, number in rows if number in numbers}
            if len(rows) < candidates and len(here) <= most:
                found[word] = here
        return found

    def sessions_of(self, number: int) -> list[str]:
        """Return the threads of the sessions that may have the passages of a thread, given its number."""
        return self.owners[self._indexed[number][0]]

    def numbers_of(self, passage_ids: Iterable[int]) -> dict[int, int]:
        """Return the number of the thread of each passage that is searched."""
        rows: list[tuple[Any, ...]] = self.log.tuples(
            "select id, thread from memory_passages where id in (select value from json_each(:ids))",
            {"ids": json.dumps(list(passage_ids))},
        )
        return {id_: number for id_, number in rows if number in self._indexed}
