"""Files that are not as they should be, anywhere: they are read as far as possible, or refused with a sentence."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import SessionError
from llm_session_memory.interchange.foreign import chatgpt, claude, json_items
from llm_session_memory.interchange.foreign.content import Exchanges
from llm_session_memory.interchange.foreign.moments import moment
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.foreign.tree import paths
from llm_session_memory.interchange.foreign.values import Format, Losses
from llm_session_memory.interchange.lines import FileRefused
from tests.interchange.foreign import test_claude
from tests.interchange.foreign.chatgpt_world import Tree, message
from tests.world.laws import tried

ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e308, 10**30, float("nan"), "", "x", "\ud800", "2026"),
    *([], [1], ["x"], [None], [{"x": []}], {}, {"a": 1}, {"type": "text"}),
)


def _chatgpt() -> list[Any]:
    tree = Tree("T").said(1, "A", "a").said(2, "B", "b").said(3, "C", "c", "a1")
    tree.add("t", message("assistant", content={"content_type": "thoughts", "thoughts": [{"summary": "s"}]}))
    tree.add("c", message("assistant", content={"content_type": "code", "text": "x"}, recipient="python"))
    tree.add("r", message("tool", content={"content_type": "execution_output", "text": "y"}, name="python"))
    pointer = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-A"}
    about = {"attachments": [{"id": "file-A"}], "content_references": [{"matched_text": "\ue200a\ue201", "alt": "b"}]}
    tree.add("m", message("user", content={"content_type": "multimodal_text", "parts": [pointer]}, metadata=about))
    told = {"is_user_system_message": True, "user_context_message_data": {"about_user_message": "q"}}
    tree.add("i", message("user", content={"content_type": "user_editable_context"}, metadata=told))
    return [tree.add("a", message("assistant", "ok \ue200a\ue201")).value()]


def _claude() -> list[Any]:
    said = test_claude.said
    call = {"type": "tool_use", "name": "n", "input": {"q": 1}, "id": "i"}
    result = {"type": "tool_result", "name": "n", "content": [{"type": "text", "text": "o"}], "tool_use_id": "i"}
    files = {"attachments": [{"file_name": "f", "extracted_content": "e"}], "files": [{"file_name": "g"}]}
    messages = [
        said("1", "human", "A", **files),
        said("2", "assistant", "a", {"type": "thinking", "thinking": "t"}, call, result, parent_message_uuid="1"),
        said("3", "human", "B", parent_message_uuid="1"),
        said("4", "assistant", "b", parent_message_uuid="3"),
    ]
    return [test_claude.chat("C", *messages, project={"name": "p", "uuid": "u"})]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places of all values in a value, as the keys that lead to them."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


KINDS: dict[str, tuple[Format, Any]] = {
    "chatgpt": (chatgpt.FORMAT, _chatgpt),
    "claude": (claude.FORMAT, _claude),
}


@pytest.mark.parametrize("kind", KINDS)
@tried(400, 60)
@given(data=st.data())
def test_any_value_may_be_anything(kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever stands in any place of an export, there is no traceback."""
    format_, made = KINDS[kind]
    value = made()
    path = data.draw(st.sampled_from([*places(value)][1:]))
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = data.draw(st.sampled_from(ODD))
    file = tmp_path_factory.getbasetemp() / f"{kind}.json"
    file.write_text(json.dumps(value))
    with suppress(SessionError):
        losses = Losses()
        for conversation in format_.conversations(SourceFile(file), losses):
            read = Exchanges(format_.source, "k", "p", losses)
            for exchange in conversation.exchanges:
                read.read(exchange)


def test_a_list_is_read_item_by_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the reads end, also within a number, an escape, a character or a word."""
    items = [{"a": 'é\u2028\\"]😀'}, {"b": [1.5e3, -12, True, None]}, {"c": "x" * 50}]
    data = json.dumps(items).encode()
    for size in (1, 2, 3, 7, 1 << 20):
        monkeypatch.setattr(json_items, "_READ", size)
        assert [*json_items.items(io.BytesIO(data), "x")] == items
        assert [*json_items.items(io.BytesIO(b" \n[ ]"), "x")] == []
    assert [*json_items.items(io.BytesIO(b"\xef\xbb\xbf" + data[1:].split(b", {")[0]), "x")] == items[:1]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "Item 1 of x was cut off."),
        (b'[{"a": 1}', "Item 1 of x was cut off after it."),
        (b'[{"a": 1}, {"b": "c', "Item 2 of x was cut off."),
        (b'[{"a": 1} {"b": 2}]', "Item 1 of x is not JSON after it."),
        (b'[{"a" 1' + b" " * 99 + b"}]", "Item 1 of x is not JSON (Expecting ':' delimiter at character 6 of it)."),
        (b'[{"a": "\xff"}]', "x is not UTF-8 text."),
        (b'[{"a": ' + b"[" * 200_000 + b"]", "Item 1 of x is nested too deeply."),
    ],
)
def test_what_is_not_json_is_refused(data: bytes, sentence: str) -> None:
    """The sentence has the place."""
    with pytest.raises(FileRefused) as refused:
        [*json_items.items(io.BytesIO(data), "x")]
    assert refused.value.message == sentence


def test_a_tree_may_go_in_circles() -> None:
    """Each path ends all the same, and parents may be missing."""
    assert [*paths({"a": "b", "b": "a"}, "a")] == [["a", "b"]]
    assert [*paths({"a": "gone", "b": "a", "c": "a"}, "b")] == [["a", "b"], ["a", "c"]]
    assert [*paths({}, None)] == []


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        (1_767_225_600, "2026-01-01T00:00:00+00:00"),
        (1_767_225_600.5, "2026-01-01T00:00:00.500000+00:00"),
        (1_767_225_600_500, "2026-01-01T00:00:00.500000+00:00"),
        ("1767225600", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00:00.123456+00:00"),
        ("2026-01-01T02:00:00+0200", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01 00:00:00 UTC", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
        ("yesterday", ""), ("", ""), (None, ""), (True, ""), (-5, ""), (0, ""), (float("inf"), ""),
    ],
)  # fmt: skip
def test_times_are_read_in_every_usual_form(given_: object, stored: str) -> None:
    """A time that can't be read is no time."""
    assert moment(given_) == stored


def test_a_text_of_any_length_may_stand_for_a_time() -> None:
    """It is not looked through for each of its blanks."""
    assert moment(f"2026{' ' * 200_000}x") == ""
