"""Composing one request: reading what is needed of a session, letting the policy choose, building the messages.

Between the store and the pure rules; made by memory.py, and kept by the seam while tools are called. Reads only as
many exchanges as the budget can hold, however long the session is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from . import context, tokens
from .clipping import clip
from .cuts import counts_all
from .errors import OverBudget
from .model import Block, Budget, Context, Exchange, Item, Message, Sized, Turn
from .policies import Plan, plan, why_new_block, without_recent
from .store import Store, history
from .tokens import Measure

_CHUNK = 16
"""Exchanges read at a time, newest first, until the budget is full."""

_NEAR_THE_END = 3
"""How many exchanges may still have been in progress when another one began (turn ids go by the start of a call)."""


@dataclass(frozen=True)
class Request:
    """A prompt about to be sent, as far as choosing its context needs to know it.

    `input` is what is new in it; `tools` the definitions that go with it, each with its base; `extra` the base of
    anything else (a schema).
    """

    model: str
    policy: str
    system: str | None
    input: tuple[Message, ...]
    tools: tuple[tuple[str, float], ...] = ()
    extra: float = 0.0


class Composer:
    """One request of one session: a snapshot of its history, and what is chosen of it."""

    def __init__(self, store: Store, thread_id: str, request: Request, budget: Budget, *, reasoning: bool) -> None:
        self.store = store
        self.log = store.log
        self.thread_id = thread_id
        self.request = request
        self.budget = budget
        rate, self.calibrated = self._rate()
        self.measure = Measure(rate, reasoning)
        self.turns = history.exchange_turns(self.log, thread_id)
        self.numbers = self.turns.numbers()
        self._read: dict[str, Exchange] = {}

    # -- what is known -------------------------------------------------

    def _rate(self) -> tuple[float, bool]:
        """Return the model's rate, and whether it was learned."""
        model = self.request.model
        turns = self.store.counted_turns(self.thread_id, model)
        learned = tokens.learn(turns, model)
        if learned is not None and not any(counts_all(turn.cut) for turn in turns if turn.model == model):
            return max(learned, 1.0), False  # cut requests alone show only the least that it can be
        if learned is not None:
            return learned, any((turn.input_tokens or 0) >= tokens.ENOUGH for turn in turns if turn.model == model)
        learned = tokens.learn_from_replies(self.store.counted_replies(model))  # may hide reasoning and tool calls
        return learned or 1.0, False

    @property
    def newest_turn(self) -> str | None:
        """The newest turn of the session."""
        return max((turn_ids[-1] for turn_ids in self.turns[-_NEAR_THE_END:]), default=None)

    def new_base(self) -> float:
        """Return the base of all that is not history: new input, tool definitions, schema."""
        request = self.request
        return self.measure.base(request.input) + sum(weight for _, weight in request.tools) + request.extra

    def exchanges(self, numbers: Sequence[int]) -> list[Exchange]:
        """Return exchanges by number, reading those that were not read yet."""
        wanted = [(n, self.turns[n - 1]) for n in numbers]
        missing = [(n, ids) for n, ids in wanted if ids[0] not in self._read]
        if missing:
            self._read |= {exchange.id: exchange for exchange in history.exchanges(self.log, missing)}
        return [self._read[ids[0]] for _, ids in wanted if ids[0] in self._read]

    def sized(self, exchanges: Sequence[Exchange]) -> list[Sized]:
        """Return the exchanges' sizes, from the server's counts where it counted. They come oldest first."""
        turns = [turn for exchange in exchanges for turn in exchange.turns]
        counted = tokens.own_counts(turns, self.request.model, self.measure)
        return [Sized(e.number, e.id, self.measure.exchange(e, counted) + self._added(e)) for e in exchanges]

    def _added(self, exchange: Exchange) -> int:
        """Return the tokens of what stands in for a reply or a tool result that an exchange never got."""
        said = self.measure.base(message for message in exchange.messages if message.parts)
        return self.measure.tokens(max(0.0, self.measure.base(context.whole(exchange)) - said))

    def newest(self) -> Iterator[Sized]:
        """Yield the sizes of all exchanges, newest first, reading them in chunks."""
        for end in range(len(self.turns), 0, -_CHUNK):
            numbers = range(max(1, end - _CHUNK + 1), end + 1)
            yield from reversed(self.sized(self.exchanges(numbers)))

    def pins(self) -> list[Sized]:
        """Return the sizes of the pinned exchanges, in order."""
        numbers = sorted(self.numbers[id_] for id_ in self.store.pins(self.thread_id) if id_ in self.numbers)
        return self.sized(self.exchanges(numbers))

    # -- what is sent --------------------------------------------------

    def compose(self) -> Context:
        """Return what is sent: the block's next request, or a new block's first. Raises OverBudget."""
        block = self.store.latest_block(self.thread_id)
        sent, reason = self._continued(block)
        if block is not None and sent is not None:
            return sent
        return self.begin(block, reason or "")

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
        same_front = block.front == context.front(self.request.system, before)
        same_rule = (block.policy, block.budget) == (self.request.policy, self.budget.tokens)
        answered = bool(last.output) and not context.open_calls(last.output) and not block.oversized
        chain: tuple[Message, ...] = ()
        base, expected = 0.0, 0
        if same_front and same_rule and answered:
            chain = history.chain(self.log, self.store.tip(last.id))
            base = self.measure.base(chain) + self.new_base()
            usable = replace(last, request_base=None) if last.model != self.request.model else last
            expected = tokens.continued(usable, base, self.measure)
        reason = why_new_block(
            known=True,
            same_front=same_front,
            same_rule=same_rule,
            unbroken=True,
            answered=answered,
            tokens=expected,
            limit=self.budget.tokens,
        )
        if reason:
            return None, reason
        known = last.input_tokens is not None and last.request_base is not None and counts_all(last.cut)
        before_that = (last.input_tokens or 0, last.request_base or 0.0) if known else None
        return replace(self._context(chain, block, start, expected, base), before=before_that), None

    def _last_turn(self, block: Block | None) -> Turn | None:
        """Return the last turn of the block if nothing was added beside it: then its chain is the whole block."""
        if block is None or not self.turns or self.turns[-1][-1] != block.last_turn_id:
            return None
        newest = self.turns[-1]
        others = max((turn_ids[-1] for turn_ids in self.turns[-1 - _NEAR_THE_END : -1]), default=None)
        if others is not None and others > newest[-1]:
            return None
        if self.store.made_at(newest[0]) != (len(self.turns), others):
            return None
        found = self.exchanges([len(self.turns)])
        return found[0].turns[-1] if found else None

    def begin(self, before: Block | None, reason: str, *, in_progress: bool = False) -> Context:
        """Return the first request of a new block. Raises OverBudget."""
        request, limit = self.request, self.budget
        system = context.system_messages(request.system)
        fixed = self.measure.tokens(self.measure.base(system) + self.new_base())
        like = self.store.latest_block(self.thread_id, request.policy, limit.tokens)
        keep_from = self.numbers.get(like.start_id or "", 1) if like and like.pruned else 1
        pins = self.pins()
        chosen = plan(
            request.policy,
            self.newest(),
            pins,
            fixed=fixed,
            limit=limit,
            keep_from=keep_from,
            in_progress=in_progress,
        )
        made = context.messages(chosen, request.system, self._read, self.measure)
        if made is None:
            chosen = without_recent(chosen, pins, fixed)
            made = context.messages(chosen, request.system, self._read, self.measure) or ((), 0)
        sent, spared = made
        pinned = tuple(sized.id for sized in chosen.pinned)
        block = Block(
            id=None,
            start_id=chosen.start.id if chosen.start else None,
            pinned=pinned,
            policy=request.policy,
            budget=limit.tokens,
            front=context.front(request.system, pinned),
            reason=reason,
            clip=chosen.clip,
            oversized=chosen.oversized,
            start_number=chosen.start.number if chosen.start else None,
        )
        start = chosen.start.number if chosen.start else None
        base = self.measure.base(sent) + self.new_base()
        found = self._context(sent, block, start, chosen.tokens - spared, base)
        return found if in_progress else replace(found, notices=self._notices(chosen, before))

    def in_progress(self, exchange: tuple[Message, ...]) -> tuple[Context, tuple[Message, ...]]:
        """Return a new block's request for an exchange in progress that no longer fits, and the exchange as it is sent.

        Its tool results make it grow while it is held. Earlier exchanges give way first; then its longest texts are
        cut in the middle. Raises OverBudget where not even that fits.
        """
        pins = sum(pin.tokens for pin in self.pins())
        system = self.measure.base(context.system_messages(self.request.system))
        beside = self.measure.tokens(system + sum(weight for _, weight in self.request.tools) + self.request.extra)
        room = self.budget.tokens - pins - beside - 2  # each of the estimates was rounded up
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
            messages=sent,
            block=block,
            start=start,
            tokens=expected,
            base=base,
            budget=self.budget,
            after_turn_id=self.newest_turn,
            calibrated=self.calibrated,
            exchanges=len(self.turns),
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
            notices.append(f"The session no longer fits in {limit:,} tokens: {_range(1, start - 1)} not sent any more.")
        if chosen.clip is not None:
            notices.append(f"Exchange #{start} is too long to be sent whole; its longest texts were cut in the middle.")
        return tuple(notices)

    # -- why -----------------------------------------------------------

    def explain(self, made: Context) -> tuple[Item, ...]:
        """Return the explanation of a composed request, item by item."""
        numbers = [self.numbers[id_] for id_ in made.block.pinned if id_ in self.numbers]
        if made.start is not None:
            numbers += range(made.start, len(self.turns) + 1)
        sizes = {sized.id: (sized.number, sized.tokens) for sized in self.sized(self.exchanges(sorted(set(numbers))))}
        if made.block.clip is not None and made.block.start_id in sizes:
            number, _ = sizes[made.block.start_id]
            sizes[made.block.start_id] = (number, made.block.clip)
        system, request = self.request.system, self.request
        system_tokens = self.measure.tokens(self.measure.base(context.system_messages(system)))
        return context.explain(
            made.block,
            sizes,
            len(self.turns),
            made.start,
            pins={self.numbers[id_] for id_ in self.store.pins(self.thread_id) if id_ in self.numbers},
            system=(system, system_tokens) if system else None,
            tools=[(name, self.measure.tokens(weight)) for name, weight in request.tools],
            prompt=(
                "\n".join(message.text for message in request.input),
                self.measure.tokens(self.measure.base(request.input) + request.extra),
            ),
        )


def _range(first: int, last: int) -> str:
    if first == last:
        return f"exchange #{first} stays in the log but is"
    return f"exchanges #{first} to #{last} stay in the log but are"
