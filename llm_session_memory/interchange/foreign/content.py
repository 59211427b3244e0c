"""What arrives, in the form in which it can be stored, and the keys that tell it from everything else. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...llm_seam.past import PastTurn
from ...model import Message, Part
from ...rules.arrivals import digest, mark
from ...rules.safe_text import storable
from ...store import attachments
from .moments import moment
from .values import ForeignConversation, ForeignExchange, Losses

_NO_PROMPT = (Message.of_text("user", ""),)


@dataclass(frozen=True)
class Arriving:
    """An exchange of a conversation that arrives: its turns, and the mark of each (see rules.arrivals)."""

    turns: tuple[PastTurn, ...]
    marks: tuple[str, ...]
    exchange: ForeignExchange


class Exchanges:
    """The exchanges of one conversation, with their marks."""

    def __init__(self, source: str, key: str, place: str, losses: Losses) -> None:
        """`key` is the conversation's, and `place` what losses call it."""
        self._source, self._key, self._place, self._losses = source, key, place, losses
        self._seen: Counter[int] = Counter()

    def read(self, exchange: ForeignExchange) -> Arriving:
        """Return an exchange in the form in which it is stored."""
        turns = _joined(tuple(self._stored(turn) for turn in exchange.turns))
        key = f"key {exchange.key}"
        if exchange.key is None:
            hashed = digest(content_of(exchange))
            self._seen[hashed] += 1
            key = f"content {hashed:x} {self._seen[hashed]}"
        marks = tuple(mark(self._source, self._key, key, number) for number in range(len(turns)))
        return Arriving(turns, marks, exchange)

    def mark_of_key(self, exchange_key: str) -> str:
        """Return the first mark of the exchange with a key."""
        return mark(self._source, self._key, f"key {exchange_key}", 0)

    def _stored(self, turn: PastTurn) -> PastTurn:
        """Return a turn with a time and texts that can be stored."""
        when = moment(turn.datetime_utc)
        if turn.datetime_utc and not when:
            self._losses.add("a time that can't be read", self._place)
        values = {name: _storable(value) for name, value in vars(turn).items() if name not in ("input", "output")}
        return replace(
            turn,
            **{**values, "datetime_utc": when},
            input=tuple(map(_message, turn.input)),
            output=tuple(map(_message, turn.output)),
        )


def conversation_key(conversation: ForeignConversation, exchanges: list[ForeignExchange]) -> str:
    """Return what identifies a conversation: its key, or the content of some of its exchanges."""
    if conversation.key is not None:
        return conversation.key
    return f"begins with {digest([content_of(one) for one in exchanges]) >> 128:x}"


def content_of(exchange: ForeignExchange) -> list[Any]:
    """Return what is said in an exchange, without times and models."""
    return [
        [message.role, [_said(part) for part in message.parts]]
        for turn in exchange.turns
        for message in (*turn.input, *turn.output)
    ]


def _said(part: Part) -> list[Any]:
    held = [[one.id, one.type, one.url, attachments.hash_of(one.content or b"")] for one in part.attachments]
    return [part.data, held]


# -- texts ---------------------------------------------------------------


def _message(message: Message) -> Message:
    parts = tuple(replace(part, data=_storable(part.data)) for part in message.parts)
    return Message(message.role, parts, _storable(message.provider_metadata))


def _storable(value: Any) -> Any:
    """Return a value without halves of characters and NULs, which llm's tables can't hold."""
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else storable(value)
    if isinstance(value, Mapping):
        return {_storable(key): _storable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, tuple):
        return tuple(_storable(one) for one in value)
    return value


# -- turns ---------------------------------------------------------------


def _joined(turns: tuple[PastTurn, ...]) -> tuple[PastTurn, ...]:
    """Return the turns of an exchange so that llm's tables tell where it begins.

    Its first turn ends with the prompt, and each other one with the results of tools; one that doesn't is joined to
    the turn before it.
    """
    made = [_begun(turns[0])]
    for turn in turns[1:]:
        if turn.input and turn.input[-1].role == "tool":
            made.append(turn)
        else:
            made[-1] = replace(made[-1], output=(*made[-1].output, *turn.input, *turn.output))
    return tuple(made)


def _begun(turn: PastTurn) -> PastTurn:
    asked = tuple(message for message in turn.input if message.role == "user")
    if asked and len(asked) == len(turn.input):
        return turn
    rest = tuple(message for message in turn.input if message.role != "user")
    return replace(turn, input=asked or _NO_PROMPT, output=(*rest, *turn.output))


def every(conversation: ForeignConversation) -> Iterator[ForeignExchange]:
    """Yield the exchanges that have a turn."""
    return (exchange for exchange in conversation.exchanges if exchange.turns)


def answered(exchanges: Iterator[ForeignExchange], losses: Losses, place: str) -> Iterator[ForeignExchange]:
    """Yield exchanges, the last one without calls at its end that have no reply.

    Their replies may be there when the conversation is imported again, and nothing tells those calls from these.
    """
    last = next(exchanges, None)
    for exchange in exchanges:
        if last is not None:
            yield last
        last = exchange
    if last is None:
        return
    count = len(last.turns)
    while count and not last.turns[count - 1].output:
        count -= 1
    if count < len(last.turns):
        losses.add("a prompt without a reply", place)
    if count:
        yield replace(last, turns=last.turns[:count])
