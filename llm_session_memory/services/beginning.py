"""Compose the first request of a block: the exchanges that the policy chooses, a summary and excerpts of the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..model import Block, Budget, Context, Exchange, Message, Summary
from ..rules import recall_budget, summary
from ..rules.blocks import NewBlock
from ..rules.explanation import notices
from ..rules.policy import WINDOW, Plan, Shares, plan, recalls, summarises, without_recent
from ..rules.request import front, messages_of, system_text
from ..rules.tokens import Measure
from .snapshot import Snapshot

if TYPE_CHECKING:
    from .recall import Recall

Fold = Callable[["Summary | None", "Sequence[Exchange]", Budget, Measure], "Summary | None"]
"""Makes the next summary from the previous one and the exchanges after it. If it can't: None, or the previous one."""


@dataclass(frozen=True)
class Opening:
    """The first request of a block while it is being chosen: which session, why a block begins, and the shares."""

    snapshot: Snapshot
    reason: NewBlock
    shares: Shares = WINDOW

    def planned(self, reserved: int = 0) -> Plan:
        """Return what the policy chooses if `reserved` tokens stay free for a summary. Raises OverBudget."""
        snapshot = self.snapshot
        return plan(
            snapshot.request.policy,
            snapshot.newest(),
            snapshot.pins(),
            fixed=snapshot.fixed() + reserved,
            limit=snapshot.budget,
            keep_from=self._keep_from(),
            in_progress=self.reason is NewBlock.TOOLS,
            shares=self.shares,
            insist=snapshot.request.insist,
        )

    def _keep_from(self) -> int:
        """Return the number of the oldest exchange sent so far: whatever was sent stays as long as it fits."""
        snapshot, request = self.snapshot, self.snapshot.request
        if request.before is not None or (self.reason.is_full and recalls(request.policy)):
            return 1
        like = snapshot.store.requests.latest(snapshot.thread_id, request.policy, snapshot.budget.tokens)
        return snapshot.numbers.get(like.start_id or "", 1) if like and like.pruned else 1

    def made(self, chosen: Plan) -> tuple[Context, Plan]:
        """Return the request, and the plan that it really follows."""
        snapshot, system = self.snapshot, self.snapshot.system()
        chain, spared, chosen = self._chain(chosen)
        pinned = tuple(sized.id for sized in chosen.pinned)
        start = chosen.start.number if chosen.start else None
        block = Block(
            id=None,
            start_id=chosen.start.id if chosen.start else None,
            pinned=pinned,
            policy=snapshot.request.policy,
            budget=snapshot.budget.tokens,
            front=front(system, pinned, snapshot.request.think),
            reason=self.reason.value,
            clip=chosen.clip,
            oversized=chosen.oversized,
            start_number=start,
        )
        return snapshot.context(chain, block, start, chosen.tokens - spared), chosen

    def _chain(self, chosen: Plan) -> tuple[tuple[Message, ...], int, Plan]:
        """Return the messages before the new input, the tokens that a cut saved below its limit, and the plan.

        If the newest exchange can't be cut to its share, it gets all the tokens left. If that isn't enough, it is
        left out.
        """
        found = self._messages(chosen)
        if found is None and chosen.clip is not None:
            whole = chosen.recent[0].tokens
            more = min(self.snapshot.budget.tokens - chosen.tokens, whole - chosen.clip)
            cut = chosen.clip + more
            chosen = replace(chosen, clip=cut if cut < whole else None, tokens=chosen.tokens + more)
            found = self._messages(chosen)
        if found is None:
            chosen = without_recent(self.snapshot.pins(), self.snapshot.fixed())
            found = self._messages(chosen) or ((), 0)
        return (*found, chosen)

    def _messages(self, chosen: Plan) -> tuple[tuple[Message, ...], int] | None:
        snapshot = self.snapshot
        return messages_of(chosen, snapshot.system(), snapshot.known, snapshot.measure)


def begin(
    snapshot: Snapshot, reason: NewBlock, before: Block | None, recall: Callable[[], Recall], fold: Fold | None
) -> tuple[Context, Snapshot]:
    """Return the first request of a new block, and the snapshot with any summary that was made for it.

    `before` is the block that ended. Raises OverBudget.
    """
    policy, recall_share = snapshot.request.policy, snapshot.request.recall_share
    shares = recall_budget.shares(snapshot.budget.tokens, recall_share) if recalls(policy) else WINDOW
    opening = Opening(snapshot, reason, shares)
    chosen = opening.planned()
    if fold is not None and summarises(policy) and _leaves_out(opening, chosen) and not chosen.oversized:
        opening, chosen = _summarised(opening, chosen, fold)
    made, chosen = opening.made(chosen)
    if recalls(policy) and _leaves_out(opening, chosen):
        made, chosen = _recalled(opening, made, chosen, recall(), cold=before is None)
    elif snapshot.request.recalls_beyond and not chosen.oversized:
        room = snapshot.budget.tokens - snapshot.beside() - sum(pin.tokens for pin in chosen.pinned)
        left = min(snapshot.budget.tokens - made.tokens, recall_budget.MOST_BEYOND)
        made = recall().added(made, recall().deserved(room, whole=chosen.whole, most=left))
    news = notices(chosen, before, snapshot.budget.tokens, len(snapshot.turns), policy, opening.snapshot.summary)
    return replace(made, notices=news), opening.snapshot


def begin_in_progress(snapshot: Snapshot) -> Context:
    """Return a new block's request for an exchange in progress, with the history that still fits. Raises OverBudget."""
    opening = Opening(snapshot, NewBlock.TOOLS)
    made, _ = opening.made(opening.planned())
    return made


def _leaves_out(opening: Opening, chosen: Plan) -> bool:
    """Return whether a plan omits anything of the session, even part of a single exchange."""
    return bool(opening.snapshot.turns) and chosen.leaves_out


def _summarised(opening: Opening, chosen: Plan, fold: Fold) -> tuple[Opening, Plan]:
    """Return opening and plan with a summary of what the plan leaves out, or both unchanged if none can be made."""
    snapshot = opening.snapshot
    known = snapshot.tokens_of_system(snapshot.system())
    empty = snapshot.tokens_of_system(system_text(snapshot.request.system, snapshot.notes, "-", snapshot.everywhere))
    reserved = max(0, empty + summary.limit(snapshot.budget.tokens) - known)
    wider = opening.planned(reserved)
    fallen = _fallen_out(snapshot, wider)
    if wider.oversized or not fallen:
        return opening, chosen
    made = fold(snapshot.summary, snapshot.exchanges(fallen), snapshot.budget, snapshot.measure)
    if made is None or made == snapshot.summary:
        return opening, chosen
    snapshot = replace(snapshot, summary=made)
    tokens = wider.tokens - known - reserved + snapshot.tokens_of_system(snapshot.system())
    return replace(opening, snapshot=snapshot), replace(wider, tokens=tokens)


def _fallen_out(snapshot: Snapshot, chosen: Plan) -> list[int]:
    """Return the numbers of the exchanges that a plan leaves out and no summary covers yet."""
    if chosen.start is None:
        return []
    pinned = {pin.number for pin in chosen.pinned}
    _, covered = snapshot.covered or (0, 0)
    return [number for number in range(covered + 1, chosen.start.number) if number not in pinned]


def _recalled(opening: Opening, made: Context, chosen: Plan, recall: Recall, *, cold: bool) -> tuple[Context, Plan]:
    """Return a new block's first request with the excerpts recalled for its prompt.

    A `cold` block continues nothing that a server may have in its prompt cache: recall may use all the tokens left,
    and the newest exchanges get what it doesn't use. In any other block recall is limited to its allowance, and only
    a newest exchange that is too long to send whole gets more than its share.
    """
    snapshot, shares = opening.snapshot, opening.shares
    pins = sum(pin.tokens for pin in chosen.pinned)
    left = snapshot.budget.tokens - made.tokens
    room = snapshot.budget.tokens - snapshot.beside() - pins
    if cold:
        share = snapshot.request.recall_share
        left = left if share is None else min(left, recall_budget.allowance(room, 1.0, share))
        found = recall.chosen(left, whole=chosen.whole)
    else:
        found = recall.deserved(room, whole=chosen.whole, most=left)
    if chosen.oversized or not (cold or chosen.clip is not None):
        return recall.added(made, found), chosen
    used = sum(one.tokens for one in found) + (recall.fence if found else 0)
    unused = 1 - used / max(1, snapshot.budget.tokens - snapshot.fixed() - pins)
    share = min(1.0 if cold else shares.most, unused)
    if share > (shares.low if chosen.clip is None else shares.cut):
        fuller = replace(opening, shares=replace(shares, low=share, cut=share))
        made, chosen = fuller.made(fuller.planned())
        found = tuple(one for one in found if one.number not in chosen.whole)
    return recall.added(made, found), chosen
