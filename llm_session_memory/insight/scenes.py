"""A session as scenes of a replay: the input of each call, its output, and its timing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..reader.moments import parsed_moment
from ..reader.values import Attempt, Call, Exchange, Piece
from ..rules.order import together
from ..rules.safe_text import one_line, visible
from .timing import CallTiming

_LONGEST = 20_000
"""The most characters that a replay shows of one text; the transcript has all of it."""

_LETTER, _LEAST, _MOST = 12, 500, 8000
"""Milliseconds of a letter of a reply whose duration is unknown, and the least and the most of such a reply."""

_PAUSE = 2000
"""Milliseconds before a call whose time is unknown."""

_NOTE = 200
"""The most characters of a rating and its reason."""


@dataclass(frozen=True)
class Scene:
    """One call or failed attempt: its timing, its input (`before`) and output (`after`) as (kind, name, text).

    `saved` is the estimated number of tokens left out of the request; only an exchange's last call has it.
    """

    number: int | None
    first: bool
    utc: str
    model: str
    step: CallTiming
    before: tuple[tuple[str, str, str], ...]
    after: tuple[tuple[str, str, str], ...]
    marks: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    rated: str = ""
    """The rating of the exchange and the reason for it, on one line."""
    saved: float | None = None
    id: str = ""
    """The id of the turn or of the attempt."""
    paced: bool = False
    """Whether its duration is unknown, as of an imported call: it plays at a steady pace."""

    @property
    def characters(self) -> int:
        """The number of characters of the scene's text."""
        return sum(len(text) for _, _, text in (*self.before, *self.after))

    def fields(self) -> dict[str, Any]:
        """Return the scene as plain values, ready for JSON."""
        return {
            "id": self.id,
            "number": self.number,
            "first": self.first,
            "utc": self.utc,
            "model": self.model,
            "pause": self.step.pause,
            "run": self.step.run,
            "paced": self.paced,
            "marks": list(self.marks),
            "input": self.input_tokens,
            "output": self.output_tokens,
            "cost": self.cost,
            "rated": self.rated,
            "saved": self.saved,
            "before": [list(piece) for piece in self.before],
            "after": [list(piece) for piece in self.after],
        }


def scenes(
    exchanges: Iterable[Exchange], attempts: Iterable[Attempt], saved: Mapping[str, float] | None = None
) -> list[Scene]:
    """Return exchanges call by call, in their order, with the attempts among them.

    `saved` maps the id of a call to the estimated tokens left out of its request.
    """
    events: list[tuple[Exchange | None, Call | Attempt]] = []
    for one in together([*exchanges], attempts):
        events += [(None, one)] if isinstance(one, Attempt) else [(one, call) for call in one.calls]
    made: list[Scene] = []
    over: float | None = None
    for exchange, event in events:
        began = parsed_moment(event.datetime_utc)
        paced = isinstance(event, Call) and event.duration_ms is None
        run = _pace(event) if isinstance(event, Call) and paced else max(event.duration_ms or 0, 0)
        pause = _PAUSE if began is None and made else 0
        if began is not None:
            at = began.timestamp() * 1000
            pause = 0 if over is None else max(round(at - over), 0)
            over = max(over or 0.0, at + run)
        step = CallTiming(pause, run)
        utc = "" if began is None else began.isoformat()
        scene = _attempt(event, utc, step) if isinstance(event, Attempt) else _call(exchange, event, utc, step)
        made.append(replace(scene, saved=(saved or {}).get(event.id), paced=paced))
    return made


def _pace(call: Call) -> int:
    """Return how long a reply plays if nobody knows how long it took."""
    said = sum(len(piece.text) for one in call.messages if one.role == "assistant" for piece in one.pieces)
    return min(max(said * _LETTER, _LEAST), _MOST)


def _call(exchange: Exchange | None, call: Call, utc: str, step: CallTiming) -> Scene:
    assert exchange is not None
    first = call.id == exchange.id
    before: list[tuple[str, str, str]] = []
    after: list[tuple[str, str, str]] = []
    for message in call.messages:
        (after if message.role == "assistant" else before).extend(_pieces(message.role, message.pieces))
    marks = []
    if any(kind == "tool_call" for kind, _, _ in after):
        marks.append("tool")
    if first and exchange.start is not None and exchange.start.first_sent is not None:
        marks.append("cut")
    if first and exchange.pinned:
        marks.append("pin")
    if call.cut:
        before.append(("failed", "", f"The server cut this request. {visible(call.cut)}"))
    return Scene(
        exchange.number,
        first,
        utc,
        one_line(call.model, 80),
        step,
        tuple(before),
        tuple(after),
        tuple(marks),
        call.input_tokens,
        call.output_tokens,
        call.cost,
        rated=one_line(exchange.judged.with_reason, _NOTE) if first else "",
        id=call.id,
    )


def _attempt(attempt: Attempt, utc: str, step: CallTiming) -> Scene:
    after = [("reply", "", _text(attempt.partial))] if attempt.partial else []
    return Scene(
        id=attempt.id,
        number=None,
        first=True,
        utc=utc,
        model=one_line(attempt.model, 80),
        step=step,
        before=(("you", "", _text(attempt.prompt)),),
        after=(*after, ("failed", "", _text(attempt.error))),
        marks=("failed",),
    )


def _pieces(role: str, pieces: Sequence[Piece]) -> Iterable[tuple[str, str, str]]:
    recalled = [piece for piece in pieces if piece.kind == "excerpt"]
    if recalled:
        numbers = ", ".join(dict.fromkeys(piece.name.rpartition("/")[2] for piece in recalled))
        yield "recalled", one_line(numbers, 100), _text("\n\n".join(piece.text for piece in recalled))
    for piece in pieces:
        if piece.kind in ("excerpt", "fence"):
            continue
        if piece.kind == "text":
            yield {"user": "you", "assistant": "reply"}.get(role, "system"), "", _text(piece.text)
        elif piece.kind == "attachment":
            for held in piece.attachments:
                yield "file", "", one_line(held.type or held.url or held.path or held.id, 200)
        elif piece.kind in ("reasoning", "tool_call", "tool_result", "fragment"):
            yield piece.kind, one_line(piece.name, 100), _text(piece.text)
        else:
            yield "other", one_line(piece.name, 100), _text(piece.text)


def _text(text: str) -> str:
    shown = visible(text[:_LONGEST])
    left = len(text) - _LONGEST
    return shown if left <= 0 else f"{shown}\n… and {left:,} more characters, in the transcript"
