"""Deletion as people use it: erased bytes, what goes beside exchanges, and what other programs do meanwhile."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import llm
import pytest

from llm_session_memory.model import Attempt, Rating, Session, Settings, Stay, Summary, Target
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.requests import request
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from llm_session_memory.services import deletion
from llm_session_memory.services.bundle import Services
from llm_session_memory.services.deletion_batch import DeletionBatch
from llm_session_memory.store import Notes, Sessions, deletion_words, history
from llm_session_memory.store.attempts import Attempts
from llm_session_memory.store.deletion import Deletion as Working
from llm_session_memory.store.index import Index
from tests.conftest import Command
from tests.store.test_deletion import checked
from tests.world.everything import Session as Session_
from tests.world.everything import with_blocks, with_sessions
from tests.world.logs import Call, LogBuilder, Said, written_once
from tests.world.scripted import Script

SECRET = "zyxquartzofil"
"""A word whose stem is itself, and which begins like no other."""


@written_once
def secret_log(path: Path) -> tuple[str, str]:
    """Write a log with a conversation that has a secret everywhere, and another that has none; return both."""
    fragment = llm.Fragment(f"{SECRET} fragment\n", f"{SECRET}.txt")
    file = llm.Attachment(type="text/plain", content=SECRET.encode())
    with LogBuilder(path) as log:
        secret, other = log.thread(), log.thread()
        log.responses(secret, Said(f"Old {SECRET}", f"Old reply {SECRET}", fragments=(fragment,)))
        log.turns(other, Said("We build a bridge.", "Noted."), Said("When?", "On 4 May."))
        call = Call("look", {"what": SECRET}, f"{SECRET} found")
        said = Said(f"Tell me {SECRET}", f"{SECRET} it is", f"Be {SECRET}", (fragment,), (file,), (call,))
        log.turns(secret, said, Said("Again", f"{SECRET}Parts parse{SECRET}Http"))
        log.turns(other, Said("And then?", "Rest."))
    with Services.open(path) as services:
        services.desk.prepare()
        log_, now = services.desk.log, "2026-11-28T08:00:00+00:00"
        with services.writing():
            sessions, notes = Sessions(log_), Notes(log_)
            sessions.add(Session(secret, f"{SECRET}-name", now, Settings(system=SECRET)))
            sessions.add(Session(other, "other", now, Settings()))
            turn = str(log_.value("select max(id) from turns where thread_id = :id", {"id": secret}))
            notes.set_meta(secret, {"key": SECRET})
            notes.add_summary(secret, Summary(0, SECRET, turn, turn, 1, None, None, None, None, now))
            services.ratings.keep(secret, turn, Rating("up", SECRET, now))
            sessions.attempts.add(Attempt("01zz", secret, "scripted", SECRET, SECRET, SECRET, now, 1, {}))
        services.notes.add(f"{SECRET}-name", SECRET)
        Index(log_).catch_up(secret)
        Index(log_).catch_up(other)
    return secret, other


@pytest.mark.parametrize("mode", ["delete", "wal", "persist"])
def test_erased_bytes_are_in_no_file_of_the_log(tmp_path: Path, mode: str) -> None:
    """With `erase`, no file beside or of the log has a deleted word, nor has any of its full-text indexes."""
    path = tmp_path / "logs.db"
    secret, other = secret_log(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"pragma journal_mode = {mode}")
        connection.execute("create table mine (x)")  # in its own journal
        connection.execute("drop table mine")
        with Services.open(path) as services:
            services.desk.log.run(f"pragma journal_mode = {mode}")
            done = services.deletion.delete([Target(secret)], erase=True)
            assert done.erased
            assert done.size_after == path.stat().st_size <= done.size_before
            found = {one.name for one in tmp_path.iterdir() if SECRET.encode()[3:] in one.read_bytes()}
            assert found == set()
            for index in ("memory_words", "turn_search_fts", "responses_fts"):
                log = services.desk.log
                log.run(f"create virtual table temp.vocabulary using fts5vocab(main, {index}, row)")
                assert not log.rows("select term from temp.vocabulary where term like '%quartz%'")
                log.run("drop table temp.vocabulary")
            assert [len(ids) for ids in services.sessions.turn_ids("other")] == [1, 1, 1]
            assert services.search("bridge")
    checked(path)
    assert other


def test_without_erase_the_words_are_no_longer_found(tmp_path: Path) -> None:
    """A deletion takes words out of each full-text index, whatever bytes stay in the file."""
    path = tmp_path / "logs.db"
    secret, _ = secret_log(path)
    with Services.open(path) as services:
        services.deletion.delete([Target(secret)])
        for index in ("memory_words", "turn_search_fts", "responses_fts"):
            assert not services.desk.log.rows(f"select rowid from {index} where {index} match '{SECRET}*'")
    with closing(sqlite3.connect(path)) as connection:
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            if "_fts" not in table and not table.startswith("memory_words"):
                rows = connection.execute(f"select * from [{table}]").fetchall()
                assert SECRET not in str(rows), table
                assert SECRET.encode() not in b"".join(v for row in rows for v in row if isinstance(v, bytes)), table


def test_a_session_in_which_a_prompt_is_being_sent_stays(log: Path, llm_: Command, script: Script) -> None:
    """Another process sends a prompt in it: the session is not deleted, and the answer says why."""
    stays: list[Stay] = []

    def reply(prompt: object) -> str:
        with Services.open(log) as services:
            target = Target(services.sessions.get("work").thread_id)
            stays.extend(services.deletion.plan([target]).stays)
            assert services.deletion.delete([target]).stays == tuple(stays)
        return "Noted."

    script.replies = ["Noted.", reply]
    llm_("--session", "work", "-m", "scripted", "Hello.").ok()
    llm_("--session", "work", "Are you there?").ok()
    assert [(one.kind, one.why) for one in stays] == [
        ("busy", "“work” stays, because another process is sending a prompt in it.")
    ]
    with Services.open(log) as services:
        assert len(services.sessions.turn_ids("work")) == 2


def test_a_prompt_whose_session_is_gone_is_logged_all_the_same(
    log: Path, llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a session goes while a prompt is sent in it, its reply is logged as a conversation without a name."""

    def reply(prompt: object) -> str:
        with Services.open(log) as services:
            monkeypatch.setattr(Attempts, "busy", lambda _: frozenset())
            services.deletion.delete([Target(services.sessions.get("work").thread_id)])
        return "Still here."

    script.replies = ["Noted.", reply, "Noted."]
    llm_("--session", "work", "-m", "scripted", "Hello.").ok()
    done = llm_("--session", "work", "Are you there?")
    assert done.ok().out == "Still here.\n"
    checked(log)
    with closing(sqlite3.connect(log)) as connection:
        assert connection.execute("select prompt, response from turn_search").fetchall() == [
            ("Are you there?", "Still here.")
        ]
    assert "Are you there?" in llm_("logs").ok().out
    llm_("--session", "work", "-m", "scripted", "Anew.").ok()
    checked(log)


def test_a_request_is_read_without_the_exchange_that_is_gone(log: Path) -> None:
    """Of the exchanges in an earlier request, the deleted one has no number, and the others have their new ones."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        turns = builder.turns(thread, *(Said(f"Prompt {number}.") for number in range(1, 5)))
        with_sessions(log, Session_(thread, "work", turns))
        with_blocks(log, Session_(thread, "work", turns), len(turns))
    with Services.open(log) as services:
        services.desk.prepare()
        services.deletion.delete([Target(thread, (turns[1],))])
    with closing(sqlite3.connect(log)) as connection:
        register(connection)
        found = request(Source(connection, present(connection), str(log)), thread, 3)
        assert found is not None
        assert [stretch.number for stretch in found[0].stretches] == [1, None, 2, 3]


def test_a_log_that_never_had_a_session_can_be_planned_for(log: Path) -> None:
    """A plan needs none of our tables, and writes nothing, whichever of llm's tables the log has."""
    with LogBuilder(log) as builder:
        thread, old = builder.thread(), builder.thread()
        turns = builder.turns(thread, Said("Hello."), Said("And now?"))
        builder.responses(old, Said("Long ago."))
    before = log.read_bytes()
    log.chmod(0o400)
    with Services.open(log) as services:
        found = services.deletion.plan([Target(thread, (turns[1],)), Target(old)])
    assert (found.amounts.exchanges, found.amounts.conversations, found.amounts.messages) == (2, 1, 2)
    assert log.read_bytes() == before


def test_what_people_set_beside_an_exchange_of_an_older_llm_goes_with_it_and_is_counted(log: Path) -> None:
    """A plan counts the pins, ratings and bookmarks of an exchange in either generation of llm's tables."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        first = builder.responses(thread, Said("Long ago."), Said("And again."))[0]
    with Services.open(log) as services:
        services.sessions.name_thread(thread, "work")
        services.ratings.rate("work", 1, "up")
        services.ratings.bookmark("work", 1, "start")
        target = Target(thread, (first,))
        planned, done = services.deletion.plan([target]).amounts, services.deletion.delete([target]).amounts
        assert (planned.exchanges, planned.turns, planned.ratings, planned.bookmarks) == (1, 1, 1, 1)
        assert done == planned
        assert services.ratings.bookmarks("work") == {}
    checked(log)


@pytest.mark.parametrize("broken_off", [False, True])
def test_a_long_conversation_goes_from_the_index_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, broken_off: bool
) -> None:
    """The index goes in portions. If the deletion is broken off then, nothing is deleted, and all is found again."""
    path = tmp_path / "logs.db"
    secret, _ = secret_log(path)
    monkeypatch.setattr(deletion, "_LONG", 1)
    monkeypatch.setattr(deletion_words, "_CHUNK", 1)
    monkeypatch.setattr(deletion, "_PAUSE_SECONDS", 0)
    with Services.open(path) as services:
        log, index = services.desk.log, Index(services.desk.log)
        indexed = "select count(*) from memory_passages where side < 3"
        passages = log.value(indexed)
        hits = len(services.search(SECRET))
        planned = services.deletion.plan([Target(secret)]).amounts
        if broken_off:
            monkeypatch.setattr(DeletionBatch, "apply", interrupted)
            with pytest.raises(KeyboardInterrupt):
                services.deletion.delete([Target(secret)])
            assert log.value(indexed) < passages - 1
            assert index.catch_up(secret)
            assert log.value(indexed) == passages
            assert len(services.search(SECRET)) == hits
        else:
            assert services.deletion.delete([Target(secret)]).amounts == planned
            assert not log.rows(f"select rowid from memory_words where memory_words match '{SECRET}*'")
    checked(path)


def interrupted(*_: object, **__: object) -> None:
    """Be the person who presses Ctrl-C."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("what", ["a turn", "a message that another conversation then has too"])
def test_what_others_log_while_it_is_found_out_what_goes_is_taken_into_account(log: Path, what: str) -> None:
    """What goes is found before the transaction begins. What somebody logs in between goes or stays rightly."""
    with LogBuilder(log) as builder:
        thread, other = builder.thread(), builder.thread()
        builder.turns(thread, Said("We build a bridge.", "Noted."))

    def meanwhile(working: Working, batch: DeletionBatch, *, last: bool, blank: bool = False) -> None:
        choose(batch, working, last=last, blank=blank)
        if not written:
            written.append(what)
            with LogBuilder(log) as builder:
                said = Said("When?", "On 4 May.") if what == "a turn" else Said("We build a bridge.", "Noted.")
                builder.turns(thread if what == "a turn" else other, said)

    written: list[str] = []
    choose = DeletionBatch.choose
    with Services.open(log) as services, pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeletionBatch, "choose", lambda batch, working, **how: meanwhile(working, batch, **how))
        deleted = services.deletion.delete([Target(thread)])
    assert deleted.amounts.turns == (2 if what == "a turn" else 1)
    checked(log)
    with closing(sqlite3.connect(log)) as connection:
        left = connection.execute("select prompt from turn_search order by id").fetchall()
    assert left == ([] if what == "a turn" else [("We build a bridge.",)])


@pytest.mark.parametrize("when", ["before what goes is found", "while it is found"])
def test_a_deleted_conversation_that_continues_while_its_last_exchange_is_deleted_keeps_the_new_one(
    log: Path, when: str
) -> None:
    """Deleting the last exchange ends a conversation that others deleted, unless it has another one by then."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        builder.turns(thread, Said("We build a bridge.", "Noted."))
    written: list[str] = []

    def log_another() -> None:
        if not written:
            written.append(when)
            with LogBuilder(log) as builder:
                builder.turns(thread, Said("When?", "On 4 May."))

    def choosing(batch: DeletionBatch, working: Working, **how: bool) -> None:
        if when.startswith("before"):
            log_another()
        choose(batch, working, **how)
        log_another()

    choose = DeletionBatch.choose
    with Services.open(log) as services, pytest.MonkeyPatch.context() as patch:
        services.desk.prepare()
        with services.writing():
            services.desk.log.run("insert into memory_tombstones values ('thread', :id, '2026-01-01')", {"id": thread})
        first = history.own_exchanges(services.desk.log, thread).first[0]
        patch.setattr(DeletionBatch, "choose", choosing)
        deleted = services.deletion.delete([Target(thread, (first,))])
    assert (deleted.amounts.turns, deleted.amounts.conversations) == (1, 0)
    checked(log)
    with closing(sqlite3.connect(log)) as connection:
        assert connection.execute("select prompt from turn_search").fetchall() == [("When?",)]
