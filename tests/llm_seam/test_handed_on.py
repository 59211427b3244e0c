"""Items that other machines ask: what they send goes with them, and nothing is looked up where they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory import Memory
from llm_session_memory.errors import SessionError
from llm_session_memory.llm_seam.handed_on import HandedOn, items_of, settings_of
from llm_session_memory.model.jobs import Item, Job


def question(given: Mapping[str, Any], shared: Mapping[str, Any] | None = None, tools: tuple[str, ...] = ()) -> Any:
    """Return the question of an item on the machine that asks it."""
    asker = HandedOn(Job("01job", "work", "batch", {"model": "m", **(shared or {})}, ""), tools)
    return asker.question(None, Item("01job", 1, "key", given))  # type: ignore[arg-type]  # it looks nothing up


@pytest.mark.parametrize("name", ["fragments", "system_fragments", "attachments"])
@pytest.mark.parametrize("where", [0, 1])
def test_no_file_is_read_for_another_machine(name: str, where: int, tmp_path: Path) -> None:
    """An item or a job that names a file or a fragment is refused, whether it exists or not."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    named: list[dict[str, Any]] = [{"prompt": "Hi"}, {}]
    named[where][name] = [str(secret)]
    with pytest.raises(SessionError, match="not read for other machines"):
        question(named[0], named[1])


def test_only_allowed_tools_are_run() -> None:
    """A tool that was not allowed by its exact name makes the item fail."""
    assert question({"prompt": "Hi"}, {"tools": ["llm_time"]}, ("llm_time",)).tools == ["llm_time"]
    for given in ("llm_version", "llm_time ", 'Files("/")'):
        with pytest.raises(SessionError, match="not allowed"):
            question({"prompt": "Hi"}, {"tools": [given]}, ("llm_time",))


@pytest.mark.parametrize(
    "given",
    [
        {"system": 1},
        {"options": [1]},
        {"schema": "x"},
        {"texts": "x"},
        {"texts": [1]},
        {"files": [{"type": "text/plain", "content": "?"}]},
        {"files": [{"path": "/etc/passwd"}]},
        {"tools": {"a": 1}},
    ],
)
def test_what_is_of_another_type_is_a_sentence(given: dict[str, Any]) -> None:
    """Whatever is in the database, an item fails with a sentence."""
    with pytest.raises(SessionError, match="item"):
        question({"prompt": "Hi", **given}, {"tools": given["tools"]} if "tools" in given else None)


def test_fragments_and_attachments_go_with_the_item(log: Path, tmp_path: Path) -> None:
    """They are read where the job is made, and arrive with their content, type and source."""
    text, image = tmp_path / "text.txt", tmp_path / "image.png"
    text.write_text("Much text.")
    image.write_bytes(b"\x89PNG\r\n\x1a\n")
    with Memory(log, create=True) as memory:
        given = {"prompt": "Hi", "fragments": [str(text)], "attachments": [str(image)]}
        (item,) = items_of(memory, [Item("", 1, "key", given)])
        shared = settings_of(memory, {"model": "m", "system": "Be brief.", "system_fragments": [str(text)]})
    text.unlink()
    image.unlink()
    asked = question(item.input, shared)
    assert asked.prompt == "Hi"
    assert [(str(one), one.source) for one in asked.fragments] == [("Much text.", str(text))]
    assert [(one.type, one.content) for one in asked.attachments] == [("image/png", b"\x89PNG\r\n\x1a\n")]
    assert asked.system == "Much text.\n\nBe brief."
    assert question({**item.input, "system": "Be long."}, shared).system == "Much text.\n\nBe long."
    assert not {"fragments", "system_fragments", "attachments"} & {*item.input, *shared}
