"""Sessions or models side by side, as their page shows them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from llm_session_memory.insight.comparing.sentences import effect_words, p_words, percent, value_words
from llm_session_memory.insight.comparing.similarity import similarity
from llm_session_memory.insight.comparing.values import Comparison, Figure, Verdict
from llm_session_memory.reader.compared import LETTERS, Answer, Compared, PromptRow, Side
from llm_session_memory.rules.money import exact
from llm_session_memory.rules.safe_text import one_line, visible
from llm_session_memory.rules.words import counted

from ..web.links import Links
from .differing import marked_words
from .intervals import interval, tally
from .words import span

ROWS = 20
"""Prompts on a page."""

_LONG = 6_000
"""The most characters of an answer or a prompt on the page."""

_PROMPT = 1_500
"""The most characters of the prompt above its answers, which are what the page is for."""

_OPEN = 3
"""Up to so many pairs of sides are all unfolded."""

_SAME = 0.005
"""A smaller difference from the first side's is none."""


def sides(links: Links, compared: Compared) -> list[dict[str, Any]]:
    """Return what is compared: letter, label, sessions with their addresses, models, and how many answers there are."""
    return [
        {
            "letter": side.letter,
            "label": side.label,
            "sessions": [(one_line(one.heading, 60), links.session(one.reference)) for one in side.sessions[:6]],
            "more": max(len(side.sessions) - 6, 0),
            "models": ", ".join(one_line(model, 60) for model in side.models),
            "answers": counted(side.answers, "answer"),
            "failures": counted(side.failures, "failure") if side.failures else "",
        }
        for side in compared.sides
    ]


def listed(labels: Sequence[str]) -> str:
    """Return labels as a sentence lists them: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(labels[:-1]), *labels[-1:])))


def comparisons(compared: Compared, verdict: Verdict) -> list[dict[str, Any]]:
    """Return each pair of sides with its figures, in the order of the sides."""
    few = len(verdict.comparisons) <= _OPEN
    return [_comparison(compared.sides, one, place, few=few) for place, one in enumerate(verdict.comparisons, 1)]


def _comparison(sides: Sequence[Side], one: Comparison, place: int, *, few: bool) -> dict[str, Any]:
    first, second = sides[one.first], sides[one.second]
    return {
        "anchor": f"pair-{place}",
        "first": first.label,
        "second": second.label,
        "letters": (first.letter, second.letter),
        "sentence": one.sentence,
        "alike": one.alike.sentence,
        "open": few,
        "figures": [_figure(figure, first.letter, second.letter) for figure in one.figures],
    }


def _figure(figure: Figure, first: str, second: str) -> dict[str, Any]:
    between = figure.interval
    return {
        "label": figure.label,
        "first": value_words(figure, figure.first),
        "second": value_words(figure, figure.second),
        "middle": {"log": "median", "share": "share"}.get(figure.kind, "mean"),
        "tally": tally(figure),
        "counts": _counts(figure, first, second),
        "effect": effect_words(figure, figure.effect),
        "interval": f"{effect_words(figure, between.low)} to {effect_words(figure, between.high)}" if between else "",
        "level": f"{between.level:.0%} interval" if between else "",
        "p": p_words(figure.adjusted if figure.adjusted is not None else figure.p) if figure.p is not None else "",
        "svg": interval(figure),
        "shown": figure.shown,
        "tested": figure.p is not None,
        "sentence": figure.sentence,
    }


def _counts(figure: Figure, first: str, second: str) -> str:
    """Return the prompts that each side wins, or for which it has more, and those that are equal: `b better 9, …`."""
    if figure.better:
        parts = (f"{second} better {figure.wins:,}", f"equal {figure.equal:,}", f"{first} better {figure.losses:,}")
    else:
        parts = (f"{second} more {figure.more:,}", f"equal {figure.equal:,}", f"{first} more {figure.less:,}")
    return ", ".join(part.replace(" ", "\u00a0") for part in parts)  # a number stays with its words


# -- answers side by side ---------------------------------------------------------


def rows(links: Links, compared: Compared, after: int) -> list[dict[str, Any]]:
    """Return a page of prompts with their answers, those after a number."""
    votes: dict[int, list[str]] = {}
    for vote in compared.votes:
        one, other = (compared.sides[side].letter for side in (vote.first, vote.second))
        better = {-1: f"{one} found better than {other}", 1: f"{other} found better than {one}"}.get(
            vote.better, f"{one} and {other} found equally good"
        )
        votes.setdefault(vote.row, []).append(f"{better}{' (blind)' if vote.blind else ''}")
    return [_row(links, compared, row, votes.get(row.number, [])) for row in compared.rows[after : after + ROWS]]


def _row(links: Links, compared: Compared, row: PromptRow, votes: list[str]) -> dict[str, Any]:
    texts, said = _texts(row)
    base = next((answer for cell in row.cells for answer in cell[:1] if not answer.failed), None)
    cells = []
    for side, cell, text in zip(compared.sides, row.cells, texts, strict=True):
        first = cell[0] if cell else None
        cells.append(
            {
                "letter": side.letter,
                "label": side.label,
                "answer": first and _answer(links, first, text, base, differs=row.differs),
                "others": [_answer(links, one, _plain(one.reply), base) for one in cell[1:]],
            }
        )
    prompt = _clipped(visible(row.prompt), _PROMPT)
    return {"number": row.number, "prompt": prompt, "cells": cells, "votes": votes, "said": said}


def _texts(row: PromptRow) -> tuple[list[str], str]:
    """Return the first answer of each side as HTML with its words marked, and what is said about how alike they are.

    If two sides answered, each answer has the words marked that the other lacks; if more did, each but the first has
    those marked that the first one lacks.
    """
    answers = [cell[0] if cell and not cell[0].failed else None for cell in row.cells]
    texts = ["" if one is None else _plain(one.reply) for one in answers]
    there = [place for place, one in enumerate(answers) if one is not None]
    said = ""
    for other in there[1:]:
        first, second = (_clipped(str(one.reply)) for one in (answers[there[0]], answers[other]) if one is not None)
        found = marked_words(first, second)
        if len(there) == 2:  # noqa: PLR2004  as said
            said = _how_alike(first, second, marked=found is not None)
        if found is not None and first.strip() != second.strip():
            texts[other] = found[1]
            texts[there[0]] = found[0] if len(there) == 2 else texts[there[0]]  # noqa: PLR2004
    return texts, said


def _how_alike(one: str, other: str, *, marked: bool) -> str:
    if one.strip() == other.strip():
        return "The answers are identical."
    share = f"{similarity(one, other):.0%} of the words are in both answers"
    return f"{share}." if marked else f"{share}; the differences are not marked."


def _answer(links: Links, answer: Answer, text: str, base: Answer | None, *, differs: bool = False) -> dict[str, Any]:
    heading = answer.thread_id
    return {
        "url": links.exchange(heading, answer.id) if not answer.failed else links.session(heading),
        "number": answer.number,
        "model": one_line(answer.model, 60),
        "html": text,
        "cut": len(answer.reply) > _LONG,
        "failed": answer.failed,
        "error": one_line(answer.error, 500) or "No answer.",
        "tries": f"after {counted(answer.tries, 'failed attempt')}" if answer.tries and not answer.failed else "",
        "rated": answer.judged.with_reason and one_line(answer.judged.with_reason, 200),
        "facts": _facts(answer, None if answer is base else base),
        "prompt": _clipped(visible(answer.prompt)) if differs else "",
    }


def _facts(answer: Answer, base: Answer | None) -> list[tuple[str, str]]:
    """Return what an answer took, each with how it differs from the first side's answer, in words."""
    if answer.failed:
        return []
    found = []
    for measure in _TAKEN:
        value = measure.value(answer)
        if value:
            other = measure.value(base) if base else None
            found.append((measure.words(value), _against(value, other, measure)))
    return found


@dataclass(frozen=True)
class _Taken:
    """What an answer took or has, and how it is said: a number of things, or an amount."""

    value: Callable[[Answer], float | None]
    words: Callable[[float], str]
    counts: bool


_TAKEN = (
    _Taken(lambda one: one.output_tokens, lambda value: counted(int(value), "token"), counts=True),
    _Taken(lambda one: one.seconds, span, counts=False),
    _Taken(lambda one: one.cost, exact, counts=False),
    _Taken(lambda one: one.length, lambda value: counted(int(value), "character"), counts=True),
)


def _against(value: float, other: float | None, measure: _Taken) -> str:
    if not other:
        return ""
    ratio = value / other
    if abs(ratio - 1) < _SAME:
        return "as many" if measure.counts else "as much"
    if ratio >= 2:  # noqa: PLR2004  from twice as much on
        return f"{ratio:.1f} times as {'many' if measure.counts else 'much'}"
    less = "fewer" if measure.counts else "less"
    return f"{percent(abs(ratio - 1))} {less if ratio < 1 else 'more'}"


def _plain(text: str) -> str:
    return escape(_clipped(visible(text)))


def _clipped(text: str, most: int = _LONG) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()}…"


def asked(references: Sequence[str]) -> dict[str, str]:
    """Return sessions as the parameters that compare them: a, b and so on."""
    return dict(zip(LETTERS, references, strict=False))
