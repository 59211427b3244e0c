"""`llm sessions import` with files of other tools: what it prints, and what it refuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.interchange.foreign.chatgpt_world import Tree, export, message

ERROR = "Nothing was imported.\n"


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    """An export of two conversations: one with a branch, one with something unknown."""
    bridge = Tree("Bridge").said(1, "A", "a").said(2, "B", "b").said(3, "B, edited", "c", "a1")
    other = Tree("Chat", "c2").said(1, "C", "c").add("u2", message("user", "D"))
    return export(tmp_path / "export.zip", bridge.value(), other.value(mood="good"))


LISTED = """\
“Bridge”: 2 exchanges, started 2026-01-01 00:00
“Bridge-2”: 1 exchange, a fork of “Bridge”
“Chat”: 1 exchange, started 2026-01-01 00:00
"""
LOST = """\
Not imported: the field mood of a conversation, first in “Chat”.
Not imported: a prompt without a reply, first in “Chat”.
"""


def test_it_says_what_came(file: Path, llm_: Command) -> None:
    """A dry run says the same and imports nothing; a second import finds nothing new."""
    dry = llm_("sessions", "import", str(file), "--dry-run").ok()
    assert dry.out == f"{LISTED}Would import 4 exchanges from ChatGPT's export, in 3 new sessions.\n"
    assert dry.err == f"{LOST}Dry run: nothing was imported.\n"
    done = llm_("sessions", "import", str(file)).ok()
    assert done.out == f"{LISTED}Imported 4 exchanges from ChatGPT's export, in 3 new sessions.\n"
    assert done.err == LOST
    assert llm_("sessions", "import", str(file)).ok().out == "Nothing in export.zip is new (2 conversations).\n"
    assert "B, edited" in llm_("sessions", "show", "Bridge").ok().out


def test_standard_input_is_looked_at_too(file: Path, llm_: Command) -> None:
    """An archive can be piped in, and so can a session of our own."""
    done = llm_("sessions", "import", "-", input=file.read_bytes()).ok()
    assert done.out.endswith("Imported 4 exchanges from ChatGPT's export, in 3 new sessions.\n")
    ours = llm_("sessions", "export", "Chat").ok().out
    assert llm_("sessions", "import", "-", "--as", "again", input=ours).ok().out == (
        "Imported 1 exchange into session “again”.\n"
    )


def test_a_dry_run_of_our_own_file(file: Path, llm_: Command, tmp_path: Path) -> None:
    """It says what would come, and imports nothing."""
    llm_("sessions", "import", str(file)).ok()
    llm_("sessions", "export", "Bridge", str(tmp_path / "work.jsonl")).ok()
    done = llm_("sessions", "import", str(tmp_path / "work.jsonl"), "--as", "work", "--dry-run").ok()
    assert (done.out, done.err) == (
        "Would import 2 exchanges into session “work”.\n",
        "Dry run: nothing was imported.\n",
    )
    assert "work" not in llm_("sessions", "list").ok().out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cut.zip", b"PK\x03\x04 half", ("The archive cut.zip is damaged or incomplete.", ERROR)),
        (
            "other.db",
            b"",
            (
                "other.db is a database, but not of a kind that can be imported. Nothing was imported. Choose one of: ",
                "To merge another log of llm into yours: llm sessions merge FILE\n",
            ),
        ),
        ("folder", None, ("folder is a folder, but not of a kind that can be imported.", ERROR)),
        ("notes.txt", b"Dear diary", ("Line 1 of notes.txt is not a JSON object: it starts with “Dear diary”.", ERROR)),
    ],
    ids=["archive", "database", "folder", "text"],
)
def test_what_is_not_known_is_refused(
    name: str, content: bytes | None, said: tuple[str, str], tmp_path: Path, llm_: Command
) -> None:
    """The sentence says what it is, and nothing is imported."""
    path = tmp_path / name
    if content is None:
        path.mkdir()
    elif not content:
        with closing(sqlite3.connect(path)) as made:
            made.execute("create table tides (low text)")
    else:
        path.write_bytes(content)
    done = llm_("sessions", "import", str(path))
    assert done.code == 1
    assert done.err.startswith(f"Error: {said[0]}")
    assert done.err.endswith(said[1])
