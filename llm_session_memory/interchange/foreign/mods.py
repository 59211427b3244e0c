"""mods' conversations: `mods.db`, and a file `ID.gob` for each conversation, in one folder.

The database has the ids, titles, models and times of the last prompts; the files have the messages, in Go's gob
encoding (mods' `proto.Message`). The message of a tool has its result as content, and the call that it answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...reader.other_databases import opened
from ...rules.safe_text import one_line
from ..lines import FileRefused
from .gob import NotGob, decoded
from .plain_talk import Talk
from .source import SourceFile
from .transcripts import last_changed, mapping, mappings, text
from .values import ForeignConversation, Losses

_DATABASE = "mods.db"
_ENDING = ".gob"
_ID = re.compile(r"[0-9A-Za-z_-]{1,80}")
_LARGEST = 256 << 20
_COLUMNS = {"id", "title", "updated_at"}


class Mods:
    """Reads a conversation's file, or the database with all files beside it, or the folder with both."""

    source = "mods"
    title = "mods' conversations"
    may_repeat = True

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file is a conversation or mods' database, or a folder has that."""
        if source.is_folder:
            return _database(source) is not None
        return _is_conversation(source.head) or (source.is_sqlite and _is_database(source.path))

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Read the conversations."""
        if not source.is_folder and not source.is_sqlite:
            yield _conversation(source, {}, losses)
            return
        database = _database(source) if source.is_folder else source.path
        assert database is not None
        with opened(database) as other:
            rows = [*other.rows("conversations", ("updated_at",))]
        for row in rows:
            id_ = _said(row.get("id"))
            file = SourceFile(database.parent / f"{id_}{_ENDING}")
            if not _ID.fullmatch(id_) or file.path.is_symlink() or not file.path.is_file():
                losses.add("a conversation whose file is missing", one_line(f"“{_said(row.get('title'))}”", 80))
                continue
            yield _conversation(file, row, losses)


def _database(folder: SourceFile) -> Path | None:
    return next((path for path in folder.files(_DATABASE) if SourceFile(path).is_sqlite and _is_database(path)), None)


def _is_database(path: Path) -> bool:
    with opened(path) as other:
        tables = other.tables()
    return set(tables) == {"conversations"} and set(tables["conversations"]) >= _COLUMNS


def _is_conversation(head: bytes) -> bool:
    """Return whether a file begins with the definitions of mods' types."""
    return b"\x07Content\x01\x0c" in head[:200] and b"\x04Role\x01\x0c" in head[:200]


def _conversation(source: SourceFile, row: Mapping[str, Any], losses: Losses) -> ForeignConversation:
    content = source.content(_LARGEST)
    try:
        messages = mappings(decoded(content))
    except NotGob as error:
        hint = "Copy it again from where mods keeps it, or remove it."
        raise FileRefused(f"{source.name} can't be read: {error}.", hint) from error
    talk = Talk(losses)
    for number, message in enumerate(messages, 1):
        _add(talk, message, f"message {number:,} of {source.name}")
    model, api = _said(row.get("model")) or None, _said(row.get("api"))
    return ForeignConversation(
        key=Path(source.name).stem,
        exchanges=[one.exchange(model=model) for one in talk.told],
        name=_said(row.get("title")) or None,
        created_utc=_said(row.get("updated_at")) or last_changed(source),
        model=model,
        system=talk.system,
        meta={"api": api} if api else {},
    )


def _said(value: Any) -> str:
    """Return a value of the database. SQLite keeps a title such as “42” as a number, because of the column's type."""
    return "" if value is None else str(value)


def _add(talk: Talk, message: Mapping[str, Any], place: str) -> None:
    role, said = text(message.get("Role")), text(message.get("Content"))
    calls = [(text(one.get("ID")), mapping(one.get("Function")), one) for one in mappings(message.get("ToolCalls"))]
    if role == "tool":
        for id_, _, one in calls:
            talk.result(said, id_, place, error=one.get("IsError") is True)
        return
    made = [talk.call(text(one.get("Name")), _arguments(one.get("Arguments")), id_) for id_, one, _ in calls]
    talk.add(role, said, place, made)


def _arguments(given: Any) -> str:
    return given.decode("utf-8", "replace") if isinstance(given, bytes) else ""


FORMAT = Mods()
