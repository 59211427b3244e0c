"""The beginnings of first prompts, for what a conversation without a name is called."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..rules.openings import opening
from .older import older_log
from .source import Source, ids


def openings(source: Source, thread_ids: Iterable[str]) -> dict[str, str]:
    """Return the beginning of the first prompt of each of these threads that has one."""
    wanted = list(thread_ids)
    old = older_log(source)
    rows = {id_: conversation.first_row for id_ in wanted if (conversation := old.get(id_))}
    found = {
        row["thread_id"]: row["prompt"]
        for row in source.rows("openings", ids=ids(wanted))
        if row["prompt"] and row["thread_id"] not in rows
    }
    if rows:
        sql = (
            "select conversation_id, substr(prompt, 1, 2000) as prompt from responses"
            " where rowid in (select value from json_each(:rows))"
        )
        asked = source.query(sql, rows=json.dumps([*rows.values()]))
        found |= {row["conversation_id"]: row["prompt"] or "" for row in asked}
    return {id_: opening(str(prompt)) for id_, prompt in found.items()}
