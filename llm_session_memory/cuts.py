"""Telling from a server's count whether it cut the prompt.

Pure. The rules are Ollama's (its source at 0.33; facts in the project's notes): first whole messages are dropped,
oldest first; then, if that is not enough, the first few tokens and the tail are kept so that about half of the window
remains. Nothing in the response says either; the count does.
"""

from __future__ import annotations

from dataclasses import dataclass

_KEPT_AT_THE_START = (4, 5)
"""Tokens that stay at the start: 4, and one more for models that begin with a BOS token."""

_USUAL_WINDOWS = (2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144)

_WELL_UNDER = 0.7
"""A count below this share of a calibrated estimate is not an error of the estimate."""


@dataclass(frozen=True)
class Request:
    """A request as the server counted it and as we know it: `base` is its weight, `estimate` its expected tokens."""

    counted: int
    base: float
    estimate: int


@dataclass(frozen=True)
class Cut:
    """That a server cut a prompt: why we think so in words, the window that the count points to, `certain` or not."""

    because: str
    window: int | None
    certain: bool


def halved(window: int) -> set[int]:
    """Return the counts that a prompt has after Ollama cut it inside: about half of the window."""
    return {window - max((window - keep) // 2, 1) for keep in _KEPT_AT_THE_START}


def detect(
    now: Request, before: Request | None, *, window: int | None, reply_tokens: int | None, calibrated: bool
) -> Cut | None:
    """Say whether the server cut the request `now`.

    `before` is the request before it in the same block (None where there is none), `window` the model's window as far
    as it is known, `calibrated` whether the estimate rests on counts of this model. All figures in tokens.
    """
    for candidate in (*([window] if window else []), *_USUAL_WINDOWS):
        if now.counted in halved(candidate) and now.estimate > now.counted * 1.3:
            because = f"the server counted {now.counted:,} tokens, as it does when it halves a window of {candidate:,}"
            return Cut(because, candidate, certain=True)
    if before and now.base > before.base and now.counted < before.counted:
        because = f"the server counted {now.counted:,} tokens, fewer than for the shorter request before"
        return Cut(because, _next_usual(now.counted), certain=True)
    if calibrated and now.counted < now.estimate * _WELL_UNDER:
        because = f"the server counted {now.counted:,} tokens where about {now.estimate:,} were sent"
        return Cut(because, _next_usual(now.counted), certain=False)
    if window and now.counted + (reply_tokens or 0) >= window:
        because = f"prompt and answer together reached the window of {window:,} tokens"
        return Cut(because, None, certain=False)
    return None


def _next_usual(counted: int) -> int:
    return next((window for window in _USUAL_WINDOWS if window >= counted), counted)
