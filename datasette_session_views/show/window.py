"""Turn a request into a picture of the context window: how much of it each part filled. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from llm_session_memory.reader.sent import Sent, Stretch
from llm_session_memory.rules.words import counted

_LABELLED = 9.0
"""Percent of the width that a part must have to show its name."""


@dataclass(frozen=True)
class WindowPart:
    """A part of the picture. `x` and `width` are percentages of its width."""

    kind: str
    name: str
    x: float
    width: float
    label: str


@dataclass(frozen=True)
class Sizes:
    """The characters of each part of a request."""

    system: int
    summary: int
    notes: int
    pinned: int
    recent: int
    recalled: int
    prompt: int
    other: int


def sizes(sent: Sent) -> Sizes:
    """Return the characters of each part of a request. Excerpts are not counted with the prompts they came with."""
    own = sum(len(excerpt.text) for excerpt in sent.excerpts if not excerpt.earlier)
    earlier = sum(len(excerpt.text) for excerpt in sent.excerpts if excerpt.earlier)
    whole: dict[str, int] = {"pinned": 0, "recent": 0, "prompt": 0, "other": 0}
    for stretch in sent.stretches:
        whole[kind(sent, stretch)] += stretch.characters
    summary = len(sent.summary.text) if sent.summary else 0
    notes = sum(map(len, (*sent.notes, *sent.everywhere)))
    system = sent.system.characters if sent.system else 0
    return Sizes(
        max(system - summary - notes, 0),
        summary,
        notes,
        whole["pinned"],
        max(whole["recent"] - earlier, 0),
        own + earlier,
        max(whole["prompt"] - own, 0),
        whole["other"],
    )


def window(sent: Sent) -> tuple[list[WindowPart], list[tuple[float, str]]]:
    """Return the parts of the picture, and the marks on its scale."""
    size, tokens = sizes(sent), sent.tokens or 0
    if not tokens:
        return [], []
    budget, limit = (sent.why.budget, sent.why.window) if sent.why else (None, None)
    full = max(tokens, budget or 0, limit or 0)
    pieces = [
        ("system", "system", size.system),
        ("notes", "notes", size.notes),
        ("summary", "summary", size.summary),
        ("pinned", f"{sent.counted('pinned')} pinned", size.pinned),
        ("other", "earlier", size.other),
        ("recent", counted(sent.counted("recent"), "exchange"), size.recent),
        ("recalled", f"{len(sent.excerpts)} recalled", size.recalled),
        ("prompt", "new", size.prompt),
    ]
    parts: list[WindowPart] = []
    x = 0.0
    for kind, name, characters in pieces:
        width = 100 * (sent.share(characters) or 0) / full
        if characters and width:
            parts.append(_part(kind, name, x, width))
            x += width
    if limit and budget and limit > budget:
        begin = max(100 * budget / full, x)
        if begin < 100:  # noqa: PLR2004  percent
            parts.append(_part("answer", "room for the answer", begin, 100 - begin))
    marks = [(100 * budget / full, f"budget {budget:,}")] if budget else []
    marks += [(100 * limit / full, f"window {limit:,}")] if limit and limit != budget else []
    return parts, marks


def kind(sent: Sent, stretch: Stretch) -> str:
    """Return the kind of a stretch of messages: the prompt, the fate of an earlier exchange, or other."""
    if stretch.number == sent.number:
        return "prompt"
    if stretch.number is None:
        return "other"
    return sent.fate(stretch.number)


def _part(kind: str, name: str, x: float, width: float) -> WindowPart:
    return WindowPart(kind, name, round(x, 2), round(width, 2), name if width >= _LABELLED else "")
