"""Read the messages in a file, which are in llm's wire format with attachments inline.

Pure.
"""

from __future__ import annotations

import base64
from typing import Any

from ..model import Attachment, Message, Part
from ..rules import records
from .fields import Fields
from .lines import FileRefused


def messages_of(fields: Fields, name: str, roles: tuple[str, ...]) -> tuple[Message, ...]:
    """Return the messages of a field, each with one of the roles. Raises FileRefused."""
    return tuple(_message(one, roles) for one in fields.each(name, f"{name} message", records.MESSAGE))


def _message(fields: Fields, roles: tuple[str, ...]) -> Message:
    role = fields.needed_text("role")
    if role not in roles:
        raise fields.wrong("role", f"one of {', '.join(roles)}")
    parts = tuple(_part(part) for part in fields.each("parts", "part"))
    return Message(role, parts, fields.mapping("provider_metadata"))


def _part(fields: Fields) -> Part:
    """Return a part of one of the known types. Raises FileRefused."""
    type_ = fields.needed_text("type")
    data: dict[str, Any] = {"type": type_}
    held: list[Fields] = []
    match type_:
        case "text" | "reasoning":
            data["text"] = fields.needed_text("text")
            data["redacted"] = fields.flag("redacted") or None
        case "tool_call":
            data["name"] = fields.needed_text("name")
            arguments = fields.value.get("arguments")
            data["arguments"] = {} if arguments is None else arguments
        case "tool_result":
            data["name"] = fields.needed_text("name")
            data["output"] = fields.needed_text("output")
            data["exception"] = fields.text("exception")
            held = list(fields.each("attachments", "attachment", records.ATTACHMENT))
        case "attachment":
            single = fields.inner("attachment", records.ATTACHMENT)
            held = [single] if single else []
        case _:
            known = "text, reasoning, tool_call, tool_result, attachment"
            raise fields.wrong("type", f"one of {known}")
    if type_ in ("tool_call", "tool_result"):
        data["tool_call_id"] = fields.text("tool_call_id")
        data["server_executed"] = fields.flag("server_executed") or None
    fields.only(records.PARTS[type_])
    data["provider_metadata"] = fields.mapping("provider_metadata")
    said = {name: value for name, value in data.items() if value is not None}
    return Part(said, tuple(attachment_of(one) for one in held))


def attachment_of(fields: Fields) -> Attachment:
    """Return an attachment. Raises FileRefused if its bytes are not base64, or if it has nothing but a path."""
    encoded, path, id_ = fields.text("content"), fields.text("path"), fields.text("id")
    content: bytes | None = None
    if encoded is not None:
        try:
            content = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise FileRefused(f"{fields.place}: “content” is not base64 ({error}).") from error
    elif path is not None and not _is_hash(id_):
        raise FileRefused(f"{fields.place} has a “path” but neither “content” (base64) nor the “id” of its bytes.")
    return Attachment(id_ or "", fields.text("type"), path, fields.text("url"), content)


def _is_hash(id_: str | None) -> bool:
    """Return whether an id has the form that llm gives attachments: a SHA-256 in hex."""
    return id_ is not None and len(id_) == 64 and all(c in "0123456789abcdef" for c in id_)  # noqa: PLR2004
