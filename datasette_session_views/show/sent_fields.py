"""A request as plain values, for JSON. Pure."""

from __future__ import annotations

from typing import Any

from llm_session_memory.reader.sent import Run, Sent, Since, Unknown, Why

from .called import schema_value

NOT_LOGGED: dict[Unknown, str] = {"older": "logged by an older llm", "imported": "imported"}
"""Why a request is not in the log, in the JSON of the pages."""


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
        "schema": schema_value(sent.schema),
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
