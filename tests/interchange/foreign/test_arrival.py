"""What becomes of another tool's conversations: sessions, forks of their branches, and the same ones every time."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from llm_session_memory.errors import NameRefused, SessionError
from llm_session_memory.llm_seam.writing import Writer
from llm_session_memory.memory import Memory
from llm_session_memory.model import Target
from llm_session_memory.rules import ulids
from llm_session_memory.store import Log
from llm_session_memory.store.staging import Staging
from tests.interchange.foreign.world import arrive, came, chat, chats, names, said, texts, turn, turn_ids
from tests.interchange.world import rows

NOW = datetime(2026, 4, 1, tzinfo=timezone.utc)
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


def test_a_prompt_without_a_reply_comes_with_its_reply(fresh: Path, file: Path) -> None:
    """At the end of a conversation it is left out and counted, because nothing would tell it from the one with it."""
    found = arrive(fresh, chats(file, chat("x", A, said("B", "", key="B"), key="1")))
    assert (came(found), dict(found.losses)) == ([("x", 1)], {"a prompt without a reply": 1})
    assert came(arrive(fresh, chats(file, chat("x", A, B, key="1")))) == [("x", 1)]
    assert texts(fresh, "x") == ["A > a", "B > b"]


def test_an_exchange_goes_on_where_it_was(fresh: Path, file: Path) -> None:
    """Of a tool loop that had not ended, the other calls come later, and the exchange stays one."""
    tides = {**said("Tides?", "Low.", "2026-03-01T08:00:00Z", key="T"), "result": "09:42"}
    arrive(fresh, chats(file, chat("x", A, {**tides, "calls": 1}, key="1")))
    assert texts(fresh, "x") == ["A > a", "Tides? > "]
    assert came(arrive(fresh, chats(file, chat("x", A, tides, B, key="1")))) == [("x", 2)]
    assert texts(fresh, "x") == ["A > a", "Tides? > Low.", "B > b"]


def test_two_files_of_one_conversation_become_one(fresh: Path, tmp_path: Path) -> None:
    """In one folder, or one after the other; without keys they are known by how they begin."""
    for place, keyless in enumerate((False, True)):
        folder = tmp_path / str(place)
        folder.mkdir()
        bare = [{name: value for name, value in one.items() if name != "key"} for one in (A, B, C)]
        a, b, c = bare if keyless else (A, B, C)
        key = {} if keyless else {"key": "1"}
        chats(folder / "1.json", chat("x", a, b, **key))
        chats(folder / "2.json", chat("x", a, b, c, **key))
        log = tmp_path / f"{place}.db"
        assert came(arrive(log, folder)) == [("x", 3)]
        assert came(arrive(log, folder)) == []


def test_equal_lines_of_a_dataset_stay_apart(fresh: Path, file: Path) -> None:
    """In a format whose conversations may repeat, the second one is another; imported again, nothing is new."""
    chats(file, chat("x", said("A", "a")), chat("x", said("A", "a")))
    assert came(arrive(fresh, file, may_repeat=True)) == [("x", 1), ("x-2", 1)]
    assert came(arrive(fresh, file, may_repeat=True)) == []


def test_two_machines_give_the_same_ids(tmp_path: Path, file: Path) -> None:
    """Whatever else is in their logs, and whatever the names are; ids are of the times, and ascend without any."""
    chats(file, chat("x", A, said("no time", "b", key="n"), C, key="1"), chat("y", said("D", "d"), said("D", "d")))
    one, two = tmp_path / "one.db", tmp_path / "two.db"
    arrive(one, file, dry_run=False)
    arrive(two, chats(tmp_path / "first.json", chat("y", B, key="7"), chat("z", A, key="1")))
    arrive(two, file)
    threads = "select thread_id from memory_sessions order by 1"
    assert set(rows(one, threads)) <= set(rows(two, threads))
    ids = rows(one, "select id from turns order by rowid")
    assert set(ids) <= set(rows(two, "select id from turns"))
    assert turn_ids(one, "x") == turn_ids(two, "z")
    assert [*turn_ids(one, "x"), *turn_ids(one, "y")] == [*sorted(turn_ids(one, "x")), *sorted(turn_ids(one, "y"))]
    assert ids[0][0].startswith(ulids.at(datetime.fromisoformat(MORNING)))
    last = rows(one, "select max(thread_id) from memory_sessions")[0][0]
    assert ulids.is_imported(last)


# -- what happened here -----------------------------------------------------------


def test_what_was_said_here_stays_and_the_rest_is_a_fork(fresh: Path, file: Path) -> None:
    """If somebody went on in the session, what the other tool has more is a fork that shares the exchanges before."""
    arrive(fresh, chats(file, chat("x", A, B, key="1")))
    with Memory(fresh) as memory:
        thread = memory.sessions.get("x").thread_id
        with memory.writing():
            writer = Writer(memory.desk.log, thread)
            writer.add(
                turn("mine", "yours", "2026-04-01T08:00:00+00:00"),
                ulids.Ulids(NOW).next(""),
                "m",
                None,
                lambda one: one,
            )
    found = arrive(fresh, chats(file, chat("x", A, B, C, key="1")))
    assert [(one.name, one.exchanges, one.shares) for one in found.arrived] == [("x-2", 1, "x")]
    assert texts(fresh, "x") == ["A > a", "B > b", "mine > yours"]
    assert texts(fresh, "x-2") == ["A > a", "B > b", "C > c"]
    assert came(arrive(fresh, chats(file, chat("x", A, B, C, D, key="1")))) == [("x-2", 1)]


def test_what_was_undone_is_not_imported_again(fresh: Path, file: Path) -> None:
    """It is still in the log, and redo brings it back."""
    arrive(fresh, chats(file, chat("x", A, B, key="1")))
    with Memory(fresh) as memory:
        memory.undoing.undo("x")
    assert came(arrive(fresh, file)) == []
    assert came(arrive(fresh, chats(file, chat("x", A, B, C, key="1")))) == [("x", 1)]
    assert texts(fresh, "x") == ["A > a", "C > c"]


def test_what_was_deleted_does_not_come_back(fresh: Path, file: Path) -> None:
    """What is new does, and --restore-deleted brings back the rest, once."""
    arrive(fresh, chats(file, chat("x", A, B, C, key="1"), chat("y", said("E", "e"), key="2")))
    with Memory(fresh) as memory:
        x, y = (memory.sessions.get(name).thread_id for name in "xy")
        memory.deletion.delete([Target(x, (memory.sessions.turn_ids("x")[1][0],)), Target(y)])
    found = arrive(fresh, file)
    assert (came(found), found.left_out) == ([], 2)
    found = arrive(fresh, chats(file, chat("x", A, B, C, D, key="1"), chat("y", said("E", "e"), key="2")))
    assert (came(found), found.left_out) == ([("x", 1)], 2)
    found = arrive(fresh, file, restore_deleted=True)
    assert came(found) == [("x-2", 3), ("y", 1)]
    assert texts(fresh, "x-2") == ["A > a", "B > b", "C > c", "D > d"]
    assert texts(fresh, "y") == ["E > e"]
    assert came(arrive(fresh, file)) == []


# -- branches ---------------------------------------------------------------------


def test_a_branch_shares_what_came_before(fresh: Path, file: Path) -> None:
    """A branch of a branch, one of nothing, and one whose original came in an earlier file."""
    b2, c2, a2 = (said(f"{one}2", one.lower(), key=f"{one}2") for one in "BCA")
    branches = [
        chat("x", A, B, key="1"),
        chat("x", b2, C, key="1b", forked_from=("1", "A")),
        chat("x", c2, key="1c", forked_from=("1b", "B2")),
        chat("x", a2, key="1d", forked_from=("1", None)),
    ]
    arrive(fresh, chats(file, *branches))
    assert texts(fresh, "x-2") == ["A > a", "B2 > b", "C > c"]
    assert texts(fresh, "x-3") == ["A > a", "B2 > b", "C2 > c"]
    assert texts(fresh, "x-4") == ["A2 > a"]
    assert came(arrive(fresh, file)) == []
    assert came(arrive(fresh, chats(file, chat("later", D, key="2", forked_from=("1", "A"))))) == [("later", 1)]
    assert texts(fresh, "later") == ["A > a", "D > d"]


# -- faults -----------------------------------------------------------------------


def test_half_a_character_and_a_nul_do_not_stop_an_import(fresh: Path, file: Path) -> None:
    """They become the sign for what can't be shown."""
    arrive(fresh, chats(file, chat("x\ud83d", said("A\ud83d", "a\0b"))))
    assert texts(fresh, "x\ufffd") == ["A\ufffd > a\ufffdb"]


def test_all_or_nothing(fresh: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the log changes while an import is being made, or it fails, nothing of it is in the log."""
    arrive(fresh, chats(file, chat("x", A, key="1")))
    before = rows(fresh, "select count(*) from turns")
    chats(file, chat("x", A, B, key="1"), chat("y", C, key="2"))
    copy = Staging.copy

    def meanwhile(self: Staging, theirs: Log) -> None:
        monkeypatch.setattr(Staging, "copy", copy)
        arrive(fresh, file)
        copy(self, theirs)

    monkeypatch.setattr(Staging, "copy", meanwhile)
    with pytest.raises(SessionError, match="changed by another program in the meantime|already exists"):
        arrive(fresh, file)
    assert rows(fresh, "select count(*) from turns") == [(before[0][0] + 2,)]
    with pytest.raises(KeyError):
        arrive(fresh, chats(file, chat("z", D, key="3"), {"chat": 1, "name": "broken"}))
    assert names(fresh) == ["x", "y"]


def test_a_deleted_session_whose_fork_stays(fresh: Path, file: Path) -> None:
    """What comes later of the deleted one is a session again; what its fork shares is not there twice."""
    b2 = said("B2", "b2", key="B2")
    branch = chat("x", b2, key="1b", forked_from=("1", "A"))
    arrive(fresh, chats(file, chat("x", A, B, key="1"), branch))
    with Memory(fresh) as memory:
        memory.deletion.delete([Target(memory.sessions.get("x").thread_id)])
    assert came(arrive(fresh, file)) == []
    found = arrive(fresh, chats(file, chat("x", A, B, C, key="1"), branch))
    assert came(found) == [("x", 1)]
    assert texts(fresh, "x") == ["A > a", "C > c"]
    assert rows(fresh, "select count(*) from turns") == [(3,)]
