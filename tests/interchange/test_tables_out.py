"""Sessions as tables and as training data: CSV and OpenAI's chat format."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.interchange.world import PNG, exported, import_lines, old_conversation

TOOL = {"name": "tides", "description": "Looks.", "input_schema": {"type": "object"}}
CALLED: dict[str, Any] = {
    "turns": [
        {
            "system": "Be brief.",
            "tools": [TOOL],
            "input": [{"role": "user", "parts": [{"type": "text", "text": "When is low water?"}]}],
            "output": [
                {
                    "role": "assistant",
                    "parts": [
                        {"type": "reasoning", "text": "They build."},
                        {"type": "text", "text": "<think>\nA tool.\n</think>\nI look."},
                        {"type": "tool_call", "name": "tides", "arguments": {"place": "Porto"}},
                    ],
                }
            ],
        },
        {
            "system": "Be brief.",
            "input": [{"role": "tool", "parts": [{"type": "tool_result", "name": "tides", "output": "09:42"}]}],
            "output": [{"role": "assistant", "parts": [{"type": "text", "text": "At 09:42."}]}],
            "input_tokens": 20,
            "output_tokens": 5,
        },
    ]
}


def chats(log: Path, name: str = "work") -> list[dict[str, Any]]:
    """Return the lines of a session in OpenAI's chat format."""
    return [json.loads(line) for line in exported(log, name, "openai").splitlines()]


def table(log: Path, name: str = "work") -> list[dict[str, str]]:
    """Return the rows of a session's CSV."""
    return [*csv.DictReader(io.StringIO(exported(log, name, "csv"), newline=""))]


def test_a_session_is_one_chat(fresh: Path) -> None:
    """Calls and results have ids that match, tools are offered, and thinking is left out."""
    import_lines(fresh, [{"prompt": "Hello.", "response": "Good day.", "system": "Be brief."}, CALLED])
    (chat,) = chats(fresh)
    call = {"id": "call_2_1", "type": "function", "function": {"name": "tides", "arguments": '{"place": "Porto"}'}}
    assert chat["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Good day."},
        {"role": "user", "content": "When is low water?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_2_1", "content": "09:42"},
        {"role": "assistant", "content": "At 09:42."},
    ]
    function = {"name": "tides", "description": "Looks.", "parameters": {"type": "object"}}
    assert chat["tools"] == [{"type": "function", "function": function}]


def test_a_chat_has_what_can_be_learned(fresh: Path) -> None:
    """Exchanges without a reply are left out; a new system prompt comes where it began; files are inside."""
    image = {"type": "image/png", "content": base64.b64encode(PNG).decode()}
    asked = [{"type": "text", "text": "What is it?"}, {"type": "attachment", "attachment": image}]
    seen = {"input": [{"role": "user", "parts": asked}], "system": "Look.", "output": []}
    said = [{"role": "assistant", "parts": [{"type": "text", "text": "A deck."}]}]
    import_lines(fresh, [{"prompt": "Anyone?"}, {"turns": [seen]}, {"turns": [{**seen, "output": said}]}])
    (chat,) = chats(fresh)
    url = f"data:image/png;base64,{image['content']}"
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    assert chat["messages"] == [
        {"role": "system", "content": "Look."},
        {"role": "user", "content": content},
        {"role": "assistant", "content": "A deck."},
    ]
    import_lines(fresh, [{"prompt": "Anyone?"}], "silent")
    assert chats(fresh, "silent") == []


def test_everything_that_can_happen_is_a_valid_chat(lived: Path) -> None:
    """Each tool call is answered, no message is empty, a reply is last, and no excerpts and summaries are in it."""
    (chat,) = chats(lived)
    assert chat["messages"][-1]["role"] == "assistant"
    calls = [call["id"] for one in chat["messages"] for call in one.get("tool_calls", ())]
    assert calls == [one["tool_call_id"] for one in chat["messages"] if one["role"] == "tool"] != []
    assert all(one["content"] or one.get("tool_calls") for one in chat["messages"])
    assert not any("<summary>" in str(one["content"]) or "earlier-conversation" in str(one) for one in chat["messages"])


def test_csv_has_a_row_for_each_exchange(fresh: Path) -> None:
    """A row has what was typed and answered, and the figures of all calls; formulas are texts."""
    import_lines(fresh, [{"prompt": "=1+1", "response": "2", "rating": {"mark": "up", "rated_utc": ""}}, CALLED])
    first, second = table(fresh)
    assert (first["session"], first["exchange"], first["prompt"], first["rating"]) == ("work", "1", "'=1+1", "up")
    assert (second["prompt"], second["reply"]) == ("When is low water?", "I look.\n\nAt 09:42.")
    assert (second["input_tokens"], second["output_tokens"], second["cost_usd"]) == ("20", "5", "")


def test_fragments_are_not_in_a_table(lived: Path) -> None:
    """The text of a file that was given with a prompt is not what a person typed."""
    assert [row["prompt"] for row in table(lived)][1] == "What of the deck?"
    assert "two piers" not in exported(lived, "work", "csv")


def test_an_older_conversation_is_in_both(fresh: Path, llm_: Command) -> None:
    """Conversations of llm up to 0.31 are exported like any other."""
    llm_("sessions", "name", old_conversation(fresh), "old", "-d", str(fresh)).ok()
    assert [row["prompt"] for row in table(fresh, "old")][-1] == "Thank you."
    (chat,) = chats(fresh, "old")
    assert [one["role"] for one in chat["messages"]].count("tool") == 1


@pytest.mark.parametrize("file", ["all.jsonl", "all.md", "all.HTML"])
def test_a_file_of_another_format_has_one_session(llm_: Command, fresh: Path, tmp_path: Path, file: str) -> None:
    """A name that looks like a file's is not made a folder."""
    import_lines(fresh, [{"prompt": "Hello.", "response": "Good day."}])
    done = llm_("sessions", "export", "work", "-d", str(fresh), "--to", str(tmp_path / file))
    assert done.err.startswith(f"Error: {tmp_path / file} is the name of a file, but")
    assert not (tmp_path / file).exists()


@pytest.mark.parametrize(("file", "options"), [("all.csv", ()), ("all.jsonl", ("--format", "openai"))])
def test_several_sessions_in_one_file(
    llm_: Command, fresh: Path, tmp_path: Path, file: str, options: tuple[str, ...]
) -> None:
    """A file name in --to is one file with all sessions, whole or not at all, and the same as standard output."""
    for name in ("work", "play"):
        import_lines(fresh, [{"prompt": f"Hello, {name}.", "response": "Good day."}], name)
    export = ("sessions", "export", "work", "play", "-d", str(fresh), *options)
    path = tmp_path / file
    assert llm_(*export, "--to", str(path), "--dry-run").ok().out == f"{path}: 2 exchanges\n"
    assert not path.exists()
    assert llm_(*export, "--to", str(path)).ok().out == f"Wrote {path}: 2 exchanges\n"
    text = path.read_bytes().decode()
    assert text.count("session,exchange") == (file == "all.csv")
    assert [text.count(f"Hello, {name}.") for name in ("work", "play")] == [1, 1]
    format_ = options or ("--format", "csv")
    assert llm_(*export, *format_, "--to", "-").ok().out == text.replace("\r\n", "\n")
    refused = llm_(*export, "--to", str(path), "--dry-run")
    assert refused.err == f"Error: {path} already exists. Choose another name, or replace it with --force.\n"
