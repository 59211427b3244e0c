"""The lines of Codex's transcripts, put together as one session. Pure.

Codex puts instructions and facts into messages of the user. A message is a prompt if an event (`user_message`) has the
same text, or if it does not begin as Codex's own texts do. `thread_rolled_back` takes back the last prompts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...model import Attachment, Part
from .telling import TokenUsage, Told
from .transcripts import (
    call_part,
    count_unknown,
    file_part,
    mapping,
    mappings,
    number,
    of_url,
    result_part,
    text,
    text_part,
    thought,
)
from .values import Losses

_SAID = "type id role content phase status internal_chat_message_metadata_passthrough end_turn metadata"
_CALL = "type id call_id status name namespace arguments input action summary execution metadata"
_RESULT = "type id call_id output status success metadata"
ITEMS = {
    "message": frozenset(_SAID.split()),
    "reasoning": frozenset("type id summary content encrypted_content status metadata".split()),
    "function_call": frozenset(_CALL.split()),
    "custom_tool_call": frozenset(_CALL.split()),
    "local_shell_call": frozenset(_CALL.split()),
    "web_search_call": frozenset(_CALL.split()),
    "tool_search_call": frozenset(_CALL.split()),
    "function_call_output": frozenset(_RESULT.split()),
    "custom_tool_call_output": frozenset(_RESULT.split()),
}
"""The kinds of response items that are read, each with its fields."""

_MIRRORS = frozenset(
    "user_message agent_message agent_reasoning agent_reasoning_raw_content agent_reasoning_section_break "
    "exec_command_begin exec_command_end exec_command_output_delta patch_apply_begin patch_apply_end web_search_begin "
    "web_search_end mcp_tool_call_begin mcp_tool_call_end task_complete turn_complete context_compacted turn_diff "
    "session_configured item_completed".split()
)
"""Events that say what response items say, or only that something begins or ends."""

_OURS = re.compile(
    r"\s*(?:<(?:environment_context|user_instructions|permissions instructions|INSTRUCTIONS|turn_aborted|"
    r"collaboration_mode|skills?|skills_instructions|apps_instructions|plugins_instructions|model_switch|"
    r"subagent_notification|user_shell_command|personality_spec|realtime_conversation|hook_context)\b"
    r"|# AGENTS\.md instructions)"
)
_PICTURE = re.compile(r"\s*</?image(?: [^>]*)?>\s*")
"""What Codex writes before and after a picture in a prompt."""


class Rollout:
    """A session that is being read. `prompts` are the texts of its prompts, as far as events say them."""

    def __init__(self, losses: Losses) -> None:
        self.facts: Mapping[str, Any] = {}
        self.told: list[Told] = []
        self.prompts: set[str] = set()
        self.others: set[str] = set()
        """The sessions whose turns this one may begin with."""
        self.system: str | None = None
        self.model: str | None = None
        self._losses = losses
        self._now: Told | None = None
        self._turn = ""
        self._keys: set[str] = set()

    def add(self, line: Mapping[str, Any], place: str) -> None:
        """Add a line of any kind."""
        kind, payload = text(line.get("type")), mapping(line.get("payload"))
        at = text(line.get("timestamp"))
        match kind:
            case "session_meta":
                self._meta(payload)
            case "turn_context":
                self.model = text(payload.get("model")) or self.model
                self._turn = text(payload.get("turn_id")) or self._turn
            case "response_item":
                self._item(payload, at, place)
            case "event_msg":
                self._event(payload, place)
            case "compacted":
                self._losses.add("a summary that a compaction made", place)
            case _ if kind in ITEMS:  # before September 2025
                self._item(line, at, place)
            case _ if not kind and "id" in line and not self.facts:
                self._meta(line)
            case _:
                self._losses.add(
                    f"a line of the kind {kind or text(line.get('record_type')) or 'without a kind'}", place
                )

    def _meta(self, payload: Mapping[str, Any]) -> None:
        """Take what the first line says. A forked session has the lines of the other session after its own."""
        if self.facts:
            self.others.add(text(payload.get("id")))
            return
        self.others.update(text(payload.get(name)) for name in ("forked_from_id", "parent_thread_id"))
        self.facts = payload
        base = payload.get("base_instructions")
        self.system = text(mapping(base).get("text")) or text(base) or text(payload.get("instructions")) or None

    def _event(self, payload: Mapping[str, Any], place: str) -> None:
        kind = text(payload.get("type"))
        if kind in ("task_started", "turn_started"):
            self._turn = text(payload.get("turn_id")) or self._turn
        elif kind == "token_count":
            usage = mapping(mapping(payload.get("info")).get("last_token_usage"))
            if usage and self._now is not None:
                self._now.count(_usage(usage))
        elif kind == "thread_rolled_back":
            for _ in range(min(number(payload.get("num_turns")) or 0, len(self.told))):
                self._now = self._now.before if self._now is not None else None
        elif kind not in _MIRRORS:
            self._losses.add(f"an event of the kind {kind or 'without a kind'}", place)

    # -- items ---------------------------------------------------------

    def _item(self, item: Mapping[str, Any], at: str, place: str) -> None:
        kind = text(item.get("type")) or ("message" if item.get("role") else "")
        if kind in ITEMS:
            count_unknown(item, ITEMS[kind], f"an item of the kind {kind}", place, self._losses)
        call = text(item.get("call_id"))
        match kind:
            case "message":
                self._message(item, at, place)
            case "reasoning":
                said = [text(one.get("text")) for name in ("summary", "content") for one in mappings(item.get(name))]
                if any(said) or item.get("encrypted_content"):
                    self._say([thought("\n\n".join(filter(None, said)))], at)
            case "function_call" | "custom_tool_call":
                given = item.get("arguments", item.get("input"))
                self._say([call_part(text(item.get("name")), given, call)], at)
            case "local_shell_call" | "web_search_call" | "tool_search_call":
                server = kind == "web_search_call"
                name = kind.removesuffix("_call")
                given = item.get("action", item.get("arguments"))
                self._say([call_part(name, given, call or text(item.get("id")), server=server)], at)
            case "function_call_output" | "custom_tool_call_output":
                if self._now is None or not self._now.result(_result(item.get("output"), call), at):
                    self._losses.add("the result of a tool that was not called, or had a result already", place)
            case _:
                self._losses.add(f"an item of the kind {kind or 'without a kind'}", place)

    def _message(self, item: Mapping[str, Any], at: str, place: str) -> None:
        role, content = text(item.get("role")), item.get("content")
        parts = [text_part(content)] if isinstance(content, str) else []
        for one in mappings(content):
            part = _part(one)
            if part is None:
                self._losses.add(f"content of the kind {text(one.get('type')) or 'without a kind'}", place)
            else:
                parts.append(part)
        said = "".join(text(part.data.get("text")) for part in parts)
        if role == "assistant":
            self._say(parts, at)
        elif role == "user" and parts and self._is_prompt(said, parts):
            self._ask([part for part in parts if not _PICTURE.fullmatch(text(part.data.get("text")))], at)
        else:
            self._losses.add("a message with which Codex instructed the model", place)

    def _is_prompt(self, said: str, parts: list[Part]) -> bool:
        """Return whether a message of the user is a prompt. If events say what is, other texts in tags are not."""
        if any(one.strip() in self.prompts for one in (said, *(text(part.data.get("text")) for part in parts))):
            return True
        return not (_OURS.match(said) or (self.prompts and said.lstrip().startswith("<")))

    def _ask(self, parts: list[Part], at: str) -> None:
        """Begin an exchange. Its key is the id of Codex's turn, unless a second prompt came in the same turn."""
        key = self._turn if self._turn and self._turn not in self._keys else f"{self._turn} {at} {len(self.told)}"
        self._keys.add(key)
        self._now = Told(key, parts, at, self._now)
        self.told.append(self._now)

    def _say(self, parts: list[Part], at: str) -> None:
        if self._now is None:
            self._ask([], at)
        assert self._now is not None
        self._now.say(parts, at, self.model)


def _part(content: Mapping[str, Any]) -> Part | None:
    """Return a piece of a message as a part, or None if it can't be taken over."""
    if isinstance(content.get("text"), str):
        return text_part(text(content["text"]))
    url = content.get("image_url")
    found = of_url(mapping(url).get("url") if isinstance(url, Mapping) else url)
    return file_part(found) if found else None


def _result(output: Any, call: str) -> Part:
    """Return the result of a tool: a text, a list of texts and images, or JSON with an exit code."""
    files: list[Attachment] = []
    said, failed = text(output), False
    if isinstance(output, list):
        parts = [part for one in mappings(output) if (part := _part(one)) is not None]
        said = "\n".join(text(part.data.get("text")) for part in parts if part.type == "text")
        files = [one for part in parts for one in part.attachments]
    if said.startswith('{"output":'):
        try:
            output = json.loads(said)
        except (ValueError, RecursionError):
            output = None
    if isinstance(output, Mapping):
        said = text(output.get("output")) or text(output.get("content"))
        failed = output.get("success") is False or bool(mapping(output.get("metadata")).get("exit_code"))
    return result_part(said, call, error=failed, files=files)


def _usage(usage: Mapping[str, Any]) -> TokenUsage:
    """Return the tokens of a call; those that were read from a cache are among the input."""
    names = ("cached_input_tokens", "reasoning_output_tokens")
    details = {name: count for name in names if (count := number(usage.get(name)))}
    return TokenUsage(number(usage.get("input_tokens")), number(usage.get("output_tokens")), details)
