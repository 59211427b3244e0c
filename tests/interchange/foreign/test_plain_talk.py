"""aichat's sessions in YAML, and shell_gpt's chats: lists of messages with a role and a content."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.interchange.foreign import aichat, shell_gpt
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.foreign.values import Losses
from llm_session_memory.interchange.lines import FileRefused
from tests.interchange.foreign.files import PIXEL, read, said

SESSION = f"""\
model: openai:heron-4
temperature: 0.2
role_name: engineer
use_tools: fs
mood: good
compressed_messages:
- role: system
  content: Be brief.
- role: user
  content: |-
    How long
    is it?
- role: assistant
  content: "<think>\\nLook it up.\\n</think>\\n2.3 km."
messages:
- role: system
  content: A summary.
- role: user
  content:
  - type: text
    text: 12:30
  - type: image_url
    image_url:
      url: data:image/png;base64,{PIXEL}
- role: tool
  content:
    tool_results:
    - call:
        name: ls
        arguments:
          path: plans
          deep: true
        id: null
      output:
        files: 2
    text: I look.
    sequence: false
- role: assistant
  content: yes
data_urls: {{}}
"""


def test_a_session_of_aichat_has_its_messages_tools_pictures_and_options(tmp_path: Path) -> None:
    """What was compressed is part of it, the summary is not; a time of day without quotes is a text."""
    path = tmp_path / "bridge.yaml"
    path.write_text(SESSION, encoding="utf-8")
    (found,), losses = read(aichat.FORMAT, path)
    assert (found.key, found.name, found.model, found.system) == ("bridge", "bridge", "heron-4", "Be brief.")
    assert found.options == {"temperature": 0.2}
    assert found.meta == {"client": "openai", "use_tools": "fs", "role_name": "engineer"}
    assert [said(one) for one in found.exchanges] == [
        ["user: How long\nis it?", "assistant thinks: Look it up.", "assistant: 2.3 km."],
        [
            "user: 12:30",
            "user [image/png]",
            "assistant: I look.",
            'assistant calls ls {"path": "plans", "deep": true}',
            'tool ls: {"files": 2}',
            "assistant: yes",
        ],
    ]
    assert losses.counts == {"the field mood of a session": 1, "a summary that a compression made": 1}


def test_a_folder_of_aichat_is_read_and_its_own_names_have_times(tmp_path: Path) -> None:
    """Other YAML in the folder is not taken for sessions."""
    (tmp_path / "_").mkdir()
    (tmp_path / "_" / "20260801T100000-bridge.yaml").write_text(SESSION, encoding="utf-8")
    (tmp_path / "config.yaml").write_text("model: heron\nstream: true\n", encoding="utf-8")
    (found,), _ = read(aichat.FORMAT, tmp_path)
    assert (found.name, found.created_utc[:16]) == ("bridge", "2026-08-01T10:00")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("messages: [", "Line 3 of bad.yaml is not YAML (did not find expected node content)."),
        ("messages: &a [*a]", "bad.yaml has an alias (*), which can't be imported."),
        ("messages: " + "[" * 100 + "]" * 100, "bad.yaml is nested too deeply."),
        ("messages: !!python/object/apply:os.system [ls]", "Line 2 of bad.yaml is not YAML (could not determine"),
        ("messages: \x07", "bad.yaml is not YAML."),
        ("messages: \udcff", "bad.yaml is not UTF-8 text."),
    ],
)
def test_yaml_that_is_damaged_or_an_attack_is_refused(tmp_path: Path, damage: str, sentence: str) -> None:
    """Each is a sentence with the place; nothing in the file is run or multiplied."""
    path = tmp_path / "bad.yaml"
    path.write_bytes(f"model: x\n{damage}\n".encode("utf-8", "surrogateescape"))
    assert aichat.FORMAT.recognises(SourceFile(path))
    with pytest.raises(FileRefused) as error:
        [*aichat.FORMAT.conversations(SourceFile(path), Losses())]
    assert str(error.value).startswith(sentence)


CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "You are ShellGPT\nYou are an assistant."},
    {"role": "user", "content": "How long is it?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "ls", "arguments": '{"path": "."}'}}],
    },
    {"role": "tool", "content": "plan.md", "tool_call_id": "c1"},
    {"role": "assistant", "content": "2.3 km."},
    {"role": "user", "content": "Thanks."},
    {"role": "assistant", "content": "Gladly."},
    {"role": "oracle", "content": "?"},
]


def test_a_chat_of_shell_gpt_has_its_role_messages_and_tools(tmp_path: Path) -> None:
    """A chat is a file without an ending; a folder has one for each chat, and perhaps other files."""
    (tmp_path / "bridge").write_text(json.dumps(CHAT), encoding="utf-8")
    (tmp_path / "other").write_text("[1]", encoding="utf-8")
    os.utime(tmp_path / "bridge", (1_785_578_400, 1_785_578_400))
    for path in (tmp_path / "bridge", tmp_path):
        (found,), losses = read(shell_gpt.FORMAT, path)
        assert (found.key, found.name, found.system) == ("bridge", "bridge", CHAT[0]["content"])
        assert found.created_utc == "2026-08-01T10:00:00+00:00"  # of the file, which has no time in it
        assert [said(one) for one in found.exchanges] == [
            ["user: How long is it?", 'assistant calls ls {"path": "."}', "tool ls: plan.md", "assistant: 2.3 km."],
            ["user: Thanks.", "assistant: Gladly."],
        ]
        assert losses.counts == {"a message with the role oracle": 1}


def test_other_lists_are_not_taken_for_chats_of_shell_gpt(tmp_path: Path) -> None:
    """A list of messages with another system prompt is OpenAI's format; a chat that was cut off is refused."""
    path = tmp_path / "list"
    path.write_text(json.dumps([{"role": "system", "content": "Be brief."}, *CHAT[1:]]), encoding="utf-8")
    assert not shell_gpt.FORMAT.recognises(SourceFile(path))
    path.write_text(json.dumps(CHAT)[:200], encoding="utf-8")
    with pytest.raises(FileRefused, match=r"list is not complete JSON\. Was it cut off\?"):
        [*shell_gpt.FORMAT.conversations(SourceFile(path), Losses())]
