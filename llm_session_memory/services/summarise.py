"""Fold exchanges that are no longer sent into the rolling summary.

Sits between the store and the pure rules in rules/summary.py; `llm_seam` passes in an object that asks the model. A
summary is kept as soon as it is made, because it cost a model call, even if the prompt it was made for fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..errors import ModelFailed
from ..model import Budget, Exchange, Summary
from ..rules import summary
from ..rules.summary import Portion
from ..rules.tokens import Measure
from ..store import Notes
from .desk import Desk

_ATTEMPTS = 2


@dataclass(frozen=True)
class ModelAnswer:
    """A model's answer, with the server's counts of what it cost (None if the server gave none)."""

    model: str
    text: str
    input_tokens: int | None
    output_tokens: int | None
    duration_ms: int | None


class SummaryAsker(Protocol):
    """The model that makes summaries. All methods raise ModelFailed, whatever went wrong."""

    def name(self) -> str:
        """Return the model's id."""

    def room(self) -> tuple[int, Measure]:
        """Return the most tokens a request to it may have, and how its tokens are estimated."""

    def __call__(self, instruction: str, material: str) -> ModelAnswer:
        """Return its answer."""


Say = Callable[[str], None]


class Summariser:
    """The rolling summary of one session, and the model that makes it."""

    def __init__(self, desk: Desk, thread_id: str, ask: SummaryAsker, say: Say) -> None:
        """`say` gets sentences for the person, who may be waiting for the model."""
        self.desk = desk
        self.kept = Notes(desk.log)
        self.thread_id = thread_id
        self.ask = ask
        self.say = say

    def fold(
        self, before: Summary | None, exchanges: Sequence[Exchange], budget: Budget, measure: Measure
    ) -> Summary | None:
        """Make, keep and return a summary of what `before` covers plus `exchanges`; return `before` if that fails.

        The exchanges follow those of `before`, or are the first of the session. A new summary has at most
        `summary.limit(budget.tokens)` tokens by `measure`, the measure of the session's model. A refused summary is
        made again once. If the model fails, the previous summary stays and the person gets a message.
        """
        rest = exchanges
        try:
            for made in self._made(before, exchanges, budget, measure, summary.MOST_CALLS):
                before = self._keep(made)
                rest = rest[[exchange.id for exchange in rest].index(made.last_turn_id) + 1 :]
        except ModelFailed as error:
            why = error.message.rstrip(".")
            self.say(f"the summary could not be made ({why}), so {_are(rest)} left out without one.")
        return before

    def redo(self, exchanges: Sequence[Exchange], budget: Budget, measure: Measure) -> Summary:
        """Make, keep and return one summary of exchanges from the session's first on, in as many calls as needed.

        Its cost is that of all calls. Raises ModelFailed, and keeps nothing, unless all exchanges were read.
        """
        made = list(self._made(None, exchanges, budget, measure, None))
        return self._keep(_costing(made[-1], made))

    def _made(
        self,
        before: Summary | None,
        exchanges: Sequence[Exchange],
        budget: Budget,
        measure: Measure,
        most_calls: int | None,
    ) -> Iterator[Summary]:
        """Yield the summary after each portion. Raises ModelFailed if the next one can't be made."""
        if not exchanges:
            return
        most = summary.limit(budget.tokens)
        tokens, own = self.ask.room()
        if before is not None:  # it may have been edited, or made under a larger budget
            readable = max(own.tokens(most / measure.rate), tokens // 3)
            before = replace(before, text=summary.fitted(before.text, readable, own))
        room = summary.room(before.text if before else "", own.tokens(most / measure.rate), tokens, own)
        for portion in self._portions(exchanges, room, own, most_calls):
            before = self._portion(before, portion, most, measure)
            yield before

    def _portions(
        self, exchanges: Sequence[Exchange], room: int, own: Measure, most_calls: int | None
    ) -> list[Portion]:
        """Return the exchanges in portions that the model can read, and tell the person what is being summarised.

        Raises ModelFailed if the model's context window is too small to read anything.
        """
        if room < own.tokens(summary.SMALLEST_ROOM):
            raise ModelFailed(f"{self.ask.name()} can read only {self.ask.room()[0]:,} tokens at once")
        portions, unread = summary.portions(exchanges, room, own, most_calls)
        if unread:
            why = "because there are too many to read at once; redo the summary later to include them"
            self.say(f"{_are(unread)} left out of the summary {why}.")
        times = "" if len(portions) == 1 else f", in {len(portions):,} calls"
        self.say(f"summarising {_range(exchanges[len(unread) :])} with {self.ask.name()}{times} …")
        return portions

    def _portion(self, before: Summary | None, portion: Portion, most: int, measure: Measure) -> Summary:
        """Return the summary of what `before` covers plus a portion. Raises ModelFailed."""
        text = before.text if before else ""
        material = summary.material(text, portion.text, most, measure)
        read = summary.replaced(text, portion.exchanges, measure)
        answers: list[ModelAnswer] = []
        why: str | None = None
        for _ in range(_ATTEMPTS):
            answers.append(self.ask(summary.instruction(most, measure, why), material))
            written = summary.text_of(answers[-1].text)
            why = summary.refused(written, read, most, measure)
            if why is None:
                return self._summary(written, before, portion, answers)
        cut = summary.rescued([summary.text_of(one.text) for one in answers], read, most, measure)
        if cut is None:
            raise ModelFailed(f"two attempts were rejected: {why}")
        self.say(f"the summary was too long in both attempts, so its end was cut off: {why}.")
        return self._summary(cut, before, portion, answers)

    def _summary(self, text: str, before: Summary | None, portion: Portion, answers: Sequence[ModelAnswer]) -> Summary:
        """Return a summary that is not kept yet, with the cost of all calls that led to it."""
        made = Summary(
            id=0,
            text=text,
            first_turn_id=before.first_turn_id if before else portion.exchanges[0].id,
            last_turn_id=portion.exchanges[-1].id,
            exchanges=(before.exchanges if before else 0) + len(portion.exchanges),
            model=answers[-1].model,
            input_tokens=None,
            output_tokens=None,
            duration_ms=None,
            made_utc=self.desk.timestamp(),
            last_number=portion.exchanges[-1].number,
        )
        return _costing(made, answers)

    def _keep(self, made: Summary) -> Summary:
        with self.desk.writing():
            return replace(made, id=self.kept.add_summary(self.thread_id, made))


def _costing(made: Summary, parts: Sequence[ModelAnswer | Summary]) -> Summary:
    """Return a summary with the total cost of these parts."""
    return replace(
        made,
        input_tokens=_total([one.input_tokens for one in parts]),
        output_tokens=_total([one.output_tokens for one in parts]),
        duration_ms=_total([one.duration_ms for one in parts]),
    )


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _range(exchanges: Sequence[Exchange]) -> str:
    first, last = exchanges[0].number, exchanges[-1].number
    return f"exchange #{first}" if first == last else f"exchanges #{first} to #{last}"


def _are(exchanges: Sequence[Exchange]) -> str:
    """Return the range with its verb."""
    first, last = exchanges[0].number, exchanges[-1].number
    return f"exchange #{first} is" if first == last else f"exchanges #{first} to #{last} are"
