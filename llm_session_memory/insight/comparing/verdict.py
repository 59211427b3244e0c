"""The verdict of a comparison: all figures of each pair of sides, and what has to be known about the whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from statistics import fmean, median

from ...reader.compared import Compared
from ...rules.words import counted
from .measures import AnswerMeasure, Pair, samples
from .sentences import headline, sentence
from .similarity import alike
from .values import Comparison, Figure, Verdict

EXTRA = "llm install 'llm-session-memory[compare]'"

_EQUAL = 1e-9
"""Values that differ by less than this share of themselves count as equal."""


def verdict(compared: Compared) -> Verdict:
    """Return what the answers of several sides show: each pair of sides, tested with Holm's correction."""
    tested = all(find_spec(package) is not None for package in ("numpy", "scipy"))
    pairs = [*compared.pairs()]
    found = [
        [_figure(measure, values, len(pairs) if tested else 0) for measure, values in samples(compared, *sides)]
        for sides in pairs
    ]
    if tested:
        found = _adjusted(found)
    made = tuple(
        _comparison(compared, first, second, figures) for (first, second), figures in zip(pairs, found, strict=True)
    )
    return Verdict(made, tuple(_notes(compared, made, tested=tested)))


def _comparison(compared: Compared, first: int, second: int, figures: Sequence[Figure]) -> Comparison:
    one, other = (compared.sides[side].label for side in (first, second))
    said = tuple(replace(figure, sentence=sentence(figure, one, other)) for figure in figures)
    pairs = sum(row.has(first, second) for row in compared.rows)
    return Comparison(first, second, pairs, said, alike(compared, first, second), headline(said, pairs, one, other))


def _figure(measure: AnswerMeasure, pairs: Sequence[Pair], comparisons: int) -> Figure:
    """Return a measure's figure, with the tests unless there are 0 `comparisons`."""
    middle = median if measure.kind == "log" else fmean
    ones, others = [middle(pair.first) for pair in pairs], [middle(pair.second) for pair in pairs]
    signs = [_sign(one, other) for one, other in zip(ones, others, strict=True)]
    first, second = middle(ones), middle(others)
    figure = Figure(
        measure=measure.name,
        label=measure.label,
        unit_of_value=measure.unit,
        kind=measure.kind,
        better=measure.better,
        pairs=len(pairs),
        less=signs.count(-1),
        equal=signs.count(0),
        more=signs.count(1),
        first=first,
        second=second,
    )
    if not comparisons:
        ratio = measure.kind in ("ratio", "log")
        return replace(figure, effect=(second / first if first and second else None) if ratio else second - first)
    from .statistics import examined

    found = examined(pairs, measure.kind, comparisons)
    return replace(
        figure,
        unit=found.unit,
        units=found.units,
        effect=found.effect,
        interval=found.interval,
        p=found.p,
        test=found.test,
        detectable=found.detectable,
    )


def _sign(one: float, other: float) -> int:
    if abs(one - other) <= _EQUAL * max(abs(one), abs(other)):
        return 0
    return 1 if other > one else -1


def _adjusted(found: Sequence[Sequence[Figure]]) -> list[list[Figure]]:
    """Return the figures of all pairs of sides with their probabilities adjusted, measure by measure."""
    from .statistics import SIGNIFICANT, holm

    names = list(dict.fromkeys(figure.measure for figures in found for figure in figures))
    adjusted: dict[tuple[int, str], float | None] = {}
    for name in names:
        places = [(place, one) for place, figures in enumerate(found) for one in figures if one.measure == name]
        ps = holm([one.p for _, one in places])
        adjusted.update({(place, name): p for (place, _), p in zip(places, ps, strict=True)})

    def shown(figure: Figure, p: float | None) -> bool:
        interval = figure.interval
        leaves_out = interval is None or not interval.low <= figure.none <= interval.high
        return p is not None and p < SIGNIFICANT and leaves_out

    return [
        [
            replace(one, adjusted=adjusted[place, one.measure], shown=shown(one, adjusted[place, one.measure]))
            for one in figures
        ]
        for place, figures in enumerate(found)
    ]


def _notes(compared: Compared, made: Sequence[Comparison], *, tested: bool) -> list[str]:
    """Return what has to be known about the whole comparison, as sentences."""
    notes: list[str] = []
    if not tested:
        notes.append(f"Intervals and tests need numpy and scipy. Install them with: {EXTRA}")
    if compared.shared:
        are = "is" if compared.shared == 1 else "are"
        notes.append(f"{counted(compared.shared, 'exchange')} that forks have in common {are} left out.")
    for place, side in enumerate(compared.sides):
        if alone := compared.alone(place):
            are = "is" if alone == 1 else "are"
            notes.append(f"Only “{side.label}” has {counted(alone, 'more prompt')}, which {are} not compared.")
    if compared.limited:
        notes.append(f"Only the newest {compared.limited:,} exchanges of each session are compared.")
    if any(row.differs for row in compared.rows):
        notes.append("Some of the compared answers are to different prompts, because they are matched by number.")
    notes += _about_units(compared, made)
    if tested and len(made) > 1:
        notes.append(
            f"{len(made)} pairs are compared. The probabilities allow for that (Holm's correction), but the "
            "intervals don't."
        )
    return notes


def _about_units(compared: Compared, made: Sequence[Comparison]) -> list[str]:
    """Return what the figures hold for, if that is less than one would think."""
    units = {figure.unit for one in made for figure in one.figures if figure.p is not None}
    clusters = len({row.cluster for row in compared.rows if sum(map(bool, row.cells)) > 1})
    notes = []
    if "answer" in units:
        notes.append("There are few prompts, so the tests are of repeated answers: they hold for these prompts only.")
    if "conversation" in units:
        notes.append("Answers in one conversation depend on each other, so whole conversations are resampled.")
    elif "prompt" in units and clusters < len([row for row in compared.rows if row.complete]):
        where = "one conversation" if clusters == 1 else f"{clusters} conversations"
        notes.append(f"All prompts are from {where} on each side, so the figures say little about other conversations.")
    return notes
