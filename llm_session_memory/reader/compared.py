"""The answers of several conversations to the same prompts, side by side: frozen values. Pure.

`pairing` finds which answers belong together, `comparison` reads them, and `insight.comparing` says what they show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from .entries import Relative
from .values import Judged

By = Literal["session", "model"]
"""What is compared: the sessions, or the models that answered in any of them."""

Matching = Literal["prompt", "number"]
"""Which answers belong together: those to the same prompt, or those with the same place in their conversations."""

_UNRATED = Judged()

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Answer:
    """What a model gave to one prompt: an exchange, or an attempt that failed and was not made up for.

    `id` is the exchange's first turn, or the attempt; `number` is None for an attempt. `tries` counts the failed
    attempts before the answer, or for a failure all of them, and `error` is the sentence of the last one of a failure.
    `seconds` is the time of all its calls, `cost` in US dollars; None: unknown. `input_tokens` are those of its last
    request, `output_tokens` those of all its calls.
    """

    thread_id: str
    id: str
    number: int | None
    model: str
    prompt: str
    reply: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float | None = None
    cost: float | None = None
    judged: Judged = _UNRATED
    tries: int = 0
    error: str = ""
    datetime_utc: str = ""

    @property
    def failed(self) -> bool:
        """Whether there is no answer."""
        return self.number is None

    @property
    def length(self) -> int | None:
        """The characters of the reply, or None if there is none."""
        return None if self.failed else len(self.reply)


@dataclass(frozen=True)
class Side:
    """One of the things that are compared: a conversation, or a model with all its conversations.

    `letter` is its short name, from `a` on; `label` what it is called. `models` are those that answered, the most used
    first.
    """

    letter: str
    label: str
    sessions: tuple[Relative, ...]
    models: tuple[str, ...] = ()
    answers: int = 0
    failures: int = 0

    @property
    def thread_ids(self) -> tuple[str, ...]:
        """The threads of its conversations."""
        return tuple(one.thread_id for one in self.sessions)


@dataclass(frozen=True)
class PromptRow:
    """One prompt with its answers: for each side a tuple, which is empty if it was not asked there.

    `number` counts the rows from 1. `cluster` is the same number for all rows whose answers are from the same
    conversations: such answers depend on each other. `differs` says that the sides were asked in different words,
    which happens only if answers are matched by their place.
    """

    number: int
    prompt: str
    cluster: int
    cells: tuple[tuple[Answer, ...], ...]
    differs: bool = False

    def has(self, *sides: int) -> bool:
        """Return whether all of these sides (counted from 0) have something in this row."""
        return all(self.cells[side] for side in sides)

    @property
    def complete(self) -> bool:
        """Whether all sides have something in this row."""
        return all(self.cells)


@dataclass(frozen=True)
class Preferred:
    """A person's vote between two answers of a row. `first` and `second` are sides, counted from 0.

    `better` is -1 if the first one's answer was better, 1 if the second one's was, 0 if both were as good.
    """

    row: int
    first: int
    second: int
    better: int
    blind: bool = False


@dataclass(frozen=True)
class Compared:
    """Several conversations, or models, side by side.

    `shared` counts the exchanges that several conversations have in common because they are forks: they are left out.
    `limited` is set if only the newest `limited` exchanges of each conversation were read.
    """

    by: By
    matching: Matching
    sides: tuple[Side, ...]
    rows: tuple[PromptRow, ...]
    votes: tuple[Preferred, ...] = ()
    shared: int = 0
    limited: int | None = None
    group: str | None = None

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield each pair of sides, counted from 0, in order."""
        return combinations(range(len(self.sides)), 2)

    def alone(self, side: int) -> int:
        """Return how many rows only this side has."""
        return sum(row.has(side) and sum(map(bool, row.cells)) == 1 for row in self.rows)
