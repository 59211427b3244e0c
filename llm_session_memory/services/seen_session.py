"""A session as one request sees it: read once, and only as far as needed, however long the session is.

Sits between the store and the pure rules; a request is composed from it. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace

from ..model import Block, Budget, Context, Exchange, Message, Sized, Summary
from ..model.frozen import dataclass
from ..rules import tokens
from ..rules.policy import recalls, summarises
from ..rules.request import system_messages, system_text, whole
from ..rules.server_cuts import counts_all
from ..rules.thinking import exchange_without_thinking, keeps
from ..rules.tokens import Measure
from ..store import Notes, Sessions, history
from ..store.numbering import Numbering

_CHUNK = 16
"""Exchanges are read this many at a time, newest first, until the budget is full."""


@dataclass(frozen=True)
class Request:
    """A prompt about to be sent, as far as choosing its context needs it.

    `input` is the new part. `tools` are the tool definitions sent with it, each with its base; `extra` is the base of
    anything else (a schema). `recall_share` is the share for recall. `before` is the number of the first exchange to
    ignore (None: use all). `think` is the setting for thinking in replies. `insist`: send what is estimated not to fit,
    rather than refuse it. `global_notes`: send the notes for all sessions. `recall_fragments`: recall texts that went
    with earlier prompts. `recall_from` says which other sessions excerpts may come from.
    """

    model: str
    policy: str
    system: str | None
    input: tuple[Message, ...]
    tools: tuple[tuple[str, float], ...] = ()
    extra: float = 0.0
    recall_share: float | None = None
    before: int | None = None
    think: str | None = None
    insist: bool = False
    global_notes: bool = True
    recall_fragments: bool = True
    recall_from: str | None = None

    @property
    def text(self) -> str:
        """The text that the person wrote."""
        return "\n".join(message.text for message in self.input if message.role == "user")

    @property
    def recalls_beyond(self) -> bool:
        """Whether excerpts may come from other sessions."""
        return self.recall_from not in (None, "self") and recalls(self.policy)

    @property
    def beside(self) -> float:
        """The base of everything sent along with the messages: tool definitions, schema."""
        return sum(weight for _, weight in self.tools) + self.extra


@dataclass(frozen=True)
class SeenSession:
    """One session, as far as one request needs it.

    `turns` are the exchanges that the request may use, `later` the turn ids of the others. `pinned` has the numbers of
    the pinned exchanges in order, `notes` the texts of the notes, `everywhere` those of the notes for all sessions, and
    `summary` the summary in use as it is sent, if the policy has one. `calibrated`: the measure was learned from the
    model's own counts.
    """

    store: Sessions
    thread_id: str
    request: Request
    budget: Budget
    measure: Measure
    calibrated: bool
    turns: Numbering
    later: tuple[str, ...]
    pinned: tuple[int, ...]
    notes: tuple[str, ...]
    summary: Summary | None
    everywhere: tuple[str, ...] = ()
    known: dict[str, Exchange] = field(default_factory=dict, repr=False, compare=False)
    """The exchanges read so far, by id."""

    @classmethod
    def read(  # noqa: PLR0913  one parameter a collaborator
        cls,
        store: Sessions,
        thread_id: str,
        request: Request,
        budget: Budget,
        measure: Measure | None = None,
        *,
        reasoning: bool = True,
    ) -> SeenSession:
        """Read a session. Without `measure`, learn it from the model's own counts, with this `reasoning`."""
        calibrated = False
        if measure is None:
            rate, calibrated = rate_of(store, thread_id, request.model)
            measure = Measure(rate, reasoning)
        turns = history.exchange_turns(store.log, thread_id)
        later: tuple[str, ...] = ()
        if request.before is not None:
            later = tuple(id_ for ids in turns[max(request.before, 1) - 1 :] for id_ in ids)
            turns = turns.until(request.before)
        numbers, kept = turns.numbers(), Notes(store.log)
        everywhere, notes = kept.sent(thread_id, everywhere=request.global_notes)
        return cls(
            store=store,
            thread_id=thread_id,
            request=request,
            budget=budget,
            measure=measure,
            calibrated=calibrated,
            turns=turns,
            later=later,
            pinned=tuple(sorted(numbers[id_] for id_ in store.pins(thread_id) if id_ in numbers)),
            notes=notes,
            summary=_summary(kept, thread_id, request, budget, numbers),
            everywhere=everywhere,
        )

    # -- what the session has ------------------------------------------

    @property
    def numbers(self) -> Mapping[str, int]:
        """Each exchange's number by its id."""
        return self.turns.numbers()

    @property
    def covered(self) -> tuple[int, int] | None:
        """The numbers of the first and the last exchange that the summary covers."""
        if self.summary is None:
            return None
        return self.numbers.get(self.summary.first_turn_id, 1), self.numbers[self.summary.last_turn_id]

    def exchanges(self, numbers: Sequence[int]) -> list[Exchange]:
        """Return exchanges by number, reading those not read yet."""
        wanted = [(n, self.turns[n - 1]) for n in numbers]
        missing = [(n, ids) for n, ids in wanted if ids[0] not in self.known]
        if missing:
            found = history.exchanges(self.store.log, missing)
            if not keeps(self.request.think):
                found = list(map(exchange_without_thinking, found))
            self.known.update((exchange.id, exchange) for exchange in found)
        return [self.known[ids[0]] for _, ids in wanted if ids[0] in self.known]

    def sized(self, exchanges: Sequence[Exchange]) -> list[Sized]:
        """Return the sizes of exchanges (given oldest first), using the server's counts if there are any."""
        turns = [turn for exchange in exchanges for turn in exchange.turns]
        counted = tokens.own_counts(turns, self.request.model, self.measure)
        return [Sized(e.number, e.id, self.measure.exchange(e, counted) + self._added(e)) for e in exchanges]

    def _added(self, exchange: Exchange) -> int:
        """Return the tokens of the text that replaces a reply or tool result that an exchange never got."""
        said = self.measure.base(message for message in exchange.messages if message.parts)
        return self.measure.tokens(max(0.0, self.measure.base(whole(exchange)) - said))

    def newest(self) -> Iterator[Sized]:
        """Yield the sizes of all exchanges, newest first, reading them in chunks."""
        for end in range(len(self.turns), 0, -_CHUNK):
            numbers = range(max(1, end - _CHUNK + 1), end + 1)
            yield from reversed(self.sized(self.exchanges(numbers)))

    def pins(self) -> list[Sized]:
        """Return the sizes of the pinned exchanges, in order."""
        return self.sized(self.exchanges(self.pinned))

    # -- what goes with every request ----------------------------------

    def system(self) -> str | None:
        """Return the text of the system message: system prompt, notes, summary."""
        summary = self.summary.text if self.summary else None
        return system_text(self.request.system, self.notes, summary, self.everywhere)

    def tokens_of_system(self, system: str | None) -> int:
        """Return the tokens of a system message."""
        return self.measure.tokens(self.measure.base(system_messages(system)))

    def beside(self) -> int:
        """Return the tokens of everything sent with each request: system message, tool definitions, schema."""
        return self.tokens_of_system(self.system()) + self.measure.tokens(self.request.beside)

    def new_base(self) -> float:
        """Return the base of everything except history: new input, tool definitions, schema."""
        return self.measure.base(self.request.input) + self.request.beside

    def fixed(self) -> int:
        """Return the tokens of a request without any history."""
        return self.measure.tokens(self.measure.base(system_messages(self.system())) + self.new_base())

    def context(self, chain: tuple[Message, ...], block: Block, start: int | None, tokens: int) -> Context:
        """Return a request with this chain and the new input. `start` is the number of its first recent exchange."""
        return Context(
            chain=chain,
            block=block,
            start=start,
            tokens=tokens,
            base=self.measure.base(chain) + self.new_base(),
            budget=self.budget,
            after_turn_id=self.turns.newest,
            calibrated=self.calibrated,
            exchanges=len(self.turns),
            greatest_id=self.turns.greatest,
            input=self.request.input,
            system=self.system(),
        )


def rate_of(store: Sessions, thread_id: str, model: str) -> tuple[float, bool]:
    """Return a model's rate (real tokens for each estimated one), and whether it was learned."""
    turns = store.requests.counted_turns(thread_id, model)
    learned = tokens.learn(turns, model)
    if learned is not None and not any(counts_all(turn.cut) for turn in turns if turn.model == model):
        return max(learned, 1.0), learned >= 1.0  # a cut request only gives a lower bound
    if learned is not None:
        return learned, any((turn.input_tokens or 0) >= tokens.ENOUGH for turn in turns if turn.model == model)
    replies = store.requests.counted_replies(model)  # may include hidden reasoning and tool calls
    learned = tokens.learn_from_replies(replies)
    return learned or 1.0, False


def _summary(
    kept: Notes, thread_id: str, request: Request, budget: Budget, numbers: Mapping[str, int]
) -> Summary | None:
    """Return the newest summary of usable exchanges, as it is sent, or None if the policy has no summaries."""
    if not summarises(request.policy):
        return None
    from ..rules.summary import as_sent  # what only sessions with a summary need

    for one in kept.summaries(thread_id):
        if one.is_usable(numbers):
            return replace(one, text=as_sent(one.text, budget.tokens))
    return None
