"""Claude's export: the archive that Anthropic sends, the folder that it was unpacked to, or its conversations.json.

In newer exports each message says which one it answers; a conversation with edited prompts then has branches, which
become forks. The export does not say which models were used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...rules.safe_text import one_line
from ..lines import FileRefused
from .claude_messages import ClaudeMessages
from .export_files import ExportFiles
from .moments import moment
from .shapes import dict_of, list_of, text_of
from .source import SourceFile
from .tree import Branches, paths
from .values import ForeignConversation, ForeignExchange, Losses

_FILES = r"conversations(-\d+)?\.json"

_KNOWN_FILES = ("users.json", "projects.json")

_FIELDS = frozenset(
    "uuid name summary created_at updated_at account chat_messages model is_starred is_temporary settings"
    " current_leaf_message_uuid project project_uuid platform".split()
)


class Claude:
    """The format."""

    source, title, may_repeat = "claude", "Claude's export", False

    def recognises(self, source: SourceFile) -> bool:
        """Return whether there is a file conversations.json with chat messages, or the file is one."""
        fields = (b'"chat_messages"', b'"uuid"')
        return not source.is_sqlite and ExportFiles(source).begins_with(_FILES, fields)

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Read the conversations, each with its branches after it."""
        files = ExportFiles(source)
        projects = _projects(files, losses)
        for name in files.matching(r".*\.json"):
            if name not in _KNOWN_FILES and not re.fullmatch(_FILES, name) and source.path.name != name:
                losses.add(f"the file {one_line(name, 60)}", source.name)
        number = 0
        for name in files.matching(_FILES):
            for value in files.items(name):
                number += 1
                place = f"Conversation {number:,} of {source.name}"
                if not isinstance(value, dict) or not isinstance(value.get("chat_messages"), list):
                    raise FileRefused(f"{place} has no “chat_messages”.", "Export it again.")
                yield from _Chat(value, losses, projects).conversations()


def _projects(files: ExportFiles, losses: Losses) -> dict[str, tuple[str, str | None]]:
    """Return the names and the instructions of the projects, by their ids. Their documents are counted as losses."""
    found: dict[str, tuple[str, str | None]] = {}
    for one in map(dict_of, files.beside("projects.json")):
        name = text_of(one.get("name"))
        if name is not None and text_of(one.get("uuid")):
            found[one["uuid"]] = name, text_of(one.get("prompt_template"))
        for _ in list_of(one.get("docs")):
            losses.add("a document of a project", f"project “{one_line(name or '', 60)}”")
    return found


class _Chat:
    """One conversation."""

    def __init__(
        self, value: Mapping[str, Any], losses: Losses, projects: Mapping[str, tuple[str, str | None]]
    ) -> None:
        self._value, self._projects = value, projects
        messages = list_of(value.get("chat_messages"))
        self._messages = {str(one.get("uuid") or number): one for number, one in enumerate(messages)}
        self._id = text_of(value.get("uuid"))
        self._name = text_of(value.get("name"))
        place = f"“{one_line(self._name or self._id or 'a conversation', 60)}”"
        self._read = ClaudeMessages(losses, place)
        for field in value.keys() - _FIELDS:
            losses.add(f"the field {field} of a conversation", place)

    def conversations(self) -> Iterator[ForeignConversation]:
        """Yield the newest branch, and then what each other branch has that no earlier one has."""
        ids = [*self._messages]
        branched = any(one.get("parent_message_uuid") for one in self._messages.values())
        before = [None, *ids[:-1]]
        parents = {
            id_: text_of(self._messages[id_].get("parent_message_uuid")) if branched else last
            for id_, last in zip(ids, before, strict=False)
        }
        leaf = text_of(self._value.get("current_leaf_message_uuid"))
        branches = Branches(self._id)
        for path in paths(parents, leaf) if ids else ():
            exchanges = self._exchanges(path)
            found = branches.add([_key(one) for one in exchanges])
            if found is None:
                continue
            yield self._conversation(exchanges[found.shared :], found.key, found.forked)

    def _exchanges(self, path: list[str]) -> list[list[tuple[str, Mapping[str, Any]]]]:
        """Return the messages of a path, in groups that begin with a prompt."""
        found: list[list[tuple[str, Mapping[str, Any]]]] = []
        for id_ in path:
            message = self._messages[id_]
            if message.get("sender") in ("human", "user") or not found:
                found.append([])
            found[-1].append((id_, message))
        return found

    def _conversation(
        self,
        exchanges: list[list[tuple[str, Mapping[str, Any]]]],
        key: str,
        forked_from: tuple[str, str | None] | None,
    ) -> ForeignConversation:
        value = self._value
        project = dict_of(value.get("project"))
        known, system = self._projects.get(str(project.get("uuid") or value.get("project_uuid")), (None, None))
        meta = {"address": f"https://claude.ai/chat/{self._id}"} if self._id else {}
        summary = value.get("summary")
        if text_of(summary):
            meta["summary"] = one_line(str(summary), 1_000)
        return ForeignConversation(
            key=key,
            exchanges=map(self._exchange, exchanges),
            name=self._name,
            created_utc=moment(value.get("created_at")),
            tags=("starred",) if value.get("is_starred") else (),
            project=text_of(project.get("name")) or known,
            system=system,
            meta=meta,
            forked_from=forked_from,
        )

    def _exchange(self, messages: list[tuple[str, Mapping[str, Any]]]) -> ForeignExchange:
        values = [value for _, value in messages]
        asked = values[0].get("sender") in ("human", "user")
        turn = self._read.turn(values[0] if asked else None, values[asked:], moment(self._value.get("created_at")))
        return ForeignExchange(_key(messages), (replace(turn, model=text_of(self._value.get("model"))),))


def _key(messages: list[tuple[str, Mapping[str, Any]]]) -> str:
    """Return what identifies an exchange: its prompt, and the last message of its reply, if it has one."""
    return messages[0][0] if len(messages) == 1 else f"{messages[0][0]} {messages[-1][0]}"


FORMAT = Claude()
