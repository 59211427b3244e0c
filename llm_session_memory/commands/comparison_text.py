"""A comparison as text: a table of figures for each pair of sides, or a table of prompts."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from statistics import fmean

import click
from tabulate import tabulate

from ..insight.comparing.sentences import effect_words, p_words, value_words
from ..insight.comparing.similarity import similarity
from ..insight.comparing.values import Comparison, Figure, Verdict
from ..reader.compared import Answer, Compared, PromptRow
from ..rules.money import exact
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import echo

_PROMPT = 36
_LABEL = 24
"""How many characters of a prompt and of a side's label are shown in a table."""


def print_verdict(compared: Compared, verdict: Verdict) -> None:
    """Print what is compared, a table for each pair of sides, and the notes."""
    for side in compared.sides:
        models = ", ".join(side.models)
        of = f", {models}" if models and models not in side.label else ""
        failed = f", {counted(side.failures, 'failure')}" if side.failures else ""
        sessions = f" in {counted(len(side.sessions), 'session')}" if compared.by == "model" else ""
        echo(f"{side.letter}: {side.label}{of} ({counted(side.answers, 'answer')}{sessions}{failed})")
    for one in verdict.comparisons:
        click.echo("")
        _print_comparison(compared, one)
    click.echo("")
    tested = [figure for one in verdict.comparisons for figure in one.figures if figure.p is not None]
    if any(figure.detectable for figure in tested if not figure.shown):
        _wrapped(
            "* The smallest difference that this many prompts would probably have shown. There may be a smaller one."
        )
    for note in verdict.notes:
        _wrapped(note)


def print_prompts(compared: Compared) -> None:
    """Print a table of the prompts with the answers of each side, and how alike they are."""
    rows = [
        (
            str(row.number),
            one_line(row.prompt, _PROMPT),
            *(_cell(cell) for cell in row.cells),
            _alike(row),
        )
        for row in compared.rows
    ]
    heads = ("#", "prompt", *(_head(compared, place) for place in range(len(compared.sides))), "same words")
    align = ("right", "left", *("left" for _ in compared.sides), "right")
    if not rows:
        echo("Nothing has been asked in these sessions yet.", err=True)
        return
    click.echo(tabulate(rows, headers=heads, tablefmt="plain", disable_numparse=True, colalign=align))


def _print_comparison(compared: Compared, one: Comparison) -> None:
    a, b = (compared.sides[side].letter for side in (one.first, one.second))
    _wrapped(one.sentence, bold=True)
    if not one.figures:
        return
    tested = any(figure.p is not None for figure in one.figures)
    heads = [
        "",
        f"prompts where {b} is",
        a,
        b,
        f"{b} against {a}",
        *(["95% interval", "p", "needed *"] if tested else []),
    ]
    rows = [[*_usual_cells(figure), *(_test_cells(figure) if tested else [])] for figure in one.figures]
    kept = [place for place in range(len(heads)) if place < 2 or any(row[place] for row in rows)]  # noqa: PLR2004
    click.echo(
        tabulate(
            [[row[place] for place in kept] for row in rows],
            headers=[heads[place] for place in kept],
            tablefmt="plain",
            disable_numparse=True,
            colalign=["left", "left", *("right" for _ in kept[2:])],
        )
    )
    _wrapped(one.alike.sentence)


def _usual_cells(figure: Figure) -> list[str]:
    better, worse = ("better", "worse") if figure.better else ("more", "less")
    counts = (figure.wins, figure.losses) if figure.better else (figure.more, figure.less)
    wins = f"{better} {counts[0]}, equal {figure.equal}, {worse} {counts[1]}"
    values = [value_words(figure, value) for value in (figure.first, figure.second)]
    return [figure.label, wins, *values, effect_words(figure, figure.effect)]


def _test_cells(figure: Figure) -> list[str]:
    interval = figure.interval
    ends = f"{effect_words(figure, interval.low)} to {effect_words(figure, interval.high)}" if interval else ""
    p = figure.adjusted if figure.adjusted is not None else figure.p
    needed = "" if figure.shown or figure.detectable is None else effect_words(figure, figure.detectable)
    shown = "" if p is None or not (figure.less or figure.more) else p_words(p).removeprefix("p ").removeprefix("= ")
    return [ends, shown, needed]


def _cell(answers: Sequence[Answer]) -> str:
    """Return the answers of a side to a prompt, as means if there are several."""
    said = [answer for answer in answers if not answer.failed]
    if not answers:
        return "-"
    failed = len(answers) - len(said)
    words = [f"{len(answers)} answers"] if len(answers) > 1 else []
    words += [f"{failed} failed" if len(answers) > 1 else "failed"] if failed else []
    seconds = [answer.seconds for answer in said if answer.seconds is not None]
    tokens = [answer.output_tokens for answer in said if answer.output_tokens is not None]
    costs = [answer.cost for answer in said if answer.cost is not None]
    words += [f"{fmean(seconds):,.1f} s"] if seconds else []
    words += [f"{fmean(tokens):,.0f} tokens"] if tokens else []
    words += [exact(fmean(costs))] if costs else []
    words += [answer.judged.words for answer in said if answer.judged.mark]
    return ", ".join(words)


def _alike(row: PromptRow) -> str:
    """Return how alike the first answers of all sides are."""
    first = [next((one.reply for one in cell if not one.failed), None) for cell in row.cells]
    said = [one for one in first if one is not None]
    found = [similarity(one, other) for place, one in enumerate(said) for other in said[place + 1 :]]
    return f"{fmean(found):.0%}" if found else ""


def _head(compared: Compared, place: int) -> str:
    side = compared.sides[place]
    return f"{side.letter}: {one_line(side.label, _LABEL)}"


def _wrapped(text: str, *, bold: bool = False) -> None:
    width = min(shutil.get_terminal_size().columns, 100)
    for line in textwrap.wrap(one_line(text), width):
        click.echo(click.style(line, bold=bold))
