"""What one worker may send and spend, whatever the jobs say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ...rules.pacing import Limits, Pace


class Gate:
    """Keeps the limits of a worker. All its threads share it.

    `most` is the most that it may spend, in US dollars, or None.
    """

    def __init__(self, limits: Limits, most: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.spent = 0.0
        self._pace, self._clock = Pace(limits), clock
        self._lock = threading.Lock()
        self._asking = self._answers = 0

    def opens_in(self) -> float:
        """Return how many seconds to wait before the next request; 0: it may be sent now."""
        with self._lock:
            return self._pace.wait(self._clock()) or (0.0 if self._fits() else 1.0)

    def take(self) -> float | None:
        """Count a request that is sent now, and return the tokens that it is expected to take; None: not now."""
        with self._lock:
            if self._pace.wait(self._clock()) > 0 or not self._fits():
                return None
            self._asking += 1
            return self._pace.take(self._clock())

    def give_back(self, guess: float) -> None:
        """Take back a request that had no answer."""
        with self._lock:
            self._asking -= 1
            self._pace.give_back(guess)

    def answered(self, guess: float, tokens: int, dollars: float) -> None:
        """Count what an answer took."""
        with self._lock:
            self._asking -= 1
            self._pace.answered(guess, tokens)
            self._answers += 1
            self.spent += dollars

    def is_spent(self) -> bool:
        """Return whether nothing more may be spent: the next request would cost too much, and none is being asked."""
        with self._lock:
            return not self._asking and not self._fits()

    def _fits(self) -> bool:
        """Return whether one more request fits, if it costs the mean of those before it."""
        if self.most is None:
            return True
        if not self._answers:
            return not self._asking  # the first one says what they cost
        return self.spent + (self._asking + 1) * self.spent / self._answers <= self.most
