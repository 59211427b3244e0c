"""ChatGPT's export: its branches as forks, and what its messages can hold."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.interchange.foreign.arrived import Arrivals
from llm_session_memory.interchange.foreign.arriving import into
from llm_session_memory.interchange.foreign.export_files import MISSING
from llm_session_memory.interchange.foreign.registry import recognised
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.lines import FileRefused
from llm_session_memory.memory import Memory
from tests.interchange.foreign.chatgpt_world import Tree, export, message
from tests.interchange.foreign.world import came, names, texts
from tests.interchange.world import PNG, rows


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "export.zip"


def arrive(log: Path, path: Path) -> Arrivals:
    """Import an export, which is recognised."""
    format_ = recognised(SourceFile(path))
    assert format_ is not None
    return into(log, SourceFile(path), format_)


def replies(log: Path, name: str) -> list[dict[str, Any]]:
    """Return the parts of the replies of a session."""
    with Memory(log) as memory:
        exchanges = memory.sessions.exchanges(name, 1, 99)
        return [dict(part.data) for one in exchanges for turn in one.turns for m in turn.output for part in m.parts]


# -- conversations ----------------------------------------------------------------


def test_a_conversation_becomes_a_session(fresh: Path, file: Path) -> None:
    """It has the title, the times, the models, and the thumbs."""
    tree = Tree("A bridge in Lisbon").said(1, "How long is it?", "2,277 metres.").said(2, "And high?", "190 metres.")
    ratings = [{"id": "a2", "conversation_id": "c1", "rating": "thumbs_down", "content": "{}"}]
    arrive(fresh, export(file, tree.value(is_starred=True, is_archived=True), message_feedback=ratings))
    assert texts(fresh, "A bridge in Lisbon") == ["How long is it? > 2,277 metres.", "And high? > 190 metres."]
    assert rows(fresh, "select datetime_utc, model from turns order by id") == [
        ("2026-01-01T00:02:00+00:00", "gpt-4o"),
        ("2026-01-01T00:04:00+00:00", "gpt-4o"),
    ]
    with Memory(fresh) as memory:
        session = memory.sessions.get("A bridge in Lisbon")
        assert session.settings.model == "gpt-4o"  # the conversation's default is “auto”
        assert session.archived_utc
        assert session.created_utc == "2026-01-01T00:00:00+00:00"
        second = memory.sessions.turn_ids(session.name)[1][0]
    assert rows(fresh, "select turn_id, mark from memory_ratings") == [(second, "down")]
    assert rows(fresh, "select tag from memory_tags") == [("starred",)]
    assert rows(fresh, "select value from memory_meta where key = 'address'") == [("https://chatgpt.com/c/c1",)]


@pytest.mark.parametrize("kind", ["zip", "folder", "file", "one", "numbered"])
def test_every_form_of_an_export_is_read(fresh: Path, tmp_path: Path, kind: str) -> None:
    """The archive, the folder that it was unpacked to, its main file, one conversation, and several numbered files."""
    one, two = Tree("One").said(1, "A", "a").value(), Tree("Two", "c2").said(1, "B", "b").value()
    path = tmp_path / "conversations.json"
    match kind:
        case "zip":
            path = export(tmp_path / "export.zip", one, two)
        case "folder":
            path.write_text(json.dumps([one, two]))
            path = tmp_path
        case "file":
            path.write_text(json.dumps([one, two]), encoding="utf-8-sig")
        case "one":
            path.write_text(json.dumps(one))
        case "numbered":
            path = tmp_path / "export.zip"
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("a/conversations-000.json", json.dumps([one]))
                archive.writestr("a/conversations-001.json", json.dumps([two]))
    assert [name for name, _ in came(arrive(fresh, path))] == (["One"] if kind == "one" else ["One", "Two"])


# -- branches ---------------------------------------------------------------------


def test_branches_become_forks(fresh: Path, file: Path) -> None:
    """The one that was seen last is the session; an edited prompt and a reply that was made again are forks of it."""
    tree = Tree("Bridge").said(1, "A", "a").said(2, "B", "b").said(3, "C, first", "c")
    tree.add("a2-again", message("assistant", "b, again"), "u2").said(4, "C, edited", "c, edited", "a2")
    found = arrive(fresh, export(file, tree.value()))
    assert came(found) == [("Bridge", 3), ("Bridge-2", 1), ("Bridge-3", 1)]
    assert texts(fresh, "Bridge") == ["A > a", "B > b", "C, edited > c, edited"]
    assert texts(fresh, "Bridge-2") == ["A > a", "B > b", "C, first > c"]
    assert texts(fresh, "Bridge-3") == ["A > a", "B > b, again"]
    assert rows(fresh, "select count(*) from turns") == [(5,)]


def test_a_conversation_that_went_on_in_another_branch_goes_on_in_its_fork(fresh: Path, file: Path) -> None:
    """What was the main branch in the last export, and what is now, makes no difference."""
    tree = Tree("Bridge").said(1, "A", "a").said(2, "B", "b").said(3, "B, edited", "b2", "a1")
    arrive(fresh, export(file, tree.value()))
    tree.said(4, "C", "c", "a2")
    assert came(arrive(fresh, export(file, tree.value()))) == [("Bridge-2", 1)]
    assert texts(fresh, "Bridge-2") == ["A > a", "B > b", "C > c"]
    assert names(fresh) == ["Bridge", "Bridge-2"]


# -- messages ---------------------------------------------------------------------


def test_tools_and_thoughts_are_parts_of_the_reply(fresh: Path, file: Path) -> None:
    """They come with their arguments and results, marked as run by the server, so no model is asked to repeat them."""
    tree = Tree("Tides").add("u1", message("user", "Plot the tides."))
    thoughts = [{"summary": "Tides", "content": "They come twice a day.", "finished": True}]
    code = {"content_type": "code", "language": "unknown", "text": "plot(tides)"}
    tree.add("t", message("assistant", content={"content_type": "thoughts", "thoughts": thoughts}))
    tree.add("c", message("assistant", content=code, recipient="python"))
    tree.add("r", message("tool", content={"content_type": "execution_output", "text": "<plot>"}, name="python"))
    tree.add("s", message("assistant", content={**code, "text": '{"query": "Lisbon"}'}, recipient="web.search"))
    tree.add("a", message("assistant", "Here it is \ue200cite\ue202turn0search0\ue201."))
    found = arrive(fresh, export(file, tree.value()))
    ran = {"server_executed": True}
    assert replies(fresh, "Tides") == [
        {"type": "reasoning", "text": "Tides\nThey come twice a day."},
        {"type": "tool_call", "name": "python", "arguments": {"code": "plot(tides)"}, "tool_call_id": "c", **ran},
        {"type": "tool_result", "name": "python", "output": "<plot>", "tool_call_id": "c", **ran},
        {"type": "tool_call", "name": "web.search", "arguments": {"query": "Lisbon"}, "tool_call_id": "s", **ran},
        {"type": "text", "text": "Here it is ."},
    ]
    assert not found.losses


def test_pictures_are_attached(fresh: Path, file: Path) -> None:
    """Those of prompts, and those that a tool made; a file that the export lacks is counted."""
    asked = {"content_type": "multimodal_text", "parts": [_picture("file-service://file-Abc"), "What is this?"]}
    more = [{"id": "file-Abc", "name": "x.png", "mimeType": "image/png"}, {"id": "file-Lost", "name": "plan.pdf"}]
    made = {"content_type": "multimodal_text", "parts": [_picture("sediment://file_00de")]}
    tree = Tree("Picture").add("u", message("user", content=asked, metadata={"attachments": more}))
    plot = {"aggregate_result": {"messages": [{"message_type": "image", "image_url": "file-service://file-Plot"}]}}
    tree.add(
        "p", message("tool", content={"content_type": "execution_output", "text": ""}, name="python", metadata=plot)
    )
    tree.add("d", message("tool", content=made, name="dalle.text2im")).add("a", message("assistant", "A bridge."))
    files = {"file-Abc-x.png": PNG, "dalle-generations/file_00de-1.webp": b"RIFF....WEBP"}
    files["file-Plot"] = b"\xff\xd8\xff"
    found = arrive(fresh, export(file, tree.value(), files=files))
    assert sorted(rows(fresh, "select type, content from attachments")) == [
        ("image/jpeg", b"\xff\xd8\xff"),
        ("image/png", PNG),
        ("image/webp", b"RIFF....WEBP"),
    ]
    assert dict(found.losses) == {MISSING: 1}
    assert found.places[MISSING] == "“Picture”"


def test_what_chatgpt_always_sends_becomes_notes(fresh: Path, file: Path) -> None:
    """Custom instructions are hidden messages of the tree."""
    told = {"about_user_message": "I build bridges.", "about_model_message": "Be brief."}
    metadata = {"is_user_system_message": True, "user_context_message_data": told}
    tree = Tree("x").add("i", message("user", content={"content_type": "user_editable_context"}, metadata=metadata))
    arrive(fresh, export(file, tree.said(1, "A", "a").value()))
    assert rows(fresh, "select text from memory_notes order by id") == [("I build bridges.",), ("Be brief.",)]
    assert texts(fresh, "x") == ["A > a"]


def test_what_is_unknown_is_counted(fresh: Path, file: Path) -> None:
    """An unknown field or type of content is said; its text is imported."""
    holo = {"content_type": "hologram", "text": "a", "depth": 3}
    odd = message("assistant", content=holo, aura="blue", metadata={"model_slug": "x", "karma": 7})
    tree = Tree("x").add("u", message("user", "A")).add("a", odd).add("u2", message("user", "no reply"))
    found = arrive(fresh, export(file, tree.value(mood="good"), dreams=[]))
    assert texts(fresh, "x") == ["A > a"]
    assert sorted(found.losses) == [
        "a prompt without a reply",
        "the field aura of a message",
        "the field depth of a message's content",
        "the field karma of a message's metadata",
        "the field mood of a conversation",
        "the file dreams.json",
        "the form of a message of the type “hologram” (its text is imported)",
    ]


def test_a_damaged_export_is_refused(fresh: Path, file: Path) -> None:
    """The sentence has the place, and nothing is imported."""
    good = json.dumps([Tree("x").said(1, "A", "a").value()])
    path = file.with_suffix(".json")
    path.write_text(good[:-30])
    with pytest.raises(FileRefused, match=r"Item 1 of export.json was cut off"):
        arrive(fresh, path)
    path.write_text(good[:-1] + ', {"mapping": 3}]')
    with pytest.raises(FileRefused, match="Conversation 2 of export.json has no “mapping”"):
        arrive(fresh, path)
    assert names(fresh) == []


def _picture(pointer: str) -> dict[str, Any]:
    return {"content_type": "image_asset_pointer", "asset_pointer": pointer, "size_bytes": 9, "width": 1, "height": 1}
