"""What figures say, in sentences. Pure. “No difference shown” is never written as “the same”."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...rules.money import exact
from ...rules.words import counted
from .measures import FEW
from .values import Figure

_TWICE = 2.0
_ONE_PERCENT = 0.01
_NEARLY_ALL = 0.995
_LEAST_ANSWERS = 4
"""The fewest answers on each side to one prompt with which a test can show anything: 2 / (8 choose 4) is 0.03."""


@dataclass(frozen=True)
class _Said:
    """How a ratio is said: “used”, “fewer”, “more”, “as many”, “output tokens”."""

    verb: str
    less: str
    more: str
    as_: str
    noun: str = ""


_RATIOS = {
    "cost": _Said("cost", "less", "more", "as much"),
    "seconds": _Said("took", "less", "more", "as much", " time"),
    "input_tokens": _Said("used", "fewer", "more", "as many", " input tokens"),
    "output_tokens": _Said("used", "fewer", "more", "as many", " output tokens"),
    "length": _Said("wrote", "less", "more", "as much", " text"),
}

_SHARES = {"thumbs": "was rated good for", "failures": "failed for", "votes": "was better in"}

_UNITS = {"conversation": "conversation", "prompt": "prompt", "answer": "answer"}
_A_SIDE = {"conversation": "", "prompt": "", "answer": " a side"}


def phrase(figure: Figure) -> str:
    """Return what the second side did, without its name: `cost 23% less`, `was rated good more often`."""
    if figure.effect is None:
        return ""
    less = figure.effect < figure.none
    if figure.measure in _RATIOS:
        said = _RATIOS[figure.measure]
        return f"{said.verb} {_amount(figure.effect, said)}{said.noun}"
    often = "less often" if less else "more often"
    words = {
        "thumbs": f"was rated good {often}",
        "failures": f"failed {often}",
        "votes": f"was found better {often}",
        "stars": f"got {'fewer' if less else 'more'} stars",
    }
    return words[figure.measure]


def sentence(figure: Figure, first: str, second: str) -> str:
    """Return what a figure says about two sides, given by their labels."""
    if figure.effect is None or not (figure.less or figure.more):
        return f"{figure.label}: {_nothing(figure)}."
    if figure.p is None:
        return f"{_seen(figure, first, second)}."
    if figure.shown:
        return f"{_seen(figure, first, second, _evidence(figure))}."
    seen = _seen(figure, first, second)
    if figure.units < _least(figure):
        few = f"{counted(figure.units, _UNITS[figure.unit])}{_A_SIDE[figure.unit]}"
        return f"{figure.label}: too few to show a difference ({few}; at least {_least(figure)} are needed). {seen}."
    seen = _seen(figure, first, second, _evidence(figure))
    return f"{figure.label}: no difference shown. {seen}; that may be chance.{_could(figure)}"


def _least(figure: Figure) -> int:
    """Return the fewest units with which a test can show anything."""
    return _LEAST_ANSWERS if figure.unit == "answer" else FEW


def _nothing(figure: Figure) -> str:
    """Return why there is nothing to say."""
    if figure.measure == "failures" and not figure.first and not figure.second:
        return "none on either side"
    if figure.effect is None:
        return "can't be compared"
    among = counted(figure.pairs, "vote" if figure.measure == "votes" else "prompt")
    return f"equal for {among if figure.pairs == 1 else f'all {among}'}"


def headline(figures: Sequence[Figure], pairs: int, first: str, second: str) -> str:
    """Return what is shown about two sides, in a sentence or two."""
    if not pairs:
        return f"“{second}” and “{first}” have no prompt in common."
    shown = [phrase(figure) for figure in figures if figure.shown]
    over = f"Over {counted(pairs, 'prompt')}, "
    tested = [figure for figure in figures if not figure.shown and figure.p is not None]
    unsure = [figure.label.lower() for figure in tested if figure.less or figure.more]
    rest = f" No difference shown: {', '.join(unsure)}." if unsure else ""
    if shown:
        return f"{over}“{second}” {_listed(shown)} than “{first}”.{rest}"
    if not tested:
        return f"“{first}” and “{second}” have {counted(pairs, 'prompt')} in common."
    few = next((figure for figure in tested if figure.units < _least(figure)), None)
    enough = f": at least {_least(few)} {_UNITS[few.unit]}s{_A_SIDE[few.unit]} are needed for that" if few else ""
    return f"{over}no difference between “{first}” and “{second}” is shown{enough}."


def alike_sentence(pairs: int, identical: int, mean: float | None) -> str:
    """Return how alike answers are, as a sentence."""
    if mean is None:
        return "No prompt was answered by both."
    same = f"; {counted(identical, 'pair')} {'is' if identical == 1 else 'are'} identical" if identical else ""
    return f"The answers to a prompt share {mean:.0%} of their words on average, over {counted(pairs, 'prompt')}{same}."


def value_words(figure: Figure, value: float | None) -> str:
    """Return a mean, median or share of a figure as a person reads it."""
    if value is None:
        return ""
    if figure.kind == "share":
        return f"{value:.0%}"
    if figure.measure == "cost":
        return exact(value)
    if figure.measure == "seconds":
        return f"{value:,.1f} s"
    return f"{value:,.1f}" if figure.kind == "difference" else f"{value:,.0f}"


def effect_words(figure: Figure, effect: float | None) -> str:
    """Return an effect, or one end of its interval, as a person reads it: `-23%`, `+2.4x`, `+12 points`, `+0.4`."""
    if effect is None:
        return ""
    if figure.kind in ("ratio", "log"):
        return f"×{effect:.1f}" if effect >= _TWICE else f"{'-' if effect < 1 else '+'}{percent(abs(effect - 1))}"
    if figure.kind == "share":
        return f"{effect * 100:+.0f} points"
    return f"{effect:+.1f}"


def percent(share: float) -> str:
    """Return a share as a percentage, which is 100% only if it is the whole: what is 100% less is nothing."""
    return f"{share:.0%}" if share >= 1 or share < _NEARLY_ALL else f"{min(share, 0.999):.1%}"


def p_words(p: float) -> str:
    """Return a probability as it is usually written."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"  # noqa: PLR2004


def _seen(figure: Figure, first: str, second: str, *more: str) -> str:
    """Return what was observed, with `more` in its parentheses, as a sentence without its end."""
    one, other = value_words(figure, figure.first), value_words(figure, figure.second)
    if figure.measure in _RATIOS:
        said = phrase(figure)
        than = "as" if " as " in said else "than"
        what = f"{'median' if figure.kind == 'log' else 'mean'} {other} against {one}"
        return f"“{second}” {said} {than} “{first}” ({'; '.join((what, *more))})"
    if figure.measure in _SHARES:
        of = counted(figure.pairs, "vote" if figure.measure == "votes" else "prompt")
        did = _SHARES[figure.measure]
        said = f"“{second}” {did} {other} of {of}, “{first}” {did.rpartition(' ')[2]} {one}"
    else:
        said = f"“{second}” got {other} stars on average, “{first}” {one}"
    return f"{said} ({'; '.join(more)})" if more else said


def _amount(effect: float, said: _Said) -> str:
    if effect >= _TWICE:
        return f"{effect:.1f} times {said.as_}"
    if abs(effect - 1) < _ONE_PERCENT / 20:
        return said.as_
    if abs(effect - 1) < _ONE_PERCENT:
        return f"{abs(effect - 1):.1%} {said.less if effect < 1 else said.more}"
    return f"{percent(abs(effect - 1))} {said.less if effect < 1 else said.more}"


def _evidence(figure: Figure) -> str:
    """Return the interval, if there is one, and the probability."""
    p = figure.adjusted if figure.adjusted is not None else figure.p
    assert p is not None
    said = [p_words(p)]
    if figure.interval is not None:
        low, high = (effect_words(figure, end) for end in (figure.interval.low, figure.interval.high))
        said.insert(0, f"{figure.interval.level:.0%} interval {low} to {high}")
    return "; ".join(said)


def _could(figure: Figure) -> str:
    """Return what would have shown, as a sentence after a space, or nothing if that is unknown."""
    if figure.detectable is None:
        return ""
    units = counted(figure.units, _UNITS[figure.unit])
    if figure.kind in ("ratio", "log"):
        size = f"a ratio of {figure.detectable:.1f}" if figure.detectable >= _TWICE else f"{figure.detectable - 1:.0%}"
    elif figure.kind == "share":
        size = f"{figure.detectable * 100:.0f} points"
    else:
        size = f"{figure.detectable:.1f} {figure.unit_of_value}".rstrip()
    return f" With {units}, a difference of {size} or more would probably have shown, a smaller one would not."


def _listed(phrases: Sequence[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
