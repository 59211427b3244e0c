"""Messages one after the other, as most tools keep them, as exchanges of model calls. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Literal

from ...llm_seam.past import PastTool, PastTurn
from ...model import Message, Part
from .values import ForeignExchange, Losses

ROLES: Mapping[str, str] = {
    **dict.fromkeys(("user", "human", "prompter", "you", "person"), "user"),
    **dict.fromkeys(
        ("assistant", "ai", "bot", "model", "llm", "gpt", "chatgpt", "chatbot", "bing", "bard"), "assistant"
    ),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "observation", "tool_result", "tool_response", "ipython"), "tool"),
}
"""The words that tools have for who speaks, in small letters, and llm's word for each."""

_GLOBAL = re.compile(r"(?=(?:.*\d){4})[\w:.-]{16,}", re.ASCII)
"""What an id looks like that is the only one of its kind everywhere, as UUIDs and ULIDs are."""


@dataclass(frozen=True)
class SaidMessage:
    """One message.

    Attributes:
        role: user, assistant, tool or system.
        key: What identifies it in its conversation, or None.
        at: When it was said, in any form.
        input_tokens: The tokens of the whole request. Some tools have them at the prompt, most at the reply.
        cost: What the call cost, in whatever currency the tool has. llm has no field for it but “token_details”.
    """

    role: str
    parts: tuple[Part, ...]
    key: str | None = None
    at: str = ""
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    duration_ms: int | None = None
    cost: float | None = None
    rating: Literal["up", "down"] | None = None

    @property
    def text(self) -> str:
        """Its text."""
        return Message(self.role, self.parts).text


@dataclass(frozen=True)
class Offered:
    """What the calls of a conversation had besides its messages."""

    tools: tuple[PastTool, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None


def begun(messages: Iterable[SaidMessage]) -> tuple[str | None, Iterator[SaidMessage]]:
    """Return the system prompt that a conversation begins with, or None, and its other messages."""
    rest = iter(messages)
    system: list[str] = []
    for said in rest:
        if said.role != "system":
            return "\n\n".join(system) or None, chain([said], rest)
        system.append(said.text)
    return "\n\n".join(system) or None, iter(())


def exchanges(
    messages: Iterable[SaidMessage], place: str, losses: Losses, offered: Offered = Offered(), *, grows: bool
) -> Iterator[ForeignExchange]:
    """Yield the exchanges of a conversation, given the messages after its first system prompt.

    A prompt after a reply begins an exchange. A later system prompt is that of the exchanges after it. If the
    conversation `grows` in its tool, a last prompt without a reply is counted as a loss: it comes with its reply.
    """
    now = _Exchange(place, losses, offered)
    for said in messages:
        if said.role == "user" and now.is_answered:
            yield now.made()
            now = now.next()
        now.add(said)
    if grows and now.asked and not now.turns:
        losses.add("a last prompt that has no reply yet", place)
    elif now.turns or now.asked:
        yield now.made()


class _Exchange:
    """The exchange that is being read. Each of `turns` has its messages; `asked` are those of the next one."""

    def __init__(self, place: str, losses: Losses, offered: Offered) -> None:
        self._place, self._losses, self._offered = place, losses, offered
        self._system_prompt: tuple[bool, str | None] = (False, None)
        self._later: tuple[bool, str | None] = self._system_prompt
        self.turns: list[tuple[list[SaidMessage], list[SaidMessage]]] = []
        self.asked: list[SaidMessage] = []
        self._names: dict[str, str] = {}
        self._called: list[str] = []

    @property
    def is_answered(self) -> bool:
        """Whether the model said something in it."""
        return bool(self.turns)

    def next(self) -> _Exchange:
        """Return the exchange after it."""
        made = _Exchange(self._place, self._losses, self._offered)
        made._system_prompt = made._later = self._later
        return made

    def add(self, said: SaidMessage) -> None:
        """Add a message."""
        if said.role == "system":
            self._later = (True, said.text)
            if not self.is_answered:
                self._system_prompt = self._later
        elif said.role == "assistant":
            if self.asked or not self.turns:
                self.turns.append((self.asked, []))
                self.asked = []
            self.turns[-1][1].append(self._calling(said))
        elif said.role == "tool":
            self.asked.append(self._result(said))
        else:
            self.asked.append(said)

    def _calling(self, said: SaidMessage) -> SaidMessage:
        for part in said.parts:
            if part.type == "tool_call":
                name = str(part.data["name"])
                self._called.append(name)
                if part.data.get("tool_call_id"):
                    self._names[str(part.data["tool_call_id"])] = name
        return said

    def _result(self, said: SaidMessage) -> SaidMessage:
        """Return the result of a tool with the tool's name, which many formats have only in the call."""
        parts = []
        for part in said.parts:
            if part.type == "tool_result" and part.data.get("name") in (None, "", "tool"):
                called = self._called.pop(0) if self._called else "tool"
                name = self._names.get(str(part.data.get("tool_call_id")), called)
                parts.append(replace(part, data={**part.data, "name": name}))
            else:
                parts.append(part)
        return replace(said, parts=tuple(parts))

    def made(self) -> ForeignExchange:
        """Return the exchange."""
        if self.asked:
            self.turns.append((self.asked, []))
        first = (self.turns[0][0] or self.turns[0][1])[0]
        ratings = [one.rating for _, output in self.turns for one in output if one.rating]
        turns = [self._turn(asked, output) for asked, output in self.turns]
        return ForeignExchange(first.key, turns, ratings[-1] if ratings else None)

    def _turn(self, asked: Sequence[SaidMessage], output: Sequence[SaidMessage]) -> PastTurn:
        has_system, system = self._system_prompt
        models = [one.model for one in (*output, *asked) if one.model]
        if len({one.model for one in output if one.model}) > 1:
            self._losses.add("the model of a further reply to the same prompt", self._place)
        costs = [one.cost for one in (*asked, *output) if one.cost is not None]
        counted = [one.input_tokens for one in (*asked, *output) if one.input_tokens is not None]
        return PastTurn(
            input=tuple(Message(one.role, one.parts) for one in asked),
            output=tuple(Message(one.role, one.parts) for one in output),
            model=models[0] if models else None,
            has_system=has_system,
            system=system,
            options=self._offered.options or None,
            schema=self._offered.schema,
            tools=self._offered.tools,
            datetime_utc=next((one.at for one in (*asked, *output) if one.at), ""),
            duration_ms=_total(one.duration_ms for one in (*asked, *output)),
            input_tokens=counted[-1] if counted else None,
            output_tokens=_total(one.output_tokens for one in (*asked, *output)),
            token_details={"cost": sum(costs)} if costs else None,
        )


def _total(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


# -- keys ------------------------------------------------------------------


def key_of(id_: object, first: ForeignExchange) -> str:
    """Return what identifies a conversation, given its id in its file (or None) and its first exchange.

    Two files may both have a conversation 1. So an id that is no UUID or the like counts only with what the
    conversation begins with, which stays when the conversation continues.
    """
    name = "" if id_ is None else str(id_)
    if _GLOBAL.fullmatch(name):
        return name
    said = [[message.role, message.text] for turn in first.turns for message in (*turn.input, *turn.output)]
    begins = hashlib.sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{name} {begins}".strip()
