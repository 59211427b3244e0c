"""Composing one request: letting the policy choose from what a session has, and building the messages.

Between the store and the pure rules; made by memory.py, and kept by the seam while tools are called. Writes nothing but
the full-text index; a summary is made through a function that the seam gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

from ..errors import LogUnusable, OverBudget
from ..model import Block, Budget, Context, Exchange, Message, Recalled, Summary, Turn
from ..rules import fences, ranking, summary, tokens
from ..rules.clipping import clip
from ..rules.policy import CROWDED, FULL, WINDOW, Plan, Shares, plan, recalls, summarises, why_new_block, without_recent
from ..rules.request import front, messages_of, open_calls, system_messages, system_text
from ..rules.server_cuts import counts_all
from ..rules.tokens import Measure
from ..store import Index, Store, history
from .recall import Near, Recall
from .snapshot import NEAR_THE_END, Request, Snapshot

Fold = Callable[["Summary | None", "Sequence[Exchange]", Budget, Measure], "Summary | None"]
"""Makes the next summary of the one before and the exchanges that follow it; None or the one before where it can't."""


class Composer(Snapshot):
    """One request of one session: what is chosen of its history."""

    def __init__(  # noqa: PLR0913  one parameter a collaborator
        self,
        store: Store,
        thread_id: str,
        request: Request,
        budget: Budget,
        measure: Measure | None = None,
        *,
        reasoning: bool,
        writing: bool = False,
        fold: Fold | None = None,
        near: Near | None = None,
    ) -> None:
        """Take what is known of a request. `writing`: the full-text index may be brought up to date for it.

        `fold` makes summaries, `near` finds passages by meaning.
        """
        super().__init__(store, thread_id, request, budget, measure, reasoning=reasoning)
        self.writing = writing
        self.fold = fold
        self.near = near
        self._moving = False  # whether a block is over because it was full: then its start has to move

    @cached_property
    def _recall(self) -> Recall:
        """What of the session's past matters for this prompt; brings the index up to date first."""
        found = Recall(self.log, self.thread_id, self.request.text, self.turns, self.measure, self.later, self.near)
        if self.writing and found.words:
            with suppress(LogUnusable):  # a read-only or locked log: what is indexed has to do
                self._catch_up()
        return found

    def _catch_up(self) -> None:
        Index(self.log).catch_up(self.thread_id, self.turns if not self.later else None)

    # -- what is sent --------------------------------------------------

    def compose(self) -> Context:
        """Return what is sent: the block's next request, or a new block's first. Raises OverBudget."""
        block = self.store.blocks.latest(self.thread_id) if self.request.before is None else None
        sent, reason = self._continued(block)
        if block is None or sent is None:
            sent = self.begin(block, reason or "")
        trouble = self._recall.trouble if "_recall" in self.__dict__ else None
        if trouble:
            told = f"Recall went by words alone: the embedding model failed ({trouble})."
            return replace(sent, notices=(*sent.notices, told))
        return sent

    def _continued(self, block: Block | None) -> tuple[Context | None, str | None]:
        """Return the request that continues the block; or None and the reason why there can't be one."""
        last = self._last_turn(block)
        if block is None or last is None:
            return None, why_new_block(
                known=block is not None,
                same_front=True,
                same_rule=True,
                unbroken=False,
                answered=True,
                tokens=0,
                limit=0,
            )
        start = self.numbers.get(block.start_id or "")
        pins = {self.numbers[id_]: id_ for id_ in self.store.pins(self.thread_id) if id_ in self.numbers}
        before = [id_ for number, id_ in sorted(pins.items()) if start is None or number < start]
        same_front = block.front == front(self.system(), before)
        same_rule = (block.policy, block.budget) == (self.request.policy, self.budget.tokens)
        answered = bool(last.output) and not open_calls(last.output) and not block.oversized
        chain: tuple[Message, ...] = ()
        base, expected, room = 0.0, 0, self.budget.tokens
        if same_front and same_rule and answered:
            chain = history.chain(self.log, self.store.blocks.tip(last.id))
            base = self.measure.base(chain) + self.new_base()
            usable = replace(last, request_base=None) if last.model != self.request.model else last
            expected = tokens.continued(usable, base, self.measure)
            room -= self._beside() + sum(pin.tokens for pin in (self.pins() if block.pinned else ()))
        left_out = start is None or start > 1 or block.clip is not None
        recalling = recalls(self.request.policy) and left_out
        spare = int(max(0, room) * ranking.reserve(self.request.recall_share)) if recalling else 0
        reason = why_new_block(
            known=True,
            same_front=same_front,
            same_rule=same_rule,
            unbroken=True,
            answered=answered,
            tokens=expected,
            limit=self.budget.tokens - spare,
            budget=self.budget.tokens,
        )
        if reason:
            return None, reason
        known = last.input_tokens is not None and last.request_base is not None and counts_all(last.cut)
        before_that = (last.input_tokens or 0, last.request_base or 0.0) if known else None
        made = replace(self._context(chain, block, start, expected, base), before=before_that)
        if recalling:
            first = len(self.turns) + 1 if start is None else start + (block.clip is not None)  # a cut one is not whole
            whole = {*range(first, len(self.turns) + 1), *(self.numbers[id_] for id_ in before)}
            blocks, within = self.store.blocks, block.id or 0
            earlier = blocks.recalls(within)
            spent = sum(one.tokens for one in earlier)
            allowed = ranking.allowance(room, blocks.prompts(within), spent, self.request.recall_share)
            sent = {one.passage_id for one in earlier}
            left = min(self.budget.tokens - expected, allowed)
            made = self._with(made, self._recall.chosen(left, whole=whole, sent=sent))
        return made, None

    def _beside(self) -> int:
        """Return the tokens of what goes with every request: system message, tool definitions, schema."""
        weight = sum(weight for _, weight in self.request.tools) + self.request.extra
        return self.tokens_of_system() + self.measure.tokens(weight)

    def _with(self, made: Context, recalled: Sequence[Recalled]) -> Context:
        """Return a request with excerpts put before its prompt: as many as keep it within the budget."""
        plain = self.measure.base(self.request.input)
        for count in range(len(recalled), 0, -1):
            asked = fences.with_excerpts(self.request.input, recalled[:count])
            added = self.measure.base(asked) - plain
            if made.tokens + self.measure.tokens(added) <= self.budget.tokens:
                total = made.tokens + self.measure.tokens(added)
                return replace(
                    made, tokens=total, base=made.base + added, input=asked, recalled=tuple(recalled[:count])
                )
        return made

    def _last_turn(self, block: Block | None) -> Turn | None:
        """Return the last turn of the block if nothing was added beside it: then its chain is the whole block."""
        if block is None or not self.turns or self.turns[-1][-1] != block.last_turn_id:
            return None
        newest = self.turns[-1]
        others = max((turn_ids[-1] for turn_ids in self.turns[-1 - NEAR_THE_END : -1]), default=None)
        if others is not None and others > newest[-1]:
            return None
        if self.store.blocks.made_at(newest[0]) != (len(self.turns), others):
            return None
        found = self.exchanges([len(self.turns)])
        return found[0].turns[-1] if found else None

    def begin(self, before: Block | None, reason: str, *, in_progress: bool = False) -> Context:
        """Return the first request of a new block. Raises OverBudget."""
        recalling = recalls(self.request.policy) and not in_progress
        shares = ranking.shares(self.budget.tokens, self.request.recall_share) if recalling else WINDOW
        self._moving = reason in (FULL, CROWDED)
        chosen = self._planned(shares, in_progress=in_progress)
        if summarises(self.request.policy) and not in_progress:
            chosen = self._summarised(chosen, shares)
        made, chosen = self._first(chosen, reason)
        if recalling and self._prunes(chosen):
            made, chosen = self._recalling(made, chosen, shares, cold=before is None)
        return made if in_progress else replace(made, notices=self._notices(chosen, before))

    def _planned(self, shares: Shares, *, in_progress: bool = False, reserved: int = 0) -> Plan:
        """Return what the policy chooses for a new block, `reserved` tokens left free for a summary to be made."""
        request, limit = self.request, self.budget
        like = None
        if request.before is None and not (self._moving and recalls(request.policy)):
            like = self.store.blocks.latest(self.thread_id, request.policy, limit.tokens)
        return plan(
            request.policy,
            self.newest(),
            self.pins(),
            fixed=self._fixed() + reserved,
            limit=limit,
            keep_from=self.numbers.get(like.start_id or "", 1) if like and like.pruned else 1,
            in_progress=in_progress,
            shares=shares,
        )

    def _fixed(self) -> int:
        system = system_messages(self.system())
        return self.measure.tokens(self.measure.base(system) + self.new_base())

    def _prunes(self, chosen: Plan) -> bool:
        """Say whether a plan leaves anything out, be it a part of the only exchange."""
        return bool(self.turns) and (chosen.start is None or chosen.start.number > 1 or chosen.clip is not None)

    def _summarised(self, chosen: Plan, shares: Shares) -> Plan:
        """Return the plan with a summary of what it leaves out, made now where that is allowed."""
        if self.fold is None or chosen.oversized or not self._prunes(chosen):
            return chosen
        known = self.tokens_of_system()
        system = system_text(self.request.system, [note.text for note in self.notes], "-")
        bare = self.measure.tokens(self.measure.base(system_messages(system)))
        reserved = max(0, bare + summary.limit(self.budget.tokens) - known)
        wider = self._planned(shares, reserved=reserved)
        if wider.oversized or wider.start is None:
            return chosen
        pinned = {pin.number for pin in wider.pinned}
        covered = self.numbers[self.summary.last_turn_id] if self.summary else 0
        fallen = [number for number in range(covered + 1, wider.start.number) if number not in pinned]
        if not fallen:
            return chosen
        made = self.fold(self.summary, self.exchanges(fallen), self.budget, self.measure)
        if made is None or made == self.summary:
            return chosen
        self.summary = made
        return replace(wider, tokens=wider.tokens - known - reserved + self.tokens_of_system())

    def _first(self, chosen: Plan, reason: str) -> tuple[Context, Plan]:
        """Return a new block's first request as planned, and the plan as it could be kept to."""
        request, system = self.request, self.system()
        made = messages_of(chosen, system, self._read, self.measure)
        if made is None and chosen.clip is not None:  # its share is too small for what can't be cut: all that is left
            whole = chosen.recent[0].tokens
            more = min(self.budget.tokens - chosen.tokens, whole - chosen.clip)
            cut = chosen.clip + more
            chosen = replace(chosen, clip=cut if cut < whole else None, tokens=chosen.tokens + more)
            made = messages_of(chosen, system, self._read, self.measure)
        if made is None:
            chosen = without_recent(chosen, self.pins(), self._fixed())
            made = messages_of(chosen, system, self._read, self.measure) or ((), 0)
        sent, spared = made
        pinned = tuple(sized.id for sized in chosen.pinned)
        block = Block(
            id=None,
            start_id=chosen.start.id if chosen.start else None,
            pinned=pinned,
            policy=request.policy,
            budget=self.budget.tokens,
            front=front(system, pinned),
            reason=reason,
            clip=chosen.clip,
            oversized=chosen.oversized,
            start_number=chosen.start.number if chosen.start else None,
        )
        start = chosen.start.number if chosen.start else None
        base = self.measure.base(sent) + self.new_base()
        return self._context(sent, block, start, chosen.tokens - spared, base), chosen

    def _recalling(self, made: Context, chosen: Plan, shares: Shares, *, cold: bool) -> tuple[Context, Plan]:
        """Return a new block's first request with what is recalled for its prompt.

        A `cold` one continues nothing that a server may have kept: recall has all that is left, and the newest
        exchanges get what it does not use. Any other is held to what recall may spend in a block; there only a newest
        exchange that is too long to be sent whole gets more than its share.
        """
        asked = self.request.recall_share
        left = self.budget.tokens - made.tokens
        room = self.budget.tokens - self._beside() - sum(pin.tokens for pin in chosen.pinned)
        if not cold:
            left = min(left, ranking.allowance(room, 0, 0, asked))
        found = self._recall.chosen(left, whole=self._whole(chosen))
        if chosen.oversized or not (cold or chosen.clip is not None):
            return self._with(made, found), chosen
        used = sum(one.tokens for one in found) + (self._recall.fence if found else 0)
        pins = sum(pin.tokens for pin in chosen.pinned)
        most = 1.0 if cold else shares.most
        share = min(most, 1 - used / max(1, self.budget.tokens - self._fixed() - pins))
        if share > (shares.low if chosen.clip is None else shares.cut):
            fuller = replace(shares, low=share, cut=share)
            made, chosen = self._first(self._planned(fuller), made.block.reason)
            whole = self._whole(chosen)
            found = tuple(one for one in found if one.number not in whole)
        return self._with(made, found), chosen

    def _whole(self, chosen: Plan) -> set[int]:
        """Return the numbers of the exchanges that a plan sends, but not of one that it cuts."""
        recent = () if chosen.clip is not None else chosen.recent
        return {sized.number for sized in (*chosen.pinned, *recent)}

    def in_progress(self, exchange: tuple[Message, ...]) -> tuple[Context, tuple[Message, ...]]:
        """Return a new block's request for an exchange in progress that no longer fits, and the exchange as it is sent.

        Its tool results make it grow while it is held. Earlier exchanges give way first; then its longest texts are
        cut in the middle. Raises OverBudget where not even that fits.
        """
        pins = sum(pin.tokens for pin in self.pins())
        room = self.budget.tokens - pins - self._beside() - 2  # each of the estimates was rounded up
        sent: tuple[Message, ...] | None = exchange
        if self.measure.tokens(self.measure.base(exchange)) > room:
            sent = clip(exchange, room, self.measure)
        if sent is None:
            message = f"The tool results of this prompt do not fit in the budget of {self.budget.tokens:,} tokens."
            raise OverBudget(message, "Raise --max-context-tokens, or ask the tool for less.")
        self.request = replace(self.request, input=sent)
        return self.begin(None, "tool results would have exceeded the budget", in_progress=True), sent

    def _context(
        self, sent: tuple[Message, ...], block: Block, start: int | None, expected: int, base: float
    ) -> Context:
        return Context(
            chain=sent,
            block=block,
            start=start,
            tokens=expected,
            base=base,
            budget=self.budget,
            after_turn_id=self.newest_turn,
            calibrated=self.calibrated,
            exchanges=len(self.turns),
            input=self.request.input,
            system=self.system(),
        )

    def _notices(self, chosen: Plan, before: Block | None) -> tuple[str, ...]:
        """Return what the person should be told of a new block: that pruning sets in, that something was cut."""
        limit = self.budget.tokens
        if chosen.oversized and self.turns:
            what = "with the system prompt and the pins" if chosen.pinned else "with the system prompt at most"
            none_left = f"This prompt leaves no room for the conversation in the budget of {limit:,} tokens"
            return (f"{none_left}: about {chosen.tokens:,} are sent, {what}.",)
        if chosen.oversized:
            return (f"This prompt alone exceeds the budget of {limit:,} tokens: about {chosen.tokens:,} are sent.",)
        notices: list[str] = []
        start = chosen.start.number if chosen.start else len(self.turns) + 1
        if start > 1 and not (before and (before.pruned or before.oversized)):
            notices.append(f"The session no longer fits in {limit:,} tokens: {self._fate_of(1, start - 1)}.")
        if chosen.clip is not None:
            notices.append(f"Exchange #{start} is too long to be sent whole; its longest texts were cut in the middle.")
        return tuple(notices)

    def _fate_of(self, first: int, last: int) -> str:
        """Return what becomes of exchanges that no longer fit, in words for people."""
        one = first == last
        which = f"exchange #{first} stays" if one else f"exchanges #{first} to #{last} stay"
        if self.summary is not None:
            return f"{which} in the log, and {'is' if one else 'are'} sent as a summary"
        if recalls(self.request.policy):
            return f"{which} in the log; of {'it' if one else 'them'} only what matters for a prompt is sent"
        return f"{which} in the log but {'is' if one else 'are'} not sent any more"
