"""Read the lines of a file as checked values (see rules.records for the format).

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..llm_seam.past import PastTool, PastTurn
from ..model import SIDES, Message, Recalled
from ..rules import records
from ..rules.records import FORMAT, VERSION, Place
from ..rules.safe_text import one_line
from .fields import Fields
from .lines import FileRefused
from .wire import messages_of

_SIDES = ("prompt", "system")
"""The parts of a request that a fragment can belong to."""


@dataclass(frozen=True)
class Header:
    """A header whose format and version were checked. `exchanges`: how many follow (None: the file does not say)."""

    fields: Fields
    name: str | None
    exchanges: int | None


@dataclass(frozen=True)
class BlockRecord:
    """A block, with exchanges as numbers. The fields are those of model.Block and of the table.

    `start_number` is the number that the first exchange had when the block began, if it is different now.
    """

    start: int | None
    start_number: int | None
    pinned: tuple[int, ...]
    policy: str
    budget: int
    window: int | None
    window_source: str
    front: str
    clip: int | None
    oversized: bool
    reason: str
    began_utc: str


@dataclass(frozen=True)
class RecallRecord:
    """An excerpt that was sent with a turn: the turn that it is from (None: unknown), and its side and part there."""

    turn: Place | None
    side: str
    part: int
    recalled: Recalled


@dataclass(frozen=True)
class ContextRecord:
    """Why a turn was sent what it was sent. `described` describes the block `block` if this is its first turn.

    `number` is the exchange's number when the request was made, if it is different now.
    """

    block: int
    described: BlockRecord | None
    base: float
    estimate: int
    cut: str | None
    number: int | None
    after: Place | None
    recalled: tuple[RecallRecord, ...]


@dataclass(frozen=True)
class TurnRecord(PastTurn):
    """One model call, and why it was sent what it was sent."""

    context: ContextRecord | None = None


# -- lines -------------------------------------------------------------


def is_header(value: Mapping[str, Any]) -> bool:
    """Return whether a line is a header."""
    return "format" in value


def header_of(value: Mapping[str, Any], where: str, place: str) -> Header:
    """Return a header. Raises FileRefused if it has another format, or a version that can't be read here."""
    if value.get("format") != FORMAT:
        shown = f"“{one_line(value['format'], 30)}”" if isinstance(value["format"], str) else "something else"
        raise FileRefused(f"The format of {where} is {shown}, not “{FORMAT}”.")
    fields = Fields(value, place)
    version = fields.whole("version")
    if not version:
        raise fields.wrong("version", "a whole number of at least 1")
    if version > VERSION:
        message = f"The format of {where} is version {version}, but this plugin only reads versions up to {VERSION}."
        raise FileRefused(message, "Update with: llm install -U llm-session-memory")
    fields.only(records.HEADER)
    return Header(fields, fields.text("name"), fields.whole("exchanges"))


def turns_of(fields: Fields) -> list[TurnRecord]:
    """Return the turns of an exchange's line; a minimal line is one turn. Raises FileRefused."""
    if "turns" in fields:
        fields.only(records.EXCHANGE)
        turns = [_turn(turn) for turn in fields.each("turns", "turn", records.TURN)]
        if not turns:
            raise FileRefused(f"{fields.place} is an exchange without turns.")
        return turns
    if "prompt" not in fields:
        needed = 'Write at least {"prompt": "...", "response": "..."}.'
        raise FileRefused(f"{fields.place} has neither “turns” nor “prompt”.", needed)
    fields.only(records.MINIMAL)
    prompt, response = fields.needed_text("prompt"), fields.text("response")
    output = (Message.of_text("assistant", response),) if response else ()
    return [_turn(fields, (Message.of_text("user", prompt),), output)]


def _turn(
    fields: Fields, asked: tuple[Message, ...] | None = None, said: tuple[Message, ...] | None = None
) -> TurnRecord:
    context = fields.inner("context", records.CONTEXT)
    return TurnRecord(
        input=asked if asked is not None else messages_of(fields, "input", ("user", "tool")),
        output=said if said is not None else messages_of(fields, "output", ("assistant", "tool", "user", "system")),
        model=fields.text("model"),
        resolved_model=fields.text("resolved_model"),
        has_system="system" in fields,
        system=fields.text("system"),
        options=fields.mapping("options"),
        schema=fields.mapping("schema"),
        fragments=tuple(_fragment(one) for one in fields.each("fragments", "fragment", records.FRAGMENT)),
        tools=tuple(_tool(one) for one in fields.each("tools", "tool", records.TOOL)),
        instances=fields.mapping("instances"),
        datetime_utc=fields.time("datetime_utc"),
        duration_ms=fields.whole("duration_ms"),
        input_tokens=fields.whole("input_tokens"),
        output_tokens=fields.whole("output_tokens"),
        token_details=fields.mapping("token_details"),
        response_json=fields.value.get("response_json"),
        context=_context(context) if context else None,
    )


def _fragment(fields: Fields) -> tuple[str, str | None, str]:
    side = fields.text("of") or "prompt"
    if side not in _SIDES:
        raise fields.wrong("of", f"one of {', '.join(_SIDES)}")
    return side, fields.text("source"), fields.needed_text("content")


def _tool(fields: Fields) -> PastTool:
    return PastTool(
        name=fields.needed_text("name"),
        description=fields.text("description"),
        input_schema=fields.mapping("input_schema") or {},
        plugin=fields.text("plugin"),
        server_side=fields.text("server_side"),
        arguments=fields.value.get("arguments"),
    )


def _context(fields: Fields) -> ContextRecord:
    described = fields.inner("described", records.BLOCK)
    block, base, estimate = fields.whole("block"), fields.number("base"), fields.whole("estimate")
    if block is None or base is None or estimate is None:
        missing = next(name for name in ("block", "base", "estimate") if fields.value.get(name) is None)
        raise fields.wrong(missing, "a number")
    return ContextRecord(
        block=block,
        described=_block(described) if described else None,
        base=base,
        estimate=estimate,
        cut=fields.text("cut"),
        number=fields.whole("number"),
        after=place_of(fields, "after"),
        recalled=tuple(map(_recall, fields.each("recalled", "excerpt", records.EXCERPT))),
    )


def _recall(fields: Fields) -> RecallRecord:
    side, place = fields.text("side"), place_of(fields, "from")
    if side not in SIDES:
        raise fields.wrong("side", f"one of {', '.join(SIDES)}")
    recalled = Recalled(
        passage_id=0,
        number=fields.whole("number") or (place[0] if place else 0),
        side=side,
        text="",
        tokens=fields.whole("tokens") or 0,
        score=fields.number("score") or 0.0,
        words=tuple(fields.texts("words")),
        thread_id=fields.text("thread") or None,
    )
    return RecallRecord(place, side, fields.whole("part") or 0, recalled)


def _block(fields: Fields) -> BlockRecord:
    budget = fields.whole("budget")
    if budget is None:
        raise fields.wrong("budget", "a whole number of at least 0")
    return BlockRecord(
        start=fields.whole("start"),
        start_number=fields.whole("start_number"),
        pinned=tuple(fields.wholes("pinned")),
        policy=fields.needed_text("policy"),
        budget=budget,
        window=fields.whole("window"),
        window_source=fields.text("window_source") or "",
        front=fields.text("front") or "",
        clip=fields.whole("clip"),
        oversized=fields.flag("oversized"),
        reason=fields.text("reason") or "",
        began_utc=fields.time("began_utc"),
    )


def place_of(fields: Fields, name: str) -> Place | None:
    """Return the turn that a field names, or None if there is no such field. Raises FileRefused."""
    value = fields.value.get(name)
    if isinstance(value, int):
        return fields.whole(name) or 0, 0
    numbers = fields.wholes(name)
    if not numbers:
        return None
    if len(numbers) != 2 or min(numbers) < 1:  # noqa: PLR2004  a pair
        raise fields.wrong(name, "an exchange's number, or [exchange, turn]")
    return numbers[0], numbers[1]
