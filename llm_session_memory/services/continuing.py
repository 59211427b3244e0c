"""Compose the next request of a block: exactly the previous request, its reply, and the new input with its excerpts.

If the block can't continue, return the reason instead; then a new block begins (see beginning).
"""

from __future__ import annotations

from dataclasses import replace

from ..model import Block, Context, Turn
from ..rules import recall_budget, tokens
from ..rules.blank import without_blanks
from ..rules.blocks import NewBlock, changed, outgrown
from ..rules.policy import recalls
from ..rules.request import front
from ..rules.server_cuts import counts_all
from ..rules.thinking import unthinking
from ..store import history
from .recall import Recall
from .snapshot import Snapshot


def continued(snapshot: Snapshot, block: Block | None, recall: Recall) -> Context | NewBlock:
    """Return the request that continues a block, or the reason why a new one must begin."""
    if block is None:
        return NewBlock.FORKED if snapshot.turns.inherited or snapshot.request.before else NewBlock.FIRST
    last = _last_turn(snapshot, block)
    if last is None:
        return _why_not(snapshot, block)
    start = snapshot.numbers.get(block.start_id or "")
    in_front = [number for number in snapshot.pinned if start is None or number < start]
    now = front(snapshot.system(), [snapshot.turns[number - 1][0] for number in in_front], snapshot.request.think)
    policy, budget = snapshot.request.policy, snapshot.budget.tokens
    over = changed(block, last, policy=policy, budget=budget, front=now)
    if over is not None:
        return over
    left_out = start is None or start > 1 or block.clip is not None
    recalling = recalls(policy) and left_out
    room = _room(snapshot, block) if recalling else 0
    made = _grown(snapshot, block, start, last)
    spare = int(room * recall_budget.reserve(snapshot.request.recall_share))
    over = outgrown(made.tokens, budget=budget, spare=spare)
    if over is not None:
        return over
    return _with_recalled(snapshot, made, recall, in_front, room) if recalling else made


def _last_turn(snapshot: Snapshot, block: Block) -> Turn | None:
    """Return the last turn of the block if nothing was added outside it, so that its chain is the whole block."""
    turns = snapshot.turns
    if not turns or not turns.newest == turns[-1][-1] == block.last_turn_id:
        return None
    if snapshot.store.requests.made_at(turns[-1][0]) != (len(turns), turns.others):
        return None
    found = snapshot.exchanges([len(turns)])
    return found[0].turns[-1] if found else None


def _why_not(snapshot: Snapshot, block: Block) -> NewBlock:
    """Return why the history is no longer what a block was made of."""
    turns = snapshot.turns
    undone = any(block.last_turn_id in ids for ids in turns.undone)
    made = snapshot.store.requests.made_at(turns[-1][0]) if turns and turns.newest == block.last_turn_id else None
    return NewBlock.HISTORY if undone or (made and made[0] != len(turns)) else NewBlock.ELSEWHERE


def _room(snapshot: Snapshot, block: Block) -> int:
    """Return the tokens of the budget left after system message, tool definitions and pins."""
    pins = sum(pin.tokens for pin in snapshot.pins()) if block.pinned else 0
    return max(0, snapshot.budget.tokens - snapshot.beside() - pins)


def _grown(snapshot: Snapshot, block: Block, start: int | None, last: Turn) -> Context:
    """Return the request of a block's last turn plus its reply and the new input."""
    sent = history.chain(snapshot.store.log, snapshot.store.requests.tip(last.id))
    chain = tuple(map(without_blanks, unthinking(sent, snapshot.request.think)))
    made = snapshot.context(chain, block, start, 0)
    usable = replace(last, request_base=None) if last.model != snapshot.request.model else last
    known = last.input_tokens is not None and last.request_base is not None and counts_all(last.cut)
    return replace(
        made,
        tokens=tokens.continued(usable, made.base, snapshot.measure),
        before=(last.input_tokens or 0, last.request_base or 0.0) if known else None,
    )


def _with_recalled(snapshot: Snapshot, made: Context, recall: Recall, in_front: list[int], room: int) -> Context:
    """Return a block's next request with excerpts for its prompt, within the block's allowance for them."""
    blocks, block_id = snapshot.store.requests, made.block.id or 0
    earlier = blocks.recalls(block_id)
    spent = sum(one.tokens for one in earlier)
    allowed = recall_budget.allowance(room, blocks.prompts(block_id), spent, snapshot.request.recall_share)
    left = min(snapshot.budget.tokens - made.tokens, allowed)
    count = len(snapshot.turns)
    first = count + 1 if made.start is None else made.start + (made.block.clip is not None)  # a cut one is not whole
    whole = {*in_front, *range(first, count + 1)}
    return recall.added(made, recall.chosen(left, whole=whole, sent={one.passage_id for one in earlier}))
