"""Estimating tokens, and learning how many tokens a model really makes of a text.

Pure. A text has a *base*: its weight for an average tokenizer, in tokens, by character class. A model's *rate* converts
base to that model's tokens; it is learned from the server's counts for requests whose base we know. If the server
counted a single prompt or reply, that count is used instead of an estimate.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..model import Exchange, Message, Part, Turn
from ..model.frozen import dataclass
from .server_cuts import counts_all, halved_window

_MARKS = r"!-/:-@\[-`{-~\x00-\x08\x0e-\x1b\x7f"  # as a complement this takes ten times as long to compile
_PIECES = re.compile(
    rf" ?(?:[a-z]{{1,9}}|[A-Z](?:[a-z]{{1,9}}|[A-Z]{{0,2}})|[0-9]|[{_MARKS}]{{1,2}})|\n[ \t]*|\s{{2,16}}"
)
"""ASCII text that tokenizers turn into one token: a word of usual length, a digit, two marks, the beginning of a line.

The blank before a piece belongs to it, so that the search need not begin again after each: a third less time.

English prose has 4 to 5 characters per token, code 3 to 4 and JSON 2 or fewer, so with a fixed number of characters per
token, learned from prose, JSON would exceed the window. Counted by pieces, all of these come within 6 % of Mistral's
Tekken.
"""

_OTHERS = (
    ("[\u2e80-\u303f\u31c0-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]", 1.0),
    ("[\u3040-\u30ff]", 0.6),
    ("[\u00c0-\u024f]", 0.3),
    ("[\u0370-\u052f]", 0.35),
)
"""Characters of other scripts, and tokens per character: ideographs and their marks, kana, Latin letters with accents
(which also divide their word), Greek and Cyrillic."""

OTHER_TOKENS_A_CHARACTER = 0.5
"""All other characters, including Hangul, Arabic and Devanagari: a third of a token to 3, by tokenizer."""

TOKENS_A_MESSAGE = 4.0
"""The role markers that a chat template puts around a message: 3 to 5 in today's templates."""

TOKENS_AN_ATTACHMENT = 768.0
"""An image costs 256 (gemma3) to 1,600 (llama3.2-vision) tokens; this is about the middle, and the rate adapts."""

_PLAUSIBLE = (0.4, 4.0)
"""Counts outside these rates are not counts of the whole request (cached tokens left out, words counted, …)."""

ENOUGH = 50
"""The fewest tokens of a request that teach a rate: for smaller ones, whole numbers are too coarse."""

_RECENT = 5
"""The number of observations that a rate is learned from: the newest ones predict the next request best."""


def base(text: str) -> float:
    """Return the weight of `text` for an average tokenizer, in tokens."""
    return float(len(_PIECES.findall(text))) + _others(text)


def by_characters(text: str) -> float:
    """Return the weight of `text` at 4 ASCII characters per token: for prose, if no model is known."""
    others = 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore"))
    return (len(text) - others) / 4 + _others(text)


def _others(text: str) -> float:
    """Return the weight of the characters beyond ASCII."""
    if text.isascii():
        return 0.0
    weight = 0.0
    others = len(text) - len(text.encode("ascii", "ignore"))
    for script, tokens_a_character in _OTHERS:
        count = len(re.findall(script, text))  # compiled only for texts with such characters, not when llm starts
        weight += count * tokens_a_character
        others -= count
    return weight + others * OTHER_TOKENS_A_CHARACTER


def base_of_data(value: Any) -> float:
    """Return the base of data that is sent as JSON: tool definitions, tool arguments, schemas."""
    return base(json.dumps(value, ensure_ascii=False, default=str)) if value else 0.0


def base_of_tool(name: str, description: str | None, schema: Any) -> float:
    """Return the base of a tool's definition."""
    return base_of_data({"name": name, "description": description, "parameters": schema})


@dataclass(frozen=True)
class Measure:
    """How a model's tokens are estimated: its rate, and whether it is sent the reasoning of earlier replies again.

    Ollama drops the reasoning of earlier replies from the request; most others keep it. `characters`: texts are weighed
    only by their length.
    """

    rate: float = 1.0
    reasoning: bool = True
    characters: bool = False

    def text(self, text: str) -> float:
        """Return the base of a text."""
        return by_characters(text) if self.characters else base(text)

    def stored(self, weight: float, length: int) -> float:
        """Return the base of a text that the log has with its base, given its length in characters."""
        return max(weight, length / 4) if self.characters else weight

    def part(self, part: Part) -> float:
        """Return the base of one part, including its attachments."""
        data = part.data
        weight = TOKENS_AN_ATTACHMENT * len(part.attachments)
        match part.type:
            case "text":
                weight += self.text(str(data.get("text") or ""))
            case "reasoning" if self.reasoning:
                weight += self.text(str(data.get("text") or ""))
            case "tool_call":
                weight += self.text(str(data.get("name") or "")) + base_of_data(data.get("arguments"))
            case "tool_result":
                weight += self.text(str(data.get("output") or ""))
            case _:
                pass
        return weight

    def base(self, messages: Iterable[Message]) -> float:
        """Return the base of whole messages, including what the chat template puts around them."""
        return sum(TOKENS_A_MESSAGE + sum(map(self.part, message.parts)) for message in messages)

    def tokens(self, weight: float) -> int:
        """Return how many tokens this model makes of the base `weight`, rounded up."""
        return math.ceil(weight * self.rate)

    def exchange(self, exchange: Exchange, counted: dict[str, Counted] | None = None) -> int:
        """Return the tokens of a whole exchange: the server's counts if there are any, otherwise estimates."""
        total = 0
        for turn in exchange.turns:
            own = (counted or {}).get(turn.id, Counted())
            total += own.input if own.input is not None else self.tokens(self.base(turn.input))
            total += own.output if own.output is not None else self.tokens(self.base(turn.output))
        return total


@dataclass(frozen=True)
class Counted:
    """The server's counts for a turn's own input and own output, or None if they are unknown."""

    input: int | None = None
    output: int | None = None


def plausible(counted: float | None, weight: float | None) -> bool:
    """Return whether a server's count can be a count of everything with the base `weight`."""
    if not counted or not weight:
        return False
    return _PLAUSIBLE[0] <= counted / weight <= _PLAUSIBLE[1]


def learn(turns: Iterable[Turn], model: str) -> float | None:
    """Return the rate of `model` from its newest counted requests, or None if there are none.

    `turns` come newest first. Implausible counts are ignored. A request that the server halved had more tokens than the
    window, and one that it cut in another way had at least as many as it counted, so the rate is at least that. Each
    older observation has half the weight of the next newer one, because the newest request is the most like the next.
    """
    total = weights = least = 0.0
    seen = 0
    for turn in turns:
        if turn.model != model or not turn.request_base:
            continue
        if not counts_all(turn.cut):
            fewest = halved_window(turn.input_tokens or 0, turn.window) or turn.input_tokens or 0
            if plausible(fewest, turn.request_base):
                least = max(least, fewest / turn.request_base)
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
    """Return a first rate from (output tokens, reply text) of logged turns: for logs without any session."""
    counted = weight = 0.0
    for output_tokens, text in replies:
        if plausible(output_tokens, base(text)):
            counted += output_tokens
            weight += base(text)
    return counted / weight if weight else None


def own_counts(turns: Sequence[Turn], model: str, measure: Measure) -> dict[str, Counted]:
    """Return the server's counts for each turn alone. `turns` come oldest first and follow each other.

    Within a block each request is the previous one, its reply and the new input, so the count of the new input is the
    difference; unless the previous turn is not among `turns`, or another terminal has extended the same request. The
    count of a reply is its output count, unless it had reasoning, which is not sent again.
    """
    found: dict[str, Counted] = {}
    before: Turn | None = None
    for turn in turns:
        trusted = turn.model == model and counts_all(turn.cut) and plausible(turn.input_tokens, turn.request_base)
        if not trusted:
            before = None
            continue
        output = own_input = None
        if not has_reasoning(turn.output) and plausible(turn.output_tokens, measure.base(turn.output)):
            output = turn.output_tokens
        if before is not None and found[before.id].output is not None and _extends(turn, before, measure):
            rest = (turn.input_tokens or 0) - (before.input_tokens or 0) - (before.output_tokens or 0)
            if plausible(rest, measure.base(turn.input)):
                own_input = rest
        found[turn.id] = Counted(own_input, output)
        before = turn
    return found


def _extends(turn: Turn, before: Turn, measure: Measure) -> bool:
    """Return whether a turn's request has the weight of the previous one, its reply and the new input."""
    added = measure.base((*before.output, *turn.input))
    same = abs((turn.request_base or 0) - (before.request_base or 0) - added) < 1
    return same and before.block_id == turn.block_id


def continued(last: Turn, request_base: float, measure: Measure) -> int:
    """Estimate a request that extends that of `last` and its reply: the last count plus what was added.

    `request_base` is the base of the whole new request. If `last` has no usable count, the rate is used.
    """
    trusted = counts_all(last.cut) and plausible(last.input_tokens, last.request_base)
    if not trusted or last.request_base is None or last.input_tokens is None:
        return measure.tokens(request_base)
    reply_base = measure.base(last.output)
    reply = measure.tokens(reply_base)
    if not has_reasoning(last.output) and plausible(last.output_tokens, reply_base):
        reply = last.output_tokens or 0
    added = request_base - last.request_base - reply_base  # below 0 if tools or a schema are no longer sent
    return last.input_tokens + reply + measure.tokens(added)


def has_reasoning(messages: Iterable[Message]) -> bool:
    """Return whether any of the messages contains reasoning."""
    return any(part.type == "reasoning" for message in messages for part in message.parts)
