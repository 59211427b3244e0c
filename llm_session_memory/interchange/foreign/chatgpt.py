"""ChatGPT's export: the archive that OpenAI sends, the folder that it was unpacked to, or its conversations.json.

A conversation is a tree of messages, because prompts can be edited and replies regenerated. The branch that was seen
last becomes the session, and each other one a fork of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...llm_seam.past import PastTurn
from ...model import Message
from ...rules.safe_text import one_line
from ..lines import FileRefused
from . import chatgpt_fields
from .chatgpt_messages import ChatGPTMessages, contexts, is_hidden
from .export_files import ExportFiles
from .moments import moment
from .shapes import dict_of, text_of
from .source import SourceFile
from .tree import Branches, paths
from .values import ForeignConversation, ForeignExchange, Losses

_FILES = r"conversations(-\d+)?\.json"

Rating = Literal["up", "down"]


@dataclass(frozen=True)
class _Node:
    """A message of the tree that is shown."""

    id: str
    message: Mapping[str, Any]

    @property
    def is_prompt(self) -> bool:
        return bool(dict_of(self.message.get("author")).get("role") == "user")


class ChatGPT:
    """The format."""

    source, title, may_repeat = "chatgpt", "ChatGPT's export", False

    def recognises(self, source: SourceFile) -> bool:
        """Return whether there is a file conversations.json with trees of messages, or the file is one."""
        fields = (b'"mapping"', b'"parent"', b'"children"')
        return not source.is_sqlite and ExportFiles(source).begins_with(_FILES, fields)

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Read the conversations, each with its branches after it."""
        files = ExportFiles(source)
        ratings = _ratings(files)
        for name in files.matching(r".*\.(json|html)"):
            if name not in chatgpt_fields.FILES and not re.fullmatch(_FILES, name) and source.path.name != name:
                losses.add(f"the file {one_line(name, 60)}", source.name)
        number = 0
        for name in files.matching(_FILES):
            for value in files.items(name):
                number += 1
                place = f"Conversation {number:,} of {source.name}"
                if not isinstance(value, dict) or not isinstance(value.get("mapping"), dict):
                    raise FileRefused(f"{place} has no “mapping” of its messages.", "Export it again.")
                yield from _Tree(value, files, losses, ratings).conversations()


def _ratings(files: ExportFiles) -> dict[str, Rating]:
    """Return the thumbs that a person gave, by the ids of the messages."""
    found: dict[str, Rating] = {}
    for one in files.beside("message_feedback.json"):
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            rating = str(one.get("rating")).lower()
            if "up" in rating or "down" in rating:
                found[one["id"]] = "up" if "up" in rating else "down"
    return found


class _Tree:
    """One conversation."""

    def __init__(
        self, value: Mapping[str, Any], files: ExportFiles, losses: Losses, ratings: Mapping[str, Rating]
    ) -> None:
        self._value, self._ratings = value, ratings
        self._nodes: dict[str, Any] = {id_: one for id_, one in value["mapping"].items() if isinstance(one, dict)}
        self._id = text_of(value.get("conversation_id")) or text_of(value.get("id"))
        self._title = text_of(value.get("title"))
        place = f"“{one_line(self._title or self._id or 'a conversation', 60)}”"
        self._read = ChatGPTMessages(files.attachment, losses, place)
        unknown = [f"{field} of a conversation" for field in value.keys() - chatgpt_fields.CONVERSATION]
        for node in self._nodes.values():
            unknown += [f"{field} of a node" for field in node.keys() - chatgpt_fields.NODE]
            message = dict_of(node.get("message"))
            unknown += [f"{field} of a message" for field in message.keys() - chatgpt_fields.MESSAGE]
        for field in unknown:
            losses.add(f"the field {field}", place)

    def conversations(self) -> Iterator[ForeignConversation]:
        """Yield the branch that was seen last, and then what each other branch has that no earlier one has."""
        parents = {id_: text_of(node.get("parent")) for id_, node in self._nodes.items()}
        branches = Branches(self._id)
        for path in paths(parents, text_of(self._value.get("current_node"))):
            exchanges = self._exchanges(path)
            found = branches.add([_key(one) for one in exchanges])
            if found is None:
                continue
            yield self._conversation(path, exchanges[found.shared :], found.key, found.forked)

    def _exchanges(self, path: list[str]) -> list[list[_Node]]:
        """Return the messages of a path that are shown, in groups that begin with a prompt."""
        found: list[list[_Node]] = []
        for id_ in path:
            message = self._nodes[id_].get("message")
            if not isinstance(message, dict) or is_hidden(message):
                continue
            node = _Node(id_, message)
            if node.is_prompt or not found:
                found.append([])
            found[-1].append(node)
        return found

    def _conversation(
        self,
        path: list[str],
        exchanges: list[list[_Node]],
        key: str,
        forked_from: tuple[str, str | None] | None,
    ) -> ForeignConversation:
        value = self._value
        notes = [text for id_ in path for text in contexts(dict_of(self._nodes[id_].get("message")))]
        meta = {"address": f"https://chatgpt.com/c/{self._id}"} if self._id else {}
        for name, field in (("gpt", "gizmo_id"), ("project", "conversation_template_id")):
            if text_of(value.get(field)):
                meta[name] = str(value[field])
        return ForeignConversation(
            key=key,
            exchanges=map(self._exchange, exchanges),
            name=self._title,
            created_utc=moment(value.get("create_time")),
            model=self._newest_model([node.message for nodes in exchanges for node in nodes]),
            tags=("starred",) if value.get("is_starred") else (),
            meta=meta,
            notes=tuple(dict.fromkeys(notes)),
            archived=bool(value.get("is_archived")),
            forked_from=forked_from,
        )

    def _newest_model(self, messages: Sequence[Mapping[str, Any]]) -> str | None:
        """Return the model that replied last, or None: “auto” is ChatGPT's choice, and no model."""
        used = [text_of(dict_of(one.get("metadata")).get("model_slug")) for one in messages]
        named = (*reversed(used), text_of(self._value.get("default_model_slug")))
        return next((one for one in named if one and one != "auto"), None)

    def _exchange(self, nodes: list[_Node]) -> ForeignExchange:
        prompt = nodes[0].message if nodes[0].is_prompt else None
        replies = [node.message for node in nodes[1 if prompt else 0 :]]
        asked = (Message("user", self._read.prompt(prompt)),) if prompt else ()
        parts = self._read.reply(replies)
        slugs = [text_of(dict_of(one.get("metadata")).get("model_slug")) for one in replies]
        times = [moment(one.get("create_time")) for one in (node.message for node in nodes)]
        turn = PastTurn(
            input=asked,
            output=(Message("assistant", parts),) if parts else (),
            model=next(filter(None, reversed(slugs)), None) or text_of(self._value.get("default_model_slug")),
            datetime_utc=next(filter(None, times), "") or moment(self._value.get("create_time")),
        )
        rated = [self._ratings[node.id] for node in nodes if node.id in self._ratings]
        return ForeignExchange(_key(nodes), (turn,), rated[-1] if rated else None)


def _key(nodes: list[_Node]) -> str:
    """Return what identifies an exchange: its prompt, and the last message of its reply, if it has one."""
    return nodes[0].id if len(nodes) == 1 else f"{nodes[0].id} {nodes[-1].id}"


FORMAT = ChatGPT()
