"""Estimating tokens, and learning how many a model really makes of a text.

Pure. A text has a *base*: what it would weigh for an average tokenizer, in tokens, by character class. A model's
*rate* turns base into that model's tokens; it is learned from what the server counted for requests whose base we
know. Where the server counted a single prompt or reply, that count is used instead of any estimate.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .model import Exchange, Message, Part, Turn

ASCII_CHARACTERS_A_TOKEN = 4.0
"""English prose is at 4 to 5 with every tokenizer in use; the usual rule of thumb (LangChain, ADK, Letta) is 4."""

CJK_TOKENS_A_CHARACTER = 1.0
OTHER_TOKENS_A_CHARACTER = 0.5
"""Letters of other scripts, accents and symbols: 1 to 3 characters a token, by tokenizer."""

TOKENS_A_MESSAGE = 4.0
"""The role markers that a chat template puts around a message: 3 to 5 with the templates of today."""

TOKENS_AN_ATTACHMENT = 768.0
"""An image costs 256 (gemma3) to 1,600 (llama3.2-vision) tokens; this is about the middle, and the rate learns."""

_CJK = re.compile("[⺀-鿿가-힯豈-﫿\uff00-\uffef\U00020000-\U0003ffff]+")

_PLAUSIBLE = (0.4, 4.0)
"""Counts outside of these rates are not counts of the whole request (cached tokens left out, words counted, …)."""

_RECENT = 5
"""How many observations a rate is learned from: the newest say most about the next request."""


def base(text: str) -> float:
    """Return what `text` weighs for an average tokenizer, in tokens."""
    ascii_count = len(text.encode("ascii", "ignore"))
    if ascii_count == len(text):
        return ascii_count / ASCII_CHARACTERS_A_TOKEN
    cjk_count = sum(map(len, _CJK.findall(text)))
    other_count = len(text) - ascii_count - cjk_count
    return (
        ascii_count / ASCII_CHARACTERS_A_TOKEN
        + cjk_count * CJK_TOKENS_A_CHARACTER
        + other_count * OTHER_TOKENS_A_CHARACTER
    )


def base_of_data(value: Any) -> float:
    """Return the base of something that is sent as JSON: tool definitions, tool arguments, schemas."""
    return base(json.dumps(value, ensure_ascii=False, default=str)) if value else 0.0


def base_of_tool(name: str, description: str | None, schema: Any) -> float:
    """Return the base of a tool's definition."""
    return base_of_data({"name": name, "description": description, "parameters": schema})


@dataclass(frozen=True)
class Measure:
    """How a model's tokens are estimated: its rate, and whether reasoning of earlier replies is sent to it again.

    Ollama drops the reasoning of earlier replies from the request; most others take it.
    """

    rate: float = 1.0
    reasoning: bool = True

    def part(self, part: Part) -> float:
        """Return the base of one part, its attachments included."""
        data = part.data
        weight = TOKENS_AN_ATTACHMENT * len(part.attachments)
        match part.type:
            case "text":
                weight += base(str(data.get("text") or ""))
            case "reasoning" if self.reasoning:
                weight += base(str(data.get("text") or ""))
            case "tool_call":
                weight += base(str(data.get("name") or "")) + base_of_data(data.get("arguments"))
            case "tool_result":
                weight += base(str(data.get("output") or ""))
            case _:
                pass
        return weight

    def base(self, messages: Iterable[Message]) -> float:
        """Return the base of whole messages, what the template puts around them included."""
        return sum(TOKENS_A_MESSAGE + sum(map(self.part, message.parts)) for message in messages)

    def tokens(self, weight: float) -> int:
        """Return how many tokens this model makes of what has the base `weight`, rounded up."""
        return -int(-weight * self.rate // 1)

    def exchange(self, exchange: Exchange, counted: dict[str, Counted] | None = None) -> int:
        """Return the tokens of a whole exchange: counted by the server where it was, else estimated."""
        total = 0
        for turn in exchange.turns:
            own = (counted or {}).get(turn.id, Counted())
            total += own.input if own.input is not None else self.tokens(self.base(turn.input))
            total += own.output if own.output is not None else self.tokens(self.base(turn.output))
        return total


@dataclass(frozen=True)
class Counted:
    """What the server counted for a turn's own input and own output; None where that can't be told."""

    input: int | None = None
    output: int | None = None


def plausible(counted: float | None, weight: float | None) -> bool:
    """Say whether a server's count can be a count of all that has the base `weight`."""
    if not counted or not weight:
        return False
    return _PLAUSIBLE[0] <= counted / weight <= _PLAUSIBLE[1]


def learn(turns: Iterable[Turn], model: str) -> float | None:
    """Return the rate of `model` as its newest counted requests show it, or None where there are none.

    `turns` come newest first. An implausible count says nothing. A request that the server cut says only that it
    had more tokens than the window, so the rate is at least that. Each older observation weighs half of the next newer
    one: the newest request is the one most like the next.
    """
    total = weights = least = 0.0
    seen = 0
    for turn in turns:
        if turn.model != model or not turn.request_base:
            continue
        if turn.cut:
            least = max(least, (turn.window or 0) / turn.request_base)
            continue
        if not plausible(turn.input_tokens, turn.request_base):
            continue
        weight = 0.5**seen
        total += weight * (turn.input_tokens or 0) / (turn.request_base or 1)
        weights += weight
        seen += 1
        if seen == _RECENT:
            break
    if not seen:
        return least or None
    return max(total / weights, least)


def learn_from_replies(replies: Iterable[tuple[int, str]]) -> float | None:
    """Return a first rate from (output tokens, reply text) of logged turns: for logs that never saw a session."""
    counted = weight = 0.0
    for output_tokens, text in replies:
        if plausible(output_tokens, base(text)):
            counted += output_tokens
            weight += base(text)
    return counted / weight if weight else None


def own_counts(turns: Sequence[Turn], model: str, measure: Measure) -> dict[str, Counted]:
    """Tell what the server counted for each turn alone. `turns` come oldest first and follow each other.

    Within a block each request is the one before, its reply and the new input, so the new input's count is the
    difference. A reply's count is its output count, unless there was reasoning, which is not sent again.
    """
    found: dict[str, Counted] = {}
    before: Turn | None = None
    for turn in turns:
        trusted = turn.model == model and not turn.cut and plausible(turn.input_tokens, turn.request_base)
        if not trusted:
            before = None
            continue
        output = own_input = None
        if not has_reasoning(turn.output) and plausible(turn.output_tokens, measure.base(turn.output)):
            output = turn.output_tokens
        if before is not None and before.block_id == turn.block_id and found[before.id].output is not None:
            rest = (turn.input_tokens or 0) - (before.input_tokens or 0) - (before.output_tokens or 0)
            if plausible(rest, measure.base(turn.input)):
                own_input = rest
        found[turn.id] = Counted(own_input, output)
        before = turn
    return found


def continued(last: Turn, request_base: float, measure: Measure) -> int:
    """Estimate a request that is the one of `last`, its reply, and more: its count plus what was added.

    `request_base` is the base of the whole new request. Falls back on the rate where `last` has no usable count.
    """
    trusted = not last.cut and plausible(last.input_tokens, last.request_base)
    if not trusted or last.request_base is None or last.input_tokens is None:
        return measure.tokens(request_base)
    reply_base = measure.base(last.output)
    reply = measure.tokens(reply_base)
    if not has_reasoning(last.output) and plausible(last.output_tokens, reply_base):
        reply = last.output_tokens or 0
    added = max(0.0, request_base - last.request_base - reply_base)
    return last.input_tokens + reply + measure.tokens(added)


def has_reasoning(messages: Iterable[Message]) -> bool:
    """Say whether any of the messages carries reasoning."""
    return any(part.type == "reasoning" for message in messages for part in message.parts)
