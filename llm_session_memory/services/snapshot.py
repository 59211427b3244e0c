"""A session as one request sees it: read once, as far as it is needed, however long the session is.

Between the store and the pure rules: what the composer chooses from. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..model import Budget, Exchange, Message, Note, Sized, Summary
from ..rules import tokens
from ..rules.policy import summarises
from ..rules.request import system_messages, system_text, whole
from ..rules.server_cuts import counts_all
from ..rules.summary import as_sent
from ..rules.tokens import Measure
from ..store import Kept, Store, history

_CHUNK = 16
"""Exchanges read at a time, newest first, until the budget is full."""

NEAR_THE_END = 3
"""How many exchanges may still have been in progress when another one began (turn ids go by the start of a call)."""


@dataclass(frozen=True)
class Request:
    """A prompt about to be sent, as far as choosing its context needs to know it.

    `input` is what is new in it; `tools` the definitions that go with it, each with its base; `extra` the base of
    anything else (a schema). `recall_share` is the share that recall was given, `before` the number of the first
    exchange that is not to exist (None: all do).
    """

    model: str
    policy: str
    system: str | None
    input: tuple[Message, ...]
    tools: tuple[tuple[str, float], ...] = ()
    extra: float = 0.0
    recall_share: float | None = None
    before: int | None = None

    @property
    def text(self) -> str:
        """What the person wrote."""
        return "\n".join(message.text for message in self.input if message.role == "user")


class Snapshot:
    """One session, as far as one request needs to know it."""

    def __init__(  # noqa: PLR0913  one parameter a collaborator
        self,
        store: Store,
        thread_id: str,
        request: Request,
        budget: Budget,
        measure: Measure | None = None,
        *,
        reasoning: bool = True,
    ) -> None:
        """Read what is known of a session. `measure` None: as the model's own counts teach it, under `reasoning`."""
        self.store = store
        self.log = store.log
        self.kept = Kept(store.log)
        self.thread_id = thread_id
        self.request = request
        self.budget = budget
        self.calibrated = False
        if measure is None:
            rate, self.calibrated = self._rate()
            measure = Measure(rate, reasoning)
        self.measure = measure
        self.turns = history.exchange_turns(self.log, thread_id)
        self.later: list[str] = []
        if request.before is not None:
            self.later = [id_ for ids in self.turns[max(request.before, 1) - 1 :] for id_ in ids]
            self.turns = self.turns.until(request.before)
        self.numbers = self.turns.numbers()
        self._read: dict[str, Exchange] = {}

    def _rate(self) -> tuple[float, bool]:
        """Return the model's rate, and whether it was learned."""
        model = self.request.model
        turns = self.store.blocks.counted_turns(self.thread_id, model)
        learned = tokens.learn(turns, model)
        if learned is not None and not any(counts_all(turn.cut) for turn in turns if turn.model == model):
            return max(learned, 1.0), learned >= 1.0  # cut requests show the least that it can be: fewer are a cut
        if learned is not None:
            return learned, any((turn.input_tokens or 0) >= tokens.ENOUGH for turn in turns if turn.model == model)
        replies = self.store.blocks.counted_replies(model)  # their counts may hide reasoning and tool calls
        learned = tokens.learn_from_replies(replies)
        return learned or 1.0, False

    @property
    def newest_turn(self) -> str | None:
        """The newest turn of the session."""
        return max((turn_ids[-1] for turn_ids in self.turns[-NEAR_THE_END:]), default=None)

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
        return self.measure.tokens(max(0.0, self.measure.base(whole(exchange)) - said))

    def newest(self) -> Iterator[Sized]:
        """Yield the sizes of all exchanges, newest first, reading them in chunks."""
        for end in range(len(self.turns), 0, -_CHUNK):
            numbers = range(max(1, end - _CHUNK + 1), end + 1)
            yield from reversed(self.sized(self.exchanges(numbers)))

    def pins(self) -> list[Sized]:
        """Return the sizes of the pinned exchanges, in order."""
        numbers = sorted(self.numbers[id_] for id_ in self.store.pins(self.thread_id) if id_ in self.numbers)
        return self.sized(self.exchanges(numbers))

    @cached_property
    def notes(self) -> list[Note]:
        """The session's notes."""
        return self.kept.notes(self.thread_id)

    @cached_property
    def summary(self) -> Summary | None:
        """The summary in use, as it is sent, where the policy has one."""
        if not summarises(self.request.policy):
            return None
        for one in self.kept.summaries(self.thread_id):
            if one.last_turn_id in self.numbers:
                return replace(one, text=as_sent(one.text, self.budget.tokens))
        return None

    def system(self) -> str | None:
        """Return the text of the system message: system prompt, notes, summary."""
        text = self.summary.text if self.summary else None
        return system_text(self.request.system, [note.text for note in self.notes], text)

    def tokens_of_system(self) -> int:
        """Return the tokens of the system message."""
        return self.measure.tokens(self.measure.base(system_messages(self.system())))
