"""The records of Claude Code's transcripts, put together as one session. Pure.

The format is internal to Claude Code and changes with it. This reads records as its versions 1.0 to 2.1 wrote them.
Records form a tree by `uuid` and `parentUuid`: when a person goes back to an earlier prompt, another branch begins.
After a compaction a new root follows, whose `logicalParentUuid` says what it follows. An answer of the server is
written as several records with one `message.id`, and each repeats the whole `usage`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model import Attachment, Part
from .claude_blocks import count_unknown_in, parts_of
from .telling import TokenUsage, Told
from .transcripts import (
    count_unknown,
    mapping,
    mappings,
    number,
    result_part,
    text,
    text_part,
)
from .values import Losses

KINDS = ("user", "assistant")
"""The kinds of records that are messages."""

_RECORD = frozenset(
    "type uuid parentUuid logicalParentUuid sessionId timestamp message cwd gitBranch version isSidechain agentId "
    "userType isMeta isCompactSummary isVisibleInTranscriptOnly isApiErrorMessage apiErrorStatus error requestId "
    "toolUseResult toolUseID sourceToolUseID sourceToolAssistantUUID parentToolUseID permissionMode thinkingMetadata "
    "todos imagePasteIds slug entrypoint promptId promptSource origin level teamName agentName sessionKind forkedFrom "
    "attributionSkill attributionAgent attributionPlugin effort mcpMeta interruptedMessageId".split()
)
"""The fields of a record that are read, or that say nothing about the conversation."""

_MESSAGE = frozenset(
    "id type role model content usage stop_reason stop_sequence stop_details container context_management "
    "diagnostics".split()
)
_INJECTED = re.compile(
    r"\s*<(bash-input|bash-stdout|bash-stderr|local-command-\w+|task-notification|user-memory-input|system-reminder)>"
)
_COMMAND = re.compile(r"<command-(name|args)>(.*?)</command-\1>", re.DOTALL)
_INTERRUPTED = "[Request interrupted by user"
_SYNTHETIC = "<synthetic>"


@dataclass
class Facts:
    """What the records of a session say about it. The first one that says something counts, for titles the last one."""

    session: str = ""
    agent: str = ""
    begun: str = ""
    folder: str = ""
    branch: str = ""
    version: str = ""
    model: str = ""
    titles: dict[str, str] = field(default_factory=dict)

    def note(self, record: Mapping[str, Any]) -> None:
        """Take what a record says."""
        self.session = self.session or text(record.get("sessionId"))
        self.agent = self.agent or text(record.get("agentId"))
        self.begun = self.begun or text(record.get("timestamp"))
        self.folder = self.folder or text(record.get("cwd"))
        self.branch = self.branch or text(record.get("gitBranch"))
        self.version = self.version or text(record.get("version"))
        model = text(mapping(record.get("message")).get("model"))
        self.model = model if model not in ("", _SYNTHETIC) else self.model

    @property
    def title(self) -> str:
        """The title that the person gave, else the one that a model made."""
        return next((self.titles[kind] for kind in TITLES if self.titles.get(kind)), "")


TITLES = {"custom-title": "customTitle", "ai-title": "aiTitle", "summary": "summary"}
"""The kinds of records with a title, each with the field that has it; the one that counts most is first."""


class ClaudeSession:
    """A session, or the subagent of one, that is being read."""

    def __init__(self, place: str, losses: Losses) -> None:
        self.facts = Facts()
        self.told: list[Told] = []
        self._losses = losses
        self._at = place
        self._of: dict[str, Told | None] = {}
        self._commands: set[int] = set()
        self._summaries: dict[str, str] = {}
        """Titles that a model made, by the record that each ends with: it may be of another session."""

    def add(self, record: Mapping[str, Any], place: str) -> None:
        """Add a record of any kind."""
        self._at = place
        kind = text(record.get("type"))
        if kind == "summary":
            self._summaries[text(record.get("leafUuid"))] = text(record.get("summary")).strip()
            return
        if kind in TITLES:
            self.facts.titles[kind] = text(record.get(TITLES[kind])).strip() or self.facts.titles.get(kind, "")
            return
        uuid = text(record.get("uuid"))
        if uuid and uuid in self._of:
            return  # a resumed session repeats its records
        before = self._before(record)
        if kind in KINDS:
            self.facts.note(record)
            count_unknown(record, _RECORD, "a record", place, self._losses)
            before = self._said(record, before, uuid)
        elif _is_queued_prompt(record):
            self.facts.note(record)
            content = mapping(record["attachment"]).get("prompt")
            asked = (
                [text_part(content)]
                if isinstance(content, str)
                else [part for one in mappings(content) for part in parts_of(one, self._at, self._losses)]
            )
            before = self._asked(record, asked, before, uuid) if asked else before
        else:
            self._losses.add(f"a record of the kind {kind or 'without a kind'}", place)
        if uuid:
            self._of[uuid] = before

    def _before(self, record: Mapping[str, Any]) -> Told | None:
        """Return the exchange of the record that a record follows: of its parent, or of the record before it."""
        for name in ("parentUuid", "logicalParentUuid"):
            parent = text(record.get(name))
            if parent in self._of:
                return self._of[parent]
        starts = record.get("type") == "user" and not record.get("isCompactSummary")
        if starts and record.get("uuid") and "parentUuid" in record and not record["parentUuid"]:
            return None  # the person went back to the beginning
        return self.told[-1] if self.told else None

    def _said(self, record: Mapping[str, Any], before: Told | None, uuid: str) -> Told | None:
        message = mapping(record.get("message"))
        count_unknown(message, _MESSAGE, "a message", self._at, self._losses)
        at = text(record.get("timestamp"))
        if record.get("type") == "assistant":
            return self._answered(record, message, before, at)
        if record.get("isCompactSummary"):
            self._losses.add("a summary that a compaction made", self._at)
            return before
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else mappings(content)
        asked: list[Part] = []
        for block in blocks:
            if block.get("type") == "tool_result":
                self._result(block, before, at)
            else:
                asked += parts_of(block, self._at, self._losses)
        if record.get("toolUseResult") is not None:
            self._losses.add("what Claude Code noted for itself about the result of a tool (toolUseResult)", self._at)
        return self._asked(record, asked, before, uuid) if asked else before

    # -- prompts -------------------------------------------------------

    def _asked(self, record: Mapping[str, Any], asked: list[Part], before: Told | None, uuid: str) -> Told | None:
        """Begin an exchange with a prompt, unless Claude Code wrote it."""
        said = "".join(text(part.data.get("text")) for part in asked)
        command = dict(_COMMAND.findall(said)) if said.lstrip().startswith("<command-") else {}
        if command.get("name"):
            asked = [text_part(" ".join(filter(None, (command["name"].strip(), command.get("args", "").strip()))))]
        elif record.get("isMeta"):
            if before is not None and id(before) in self._commands and not before.answered:
                before.asked += [text_part("\n\n"), *asked]  # the text that a command stands for
            else:
                self._losses.add("a message that Claude Code added (isMeta)", self._at)
            return before
        elif said.lstrip().startswith(_INTERRUPTED):
            self._losses.add("a note that the person interrupted the model", self._at)
            return before
        elif _INJECTED.match(said):
            self._losses.add("a shell command, its output, or a notice, written as a prompt", self._at)
            return before
        told = Told(uuid or None, asked, text(record.get("timestamp")), before)
        if command:
            self._commands.add(id(told))
        self.told.append(told)
        return told

    def _result(self, block: Mapping[str, Any], before: Told | None, at: str) -> None:
        count_unknown_in(block, self._at, self._losses)
        content, files = block.get("content"), list[Attachment]()
        said = [content] if isinstance(content, str) else []
        for one in mappings(content):
            for part in parts_of(one, self._at, self._losses):
                files += part.attachments
                said += [text(part.data.get("text"))] if part.type == "text" else []
        part = result_part(
            "\n".join(said), text(block.get("tool_use_id")), error=block.get("is_error") is True, files=files
        )
        if before is None or not before.result(part, at):
            self._losses.add("the result of a tool that was not called, or had a result already", self._at)

    # -- answers -------------------------------------------------------

    def _answered(
        self, record: Mapping[str, Any], message: Mapping[str, Any], before: Told | None, at: str
    ) -> Told | None:
        if record.get("isApiErrorMessage") or message.get("model") == _SYNTHETIC:
            self._losses.add("an error message in the place of an answer", self._at)
            return before
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else mappings(content)
        parts = [part for block in blocks for part in parts_of(block, self._at, self._losses)]
        if before is None:
            before = Told(text(record.get("uuid")) or None, [], at, None)
            self.told.append(before)
        usage = mapping(message.get("usage"))
        before.say(
            parts, at, text(message.get("model")) or None, _usage(usage) if usage else None, text(message.get("id"))
        )
        return before

    # -- the end -------------------------------------------------------

    def finished(self) -> list[Told]:
        """Return the exchanges, without commands that the model did not see. Nothing can be added any more."""
        for leaf, title in self._summaries.items():
            if leaf in self._of:
                self.facts.titles["summary"] = title
            else:
                self._losses.add("the title of another session (summary)", self._at)
        local = [one for one in self.told if id(one) in self._commands and not one.answered]
        for one in local:
            self._losses.add("a command of Claude Code itself, such as /clear", self._at)
            for other in self.told:
                if other.before is one:
                    other.before = one.before
        gone = {*map(id, local)}
        return [one for one in self.told if id(one) not in gone]


def _is_queued_prompt(record: Mapping[str, Any]) -> bool:
    """Return whether a record is a prompt that was typed while the model worked: the only place where it is."""
    attachment = mapping(record.get("attachment"))
    mode = text(attachment.get("commandMode")) or "prompt"
    return attachment.get("type") == "queued_command" and mode == "prompt"


def _usage(usage: Mapping[str, Any]) -> TokenUsage:
    """Return the tokens of an answer. The input of a call is what was sent, read from a cache or not."""
    cached = {name: number(usage.get(name)) for name in ("cache_creation_input_tokens", "cache_read_input_tokens")}
    sent = number(usage.get("input_tokens"))
    return TokenUsage(
        None if sent is None else sent + sum(filter(None, cached.values())),
        number(usage.get("output_tokens")),
        {name: count for name, count in cached.items() if count},
    )
