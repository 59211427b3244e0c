"""A replay as timed terminal output, for `llm sessions replay` and for recordings. Pure.

A recording has asciinema's format, version 2: a header line of JSON, then one line for each piece of output.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..reader.moments import parsed_moment
from .scenes import Scene
from .timing import Timeline

_BEAT = 50
"""Milliseconds between two pieces of a streaming reply."""

_BOLD, _SOFT, _GOOD, _BAD, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[31m", "\x1b[0m"

_FOLDED = 200
"""The most characters printed of a tool call, a tool result, a fragment, or reasoning."""


@dataclass(frozen=True)
class Printed:
    """Text printed at a moment, in milliseconds of the replay. `head` marks the beginning of an exchange."""

    moment: float
    text: str
    head: bool = False


def printed(scenes: Sequence[Scene], timeline: Timeline) -> Iterator[Printed]:
    """Yield all output in order of time: prompts at once, replies piece by piece."""
    for place, scene in enumerate(scenes):
        start, run = timeline.starts[place], scene.step.run
        yield Printed(start, _head(scene) + "".join(_piece(*piece) for piece in scene.before), head=scene.first)
        said = "".join(_piece(*piece) for piece in scene.after)
        beats = min(len(said), max(1, math.ceil(run / _BEAT)))
        for beat in range(1, beats + 1):
            text = said[len(said) * (beat - 1) // beats : len(said) * beat // beats]
            yield Printed(start + run * beat / beats, text)


def _head(scene: Scene) -> str:
    if not scene.first:
        return ""
    number = f"#{scene.number:,}" if scene.number is not None else "failed prompt"
    at = parsed_moment(scene.utc)
    when = f"  {at.day} {at:%b %Y %H:%M}" if at else ""
    pinned = "  pinned" if "pin" in scene.marks else ""
    rated = f"  {scene.rated}" if scene.rated else ""
    cut = f"{_SOFT}From here on, older exchanges are no longer sent.{_PLAIN}\n" if "cut" in scene.marks else ""
    return f"\n{cut}{_BOLD}{number}{_PLAIN}{_SOFT}{when}  {scene.model}{pinned}{rated}{_PLAIN}\n"


def _piece(kind: str, name: str, text: str) -> str:
    if kind == "reply":
        return f"{text}\n"
    if kind == "you":
        return f"{_GOOD}> {text}{_PLAIN}\n"
    if kind == "failed":
        return f"{_BAD}{text}{_PLAIN}\n"
    short = " ".join(text.split())
    short = short if len(short) <= _FOLDED else f"{short[: _FOLDED - 1]}…"
    if kind == "recalled":  # each excerpt names its exchange itself
        return f"{_SOFT}recalled {short}{_PLAIN}\n"
    words = " ".join(filter(None, (kind.replace("_", " "), name, short)))
    return f"{_SOFT}[{words}]{_PLAIN}\n"


def cast(
    scenes: Sequence[Scene], timeline: Timeline, *, speed: float, title: str, size: tuple[int, int]
) -> Iterator[str]:
    """Yield the lines of a recording."""
    first = parsed_moment(scenes[0].utc) if scenes else None
    head = {"version": 2, "width": size[0], "height": size[1], "title": title, **_timestamp(first)}
    yield json.dumps(head, ensure_ascii=False)
    for one in printed(scenes, timeline):
        event = [round(one.moment / 1000 / speed, 3), "o", one.text.replace("\n", "\r\n")]
        yield json.dumps(event, ensure_ascii=False)


def _timestamp(first: datetime | None) -> dict[str, int]:
    return {"timestamp": int(first.timestamp())} if first else {}
