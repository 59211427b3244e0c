"""Conversations that are a list of messages with a role and a content, as OpenAI's chat API takes them. Pure.

For tools that keep such a list in a file of their own: shell_gpt, mods and aichat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...model import Part
from .telling import Told
from .transcripts import call_part, file_part, mapping, mappings, of_url, reply_parts, result_part, text, text_part
from .values import Losses


class Talk:
    """A conversation that is being read. `system` is its first system prompt."""

    def __init__(self, losses: Losses) -> None:
        self.told: list[Told] = []
        self.system: str | None = None
        self._losses = losses
        self._calls = 0

    def add(self, role: str, content: Any, place: str, calls: list[Part] | None = None) -> None:
        """Add a message of a system, a user or an assistant; the latter may call tools."""
        parts = self._parts(content, place)
        said = "".join(text(part.data.get("text")) for part in parts)
        if role == "user":
            self.told.append(Told(None, parts, "", self.told[-1] if self.told else None))
        elif role == "assistant":
            spoken = reply_parts(said) if isinstance(content, str) else parts
            self._last().say([*spoken, *(calls or [])])
        elif role == "system" and self.system is None and not self.told:
            self.system = said
        else:
            self._losses.add(f"a message with the role {role or 'without a role'}", place)

    def result(self, output: str, id_: str, place: str, *, error: bool = False) -> None:
        """Add the result of a tool."""
        if not self.told or not self.told[-1].result(result_part(output, id_, error=error)):
            self._losses.add("the result of a tool that was not called, or had a result already", place)

    def call(self, name: str, arguments: Any, id_: str) -> Part:
        """Return a call of a tool; one without an id gets one."""
        self._calls += 1
        return call_part(name, arguments, id_ or f"call-{self._calls}")

    def _last(self) -> Told:
        if not self.told:
            self.told.append(Told(None, [], "", None))
        return self.told[-1]

    def _parts(self, content: Any, place: str) -> list[Part]:
        if isinstance(content, str):
            return [text_part(content)] if content else []
        made = []
        for one in mappings(content):
            if isinstance(one.get("text"), str):
                made.append(text_part(one["text"]))
                continue
            found = of_url(mapping(one.get("image_url")).get("url"))
            if found:
                made.append(file_part(found))
            else:
                self._losses.add(f"content of the kind {text(one.get('type')) or 'without a kind'}", place)
        return made


def openai_calls(talk: Talk, message: Mapping[str, Any]) -> list[Part]:
    """Return the calls of tools of a message, as OpenAI's API has them."""
    functions = [(text(one.get("id")), mapping(one.get("function"))) for one in mappings(message.get("tool_calls"))]
    return [talk.call(text(one.get("name")), one.get("arguments"), id_) for id_, one in functions]
