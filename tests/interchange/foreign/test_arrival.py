"""What becomes of another tool's conversations: sessions, forks of their branches, and the same ones every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory.errors import NameRefused, SessionError
from llm_session_memory.memory import Memory
from tests.interchange.foreign.world import arrive, came, chat, chats, names, said, texts, turn_ids
from tests.interchange.world import rows

MORNING = "2026-03-01T08:00:00+00:00"
A, B, C, D = (said(one, one.lower(), f"2026-03-01T08:0{n}:00Z", key=one) for n, one in enumerate("ABCD"))


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "chats.json"


# -- new conversations ------------------------------------------------------------


def test_each_conversation_becomes_a_session(fresh: Path, file: Path) -> None:
    """It has the tool's name, its exchanges with their times, and what belongs to it."""
    more = {"created_utc": MORNING, "project": "Bridges", "tags": ["lisbon"], "meta": {"version": "2"}}
    chats(
        file, chat("A bridge", A, B, key="1", **more, notes=["Be brief."], title="Two piers"), chat("Play", C, key="2")
    )
    assert came(arrive(fresh, file)) == [("A bridge", 2), ("Play", 1)]
    assert texts(fresh, "A bridge") == ["A > a", "B > b"]
    assert rows(fresh, "select datetime_utc, model from turns order by id limit 1") == [(MORNING, "unknown")]
    with Memory(fresh) as memory:
        session = memory.sessions.get("A bridge")
        assert (session.created_utc, session.project, session.settings.model) == (MORNING, "bridges", None)
        assert list(memory.notes.tags("A bridge")) == ["lisbon"]
    assert rows(fresh, "select title from memory_titles") == [("Two piers",)]
    assert rows(fresh, "select text, author from memory_notes") == [("Be brief.", "you")]
    assert rows(fresh, "select key, value from memory_meta") == [("version", "2")]


def test_names_are_made_valid_and_unique(fresh: Path, file: Path) -> None:
    """A slash, a control character and a taken name don't stop an import; a conversation without a name has one."""
    chats(
        file,
        chat("in/out\x1b", A),
        chat("in-OUT", B),
        chat(None, said("Where is the deck now?", "Here.")),
        chat("/", C),
    )
    arrive(fresh, file)
    assert names(fresh) == ["-", "Where is the deck now?", "in-OUT-2", "in-out"]


def test_one_conversation_can_be_given_a_name(fresh: Path, file: Path) -> None:
    """Several can't, and a name that is taken is refused."""
    arrive(fresh, chats(file, chat("x", A)), name="work")
    assert names(fresh) == ["work"]
    with pytest.raises(NameRefused, match="“work” already exists"):
        arrive(fresh, chats(file, chat("x", B)), name="work")
    with pytest.raises(SessionError, match="more than one conversation"):
        arrive(fresh, chats(file, chat("x", C), chat("y", D)), name="other")
    assert names(fresh) == ["work"]


def test_a_log_is_made_if_there_is_none(file: Path, tmp_path: Path) -> None:
    """A dry run makes none."""
    chats(file, chat("x", A))
    assert came(arrive(tmp_path / "new.db", file, dry_run=True)) == [("x", 1)]
    assert not (tmp_path / "new.db").exists()
    arrive(tmp_path / "new.db", file)
    assert texts(tmp_path / "new.db", "x") == ["A > a"]


# -- again ------------------------------------------------------------------------


def test_only_what_is_new_is_imported(fresh: Path, file: Path) -> None:
    """A conversation that went on goes on here, whatever its session is called now."""
    arrive(fresh, chats(file, chat("x", A, key="1")))
    assert came(arrive(fresh, file)) == []
    with Memory(fresh) as memory:
        memory.sessions.rename("x", "mine")
    found = arrive(fresh, chats(file, chat("x", A, B, C, key="1"), chat("y", D, key="2")))
    assert came(found) == [("mine", 2), ("y", 1)]
    assert texts(fresh, "mine") == ["A > a", "B > b", "C > c"]
    ends = "select id from turns where tip_message_hash in (select tip_message_hash from threads)"
    assert rows(fresh, ends) == [(turn_ids(fresh, "mine")[-1][0],), (turn_ids(fresh, "y")[-1][0],)]
