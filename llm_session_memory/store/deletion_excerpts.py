"""Fragments with excerpts of deleted exchanges: what stays of them is stored as other fragments."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..rules.fences import excerpts_in, has_all, origin, place, with_only
from .log import Log
from .message_parts import DELETED


def rewritten(log: Log, rows: Iterable[Mapping[str, Any]]) -> dict[int, int | None]:
    """Store what stays of fragments with excerpts that go, given as rows of deletion_excerpts.

    Return the new fragment of each, or None for a fragment that is one excerpt, as in older logs: nothing of it stays.
    """
    found: dict[int, int | None] = {}
    whole: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if has_all(row["source"]):
            whole[row["fragment_id"]].append(row)
        else:
            found[row["fragment_id"]] = None
    for id_, going in whole.items():
        fragment = log.row("select content, source from fragments where id = :id", {"id": id_}) or {}
        excerpts = excerpts_in(fragment["content"])
        places = {at for row in going for at in _places(log, row, excerpts)}
        kept = [text for at, text in enumerate(excerpts) if at not in places]
        found[id_] = _add(log, with_only(fragment["content"], kept, DELETED), fragment["source"])
    return found


def _places(log: Log, row: Mapping[str, Any], excerpts: Sequence[str]) -> list[int]:
    """Return which of the excerpts of a prompt goes. If the record doesn't fit the text, all of its exchange go."""
    recalls = log.rows("select * from memory_recalls where turn_id = :turn_id", row)
    in_order = sorted(recalls, key=lambda one: place(one.get("thread_id"), one["number"], one["passage_id"]))
    found = next(at for at, one in enumerate(in_order) if one["rank"] == row["rank"])
    ends = f"#{in_order[found]['number']}"
    if found < len(excerpts) and origin(excerpts[found]).endswith(ends):
        return [found]
    return [at for at, text in enumerate(excerpts) if origin(text).endswith(ends)]


def _add(log: Log, content: str, source: str) -> int:
    """Store a fragment as llm does, unless it is there, and return its id."""
    row = {"hash": hashlib.sha256(content.encode()).hexdigest(), "content": content, "source": source}
    log.run(
        "insert into fragments (hash, content, datetime_utc, source)"
        " values (:hash, :content, datetime('now'), :source) on conflict (hash) do nothing",
        row,
    )
    return int(log.value("select id from fragments where hash = :hash", row))
