"""When the next request may be sent: limits by the minute, and waits after failures. Pure: times are in seconds."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""The waits after the first failure, and after many, without what chance adds."""

_MINUTE = 60.0

_FIRST_GUESS = 1_000.0
"""How many tokens a request is expected to take as long as none has been answered."""


@dataclass(frozen=True)
class Limits:
    """The most requests, and the most tokens (sent and received), that are asked for in a minute; None: any number."""

    requests_a_minute: float | None = None
    tokens_a_minute: float | None = None


def backoff(failures: int, chance: Callable[[], float] = random.random) -> float:
    """Return how long to wait after this many failures in a row, from 1 on.

    It doubles each time from one second up to a minute, and chance adds up to as much again, so that requests that
    failed together are not sent again together.
    """
    wait: float = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(failures - 1, 30))
    return wait * (1 + chance())


class Pace:
    """Spreads requests evenly over each minute, so that no minute has more requests or tokens than the limits.

    Each request takes its share of a minute: 1/60 of it at 60 requests a minute. Tokens are known only after the
    answer, so a request first takes the mean of those before it, and the next ones make up for the difference.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._requests_free = self._tokens_free = self._paused = 0.0
        self._answers, self._tokens = 0, 0

    def wait(self, now: float) -> float:
        """Return how long to wait before the next request; 0: it may be sent now."""
        return max(0.0, self._requests_free - now, self._tokens_free - now, self._paused - now)

    def take(self, now: float) -> float:
        """Count a request that is sent now, and return the tokens that it is expected to take."""
        if self._limits.requests_a_minute:
            self._requests_free = max(now, self._requests_free) + _MINUTE / self._limits.requests_a_minute
        guess = self._tokens / self._answers if self._answers else _FIRST_GUESS
        if self._limits.tokens_a_minute:
            self._tokens_free = max(now, self._tokens_free) + guess * _MINUTE / self._limits.tokens_a_minute
        return guess

    def give_back(self, guess: float) -> None:
        """Take back a request that was counted and not sent."""
        if self._limits.requests_a_minute:
            self._requests_free -= _MINUTE / self._limits.requests_a_minute
        self._correct(-guess)

    def answered(self, guess: float, tokens: int) -> None:
        """Count the tokens that an answered request took, in place of what was expected."""
        self._answers += 1
        self._tokens += tokens
        self._correct(tokens - guess)

    def pause(self, until: float) -> None:
        """Send nothing before that time."""
        self._paused = max(self._paused, until)

    def _correct(self, tokens: float) -> None:
        if self._limits.tokens_a_minute:
            self._tokens_free += tokens * _MINUTE / self._limits.tokens_a_minute
