"""ChatGPT's export, with invented texts: conversations as trees of messages, in the shape of the real ones."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BEGUN = 1_767_225_600.0
"""2026-01-01 at midnight, UTC."""


def message(role: str, text: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a message. `more` may have its content, recipient, metadata and so on; `name` is that of its author."""
    content = more.pop("content", {"content_type": "text", "parts": [text or ""]})
    author = {"role": role, "name": more.pop("name", None), "metadata": {}}
    shared = {"update_time": None, "status": "finished_successfully", "end_turn": None, "weight": 1.0}
    return {"author": author, "content": content, "recipient": "all", "channel": None, "metadata": {}, **shared, **more}


class Tree:
    """A conversation that is being written. Each message is a child of the one before, or of `after`."""

    def __init__(self, title: str, id_: str = "c1") -> None:
        self.title, self.id = title, id_
        self.mapping: dict[str, Any] = {}
        self.add("root", None)
        self.add("system", message("system", "", metadata={"is_visually_hidden_from_conversation": True}))

    def add(self, id_: str, value: dict[str, Any] | None, after: str | None = None) -> Tree:
        """Add a message."""
        parent = after or next(reversed(self.mapping), None)
        if value is not None:
            value = {"id": id_, "create_time": BEGUN + 60 * len(self.mapping), **value}
        self.mapping[id_] = {"id": id_, "message": value, "parent": parent, "children": []}
        if parent:
            self.mapping[parent]["children"].append(id_)
        return self

    def said(self, number: int, prompt: str, reply: str, after: str | None = None) -> Tree:
        """Add a prompt (the message u1 for number 1) and its reply (a1)."""
        self.add(f"u{number}", message("user", prompt), after)
        return self.add(f"a{number}", message("assistant", reply, metadata={"model_slug": "gpt-4o"}))

    def value(self, **more: Any) -> dict[str, Any]:
        """Return the conversation as the file has it. The newest message is the one that was seen last."""
        shared: dict[str, Any] = {
            "is_archived": False,
            "is_starred": None,
            "default_model_slug": "auto",
            "moderation_results": [],
        }
        return {
            "title": self.title,
            "create_time": BEGUN,
            "update_time": BEGUN + 999,
            "mapping": self.mapping,
            "current_node": next(reversed(self.mapping)),
            "conversation_id": self.id,
            "id": self.id,
            **shared,
            **more,
        }


def export(path: Path, *conversations: dict[str, Any], files: Mapping[str, bytes] | None = None, **more: Any) -> Path:
    """Write an export as an archive; `more` are other JSON files by their names without “.json”."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("chat.html", "<html>")
        archive.writestr("conversations.json", json.dumps(conversations))
        for name, value in more.items():
            archive.writestr(f"{name}.json", json.dumps(value))
        for name, content in (files or {}).items():
            archive.writestr(name, content)
    return path
