"""Whether what llm stores by its content still has that content: messages, fragments, attachments.

The same as llm's `LogStore.verify()`, which takes two queries a message; a test compares the two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..rules.llm_hash import hash_of_text
from .log import Log
from .message_parts import Messages, Stored, StoredPart
from .schema import statement

_REPORT_EVERY = 10_000
_MOST_REMEMBERED = 16_000_000
"""How many characters of fragments are kept, so that memory is bounded."""

_PIECE = 1 << 20

_EXAMPLES = 3


@dataclass
class Hashes:
    """What does not have the hash that it is stored under: how many, with examples.

    `gone` and `changed` are the paths of files that attachments point to: they may do that without anything being
    wrong with the log.
    """

    messages: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


def hashes(log: Log, progress: Callable[[int, int], None] | None = None) -> Hashes:
    """Hash everything again. Raises LogUnusable."""
    found, outside = _content(log)
    if log.columns("messages") and log.columns("parts"):
        messages = _Bounded(log, outside)
        total = log.value("select count(*) from messages")
        for done, message in enumerate(_messages(log), 1):
            if not _is_right(messages, message):
                found.messages.append(message.hash)
            if progress and done % _REPORT_EVERY == 0:
                progress(done, total)
    return found


def hashes_of_content(log: Log) -> Hashes:
    """Hash fragments and attachments again, but no messages. Raises LogUnusable."""
    return _content(log)[0]


def unlike_their_hashes(log: Log) -> Iterator[str]:
    """Yield the messages, fragments and attachments of a log that have a wrong hash, without reading any other file.

    An attachment that is only a path counts as what its id says. Raises LogUnusable.
    """
    for id_, url, content in log.stream(
        "select id, url, content from attachments where path is null or length(content)"
    ):
        held = content or json.dumps({"url": url}).encode()
        if hashlib.sha256(held).hexdigest() != id_:
            yield f"attachment {id_}"
    for hash_, content in log.stream("select hash, content from fragments"):
        if hashlib.sha256(str(content or "").encode("utf-8", "surrogatepass")).hexdigest() != hash_:
            yield f"fragment {hash_}"
    messages = _Bounded(log, {})
    for message in _messages(log):
        if not _is_right(messages, message):
            yield f"message {message.hash}"


def _content(log: Log) -> tuple[Hashes, dict[str, str]]:
    found = Hashes()
    if log.columns("fragments"):
        found.fragments += _fragments(log)
    return found, _attachments(log, found) if log.columns("attachments") else {}


def _is_right(messages: _Bounded, message: Stored) -> bool:
    if len(message.parts) == 1 and message.provider_metadata is None:
        (part,) = message.parts
        if part.type == "text" and part.text is not None and not part.payload:
            return hash_of_text(message.role, part.text, message.parent) == message.hash
    messages.outside_seen = False
    try:
        right = messages.hash(message, message.parent) == message.hash
    except (ValueError, TypeError, KeyError, AttributeError):  # a payload that is not what llm writes
        return False
    return right or messages.outside_seen


def _messages(log: Log) -> Iterator[Stored]:
    """Yield all messages with their parts, one at a time."""
    last: tuple[Any, ...] | None = None
    parts: list[StoredPart] = []
    for *row, type_, text, payload, tool in log.stream(statement("stored_messages")):
        if last is not None and row[0] != last[0]:
            yield Stored(last[1], last[2], last[3], last[4], tuple(parts))
            parts = []
        last = tuple(row)
        if type_ is not None:
            parts.append(StoredPart(type_, text, _payload(payload), tool))
    if last is not None:
        yield Stored(last[1], last[2], last[3], last[4], tuple(parts))


def _payload(text: str | None) -> Any:
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return None  # no message has a part like this: its hash differs


def _fragments(log: Log) -> Iterator[str]:
    for id_, hash_, content in log.stream("select id, hash, content from fragments"):
        if hashlib.sha256(str(content or "").encode("utf-8", "surrogatepass")).hexdigest() != hash_:
            yield f"fragment {id_}"


def _attachments(log: Log, found: Hashes) -> dict[str, str]:
    """Look at each attachment. Return what stands for those whose file is not what it was, by their ids."""
    outside: dict[str, str] = {}
    for id_, path, url, content in log.stream("select id, path, url, content from attachments"):
        if content:
            if hashlib.sha256(content).hexdigest() != id_:
                found.attachments.append(f"attachment {id_}")
        elif path:
            now = _hash_of_file(Path(path))
            if now is None:
                found.gone.append(str(path))
                outside[id_] = f"missing:{path}"
            elif now != id_:
                found.changed.append(str(path))
                outside[id_] = now
        elif hashlib.sha256(json.dumps({"url": url}).encode()).hexdigest() != id_:
            found.attachments.append(f"attachment {id_}")
    return outside


def _hash_of_file(path: Path) -> str | None:
    """Return the hash of a file's bytes, read in pieces; None if it is not a file or can't be read."""
    made = hashlib.sha256()
    try:
        if not path.is_file():  # never a pipe or a device, which could block
            return None
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                made.update(piece)
    except (OSError, ValueError):
        return None
    return made.hexdigest()


class _Bounded(Messages):
    """The messages of a log, with a bound on what is remembered, and with attachments as they were looked at before."""

    def __init__(self, log: Log, outside: dict[str, str]) -> None:
        super().__init__(log)
        self._outside = outside
        self._held = 0
        self.outside_seen = False
        """Whether an attachment's file is not what it was: the hash of its message can't be told then."""

    def fragment(self, id_: int) -> str:
        if id_ not in self._fragments:
            if self._held > _MOST_REMEMBERED:
                self._fragments.clear()
                self._held = 0
            self._held += len(super().fragment(id_))
        return self._fragments[id_]

    def _attachment(self, id_: str) -> dict[str, Any]:
        self.outside_seen |= id_ in self._outside
        row = self.log.row("select type from attachments where id = :id", {"id": id_}) or {}
        return {"id": self._outside.get(id_, id_), "type": row.get("type")}
