"""mods' conversations: Go's gob encoding, and the database beside the files."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from llm_session_memory.interchange.foreign.gob import NotGob, decoded
from llm_session_memory.interchange.foreign.mods import FORMAT
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.foreign.values import Losses
from llm_session_memory.interchange.lines import FileRefused
from tests.interchange.foreign.files import read, said

TALK = base64.b64decode(
    "Df+JAgEC/4oAAf+CAAA5/4EDAQEHTWVzc2FnZQH/ggABAwEEUm9sZQEMAAEHQ29udGVudAEMAAEJVG9vbENhbGxzAf+IAAAAHv+HAgEBD1tdbWFp"
    "bi5Ub29sQ2FsbAH/iAAB/4QAADf/gwMBAQhUb29sQ2FsbAH/hAABAwECSUQBDAABCEZ1bmN0aW9uAf+GAAEHSXNFcnJvcgECAAAALf+FAwEBCEZ1"
    "bmN0aW9uAf+GAAECAQROYW1lAQwAAQlBcmd1bWVudHMBCgAAAP/O/4oABQEGc3lzdGVtAQlCZSBicmllZi4AAQR1c2VyASFIb3cgbG9uZyBpcyB0"
    "aGUgYnJpZGdlPyAoQnLDvGNrZSkAAQlhc3Npc3RhbnQCAQEGY2FsbF8xAQEKZmlsZXNfcmVhZAESeyJwYXRoIjoicGxhbi5tZCJ9AAAAAQR0b29s"
    "AQYyLjMga20BAQEGY2FsbF8xAQEKZmlsZXNfcmVhZAESeyJwYXRoIjoicGxhbi5tZCJ9AAEBAAABCWFzc2lzdGFudAEHMi4zIGttLgA="
)
"""Five messages, as Go's own encoder wrote them from a copy of mods' types."""

OLD = base64.b64decode(
    "Df+NAgEC/44AAf+MAAAm/4sDAQEDT2xkAf+MAAECAQdDb250ZW50AQwAAQRSb2xlAQwAAAAk/44AAgEGSGVsbG8uAQR1c2VyAAEDSGkuAQlhc3Np"
    "c3RhbnQA"
)
"""Two messages in the form of before mods 1.8, which had no tools."""


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A folder as mods keeps it, with two conversations, and a third whose file is missing."""
    folder = tmp_path / "conversations"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "mods.db")) as database, database:
        database.execute(
            "create table conversations "
            "(id string primary key, title string, updated_at datetime, model string, api string)"
        )
        rows = [
            ("ab1", "Length of the bridge", "2026-08-01 10:00:00", "heron-4", "openai"),
            ("cd2", "42", "2026-08-02 10:00:00", None, None),
            ("../../ef3", "Gone", "2026-08-03 10:00:00", None, None),
        ]
        database.executemany("insert into conversations values (?, ?, ?, ?, ?)", rows)
    (folder / "ab1.gob").write_bytes(TALK)
    (folder / "cd2.gob").write_bytes(OLD)
    return folder


def test_a_folder_of_mods_has_its_conversations_with_titles_models_and_tools(folder: Path) -> None:
    """A database names the conversations; a result of a tool has the call that it answers."""
    for path in (folder, folder / "mods.db"):
        (bridge, hello), losses = read(FORMAT, path)
        assert (bridge.key, bridge.name, bridge.model, bridge.system) == (
            "ab1",
            "Length of the bridge",
            "heron-4",
            "Be brief.",
        )
        assert (bridge.created_utc, bridge.meta) == ("2026-08-01 10:00:00", {"api": "openai"})
        assert [said(one) for one in bridge.exchanges] == [
            [
                "user: How long is the bridge? (Brücke)",
                'assistant calls files_read {"path": "plan.md"}',
                "tool files_read: 2.3 km (error)",
                "assistant: 2.3 km.",
            ]
        ]
        assert hello.name == "42"
        assert [said(one) for one in hello.exchanges] == [["user: Hello.", "assistant: Hi."]]
        assert losses.counts == {"a conversation whose file is missing": 1}


def test_a_file_of_mods_is_read_alone(folder: Path) -> None:
    """Without its database, a conversation has no title and no model."""
    (found,), _ = read(FORMAT, folder / "ab1.gob")
    assert (found.key, found.name, found.model, len([*found.exchanges])) == ("ab1", None, None, 1)


def test_bytes_that_are_no_gob_are_refused_wherever_they_end(tmp_path: Path) -> None:
    """Every beginning of a file is refused with a sentence, and so is every byte that is different."""
    for end in range(len(TALK)):
        with pytest.raises(NotGob):
            decoded(TALK[:end])
    for place in range(len(TALK)):
        with suppress(NotGob):
            decoded(TALK[:place] + b"\xf8" + TALK[place + 1 :])
    with pytest.raises(NotGob, match="keys"):  # a map whose keys are maps
        decoded(bytes.fromhex("0aff810402ff82010c0000 06ff8200010000"))
    path = tmp_path / "ab1.gob"
    path.write_bytes(TALK[:250])
    with pytest.raises(FileRefused, match=r"ab1\.gob can't be read: it is cut off\."):
        [*FORMAT.conversations(SourceFile(path), Losses())]


def test_another_database_is_not_taken_for_that_of_mods(tmp_path: Path) -> None:
    """A table of conversations that has messages beside it is another program's."""
    with closing(sqlite3.connect(tmp_path / "mods.db")) as database, database:
        database.execute("create table conversations (id, title, updated_at)")
        database.execute("create table messages (id)")
    assert not FORMAT.recognises(SourceFile(tmp_path / "mods.db"))
    assert not FORMAT.recognises(SourceFile(tmp_path))
