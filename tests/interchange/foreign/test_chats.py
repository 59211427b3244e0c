"""Conversations in OpenAI's chat format and in ShareGPT's, as values."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.interchange.foreign import openai, sharegpt
from llm_session_memory.interchange.foreign.first_value import first_value
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.foreign.values import ForeignConversation, Format, Losses
from llm_session_memory.interchange.lines import FileRefused
from tests.interchange.world import PNG


def of(format_: Format, path: Path, losses: Losses | None = None) -> list[ForeignConversation]:
    """Return the conversations of a file that the format recognises."""
    source = SourceFile(path)
    assert format_.recognises(source)
    return [*format_.conversations(source, Losses() if losses is None else losses)]


def written(folder: Path, value: Any, name: str = "file.jsonl") -> Path:
    """Write a file: a text as it is, a list of objects as JSONL."""
    text = value if isinstance(value, str) else "".join(f"{json.dumps(one)}\n" for one in value)
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def spoken(conversation: ForeignConversation) -> list[Any]:
    """Return the exchanges of a conversation: for each turn, the roles and types or texts of its input and output."""
    return [
        [
            [(m.role, [p.data.get("text", p.type) for p in m.parts]) for m in (*turn.input, *turn.output)]
            for turn in exchange.turns
        ]
        for exchange in conversation.exchanges
    ]


ASKED = {"role": "user", "content": "When is low water?"}
HELLO = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Good day."}]
CALL = {"id": "c1", "type": "function", "function": {"name": "tides", "arguments": '{"place": "Porto"}'}}
TOOLED: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief."},
    ASKED,
    {"role": "assistant", "content": None, "reasoning_content": "A tool.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "09:42"},
    {"role": "assistant", "content": "At 09:42."},
    {"role": "user", "content": "Thank you."},
]


def test_a_chat_is_a_conversation(tmp_path: Path) -> None:
    """A prompt begins an exchange, a tool's result a call; what the calls had in common is kept."""
    tool = {
        "type": "function",
        "function": {"name": "tides", "description": "Looks.", "parameters": {"type": "object"}},
    }
    line = {"messages": TOOLED, "tools": [tool], "model": "gpt-4o", "temperature": 0.5, "metadata": {"by": "Ana"}}
    (made,) = of(openai.FORMAT, written(tmp_path, [line]))
    assert (made.system, made.model, made.options) == ("Be brief.", "gpt-4o", {})
    assert made.meta == {"by": "Ana"}
    assert spoken(made) == [
        [
            [("user", ["When is low water?"]), ("assistant", ["A tool.", "tool_call"])],
            [("tool", ["tool_result"]), ("assistant", ["At 09:42."])],
        ],
        [[("user", ["Thank you."])]],
    ]
    called, answered = next(iter(made.exchanges)).turns
    assert ([one.name for one in called.tools], called.options) == (["tides"], {"temperature": 0.5})
    assert called.output[0].parts[1].data["arguments"] == {"place": "Porto"}
    assert answered.input[0].parts[0].data == {
        "type": "tool_result",
        "name": "tides",
        "output": "09:42",
        "tool_call_id": "c1",
    }


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"messages": HELLO}),
        json.dumps([{"messages": HELLO}]),
        json.dumps([{"messages": HELLO}], indent=1),
        json.dumps({"messages": HELLO}, indent=1),
        json.dumps(HELLO),
        json.dumps(HELLO, indent=4),
        "\ufeff" + json.dumps({"custom_id": "1", "method": "POST", "url": "/v1", "body": {"messages": HELLO}}),
        json.dumps({"messages": [{"role": "system", "content": "x" * 100_000}, *HELLO]}),
        json.dumps([{"messages": [{"role": "system", "content": "x\\" * 200_000}, *HELLO]}] * 2),
    ],
    ids=[
        "line",
        "list",
        "list in lines",
        "object in lines",
        "messages",
        "messages in lines",
        "batch",
        "long",
        "longer",
    ],
)
def test_each_shape_of_a_chat_file(tmp_path: Path, text: str) -> None:
    """A file may be JSONL, a list, one object, a list of messages, or a batch; its first line may be long."""
    made = of(openai.FORMAT, written(tmp_path, text))
    assert {json.dumps(spoken(one)) for one in made} == {
        json.dumps([[[("user", ["Hello."]), ("assistant", ["Good day."])]]])
    }
    assert not sharegpt.FORMAT.recognises(SourceFile(tmp_path / "file.jsonl"))


def test_a_list_of_messages_grows(tmp_path: Path) -> None:
    """A list of messages is the same conversation when it has more; a prompt waits for its reply."""
    (first,) = of(openai.FORMAT, written(tmp_path, json.dumps(HELLO), "work.json"))
    losses = Losses()
    (more,) = of(openai.FORMAT, written(tmp_path, json.dumps([*HELLO, ASKED]), "work.json"), losses)
    assert more.key == first.key != None  # noqa: E711
    assert more.name == "work"
    assert len([*more.exchanges]) == 1
    assert losses.counts == {"a last prompt that has no reply yet": 1}


def test_files_in_a_chat(tmp_path: Path) -> None:
    """Images, sounds and documents come along; one that is only an id is counted."""
    image = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": image}},
        {"type": "image_url", "image_url": {"url": "https://example.com/deck.png"}},
        {"type": "input_audio", "input_audio": {"data": base64.b64encode(b"RIFF").decode(), "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]
    losses = Losses()
    messages = [{"role": "user", "content": parts, "name": "Ana"}, {"role": "critic", "content": "No."}]
    (made,) = of(openai.FORMAT, written(tmp_path, [{"messages": messages, "canvas": 1, "tags": 3}]), losses)
    held = [one for part in next(iter(made.exchanges)).turns[0].input[0].parts for one in part.attachments]
    assert [(one.type, one.url, one.content) for one in held] == [
        ("image/png", None, PNG),
        (None, "https://example.com/deck.png", None),
        ("audio/wav", None, b"RIFF"),
    ]
    assert losses.counts == {
        "a part of the type file": 1,
        "the name of a person": 1,
        "a message of the role critic": 1,
        "the field canvas of a conversation": 1,
    }


def test_parts_of_anthropic_and_fields_of_ollama(tmp_path: Path) -> None:
    """Tools' results in a user's message are results, and images in a field of their own are files."""
    use = {"type": "tool_use", "id": "t1", "name": "tides", "input": {"place": "Porto"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "09:42"}]}
    messages = [
        {"role": "user", "content": "See.", "images": [base64.b64encode(PNG).decode()]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "A tool."}, use]},
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": "At 09:42.", "thinking": "Good."},
    ]
    (made,) = of(openai.FORMAT, written(tmp_path, [{"messages": messages}]))
    assert spoken(made) == [
        [
            [("user", ["See.", "attachment"]), ("assistant", ["A tool.", "tool_call"])],
            [("tool", ["tool_result"]), ("assistant", ["Good.", "At 09:42."])],
        ]
    ]


def test_sharegpt_with_tools(tmp_path: Path) -> None:
    """Its speakers, its tool calls and its results are ours; who speaks is never guessed."""
    said: Iterable[tuple[str, str]] = (
        ("human", "When is low water?"),
        ("function_call", '{"name": "tides", "arguments": {"place": "Porto"}}'),
        ("observation", "09:42"),
        ("gpt", "At 09:42."),
        ("narrator", "They build."),
    )
    tools = json.dumps([{"name": "tides", "description": "Looks.", "parameters": {"type": "object"}}])
    line = {"id": "identity_0", "system": "Be brief.", "tools": tools, "score": 3}
    losses = Losses()
    path = written(tmp_path, [{**line, "conversations": [{"from": who, "value": what} for who, what in said]}])
    (made,) = of(sharegpt.FORMAT, path, losses)
    assert not openai.FORMAT.recognises(SourceFile(path))
    assert (made.key, made.system, made.meta) == (None, "Be brief.", {"id": "identity_0"})
    called, answered = next(iter(made.exchanges)).turns
    assert called.output[0].parts[0].data["arguments"] == {"place": "Porto"}
    assert (called.tools[0].name, answered.input[0].parts[0].data["name"]) == ("tides", "tides")
    assert losses.counts == {"the field score of a conversation": 1, "a message from “narrator”": 1}


REFUSED = [
    ('{"messages": [{"role": "user", "content": "Hi"}]}\n{"text": 1}\n', "Line 2 of file.jsonl has no “messages”"),
    ('{"messages": [{"role": "user", "content": "Hi"}]}\n{"a": NaN}\n', "Line 2 of file.jsonl has the number NaN"),
    ('[{"messages": [{"role": "user", "content": "Hi"}]}, 3]', "Item 2 of file.jsonl is not an object."),
    ('[{"messages": [{"role": "user", "content": "Hi"}]}', "Item 1 of file.jsonl was cut off after it."),
    ('[{"messages": [{"role": "user", "content": "Hi"}]}, {"messages": 1}]', "Item 2 of file.jsonl has no “messages”"),
]


@pytest.mark.parametrize(("text", "sentence"), REFUSED)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    """A file with one wrong object is refused, with its place."""
    with pytest.raises(FileRefused) as refused:
        of(openai.FORMAT, written(tmp_path, text))
    assert refused.value.message.startswith(sentence)


@pytest.mark.parametrize("cut", range(1, 60, 3))
def test_a_beginning_is_completed(cut: int) -> None:
    """Wherever a file's beginning is cut off, what is read of it is the beginning of its value."""
    text = json.dumps([{"messages": [{"role": "user", "content": 'a "[{,\\ b'}, {"role": "x"}], "n": [1, 2]}])
    value = first_value(text.encode()[:cut])
    assert value is not None
    assert cut < 30 or value[0]["messages"][0]["role"] == "user"
