"""Describe a request for its page: its figures, the fate of every exchange, and what changed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llm_session_memory.reader.figures import small_dollars
from llm_session_memory.reader.sent import Fate, Run, Sent, Since, Unknown, Why, ranges
from llm_session_memory.reader.values import Stem
from llm_session_memory.rules.words import counted

from ..web.links import Links
from .points import session_of

WORDS: dict[Fate, str] = {
    "recent": "newest",
    "pinned": "pinned",
    "recalled": "recalled",
    "summarised": "summarised",
    "pruned": "in the log, not sent",
}

NOT_LOGGED: dict[Unknown, str] = {"older": "logged by an older llm", "imported": "imported"}
"""Why a request is not in the log, in the JSON of the pages."""

_CELLS = 400
"""In requests after more exchanges than this, a long run of the same fate is one cell."""

_LONG = 24
"""A run of more exchanges than this is long."""


@dataclass(frozen=True)
class Cell:
    """One exchange of the session, or a long run of exchanges, with its fate."""

    fate: Fate
    title: str
    url: str
    text: str = ""


def facts(sent: Sent, history: int | None) -> list[tuple[str, str]]:
    """Return the facts in the header, each a figure and its label."""
    found: list[tuple[str, str]] = []
    if sent.input_tokens is not None and sent.unknown == "imported":
        found.append((f"{sent.input_tokens:,}", "input tokens, according to the imported file"))
    elif sent.input_tokens is not None:
        expected = f" (estimate: {sent.why.estimate:,})" if sent.why else ""
        found.append((f"{sent.input_tokens:,}", f"tokens sent, counted by the server{expected}"))
    elif sent.why:
        found.append((f"{sent.why.estimate:,}", "tokens sent, estimated because the server reported no count"))
    if sent.has_fates:
        found.append(("", fates(sent)))
    if history is not None and (whole := sent.share(history)) and sent.tokens and whole > sent.tokens:
        found.append((f"about {whole:,}", "tokens in the whole history"))
    return found


def unknown(sent: Sent) -> str:
    """Return in words why the messages that were sent are not in the log, or an empty text if they are."""
    if sent.unknown == "older":
        return (
            "This exchange was logged by an older llm, which kept the prompt and the reply, but not what else it sent."
        )
    if sent.unknown and sent.why:
        return (
            "This exchange was imported. The file says what was chosen for it, but not how it was sent, word for word."
        )
    if sent.unknown:
        return "This exchange was imported with its prompt and its reply. What else was sent to the model is not known."
    return ""


def fates(sent: Sent) -> str:
    """Return the fates of the earlier exchanges in words."""
    if sent.number == 1:
        return "the first exchange"
    parts = [
        (sent.counted("recent"), "whole"),
        (sent.counted("pinned"), "pinned"),
        (sent.counted("recalled"), "recalled"),
        (sent.counted("summarised"), "in a summary"),
        (sent.counted("pruned"), "not sent"),
    ]
    said = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    return f"of {counted(sent.number - 1, 'earlier exchange')}: {said}"


def cells(sent: Sent, links: Links, reference: str, stems: Sequence[Stem] = ()) -> list[Cell]:
    """Return every earlier exchange with its fate. In long sessions, a long run is one cell."""

    def name(number: int) -> str:
        of = session_of(stems, number)
        return f"#{number:,} from {of}" if of else f"#{number:,}"

    found: list[Cell] = []
    for run in sent.runs:
        words = WORDS[run.fate] if sent.why or run.fate != "recent" else "sent"
        if sent.number > _CELLS and run.count > _LONG:
            span = ranges([run.first])[0] + f"–#{run.last:,}"
            found.append(Cell(run.fate, f"{span}: {words}", links.exchange(reference, run.first), span))
        else:
            found += [
                Cell(run.fate, f"{name(number)}: {words}", links.exchange(reference, number))
                for number in range(run.first, run.last + 1)
            ]
    return found


def reuse(change: Since, sent: Sent) -> str:
    """Return in words how much of the previous request the server could reuse."""
    if not change.same_model:
        return "nothing: a different model answered the previous exchange"
    part = round(100 * change.shared / sent.characters) if sent.characters else 0
    tokens = sent.share(change.shared)
    figure = f"{tokens:,} of {sent.tokens:,} tokens ({part}%)" if tokens is not None else f"{part}% of the characters"
    return f"about {figure}, the beginning shared with the previous request"


def cost(sent: Sent, change: Since) -> str:
    """Return in words what a request cost compared to the previous one."""
    said = []
    if change.tokens is not None:
        said.append(
            f"{abs(change.tokens):,} {'more' if change.tokens >= 0 else 'fewer'} tokens than at #{change.number:,}"
        )
    if sent.cost is not None:
        said.append(f"{small_dollars(sent.cost)} with the reply")
    return "; ".join(said) or "not counted"


# -- as plain values ------------------------------------------------------------------


def call_fields(sent: Sent) -> dict[str, Any]:
    """Return the call that a request belongs to, with its tokens and cost."""
    return {
        "number": sent.number,
        "call": sent.call,
        "calls": sent.calls,
        "turn_id": sent.turn_id,
        "model": sent.model,
        "datetime_utc": sent.datetime_utc,
        "input_tokens": sent.input_tokens,
        "output_tokens": sent.output_tokens,
        "cost_usd": sent.cost,
        "changed_utc": sent.changed_utc,
    }


def why_fields(why: Why) -> dict[str, Any]:
    """Return the recorded reasons for a request's contents."""
    return {
        "policy": why.policy,
        "budget": why.budget,
        "window": why.window,
        "window_source": why.window_source,
        "estimate": why.estimate,
        "cut_by_server": why.cut,
        "block_began": why.began,
        "block_reason": why.reason,
        "start": why.start,
        "start_clipped": why.clipped,
        "pinned": list(why.pinned),
    }


def extra_fields(sent: Sent) -> dict[str, Any]:
    """Return the parts of a request other than whole exchanges: tools, notes, a summary, excerpts."""
    summary = sent.summary
    return {
        "tools": list(sent.tools),
        "notes": list(sent.notes),
        "notes_for_all_sessions": list(sent.everywhere),
        "summary": None if summary is None else {"first": summary.first, "last": summary.last, "text": summary.text},
        "recalled": [
            {
                "number": one.number,
                "thread_id": one.thread_id,
                "session": one.session or None,
                "rank": one.rank,
                "score": one.score,
                "tokens": one.tokens,
                "words": list(one.words),
                "text": one.text,
                "for_an_earlier_prompt": one.earlier,
            }
            for one in sent.excerpts
        ],
    }


def since_fields(change: Since, sent: Sent) -> dict[str, Any]:
    """Return the changes since the previous request."""
    return {
        "number": change.number,
        "came_in": list(change.came),
        "fell_out": list(change.fell),
        "tokens": change.tokens,
        "reusable_tokens_about": sent.share(change.shared) if change.same_model else 0,
        "same_block": change.same_block,
    }


def run_fields(run: Run) -> dict[str, int | str]:
    """Return a run as plain values."""
    return {"first": run.first, "last": run.last, "fate": run.fate}
