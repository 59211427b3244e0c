"""How a block divides its budget between the newest exchanges and recall, and what recall may spend on a prompt.

Pure. The figures were measured and simulated: see benchmarks/README.md.
"""

from __future__ import annotations

import math

from .policy import LOW_WATER, Shares

RECENT_SHARES = ((1_000, 0.5), (2_000, 0.3), (4_000, 0.2), (16_000, 0.125))
"""The share of the budget (in tokens) for the newest exchanges when a block begins, interpolated by the logarithm of
the budget. At 1,000 tokens a quarter would miss the message being answered in 3 of 100 cases."""

SHARE = 0.95
"""The share of the room that excerpts may take within a block, if the prompt deserves all (see `recall_worth`)."""

MOST_ROOM = 4_000
"""The room that counts for a prompt's excerpts within a block: of a larger one they get no more, since a server reads
each of them again, and the log keeps each request."""

RESERVED = 0.25
"""The share of the room that newest exchanges leave to recall if a block begins for another reason than its length."""

ENOUGH = 0.75
"""A block continues if a prompt can have this much of what it deserves, and of what it could have in a new block."""

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
    low, most = recent_share(budget), SHARE if asked is None else asked
    return Shares(
        low=max(low, min(LOW_WATER, 1 - most)),
        most=1 - min(RESERVED, most),
        whole=NEWEST_WHOLE_UP_TO,
        cut=NEWEST_CUT_AT_LEAST,
    )


def allowance(room: int, worth: float, asked: float | None = None) -> int:
    """Return the tokens that recall may spend on one prompt within a block: all its excerpts and the marks around them.

    They are in this one request, and gone in the next. The first request of all continues nothing, so recall may use
    everything that is left there.

    Args:
        room: the budget that system message, tool definitions and pins leave
        worth: what the prompt deserves, from 0 to 1 (see `recall_worth.worth`)
        asked: the share that recall was given, if any
    """
    return int(min(room, MOST_ROOM) * worth * SHARE) if asked is None else int(room * worth * asked)


def is_enough(left: int, wanted: int, room: int, low: float) -> bool:
    """Return whether a prompt does not need a new block for its excerpts.

    Args:
        left: the tokens that the block has left
        wanted: the tokens of the excerpts that the prompt deserves
        room: the budget that system message, tool definitions and pins leave
        low: the share of it that the newest exchanges would fill in a new block
    """
    return left >= ENOUGH * min(wanted, int(room * (1 - low)))
