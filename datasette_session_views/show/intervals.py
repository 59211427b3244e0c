"""Effects with their intervals, and wins, ties and losses, as small inline SVGs. Pure.

Ratios have a logarithmic scale from a quarter to four times, shares one of 100 points to either side, stars one of
four. What is beyond an end is an arrow. A filled dot is a difference that is shown, a hollow one may be chance. The
drawings repeat what stands beside them in words, so they are hidden from screen readers.
"""

from __future__ import annotations

import math

from llm_session_memory.insight.comparing.values import Figure

from .axes import at

_WIDTH, _HEIGHT = 240, 26
_EDGE = 8
_MIDDLE, _HALF = _WIDTH / 2, _WIDTH / 2 - _EDGE

_STARS = 4.0
_RATIO = 4.0
"""The ends of the scales."""


def interval(figure: Figure) -> str:
    """Return a figure's effect with its interval, or nothing if it has no effect."""
    if figure.effect is None:
        return ""
    rules = "".join(f'<path class="sv-rule" d="M{at(_MIDDLE + side * _HALF / 2)},2v22"/>' for side in (-1, 1))
    parts = [rules, f'<path class="sv-base" d="M{at(_MIDDLE)},0v{_HEIGHT}"/>']
    if figure.interval is not None:
        low, high = _place(figure, figure.interval.low), _place(figure, figure.interval.high)
        left, right = max(low, -1.0), min(high, 1.0)
        parts.append(f'<path class="sv-range" d="M{at(_x(left))},13H{at(_x(right))}"/>')
        parts.append(_end(left, beyond=low < -1, side=-1) + _end(right, beyond=high > 1, side=1))
    place = _place(figure, figure.effect)
    kind = "sv-dot sv-shown" if figure.shown else "sv-dot"
    parts.append(f'<circle class="{kind}" cx="{at(_x(max(min(place, 1.0), -1.0)))}" cy="13" r="5"/>')
    return (
        f'<svg class="sv-interval" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
        f' aria-hidden="true">{"".join(parts)}</svg>'
    )


def _place(figure: Figure, effect: float) -> float:
    """Return where an effect is, from -1 (the left end of its scale) over 0 (no difference) to 1, or beyond."""
    if figure.kind in ("ratio", "log"):
        return math.log(effect) / math.log(_RATIO) if effect > 0 else -2.0
    return effect if figure.kind == "share" else effect / _STARS


def _x(place: float) -> float:
    return _MIDDLE + place * _HALF


def _end(place: float, *, beyond: bool, side: int) -> str:
    x = _x(place)
    if beyond:
        return f'<path class="sv-beyond" d="M{at(x - side * 6)},8L{at(x + side * 2)},13L{at(x - side * 6)},18z"/>'
    return f'<path class="sv-range" d="M{at(x)},8v10"/>'


def tally(figure: Figure) -> str:
    """Return for how many prompts the second side is better, equal and worse (or has more, as much, less) as a bar."""
    whole = figure.less + figure.equal + figure.more
    if not whole:
        return ""
    judged = bool(figure.better)
    first, last = (figure.wins, figure.losses) if judged else (figure.more, figure.less)
    left, parts = 0.0, []
    kinds = ("win", "tie", "loss") if judged else ("more", "tie", "fewer")
    for kind, number in zip(kinds, (first, figure.equal, last), strict=True):
        wide = 100 * number / whole
        if wide:
            parts.append(f'<rect class="sv-{kind}" x="{at(left)}" width="{at(wide)}" height="8"/>')
        left += wide
    return (
        '<svg class="sv-tally" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )
