"""What is measured of answers, and the values of two sides, prompt by prompt. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...model import RATED
from ...reader.compared import Answer, Compared
from .values import Better, Kind

FEW = 6
"""With fewer independent units, no test can show anything: the smallest p of 5 signs is 2 / 2 ** 5 = 0.0625."""


@dataclass(frozen=True)
class Pair:
    """The values of two sides for one prompt: one, or several if it was asked repeatedly. See `PromptRow.cluster`."""

    cluster: int
    first: tuple[float, ...]
    second: tuple[float, ...]


@dataclass(frozen=True)
class AnswerMeasure:
    """A measure of answers: its name in JSON, its label, the unit of its values, and how it is compared.

    `value` returns the value of an answer, or None if it has none.
    """

    name: str
    label: str
    unit: str
    kind: Kind
    better: Better
    value: Callable[[Answer], float | None]


def _good(answer: Answer) -> float | None:
    return 1.0 if answer.judged.mark in RATED["good"] else 0.0 if answer.judged.mark in RATED["bad"] else None


def _stars(answer: Answer) -> float | None:
    return float(answer.judged.mark) if answer.judged.mark.isdigit() else None


def _seconds(answer: Answer) -> float | None:
    """Return the seconds of an answer; 0 is no time that could be compared by its logarithm."""
    return answer.seconds or None


VOTES = AnswerMeasure("votes", "Votes", "", "share", "more", lambda _: None)

MEASURES = (
    AnswerMeasure("thumbs", "Rated good", "", "share", "more", _good),
    AnswerMeasure("stars", "Stars", "stars", "difference", "more", _stars),
    AnswerMeasure("failures", "Failures", "", "share", "less", lambda answer: float(answer.failed)),
    AnswerMeasure("cost", "Cost", "USD", "ratio", "less", lambda answer: answer.cost),
    AnswerMeasure("seconds", "Time", "s", "log", "less", _seconds),
    AnswerMeasure("input_tokens", "Input tokens", "tokens", "ratio", "", lambda answer: answer.input_tokens),
    AnswerMeasure("output_tokens", "Output tokens", "tokens", "ratio", "", lambda answer: answer.output_tokens),
    AnswerMeasure("length", "Length", "characters", "ratio", "", lambda answer: answer.length),
)
"""The measures in the order in which they are shown: what people think first, then what it costs, then what it is."""


def samples(compared: Compared, first: int, second: int) -> Iterator[tuple[AnswerMeasure, tuple[Pair, ...]]]:
    """Yield each measure with the pairs of values of two sides (counted from 0), if there are any."""
    voted = _votes(compared, first, second)
    if voted:
        yield VOTES, voted
    for measure in MEASURES:
        pairs = _pairs(compared, first, second, measure.value)
        if pairs and (measure.name != "thumbs" or _has_thumbs(compared, first, second)):
            yield measure, pairs


def _pairs(compared: Compared, first: int, second: int, value: Callable[[Answer], float | None]) -> tuple[Pair, ...]:
    found = []
    for row in compared.rows:
        one, other = (
            tuple(float(known) for answer in row.cells[side] if (known := value(answer)) is not None)
            for side in (first, second)
        )
        if one and other:
            found.append(Pair(row.cluster, one, other))
    return tuple(found)


def _has_thumbs(compared: Compared, first: int, second: int) -> bool:
    """Return whether any of the ratings is a thumb: stars alone are compared as stars."""
    return any(
        answer.judged.mark in ("up", "down")
        for row in compared.rows
        if row.has(first, second)
        for side in (first, second)
        for answer in row.cells[side]
    )


def _votes(compared: Compared, first: int, second: int) -> tuple[Pair, ...]:
    """Return the votes between two sides: a pair for each prompt, or for each vote if there are few prompts."""
    clusters = {row.number: row.cluster for row in compared.rows}
    by_row: dict[int, list[int]] = {}
    for vote in compared.votes:
        if (vote.first, vote.second) == (first, second):
            by_row.setdefault(vote.row, []).append(vote.better)
    if len(by_row) < FEW:
        each = [(row, [better]) for row, votes in by_row.items() for better in votes]
    else:
        each = [*by_row.items()]
    return tuple(
        Pair(clusters[row], tuple(float(one < 0) for one in votes), tuple(float(one > 0) for one in votes))
        for row, votes in each
    )
