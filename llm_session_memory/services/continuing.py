"""Compose the next request of a block: the previous one without its excerpts, its reply, and the new input with others.

If the block can't continue, return the reason instead; then a new block begins (see beginning).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..model import Block, Context, Message, Turn
from ..model.frozen import replace
from ..rules import recall_budget, tokens
from ..rules.blank import without_blanks
from ..rules.blocks import NewBlock, changed, outgrown
from ..rules.policy import recalls
from ..rules.request import front
from ..rules.server_cuts import counts_all
from ..rules.thinking import unthinking
from ..store import history
from .seen_session import SeenSession

if TYPE_CHECKING:
    from .recall import Recall


def continued(seen: SeenSession, block: Block | None, recall: Callable[[], Recall]) -> Context | NewBlock:
    """Return the request that continues a block, or the reason why a new one must begin."""
    if block is None:
        return _first(seen)
    last = _last_turn(seen, block)
    if last is None:
        return _why_not(seen, block)
    start = seen.numbers.get(block.start_id or "")
    pins = {number: seen.turns[number - 1][0] for number in seen.pinned}
    in_front = [number for number in pins if start is None or number < start]
    now = front(seen.system(), [pins[number] for number in in_front], seen.request.think)
    policy, budget = seen.request.policy, seen.budget.tokens
    over = changed(block, last, policy=policy, budget=budget, front=now, pins=pins.values())
    if over is not None:
        return over
    left_out = start is None or start > 1 or block.clip is not None
    made = _grown(seen, block, start, last)
    over = outgrown(made.tokens, budget=budget)
    if over is not None:
        return over
    if recalls(policy) and (left_out or seen.request.recalls_beyond):
        return _with_recalled(seen, made, recall(), in_front, left_out=left_out)
    return made


def _first(seen: SeenSession) -> NewBlock:
    """Return why the first block of a session begins."""
    if seen.turns.inherited or seen.request.before:
        return NewBlock.FORKED
    return NewBlock.TAKEN_UP if len(seen.turns) else NewBlock.FIRST


def _last_turn(seen: SeenSession, block: Block) -> Turn | None:
    """Return the last turn of the block if nothing was added outside it, so that its chain is the whole block."""
    turns = seen.turns
    if not turns or not turns.newest == turns[-1][-1] == block.last_turn_id:
        return None
    if seen.store.requests.made_at(turns[-1][0]) != (len(turns), turns.others):
        return None
    found = seen.exchanges([len(turns)])
    return found[0].turns[-1] if found else None


def _why_not(seen: SeenSession, block: Block) -> NewBlock:
    """Return why the history is no longer what a block was made of."""
    turns = seen.turns
    undone = any(block.last_turn_id in ids for ids in turns.undone)
    made = seen.store.requests.made_at(turns[-1][0]) if turns and turns.newest == block.last_turn_id else None
    return NewBlock.HISTORY if undone or (made and made[0] != len(turns)) else NewBlock.ELSEWHERE


def _room(seen: SeenSession, block: Block) -> int:
    """Return the tokens of the budget left after system message, tool definitions and pins."""
    pins = sum(pin.tokens for pin in seen.pins()) if block.pinned else 0
    return max(0, seen.budget.tokens - seen.beside() - pins)


def _grown(seen: SeenSession, block: Block, start: int | None, last: Turn) -> Context:
    """Return the request of a block's last turn without its excerpts, plus its reply and the new input."""
    said, same = history.chain_as_said(seen.store.log, seen.store.requests.tip(last.id))
    chain = tuple(map(without_blanks, unthinking(said, seen.request.think)))
    made = seen.context(chain, block, start, 0)
    usable = replace(last, request_base=None) if last.model != seen.request.model else last
    return replace(
        made,
        tokens=tokens.continued(usable, made.base, seen.measure),
        before=_before(seen, chain[:same], last, whole=same == len(chain)),
    )


def _before(seen: SeenSession, same: tuple[Message, ...], last: Turn, *, whole: bool) -> tuple[int, float, int] | None:
    """Return what was counted of the beginning that a request shares with that of the turn before (see Context).

    Unless it has the `whole` of it, that request ended with excerpts and more, whose part of the count is estimated.
    """
    if last.input_tokens is None or last.request_base is None or not counts_all(last.cut):
        return None
    if whole:
        return last.input_tokens, last.request_base, 0
    weight = seen.measure.base(same) + seen.request.beside
    other = max(0, seen.measure.tokens(last.request_base - weight))
    return max(0, last.input_tokens - other), weight, other


def _with_recalled(
    seen: SeenSession, made: Context, recall: Recall, in_front: list[int], *, left_out: bool
) -> Context | NewBlock:
    """Return a block's next request with the excerpts that its prompt deserves, or that they don't fit in the block.

    If nothing of the session is `left_out`, they are all of other sessions, for which no exchange is dropped.
    """
    room = _room(seen, made.block)
    count = len(seen.turns)
    first = count + 1 if made.start is None else made.start + (made.block.clip is not None)  # a cut one is not whole
    whole = {*in_front, *range(first, count + 1)}
    budget, share = seen.budget.tokens, seen.request.recall_share
    left = budget - made.tokens
    if not left_out:
        most = min(recall_budget.MOST_BEYOND, left)
        return recall.added(made, recall.deserved(room, whole=whole, most=most))
    found = recall.deserved(room, whole=whole)
    over = outgrown(made.tokens, budget=budget, wanted=recall.cost(found))
    if over and recall_budget.is_enough(left, recall.cost(found), room, recall_budget.shares(budget, share).low):
        fewer = recall.deserved(room, whole=whole, most=left)
        if fewer and fewer[0] == found[0]:  # never without the best one
            return recall.added(made, fewer)
    return over or recall.added(made, found)
