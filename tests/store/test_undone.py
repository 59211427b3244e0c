"""Exchanges that were undone: out of the history of their session, for everything that reads it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from llm_session_memory.memory import Memory
from llm_session_memory.reader.entries import Filters
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.llms_indexes import Order
from llm_session_memory.reader.numbering import numbering
from llm_session_memory.reader.search import search
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from llm_session_memory.reader.threads import lines
from llm_session_memory.store import history
from tests.conftest import Command
from tests.store.world import built
from tests.world.logs import Call, LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

UTC = "2026-11-28T00:00:00+00:00"


def out(path: Path, thread_id: str, *turn_ids: str) -> None:
    """Undo exchanges of a thread, given by their first turns."""
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "insert into memory_undone values (?, ?, ?)", [(thread_id, turn_id, UTC) for turn_id in turn_ids]
        )
    connection.close()


@pytest.fixture(name="work")
@once
def _work(llm_: Command, script: Script, log: Path) -> str:
    """A session of five exchanges; return its thread."""
    for word in ("Lisbon", "Porto", "Braga", "Faro", "Evora"):
        llm_("-m", "scripted", "--session", "work", f"We go to {word}").ok()
    with Memory(log) as memory:
        return memory.sessions.get("work").thread_id


def firsts(log: Path, name: str = "work") -> list[str]:
    with Memory(log) as memory:
        return list(memory.sessions.numbers(name))


def test_what_is_undone_is_not_sent_and_comes_back(llm_: Command, work: str, script: Script, log: Path) -> None:
    """The next prompt is sent without it and gets its number and a greater id. Redone, it is sent again."""
    all_ = firsts(log)
    out(log, work, *all_[3:])
    llm_("--session", "work", "And then?").ok()
    assert [text for role, text in script.texts() if role == "user"] == [
        *(f"We go to {word}" for word in ("Lisbon", "Porto", "Braga")),
        "And then?",
    ]
    now = firsts(log)
    assert (now[:3], len(now)) == (all_[:3], 4)
    assert now[3] > all_[-1]
    llm_("--session", "work", "Go on.").ok()
    with Memory(log) as memory:
        blocks = memory.desk.log.rows("select number, block_id from memory_contexts order by rowid")
    assert [row["number"] for row in blocks] == [1, 2, 3, 4, 5, 4, 5]
    assert len({row["block_id"] for row in blocks[:5]}) == len({row["block_id"] for row in blocks[5:]}) == 1
    with sqlite3.connect(log) as connection:
        connection.execute("delete from memory_undone")
    llm_("--session", "work", "All of it.").ok()
    assert [text.split()[-1] for role, text in script.texts() if role == "user"] == [
        *("Lisbon", "Porto", "Braga", "Faro", "Evora", "then?", "on.", "it."),
    ]


def test_what_is_undone_is_not_recalled_nor_found(llm_: Command, work: str, log: Path) -> None:
    """Neither a search nor recall finds it, in any of the indexes, and lists count the others."""
    assert "Faro" in llm_("sessions", "search", "Faro").ok().out
    out(log, work, firsts(log)[3])
    for words in (("Faro",), ("Faro", "work"), ("Faro", "--rated", "none")):
        assert "Faro" not in llm_("sessions", "search", *words).out
    assert "#4" in llm_("sessions", "search", "Evora").ok().out
    assert json.loads(llm_("sessions", "--json").ok().out)[0]["exchanges"] == 4


def test_recall_within_the_session_leaves_it_out(tmp_path: Path) -> None:
    """An exchange is recalled for its words until it is undone; then another with the same words is."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as builder:
        said = [Said(f"The harbour office is in {where}.") for where in ("Faro", "Lisbon")]
        ids = builder.turns(thread := builder.thread(), *said, *(Said(f"Something else, {n}.") for n in range(20)))
    with Memory(path) as memory:
        memory.sessions.name_thread(thread, "work")
        asked = "Is the harbour office in Faro?"
        assert "in Faro." in "".join(one.text for one in memory.requests.context("work", asked, 150).recalled)
        out(path, thread, ids[0])
        recalled = "".join(one.text for one in memory.requests.context("work", asked, 150).recalled)
        assert ("in Faro." in recalled, "in Lisbon." in recalled) == (False, True)


def _source(path: Path) -> Source:
    connection = sqlite3.connect(path)
    register(connection)
    return Source(connection, present(connection), str(path))


@pytest.mark.parametrize("order", ["best", "newest"])
def test_the_pages_leave_it_out_too(llm_: Command, work: str, log: Path, order: Order) -> None:
    """Numbering, search with and without our index, and the counts of lists agree with the store."""
    source, all_ = _source(log), firsts(log)
    out(log, work, all_[1], all_[4])
    for indexed in (False, True):
        if indexed:
            llm_("sessions", "search", "Faro").ok()
        for rated in (None, "none"):
            for word, found in (("Porto", []), ("Faro", [3]), ("Lisbon", [1])):
                groups = search(source, Filters(text=word, rated=rated), order=order).groups
                assert [hit.number for group in groups for hit in group.hits] == found
    assert numbering(source, work).first == [all_[0], all_[2], all_[3]]
    (listed,) = lines(source, [work])
    assert (listed.figures.exchanges, listed.figures.calls) == (3, 5)


def test_a_long_thread_is_numbered_anew(tmp_path: Path) -> None:
    """The cached numbering of a long thread notices what is undone and what is brought back."""
    with built(tmp_path / "logs.db") as (builder, log):
        thread = builder.thread()
        ids = builder.turns(thread, *(Said(f"{n}") for n in range(205)), block=10)
        source = _source(log.path)
        assert len(numbering(source, thread)) == 205
        out(log.path, thread, ids[200], ids[201])
        assert len(numbering(source, thread)) == 203
        with sqlite3.connect(log.path) as connection:
            connection.execute("delete from memory_undone where turn_id = ?", [ids[200]])
        assert numbering(source, thread).first == [*ids[:201], *ids[202:]] == history.exchange_turns(log, thread).first


def test_tool_calls_go_with_their_exchange(tmp_path: Path) -> None:
    """All turns of an exchange are left out, of both generations of tables."""
    with built(tmp_path / "logs.db") as (builder, log):
        thread = builder.thread()
        old = builder.responses(thread, Said("old"), Said("older", calls=(Call("look", {}, "1"),)))
        ids = builder.turns(thread, Said("a", calls=(Call("look", {}, "1"), Call("look", {}, "2"))), Said("b"))
        out(log.path, thread, old[1], ids[0])
        left = history.exchange_turns(log, thread)
        assert (list(left), left.undone) == ([(old[0],), (ids[3],)], (tuple(old[1:]), tuple(ids[:3])))
        assert list(numbering(_source(log.path), thread)) == list(left)


def test_a_log_without_the_table_is_read(tmp_path: Path) -> None:
    """A log that an earlier version of the plugin wrote is read as it is."""
    with built(tmp_path / "logs.db") as (builder, log):
        thread = builder.thread()
        ids = builder.turns(thread, Said("a"), Said("b"))
        for table in ("undone", "snapshots", "projects", "log_settings"):
            log.run(f"drop table memory_{table}")
        assert history.exchange_turns(log, thread).first == ids == numbering(_source(log.path), thread).first
        memory = Memory(log.path)
        assert (memory.retention.keeping().days, memory.retention.old(), memory.snapshots.list()) == (None, [], [])
        memory.close()
