"""When a block ends: why the next request can't be the previous one plus its reply and the new input.

Pure. A session is a series of blocks. Within a block each request is the one before, without the excerpts that were
recalled for its prompt, and more at its end: so a server can reuse its prompt cache up to the previous prompt. Anything
that would change more begins a new block.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from ..model import Block, Turn
from .request import open_calls


class NewBlock(Enum):
    """The reason that a block begins, in words for people."""

    FIRST = "the session's first prompt"
    TAKEN_UP = "the first prompt since the session was imported or named"
    FORKED = "the session was forked"
    ELSEWHERE = "the conversation was continued elsewhere since the last prompt"
    HISTORY = "exchanges were undone, brought back or deleted since the last prompt"
    UNANSWERED = "the last reply was empty, or its prompt had filled the budget"
    RULE = "the budget or the policy changed"
    FRONT = "the system prompt, the notes, the pins or --think changed"
    CROWDED = "the next request with its excerpts would have exceeded the budget"
    FULL = "the next request would have exceeded the budget"
    TOOLS = "tool results would have exceeded the budget"
    ALONE = "the prompt was sent without earlier exchanges"
    GIVEN = "the prompt was sent with a history of its own"
    APART = "the last prompt was sent without the session's own history"

    @property
    def is_full(self) -> bool:
        """Whether the previous block had no room left, so that the start of the newest exchanges has to move."""
        return self in (NewBlock.CROWDED, NewBlock.FULL)


def cut_in(block: Block) -> str | None:
    """Return the exchange that a block may send cut, or None if it sends all of them whole.

    That is its start, or the exchange that was in progress when its tool results would have exceeded the budget.
    """
    if block.clip is not None:
        return block.start_id
    return block.first_id if block.reason == NewBlock.TOOLS.value else None


def changed(  # noqa: PLR0913  all are parts of the request
    block: Block, last: Turn, *, policy: str, budget: int, front: str, pins: Collection[str]
) -> NewBlock | None:
    """Return why a prompt can't continue a block, whatever its length, or None if it can.

    `last` is the block's last turn; `policy`, `budget` and `front` are those of the new prompt, `pins` the ids of all
    pinned exchanges, which have to be sent whole.
    """
    if block.reason in (NewBlock.ALONE.value, NewBlock.GIVEN.value):
        return NewBlock.APART
    if not last.output or open_calls(last.output) or block.oversized:
        return NewBlock.UNANSWERED
    if (block.policy, block.budget) != (policy, budget):
        return NewBlock.RULE
    if block.front != front or cut_in(block) in pins:
        return NewBlock.FRONT
    return None


def outgrown(tokens: int, *, budget: int, wanted: int = 0) -> NewBlock | None:
    """Return why a request of this size ends its block, or None if it fits.

    `wanted` are the tokens of the excerpts that its prompt deserves, which come on top.
    """
    if tokens > budget:
        return NewBlock.FULL
    if tokens + wanted > budget:
        return NewBlock.CROWDED
    return None
