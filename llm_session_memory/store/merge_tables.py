"""The tables that a merge copies, as values: which rows, and which columns not as they are; and those it leaves out."""

from __future__ import annotations

_FRAGMENT = "(select l.id from other.fragments f join main.fragments l on l.hash = f.hash where f.id = s.fragment_id)"
_TOOL = "(select l.id from other.tools t join main.tools l on l.hash = t.hash where t.id = s.tool_id)"
_INSTANCE = (
    "(select l.id from other.tool_instances i join main.tool_instances l on l.name is i.name"
    " and l.plugin is i.plugin and l.arguments is i.arguments where i.id = s.instance_id order by l.id limit 1)"
)
_PART = (
    "(select l.id from other.parts p join main.parts l on l.message_hash = p.message_hash"
    " and l.position = p.position where p.id = s.part_id)"
)
_RESULT = "(select r.place + :results from temp.merge_results r where r.id = {id_})"
_TURNS = "where s.turn_id in (select id from temp.merge_turns)"
_RESPONSES = "where s.response_id in (select id from temp.merge_responses)"

LLMS: dict[str, tuple[dict[str, str | None], str]] = {
    "schemas": ({}, "where s.id in (select id from temp.merge_schemas)"),
    "attachments": ({}, "where s.id in (select id from temp.merge_attachments)"),
    "fragments": ({"id": None}, "where s.id in (select id from temp.merge_fragments)"),
    "fragment_aliases": ({"fragment_id": _FRAGMENT}, "where s.alias not in (select alias from main.fragment_aliases)"),
    "tools": ({"id": None}, "where s.id in (select id from temp.merge_tools)"),
    "tool_instances": ({"id": None}, "where s.id in (select id from temp.merge_instances)"),
    "messages": ({}, "where s.hash in (select hash from temp.merge_messages)"),
    "parts": (
        {"id": None, "payload": "renumbered(s.payload)"},
        "where s.message_hash in (select hash from temp.merge_messages)",
    ),
    "part_attachments": ({"part_id": _PART}, "where s.part_id in (select id from temp.merge_parts)"),
    "part_fragments": (
        {"part_id": _PART, "fragment_id": _FRAGMENT},
        "where s.part_id in (select id from temp.merge_parts)",
    ),
    "threads": ({}, "where s.id in (select id from temp.merge_threads)"),
    "turns": ({}, "where s.id in (select id from temp.merge_turns)"),
    "turn_fragments": ({"fragment_id": _FRAGMENT}, _TURNS),
    "turn_tools": ({"tool_id": _TOOL, "instance_id": _INSTANCE}, _TURNS),
    "tool_instantiations": ({"instance_id": _INSTANCE}, _TURNS),
    "conversations": ({}, "where s.id not in (select id from main.conversations)"),
    "responses": ({}, "where s.id in (select id from temp.merge_responses)"),
    "prompt_attachments": ({}, _RESPONSES),
    "prompt_fragments": ({"fragment_id": _FRAGMENT}, _RESPONSES),
    "system_fragments": ({"fragment_id": _FRAGMENT}, _RESPONSES),
    "tool_responses": ({"tool_id": _TOOL}, _RESPONSES),
    "tool_calls": ({"id": None, "tool_id": _TOOL}, _RESPONSES),
    "tool_results": (
        {"id": _RESULT.format(id_="s.id"), "tool_id": _TOOL, "instance_id": _INSTANCE},
        "where s.id in (select id from temp.merge_results)",
    ),
    "tool_results_attachments": (
        {"tool_result_id": _RESULT.format(id_="s.tool_result_id")},
        "where s.tool_result_id in (select id from temp.merge_results)",
    ),
    "turn_search": (
        {"id": None},
        f"{_TURNS} and s.turn_id not in (select turn_id from main.turn_search)",  # noqa: S608  constants
    ),
}
"""llm's tables in the order in which they are copied: the columns that are not copied as they are (None: SQLite gives
the number), and which rows are copied."""

_BLOCK = "(select b.to_id from temp.merge_blocks b where b.id = s.block_id)"

OURS: dict[str, tuple[dict[str, str | None], str]] = {
    "memory_blocks": (
        {"id": "(select b.to_id from temp.merge_blocks b where b.id = s.id)"},
        "where s.id in (select id from temp.merge_blocks where is_new)",
    ),
    "memory_contexts": ({"block_id": _BLOCK}, _TURNS),
    "memory_originals": ({}, _TURNS),
    "memory_changed": ({}, _TURNS),
    "memory_recalls": ({"passage_id": "0"}, _TURNS),
    "memory_attempts": ({}, "where s.id not in (select id from main.memory_attempts)"),
    "memory_forks": ({}, "where s.thread_id not in (select thread_id from main.memory_forks)"),
}

TABLES = (*LLMS, *OURS, "memory_branches")

NOT_MERGED = frozenset(
    {"memory_windows", "memory_log_settings", "memory_sealed"}
    | {"memory_index", "memory_passages", "memory_words", "memory_vectors"}
    | {"memory_jobs", "memory_job_items"}
    | {"memory_machine", "memory_remotes", "memory_remote_threads"}
)
"""Our tables that are about one machine, or about the log's own index."""

WITHOUT_ROWID = frozenset({"memory_recalls", "memory_changed"})
"""Tables whose rows have no number, so they have no order of their own either."""
