"""A comparison as plain values for programs: what `--json` prints and the page's JSON twin serves. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ...reader.compared import Answer, Compared, Preferred, PromptRow, Side
from .values import Comparison, Figure, Verdict


def as_fields(compared: Compared, verdict: Verdict, *, texts: bool = True) -> dict[str, Any]:
    """Return a comparison with its verdict, ready for JSON. Without `texts`, prompts and replies are left out."""
    letters = [side.letter for side in compared.sides]
    return {
        "group": compared.group,
        "by": compared.by,
        "matched_by": compared.matching,
        "sides": [_side(side) for side in compared.sides],
        "comparisons": [_comparison(one, letters) for one in verdict.comparisons],
        "notes": [*verdict.notes],
        "shared_exchanges": compared.shared,
        "limited_to": compared.limited,
        "votes": [_vote(vote, letters) for vote in compared.votes],
        "prompts": [_row(row, letters, texts=texts) for row in compared.rows],
    }


def answer_fields(answer: Answer, *, texts: bool = True) -> dict[str, Any]:
    """Return one answer as plain values; `number` is null if it failed."""
    fields = {
        "thread_id": answer.thread_id,
        "id": answer.id,
        "number": answer.number,
        "model": answer.model,
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "seconds": answer.seconds,
        "cost_usd": answer.cost,
        "characters": answer.length,
        "rating": answer.judged.mark or None,
        "failed": answer.failed,
        "failed_attempts": answer.tries,
        "error": answer.error or None,
        "datetime_utc": answer.datetime_utc,
    }
    return {**fields, "reply": None if answer.failed else answer.reply} if texts else fields


def _side(side: Side) -> dict[str, Any]:
    return {
        "side": side.letter,
        "label": side.label,
        "sessions": [{"name": one.name, "thread_id": one.thread_id} for one in side.sessions],
        "models": [*side.models],
        "answers": side.answers,
        "failures": side.failures,
    }


def _comparison(one: Comparison, letters: list[str]) -> dict[str, Any]:
    return {
        "first": letters[one.first],
        "second": letters[one.second],
        "prompts": one.pairs,
        "sentence": one.sentence,
        "measures": [_figure(figure) for figure in one.figures],
        "similarity": asdict(one.alike),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {**asdict(figure), "wins": figure.wins, "losses": figure.losses}


def _vote(vote: Preferred, letters: list[str]) -> dict[str, Any]:
    better = {-1: letters[vote.first], 1: letters[vote.second]}.get(vote.better)
    return {
        "prompt": vote.row,
        "between": [letters[vote.first], letters[vote.second]],
        "better": better,
        "blind": vote.blind,
    }


def _row(row: PromptRow, letters: list[str], *, texts: bool) -> dict[str, Any]:
    answers = {
        letter: [answer_fields(answer, texts=texts) for answer in cell]
        for letter, cell in zip(letters, row.cells, strict=True)
    }
    return {"number": row.number, **({"prompt": row.prompt} if texts else {}), "answers": answers}
