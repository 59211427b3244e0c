"""What conversations paid for, and how much they may cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .history import is_old
from .log import Log
from .schema import statement


class PaidCall(NamedTuple):
    """One model call: `kind` is “turn” or “summary”. The token counts are the server's; None if it gave none."""

    kind: str
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    datetime_utc: str | None


def calls(log: Log, thread_ids: Sequence[str]) -> Iterator[PaidCall]:
    """Yield the calls of threads: their own turns, of both generations of llm's tables, and their summaries."""
    found: list[tuple[Any, ...]] = log.tuples(statement("paid_calls"), {"ids": json.dumps(list(thread_ids))})
    for thread_id in thread_ids:
        if is_old(log, thread_id):
            found += log.tuples(statement("old_paid_calls"), {"thread_id": thread_id})
    return (PaidCall(*row) for row in found)


def for_titles(log: Log, thread_ids: Sequence[str]) -> float:
    """Return what the titles of threads cost, in US dollars, as far as it is known."""
    sql = "select sum(spent_usd) from memory_titles where thread_id in (select value from json_each(:ids))"
    return float(log.value(sql, {"ids": json.dumps(list(thread_ids))}) or 0)


def set_budget(log: Log, thread_id: str, dollars: float | None) -> None:
    """Set the most that a session may cost; None removes the limit. Call it inside `log.writing()`."""
    log.run(
        "update memory_sessions set budget_usd = :dollars where thread_id = :thread_id",
        {"thread_id": thread_id, "dollars": dollars},
    )


def project_budget(log: Log, name_key: str) -> tuple[str, float] | None:
    """Return a project's name and the most that all its sessions may cost together, or None without a limit."""
    row = log.row("select name, budget_usd from memory_projects where name_key = :key", {"key": name_key})
    return (row["name"], row["budget_usd"]) if row and row["budget_usd"] is not None else None


def threads_of(log: Log, name_key: str) -> list[str]:
    """Return the threads of a project's sessions."""
    rows = log.rows("select thread_id from memory_sessions where project = :key", {"key": name_key})
    return [row["thread_id"] for row in rows]
