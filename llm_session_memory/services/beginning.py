"""Compose the first request of a block: the exchanges that the policy chooses, a summary and excerpts of the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..model import Block, Budget, Context, Exchange, Message, Summary
from ..model.frozen import dataclass
from ..rules import recall_budget, summary
from ..rules.blocks import NewBlock
from ..rules.explanation import notices
from ..rules.policy import WINDOW, Plan, Shares, plan, recalls, summarises, without_recent
from ..rules.request import front, messages_of, system_text
from ..rules.tokens import Measure
from .seen_session import SeenSession

if TYPE_CHECKING:
    from .recall import Recall

Fold = Callable[["Summary | None", "Sequence[Exchange]", Budget, Measure], "Summary | None"]
"""Makes the next summary from the previous one and the exchanges after it. If it can't: None, or the previous one."""


@dataclass(frozen=True)
class Opening:
    """The first request of a block while it is being chosen: which session, why a block begins, and the shares."""

    seen: SeenSession
    reason: NewBlock
    shares: Shares = WINDOW

    def planned(self, reserved: int = 0) -> Plan:
        """Return what the policy chooses if `reserved` tokens stay free for a summary. Raises OverBudget."""
        seen = self.seen
        return plan(
            seen.request.policy,
            seen.newest(),
            seen.pins(),
            fixed=seen.fixed() + reserved,
            limit=seen.budget,
            keep_from=self._keep_from(),
            in_progress=self.reason is NewBlock.TOOLS,
            shares=self.shares,
            insist=seen.request.insist,
        )

    def _keep_from(self) -> int:
        """Return the number of the oldest exchange sent so far: whatever was sent stays as long as it fits."""
        seen, request = self.seen, self.seen.request
        if request.before is not None or (self.reason.is_full and recalls(request.policy)):
            return 1
        like = seen.store.requests.latest(seen.thread_id, request.policy, seen.budget.tokens)
        return seen.numbers.get(like.start_id or "", 1) if like and like.pruned else 1

    def made(self, chosen: Plan) -> tuple[Context, Plan]:
        """Return the request, and the plan that it really follows."""
        seen, system = self.seen, self.seen.system()
        chain, spared, chosen = self._chain(chosen)
        pinned = tuple(sized.id for sized in chosen.pinned)
        start = chosen.start.number if chosen.start else None
        block = Block(
            id=None,
            start_id=chosen.start.id if chosen.start else None,
            pinned=pinned,
            policy=seen.request.policy,
            budget=seen.budget.tokens,
            front=front(system, pinned, seen.request.think),
            reason=self.reason.value,
            clip=chosen.clip,
            oversized=chosen.oversized,
            start_number=start,
        )
        return seen.context(chain, block, start, chosen.tokens - spared), chosen

    def _chain(self, chosen: Plan) -> tuple[tuple[Message, ...], int, Plan]:
        """Return the messages before the new input, the tokens that a cut saved below its limit, and the plan.

        If the newest exchange can't be cut to its share, it gets all the tokens left. If that isn't enough, it is
        left out.
        """
        found = self._messages(chosen)
        if found is None and chosen.clip is not None:
            whole = chosen.recent[0].tokens
            more = min(self.seen.budget.tokens - chosen.tokens, whole - chosen.clip)
            cut = chosen.clip + more
            chosen = replace(chosen, clip=cut if cut < whole else None, tokens=chosen.tokens + more)
            found = self._messages(chosen)
        if found is None:
            chosen = without_recent(self.seen.pins(), self.seen.fixed())
            found = self._messages(chosen) or ((), 0)
        return (*found, chosen)

    def _messages(self, chosen: Plan) -> tuple[tuple[Message, ...], int] | None:
        seen = self.seen
        return messages_of(chosen, seen.system(), seen.known, seen.measure)


def begin(
    seen: SeenSession, reason: NewBlock, before: Block | None, recall: Callable[[], Recall], fold: Fold | None
) -> tuple[Context, SeenSession]:
    """Return the first request of a new block, and the session as seen then, with any summary that was made for it.

    `before` is the block that ended. Raises OverBudget.
    """
    policy, recall_share = seen.request.policy, seen.request.recall_share
    shares = recall_budget.shares(seen.budget.tokens, recall_share) if recalls(policy) else WINDOW
    opening = Opening(seen, reason, shares)
    chosen = opening.planned()
    if fold is not None and summarises(policy) and _leaves_out(opening, chosen) and not chosen.oversized:
        opening, chosen = _summarised(opening, chosen, fold)
    made, chosen = opening.made(chosen)
    if recalls(policy) and _leaves_out(opening, chosen):
        made, chosen = _recalled(opening, made, chosen, recall(), cold=before is None)
    elif seen.request.recalls_beyond and not chosen.oversized:
        room = seen.budget.tokens - seen.beside() - sum(pin.tokens for pin in chosen.pinned)
        left = min(seen.budget.tokens - made.tokens, recall_budget.MOST_BEYOND)
        made = recall().added(made, recall().deserved(room, whole=chosen.whole, most=left))
    news = notices(chosen, before, seen.budget.tokens, len(seen.turns), policy, opening.seen.summary)
    return replace(made, notices=news), opening.seen


def begin_in_progress(seen: SeenSession) -> Context:
    """Return a new block's request for an exchange in progress, with the history that still fits. Raises OverBudget."""
    opening = Opening(seen, NewBlock.TOOLS)
    made, _ = opening.made(opening.planned())
    return made


def _leaves_out(opening: Opening, chosen: Plan) -> bool:
    """Return whether a plan omits anything of the session, even part of a single exchange."""
    return bool(opening.seen.turns) and chosen.leaves_out


def _summarised(opening: Opening, chosen: Plan, fold: Fold) -> tuple[Opening, Plan]:
    """Return opening and plan with a summary of what the plan leaves out, or both unchanged if none can be made."""
    seen = opening.seen
    known = seen.tokens_of_system(seen.system())
    empty = seen.tokens_of_system(system_text(seen.request.system, seen.notes, "-", seen.everywhere))
    reserved = max(0, empty + summary.limit(seen.budget.tokens) - known)
    wider = opening.planned(reserved)
    fallen = _fallen_out(seen, wider)
    if wider.oversized or not fallen:
        return opening, chosen
    made = fold(seen.summary, seen.exchanges(fallen), seen.budget, seen.measure)
    if made is None or made == seen.summary:
        return opening, chosen
    seen = replace(seen, summary=made)
    tokens = wider.tokens - known - reserved + seen.tokens_of_system(seen.system())
    return replace(opening, seen=seen), replace(wider, tokens=tokens)


def _fallen_out(seen: SeenSession, chosen: Plan) -> list[int]:
    """Return the numbers of the exchanges that a plan leaves out and no summary covers yet."""
    if chosen.start is None:
        return []
    pinned = {pin.number for pin in chosen.pinned}
    _, covered = seen.covered or (0, 0)
    return [number for number in range(covered + 1, chosen.start.number) if number not in pinned]


def _recalled(opening: Opening, made: Context, chosen: Plan, recall: Recall, *, cold: bool) -> tuple[Context, Plan]:
    """Return a new block's first request with the excerpts recalled for its prompt.

    A `cold` block continues nothing that a server may have in its prompt cache: recall may use all the tokens left,
    and the newest exchanges get what it doesn't use. In any other block recall is limited to its allowance, and only
    a newest exchange that is too long to send whole gets more than its share.
    """
    seen, shares = opening.seen, opening.shares
    pins = sum(pin.tokens for pin in chosen.pinned)
    left = seen.budget.tokens - made.tokens
    room = seen.budget.tokens - seen.beside() - pins
    if cold:
        share = seen.request.recall_share
        left = left if share is None else min(left, recall_budget.allowance(room, 1.0, share))
        found = recall.chosen(left, whole=chosen.whole)
    else:
        found = recall.deserved(room, whole=chosen.whole, most=left)
    if chosen.oversized or not (cold or chosen.clip is not None):
        return recall.added(made, found), chosen
    used = sum(one.tokens for one in found) + (recall.fence if found else 0)
    unused = 1 - used / max(1, seen.budget.tokens - seen.fixed() - pins)
    share = min(1.0 if cold else shares.most, unused)
    if share > (shares.low if chosen.clip is None else shares.cut):
        fuller = replace(opening, shares=replace(shares, low=share, cut=share))
        made, chosen = fuller.made(fuller.planned())
        found = tuple(one for one in found if one.number not in chosen.whole)
    return recall.added(made, found), chosen
