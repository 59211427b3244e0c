"""How a block divides its budget between the newest exchanges and recall, and what recall may spend on a prompt.

Pure. The figures were measured and simulated: see benchmarks/README.md.
"""

from __future__ import annotations

import math

from .policy import Shares

RECENT_SHARES = ((1_000, 0.5), (2_000, 0.3), (4_000, 0.2), (16_000, 0.125))
"""The share of the budget (in tokens) for the newest exchanges when a block begins, interpolated by the logarithm of
the budget. At 1,000 tokens a quarter would miss the message being answered in 3 of 100 cases."""

ALLOWED_SHARE = 0.25
"""The share of a block's room that recall may spend on one prompt."""

MOST_BEYOND = 2_000
"""The most tokens of excerpts if nothing of the session itself is left out, so that all are from other sessions."""

NEWEST_WHOLE_UP_TO = 0.5
NEWEST_CUT_AT_LEAST = 0.1
"""The newest exchange is sent whole if it fills at most half of the room. A longer one is cut to what recall leaves,
but to no less than a tenth: recall can bring back its passages that are relevant to the prompt."""


def recent_share(budget: int) -> float:
    """Return the share of a budget of this many tokens that goes to the newest exchanges when a block begins."""
    (low, share), *others = RECENT_SHARES
    if budget <= low:
        return share
    for high, next_share in others:
        if budget <= high:
            way = math.log(budget / low) / math.log(high / low)
            return share + way * (next_share - share)
        low, share = high, next_share
    return share


def shares(budget: int, asked: float | None = None) -> Shares:
    """Return how a new block divides its room with recall; `asked` is the share that recall was given, if any."""
    return Shares(
        low=recent_share(budget) if asked is None else 1 - asked,
        most=1 - reserve(asked),
        whole=NEWEST_WHOLE_UP_TO,
        cut=NEWEST_CUT_AT_LEAST,
    )


def reserve(asked: float | None = None) -> float:
    """Return the share of its room that recall may spend on one prompt of a block: a quarter, or what was asked for.

    If more than a half was asked for, it is half of that; otherwise no block would outlive its first prompt.
    """
    return ALLOWED_SHARE if asked is None else min(asked, max(ALLOWED_SHARE, asked / 2))


def allowance(room: int, asked: float | None = None) -> int:
    """Return the tokens that recall may spend on one prompt within a block: all its excerpts and the marks around them.

    They are in this one request, and gone in the next. The first request of all continues nothing, so recall may use
    everything that is left there.

    Args:
        room: the budget that system message, tool definitions and pins leave
        asked: the share that recall was given, if any
    """
    return int(room * reserve(asked))
