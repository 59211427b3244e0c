"""Which rows of a log make up each document, in which order, and which of them a thread's stamp covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..rules.portable import stamp

Row = dict[str, Any]

ABOUT_CALLS = ("memory_contexts", "memory_originals", "memory_recalls", "memory_changed")
"""Our tables with rows about a call."""

OWNED: dict[str, dict[str, str]] = {
    "schema": {"schemas": "id"},
    "attachment": {"attachments": "id"},
    "fragment": {"fragments": "hash"},
    "tool": {"tools": "hash"},
    "instance": {"tool_instances": ""},
    "message": {"messages": "hash", "parts": "message_hash", "part_attachments": "", "part_fragments": ""},
    "response": {
        "responses": "id",
        **dict.fromkeys(("prompt_attachments", "prompt_fragments", "system_fragments"), "response_id"),
        **dict.fromkeys(("tool_responses", "tool_calls", "tool_results"), "response_id"),
        "tool_results_attachments": "",
        **dict.fromkeys(ABOUT_CALLS, "turn_id"),
    },
    "turn": {
        "turns": "id",
        **dict.fromkeys(("turn_fragments", "turn_tools", "tool_instantiations", "turn_search"), "turn_id"),
        **dict.fromkeys(ABOUT_CALLS, "turn_id"),
    },
    "thread": {
        "threads": "id",
        "conversations": "id",
        "memory_sessions": "thread_id",
        "memory_projects": "",
        "memory_blocks": "thread_id",
        **dict.fromkeys(("memory_pins", "memory_attempts", "memory_notes", "memory_tags", "memory_meta"), "thread_id"),
        **dict.fromkeys(("memory_summaries", "memory_ratings", "memory_bookmarks", "memory_forks"), "thread_id"),
        **dict.fromkeys(("memory_branches", "memory_origins", "memory_undone", "memory_snapshots"), "thread_id"),
        "memory_titles": "thread_id",
        "memory_changes": "",
        "memory_groups": "",
        "memory_group_members": "thread_id",
        "memory_votes": "",
    },
    "tombstone": {"memory_tombstones": ""},
}
"""The tables of each kind of document, and the column that has the document's key in each of their rows, if one has."""

MAIN = {kind: next(iter(tables)) for kind, tables in OWNED.items()}
"""The table that has one row for each document of a kind. A thread may have none in it."""

ORDER: dict[str, tuple[str, ...]] = {
    "parts": ("position",),
    "part_attachments": ("part_id", "order", "attachment_id"),
    "part_fragments": ("part_id", "order", "fragment_id"),
    "prompt_attachments": ("order", "attachment_id"),
    "prompt_fragments": ("order", "fragment_id"),
    "system_fragments": ("order", "fragment_id"),
    "tool_responses": ("tool_id",),
    "tool_results_attachments": ("tool_result_id", "order", "attachment_id"),
    "turn_fragments": ("kind", "order", "fragment_id"),
    "turn_tools": ("tool_id",),
    "tool_instantiations": ("tool_call_id",),
    "memory_recalls": ("rank",),
    "memory_blocks": ("began_utc", "id"),
    "memory_pins": ("turn_id",),
    "memory_attempts": ("id",),
    "memory_notes": ("created_utc", "author", "text"),
    "memory_tags": ("tag_key",),
    "memory_meta": ("key",),
    "memory_summaries": ("made_utc", "first_turn_id", "last_turn_id", "text"),
    "memory_ratings": ("turn_id", "person"),
    "memory_bookmarks": ("turn_id",),
    "memory_undone": ("turn_id",),
    "memory_snapshots": ("made_utc", "label_key"),
    "memory_changes": ("kind", "thread_id", "key"),
    "memory_groups": ("name_key",),
    "memory_group_members": ("name_key",),
    "memory_votes": ("a_turn_id", "b_turn_id"),
}
"""The columns that tell the rows of a table in one document apart. Tables that aren't here have one row, or the rows
are in the order of the log (calls of tools and their results)."""

BLOCK = ("began_utc", "start_turn_id", "policy", "budget", "front", "reason", "pinned_json")
"""What identifies a block: all that never changes, as in merging."""

NUMBERED: dict[str, tuple[str, ...]] = {
    "memory_notes": ("thread_id", *ORDER["memory_notes"]),
    "memory_summaries": ("thread_id", *ORDER["memory_summaries"]),
    "memory_snapshots": ("thread_id", "label_key"),
    "memory_blocks": BLOCK,
}
"""Tables whose numbers are made from these columns."""

STAMPED: dict[str, tuple[str, ...]] = {
    "memory_pins": ("turn_id",),
    "memory_notes": ("created_utc", "author", "text"),
    "memory_tags": ("tag_key",),
    "memory_meta": ("key", "value"),
    "memory_summaries": ("made_utc", "first_turn_id", "last_turn_id", "text"),
    "memory_ratings": ("turn_id", "person", "mark", "note", "rated_utc"),
    "memory_bookmarks": ("turn_id", "label", "created_utc"),
    "memory_titles": ("title", "author", "made_utc"),
    "memory_origins": ("source", "key"),
    "memory_undone": ("turn_id",),
    "memory_snapshots": ("label_key", "label", "turn_id", "state_json", "made_utc"),
    "memory_forks": ("at_turn_id",),  # the thread follows from that, and nothing tells it once the exchange is gone
    "memory_branches": ("root_id", "turn_id", "kept_turn_id"),
    "memory_groups": ("name_key", "name", "created_utc"),
    "memory_group_members": ("name_key",),
    "memory_votes": ("a_turn_id", "b_turn_id", "better", "blind", "voted_utc"),
    "memory_attempts": ("id", "answered_by"),
}
"""The columns that a thread's stamp covers: those that a merge makes equal. Times of rows that are only there or not
stay different on two machines, and are not covered."""

WHOLE: dict[str, frozenset[str]] = {
    "memory_sessions": frozenset({"thread_id", "name_key", "created_utc"}),
    "memory_projects": frozenset({"created_utc"}),
}
"""Tables of settings, of which a stamp covers all columns but these. Nulls don't count, so a column
of a later version changes no stamp before it is used."""

OPEN_ATTEMPT = '{"process": '
"""The beginning of an attempt's request_json while a process sends its prompt. Such attempts are never sent."""


def stamp_of_row(thread_id: str, table: str, row: Mapping[str, Any]) -> int:
    """Return what a row about a thread contributes to its stamp: 0 if that is nothing."""
    if table == "memory_attempts":  # two machines may have had it answered by different turns
        return stamp(thread_id, table, [row["id"], row["answered_by"] is not None])
    if table in STAMPED:
        return stamp(thread_id, table, [row[name] for name in STAMPED[table]])
    if table in WHOLE:
        left = {name: value for name, value in row.items() if value is not None and name not in WHOLE[table]}
        return stamp(thread_id, table, left)
    return 0


def stamp_of_thread(thread_id: str, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    """Return the stamp of a thread with these rows about it."""
    value = stamp("thread", thread_id)
    for table, some in rows.items():
        for row in some:
            value ^= stamp_of_row(thread_id, table, row)
    return value
