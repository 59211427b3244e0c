"""Telling from a server's count whether it cut the prompt.

Pure. The rules are Ollama's (its source at version 0.33). First it drops whole messages, oldest first. If that is not
enough, it keeps the first few tokens and the tail, so that about half of the context window remains. The response
mentions neither; only the count shows it. llama.cpp's server with context shift and LM Studio drop tokens from the
middle of a prompt, and say as little.
"""

from __future__ import annotations

from ..model.frozen import dataclass

_KEPT_AT_THE_START = (4, 5)
"""Tokens that are kept at the start: 4, and one more for models that begin with a BOS token."""

_USUAL_WINDOWS = (2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144)

_WELL_UNDER = 0.7
"""A count below this share of a calibrated estimate is not an error of the estimate."""

_ABOUT_ALL = 0.9
"""If the count is at least this share of the estimate, no message of the request was dropped."""

_STEADY = 0.95
"""If more was sent but the count fell by less than this, the count may just be slightly unsteady."""

_WELL_OVER = 1.3
"""An estimate of more than this times the count is not an error of the estimate, if the count is half a window."""

_UNSURE = 0.5
"""The error of the estimate of what was added since the request before, as a share of it: texts differ that much."""

_UNEVEN = 16
"""Tokens by which two counts may differ without a reason, because templates change a little with the conversation."""

_FULL = "prompt and answer together reached the window"


@dataclass(frozen=True)
class CountedRequest:
    """A request as counted by the server and as known to us: `base` is its weight, `estimate` its expected tokens.

    Of a request before, this is the part that the new one begins with. `guessed` are the tokens that were subtracted
    from its count, by estimate, for the rest: the excerpts of its prompt, which are sent no more, and what came after.
    """

    counted: int
    base: float
    estimate: int
    guessed: int = 0

    @property
    def least(self) -> float:
        """The fewest tokens that it can have."""
        return self.counted - self.guessed * _UNSURE


@dataclass(frozen=True)
class Cut:
    """A cut by the server: the evidence in words, the window that the count suggests, and whether it is certain."""

    because: str
    window: int | None
    certain: bool

    def __str__(self) -> str:
        """Return the form in which it is recorded."""
        return f"{'certain' if self.certain else 'likely'}: {self.because}"


def counts_all(recorded: str | None) -> bool:
    """Return whether the count of a request covers all that was sent, given its recorded cut.

    If the window became full only during the answer, the prompt had been read and counted whole.
    """
    return recorded is None or _FULL in recorded


def halved(window: int) -> set[int]:
    """Return the counts that a prompt has after Ollama cut it inside: about half of the window."""
    return {window - max((window - keep) // 2, 1) for keep in _KEPT_AT_THE_START}


def halved_window(counted: int, window: int | None) -> int | None:
    """Return the window that Ollama halves to this count: `window` itself, or a common one, or None."""
    candidates = (*([window] if window else []), *_USUAL_WINDOWS)
    return next((candidate for candidate in candidates if counted in halved(candidate)), None)


def detect(
    now: CountedRequest,
    before: CountedRequest | None,
    *,
    window: int | None,
    reply_tokens: int | None,
    calibrated: bool,
) -> Cut | None:
    """Return how the server cut the request `now`, or None if nothing shows that it did.

    Args:
        now: the request, as counted and as estimated
        before: the request before it in the same block, or None
        window: the model's context window in tokens, if it is known
        reply_tokens: the server's count of the reply
        calibrated: whether the estimate is based on counts for this model
    """
    candidate = halved_window(now.counted, window)
    if candidate and now.estimate > now.counted * _WELL_OVER:
        because = (
            f"the server counted {now.counted:,} tokens, as many as are left if it halves a window of {candidate:,}"
        )
        return Cut(because, candidate, certain=True)
    if before and _only_the_new(now, before, window):
        return None
    if before and now.base > before.base and now.counted < before.least:
        because = f"the server counted {now.counted:,} tokens, fewer than for the shorter request before"
        return Cut(because, _next_usual(now.counted), certain=now.counted < before.least * _STEADY)
    if (calibrated and now.counted < now.estimate * _WELL_UNDER) or (before and _lacks(now, before)):
        because = f"the server counted {now.counted:,} tokens, but about {now.estimate:,} were sent"
        return Cut(because, _next_usual(now.counted), certain=False)
    if window and now.counted + (reply_tokens or 0) >= window:
        return _filled(now, window)
    return None


def _filled(now: CountedRequest, window: int) -> Cut:
    """Return what it means that prompt and answer together reached the window."""
    if now.counted < now.estimate * _ABOUT_ALL:
        sent = f"the server counted {now.counted:,} tokens, but about {now.estimate:,} were sent"
        return Cut(f"{sent}, and the answer filled the window of {window:,}", None, certain=False)
    return Cut(f"{_FULL} of {window:,} tokens", None, certain=False)


def possible(now: CountedRequest, before: CountedRequest | None, *, window: int, largest: float | None) -> bool:
    """Return whether a server with this window can have cut the request `now`, given its count.

    A server leaves a request alone that fits. Of one that doesn't, Ollama keeps half the window, or it drops messages
    only until the rest fits, so that with the last one dropped it would not have. Others cut anywhere in the middle,
    and keep at least half the window.

    Args:
        now: the request, as counted and as estimated
        before: the request before it in the same block, or None
        window: the window that the server has allocated
        largest: the estimate of the largest message that it may have dropped, in tokens; None if it is not Ollama
    """
    if now.counted in halved(window):
        return True
    most = now.estimate / _WELL_UNDER
    if before:
        most = before.counted + (now.estimate - before.counted) * (1 + _UNSURE) + _UNEVEN
    if largest is None:
        return most >= window and now.counted + _UNEVEN >= window / 2
    return most >= window and now.counted + largest * (1 + _UNSURE) + _UNEVEN >= window


def _added(now: CountedRequest, before: CountedRequest) -> float:
    """Return about how many tokens `now` has more than `before`."""
    by_weight = (now.base - before.base) * before.counted / before.base if before.base > 0 else 0.0
    return max(0.0, min(now.estimate - before.counted, by_weight))


def _lacks(now: CountedRequest, before: CountedRequest) -> bool:
    """Return whether `now`, which is `before` and more, was counted lower than that by more than the estimate's error.

    The count of `before` is exact unless some of it was guessed, so only that and what was added is uncertain.
    """
    added = _added(now, before)
    return added > 0 and now.counted < before.least + added - max(added * _UNSURE, _UNEVEN)


def _only_the_new(now: CountedRequest, before: CountedRequest, window: int | None) -> bool:
    """Return whether a count is that of the added part alone: some servers leave out what is in their prompt cache.

    A request that doesn't fit the window was cut, whatever the count. Without a known window, only a count below that
    of the request before is taken for one.
    """
    if now.estimate >= window if window else now.counted >= before.counted:
        return False
    return now.counted <= _added(now, before) * (1 + _UNSURE) + _UNEVEN


def _next_usual(counted: int) -> int:
    return next((window for window in _USUAL_WINDOWS if window >= counted), counted)
