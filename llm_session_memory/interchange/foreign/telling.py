"""Put the messages of a transcript together as exchanges, turns and branches. Pure.

A transcript has one message or one piece of a message on each line. A prompt begins an exchange. All that the model
says until results of tools come is one call of it, and so one turn; results begin the next one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ...llm_seam.past import PastTurn
from ...model import Message, Part
from .moments import moment
from .values import ForeignConversation, ForeignExchange, Losses

_LONGEST_CALL = 24 * 3_600_000
"""A call of a model that seems to have taken longer, in milliseconds, has no duration: its computer slept."""


@dataclass(frozen=True)
class TokenUsage:
    """The tokens of one call, as its server counted them. `details` are kept with them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _Call:
    """A call of the model. `usages` are by the id of the answer, because each line of an answer repeats its usage."""

    asked: list[Message]
    at: str
    said: list[Part] = field(default_factory=list)
    model: str | None = None
    end: str = ""
    duration_ms: int | None = None
    usages: dict[str, TokenUsage] = field(default_factory=dict)


class Told:
    """An exchange that may get more. `before` is the exchange that it follows."""

    def __init__(self, key: str | None, asked: list[Part], at: str, before: Told | None) -> None:
        self.key, self.at, self.before = key, at, before
        self.asked = asked
        self.calls = [_Call([], at)]
        self._names: dict[str, str] = {}
        self._results: set[str] = set()

    @property
    def answered(self) -> bool:
        """Whether the model said anything."""
        return any(call.said for call in self.calls)

    def say(  # noqa: PLR0913  one parameter a fact
        self,
        parts: list[Part],
        at: str = "",
        model: str | None = None,
        usage: TokenUsage | None = None,
        answer: str = "",
        duration_ms: int | None = None,
    ) -> None:
        """Add what the model said. `answer` identifies the server's answer that it is a piece of."""
        call = self.calls[-1]
        for part in parts:
            if part.type == "tool_call" and part.data.get("tool_call_id"):
                self._names[str(part.data["tool_call_id"])] = str(part.data["name"])
        call.said += parts
        call.model = model or call.model
        call.end = at or call.end
        call.at = call.at or at
        call.duration_ms = call.duration_ms or duration_ms
        if usage is not None:
            call.usages[answer] = usage

    def count(self, usage: TokenUsage) -> None:
        """Set the tokens of the newest call in which the model said something."""
        spoken = next((call for call in reversed(self.calls) if call.said), self.calls[-1])
        spoken.usages = {"": usage}

    def has_call(self, id_: str) -> bool:
        """Return whether the model called a tool with this id, and its result has not come."""
        return id_ in self._names and id_ not in self._results

    def knows(self, id_: str) -> bool:
        """Return whether the model called a tool with this id."""
        return id_ in self._names

    @property
    def newest_said(self) -> list[Part]:
        """What the model said last."""
        return next((call.said for call in reversed(self.calls) if call.said), [])

    def result(self, part: Part, at: str = "") -> bool:
        """Add the result of a tool. Return False if the model did not call it, or has its result already."""
        id_ = str(part.data.get("tool_call_id") or "")
        if not self.has_call(id_):
            return False
        self._results.add(id_)
        part = replace(part, data={**part.data, "name": self._names[id_]})
        call = self.calls[-1]
        if call.said:
            call = _Call([Message("tool", ())], at)
            self.calls.append(call)
        call.at = max(call.at, at)
        call.asked[-1] = replace(call.asked[-1], parts=(*call.asked[-1].parts, part))
        return True

    def exchange(self, system: str | None = None, model: str | None = None) -> ForeignExchange:
        """Return the exchange; `system` is the system prompt of its calls, `model` the one of calls that name none."""
        turns = []
        for number, call in enumerate(self.calls):
            asked = [Message("user", tuple(self.asked))] if not number and self.asked else call.asked
            counts = _sum(call.usages.values())
            turns.append(
                PastTurn(
                    input=tuple(asked),
                    output=(Message("assistant", tuple(call.said)),) if call.said else (),
                    model=call.model or model,
                    has_system=system is not None,
                    system=system,
                    datetime_utc=call.at,
                    duration_ms=call.duration_ms if call.duration_ms is not None else _between(call.at, call.end),
                    input_tokens=counts.input_tokens,
                    output_tokens=counts.output_tokens,
                    token_details=counts.details or None,
                )
            )
        return ForeignExchange(self.key, turns)


def _sum(usages: Iterator[TokenUsage] | Any) -> TokenUsage:
    """Return the tokens of answers that are one turn: the last one's input has the others' input in it."""
    counts = [*usages]
    outputs = [one.output_tokens for one in counts if one.output_tokens is not None]
    if not counts:
        return TokenUsage()
    return TokenUsage(counts[-1].input_tokens, sum(outputs) if outputs else None, counts[-1].details)


def _between(begin: str, end: str) -> int | None:
    """Return the milliseconds between two times, or None if one is missing or they are not in order."""
    first, last = moment(begin), moment(end)
    if not (first and last):
        return None
    took = int((datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds() * 1000)
    return took if 0 < took < _LONGEST_CALL else None


# -- branches --------------------------------------------------------------


def conversations(
    original: ForeignConversation, told: Sequence[Told], place: str, losses: Losses, system: str | None = None
) -> Iterator[ForeignConversation]:
    """Yield a conversation and its branches, given all its exchanges in the order in which they were said.

    The conversation is the way to the newest exchange. Another way is a branch, unless no prompt on it was answered.
    """
    if not told:
        return
    seen: set[int] = set()
    main = _way(told[-1], seen)
    yield replace(original, exchanges=[one.exchange(system, original.model) for one in main])
    followed = {id(one.before) for one in told}
    for leaf in told:
        if id(leaf) in followed or id(leaf) in seen:
            continue
        way = _way(leaf, seen)
        if not any(one.answered for one in way):
            losses.add("a prompt that was taken back before it was answered", place, len(way))
            continue
        assert original.key is not None
        yield replace(
            original,
            key=f"{original.key} {way[0].key}",
            exchanges=[one.exchange(system, original.model) for one in way],
            created_utc=way[0].at,
            forked_from=(original.key, way[0].before.key if way[0].before else None),
        )


def _way(leaf: Told, seen: set[int]) -> list[Told]:
    """Return the exchanges up to a leaf that are not seen yet, oldest first."""
    way: list[Told] = []
    one: Told | None = leaf
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        way.append(one)
        one = one.before
    return way[::-1]


def unshared(
    whole: ForeignConversation, key: str, seen: dict[str, str], others: Collection[str] | None = None
) -> Iterator[ForeignConversation]:
    """Yield a conversation without the exchanges that it shares with one that was read before, if anything is left.

    `seen` has the key of the conversation of each exchange that was read so far, by the exchange's; `key` is that of
    this one, or of the one that it is a branch of. `others` are the conversations that it may share exchanges with
    (None: any, because keys of exchanges are unique).
    """
    exchanges = [*whole.exchanges]
    known = 0
    while known < len(exchanges):
        of = seen.get(exchanges[known].key or "")
        if of is None or (others is not None and of not in others):
            break
        known += 1
    seen.update((one.key, key) for one in exchanges[known:] if one.key)
    if known == len(exchanges):
        return
    if not known or whole.forked_from is not None:
        yield replace(whole, exchanges=exchanges)
        return
    last = exchanges[known - 1].key or ""
    own = exchanges[known:]
    yield replace(whole, exchanges=own, created_utc=own[0].turns[0].datetime_utc, forked_from=(seen[last], last))
