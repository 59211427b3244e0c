"""Data for the replay page: JSON that is safe inside a script tag, and messages as HTML. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llm_session_memory.insight.scenes import Scene
from llm_session_memory.reader.sent import Unknown

from .sent_fields import NOT_LOGGED
from .showing import Showing
from .words import long_pause, pause

_UNSAFE = tuple((character, f"\\u{ord(character):04x}") for character in "<>&\u2028\u2029")


def embedded(value: Any) -> str:
    """Return JSON that is safe inside a script tag: it can't close the tag or open another."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character, escaped in _UNSAFE:  # str.translate takes ten times as long
        text = text.replace(character, escaped)
    return text


def dressed(scenes: Sequence[Scene], showing: Showing) -> dict[str, Any]:
    """Return the HTML of each scene's pieces, in order, with None for pieces shown as plain text."""

    def html(scene: Scene, kind: str, text: str) -> str | None:
        if kind in ("reply", "reasoning"):
            return showing.markdown(text)
        return showing.code(text, scene.number or 0) if kind in ("tool_call", "tool_result", "other") else None

    return {
        scene.id: [[html(scene, kind, text) for kind, _, text in side] for side in (scene.before, scene.after)]
        for scene in scenes
    }


def pauses(scenes: Sequence[Scene]) -> dict[str, str]:
    """Return the time that passed before a prompt, in words, by the id of its scene; only for pauses that stand out."""
    passed = {one.id: one.step.pause / 1000 for one in scenes[1:] if one.first or one.number is None}
    long = long_pause(passed.values())
    return {id_: f"{pause(seconds)} later" for id_, seconds in passed.items() if seconds >= long}


def unknown_runs(unknown: Mapping[int, Unknown]) -> list[tuple[int, int, str]]:
    """Return the exchanges whose request was not logged, in runs of the first, the last, and why."""
    found: list[tuple[int, int, str]] = []
    for number, why in sorted(unknown.items()):
        words = NOT_LOGGED[why]
        if found and found[-1][1:] == (number - 1, words):
            found[-1] = (found[-1][0], number, words)
        else:
            found.append((number, number, words))
    return found
