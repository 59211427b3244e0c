"""Codex's transcripts: items and events, instructions that are no prompts, tokens, what was rolled back, forks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llm_session_memory.interchange.foreign.codex import FORMAT
from tests.interchange.foreign.files import PIXEL, lines, of_turn, read, said

ID = "019a0000-0000-7000-8000-000000000001"


def line(kind: str, second: int = 0, **payload: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-08-01T10:00:{second:02}.000Z", "type": kind, "payload": payload}


def meta(id_: str = ID, **more: Any) -> dict[str, Any]:
    base = {"text": "You are a careful engineer."}
    return line("session_meta", id=id_, cwd="/home/ada/bridge", cli_version="0.150.0", base_instructions=base, **more)


def message(role: str, text: str, second: int = 0, *more: dict[str, Any]) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return line("response_item", second, type="message", role=role, content=[{"type": kind, "text": text}, *more])


def item(kind: str, second: int = 0, **fields: Any) -> dict[str, Any]:
    return line("response_item", second, type=kind, **fields)


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return line("event_msg", type=kind, **fields)


def turn(id_: str) -> dict[str, Any]:
    return line("turn_context", turn_id=id_, model="gpt-heron", cwd="/home/ada/bridge")


def tokens(sent: int, got: int) -> dict[str, Any]:
    usage = {"input_tokens": sent, "cached_input_tokens": 7, "output_tokens": got, "total_tokens": sent + got}
    return event("token_count", info={"total_token_usage": {}, "last_token_usage": usage}, rate_limits=None)


def test_a_session_has_its_prompts_thoughts_calls_results_tokens_and_folder(tmp_path: Path) -> None:
    """What the screen showed is not taken twice, and Codex's own messages are no prompts."""
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}
    failed = json.dumps({"output": "no such file", "metadata": {"exit_code": 1}})
    path = lines(
        tmp_path / "rollout.jsonl",
        [
            meta(git={"branch": "main", "commit_hash": "c0ffee"}),
            message("developer", "<permissions instructions>…"),
            message("user", "<environment_context>\n<cwd>/home/ada/bridge</cwd>\n</environment_context>"),
            turn("t1"),
            message("user", "How long is it?", 1, picture),
            event("user_message", message="How long is it?", images=[]),
            item("reasoning", 2, summary=[{"type": "summary_text", "text": "Look it up."}], encrypted_content="eA=="),
            message("assistant", "I look.", 3),
            event("agent_message", message="I look."),
            item("function_call", 4, name="exec_command", arguments='{"cmd":"cat plan"}', call_id="c1"),
            item("custom_tool_call", 4, name="apply_patch", input="*** Begin Patch", call_id="c2", status="completed"),
            item("web_search_call", 4, id="w1", action={"type": "search", "query": "bridge"}),
            tokens(100, 20),
            item("function_call_output", 5, call_id="c1", output=failed),
            item(
                "custom_tool_call_output", 6, call_id="c2", output=[{"type": "input_text", "text": "Patched."}, picture]
            ),
            item("function_call_output", 6, call_id="c1", output="again"),
            message("assistant", "2.3 km.", 9),
            tokens(150, 5),
            line("compacted", message="A summary.", replacement_history=[]),
            line("world_state", tools=[]),
        ],
    )
    (found,), losses = read(FORMAT, path)
    assert (found.key, found.model, found.project, found.archived) == (ID, "gpt-heron", "bridge", False)
    assert found.meta == {
        "directory": "/home/ada/bridge",
        "branch": "main",
        "commit": "c0ffee",
        "version": "0.150.0",
    }
    (exchange,) = found.exchanges
    first, second = exchange.turns
    assert of_turn(first) == [
        "user: How long is it?",
        "user [image/png]",
        "assistant thinks: Look it up.",
        "assistant: I look.",
        'assistant calls exec_command {"cmd": "cat plan"}',
        'assistant calls apply_patch {"input": "*** Begin Patch"}',
        'assistant server runs web_search {"type": "search", "query": "bridge"}',
    ]
    assert of_turn(second) == [
        "tool exec_command: no such file (error)",
        "tool apply_patch: Patched. [image/png]",
        "assistant: 2.3 km.",
    ]
    assert (exchange.key, first.system, first.has_system) == ("t1", "You are a careful engineer.", True)
    assert (first.input_tokens, first.output_tokens, first.duration_ms) == (100, 20, 3000)
    assert (first.token_details, second.input_tokens, second.duration_ms) == ({"cached_input_tokens": 7}, 150, 3000)
    assert losses.counts == {
        "a message with which Codex instructed the model": 2,
        "the result of a tool that was not called, or had a result already": 1,
        "a summary that a compaction made": 1,
        "a line of the kind world_state": 1,
    }


def test_a_prompt_that_looks_like_codex_is_one_if_an_event_says_so(tmp_path: Path) -> None:
    """A person may ask about a text of Codex's own."""
    asked = "<environment_context> is what?"
    path = lines(
        tmp_path / "r.jsonl",
        [meta(), message("user", asked), event("user_message", message=asked), message("assistant", "A tag.")],
    )
    (found,), _ = read(FORMAT, path)
    assert [said(one) for one in found.exchanges] == [[f"user: {asked}", "assistant: A tag."]]


def test_tags_around_a_picture_are_no_text_of_the_prompt(tmp_path: Path) -> None:
    """A text in tags that no event calls a prompt is Codex's, also if it is new."""
    content = [
        {"type": "input_text", "text": "<image name=[Image #1]>"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"},
        {"type": "input_text", "text": "</image>"},
        {"type": "input_text", "text": "What is it?"},
    ]
    path = lines(
        tmp_path / "r.jsonl",
        [
            meta(),
            message("user", "<some_new_context>…</some_new_context>"),
            item("message", role="user", content=content),
            event("user_message", message="What is it?"),
            message("assistant", "A dot."),
        ],
    )
    (found,), losses = read(FORMAT, path)
    assert [said(one) for one in found.exchanges] == [["user [image/png]", "user: What is it?", "assistant: A dot."]]
    assert losses.counts == {"a message with which Codex instructed the model": 1}


def test_what_was_rolled_back_is_a_branch(tmp_path: Path) -> None:
    """The session goes on from what was kept."""
    path = lines(
        tmp_path / "r.jsonl",
        [
            meta(),
            *(turn("t1"), message("user", "Name a river."), message("assistant", "Tagus.")),
            *(turn("t2"), message("user", "And a lake?"), message("assistant", "Como.")),
            event("thread_rolled_back", num_turns=1),
            *(turn("t3"), message("user", "And a sea?"), message("assistant", "Baltic.")),
        ],
    )
    (main, branch), _ = read(FORMAT, path)
    assert [said(one)[0] for one in main.exchanges] == ["user: Name a river.", "user: And a sea?"]
    assert [said(one)[0] for one in branch.exchanges] == ["user: And a lake?"]
    assert branch.forked_from == (ID, "t1")


def test_a_forked_session_shares_what_it_began_with_and_a_subagent_is_put_away(tmp_path: Path) -> None:
    """A fork repeats the lines of its session, also the first one."""
    begun = [turn("t1"), message("user", "Name a river."), message("assistant", "Tagus.")]
    lines(tmp_path / "2026" / "1.jsonl", [meta(), *begun])
    more = [turn("t9"), message("user", "And a sea?"), message("assistant", "Baltic.")]
    lines(tmp_path / "2026" / "2.jsonl", [meta("fork", forked_from_id=ID), meta(), *begun, *more])
    part = meta("part", source={"subagent": {"other": "review"}})
    lines(tmp_path / "2026" / "3.jsonl", [part, message("user", "Review it."), message("assistant", "Good.")])
    (tmp_path / "2026" / "4.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    (one, fork, sub), losses = read(FORMAT, tmp_path)
    assert losses.counts == {"a transcript that Codex compressed (unpack it with: unzstd FILE)": 1}
    assert (one.key, fork.key, fork.forked_from, fork.meta["from"]) == (ID, "fork", (ID, "t1"), ID)
    assert [said(each)[0] for each in fork.exchanges] == ["user: And a sea?"]
    assert (sub.tags, sub.archived) == (("subagent",), True)


def test_sessions_whose_turns_have_equal_ids_are_still_two(tmp_path: Path) -> None:
    """Only a session that says so begins with the turns of another one."""
    for name in ("1", "2"):
        lines(
            tmp_path / f"{name}.jsonl", [meta(name), turn("1"), message("user", "Hello."), message("assistant", name)]
        )
    found, _ = read(FORMAT, tmp_path)
    assert [said(one) for each in found for one in each.exchanges] == [
        ["user: Hello.", "assistant: 1"],
        ["user: Hello.", "assistant: 2"],
    ]


def test_transcripts_of_before_september_2025_are_read(tmp_path: Path) -> None:
    """Their items have no type and payload around them."""
    path = lines(
        tmp_path / "r.jsonl",
        [
            {"id": ID, "timestamp": "2025-06-01T10:00:00.000Z", "instructions": None, "git": {"branch": "main"}},
            {"record_type": "state"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]},
            {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "eA=="},
            {
                "type": "local_shell_call",
                "call_id": "c",
                "status": "completed",
                "action": {"type": "exec", "command": []},
            },
            {"type": "function_call_output", "call_id": "c", "output": "done"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]},
        ],
    )
    (found,), losses = read(FORMAT, path)
    assert found.created_utc == "2025-06-01T10:00:00.000Z"
    assert [said(one) for one in found.exchanges] == [
        [
            "user: Hello.",
            "assistant thinks: …",
            'assistant calls local_shell {"type": "exec", "command": []}',
            "tool local_shell: done",
            "assistant: Hi.",
        ]
    ]
    assert losses.counts == {"a line of the kind state": 1}
