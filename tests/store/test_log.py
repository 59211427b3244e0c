"""Our tables beside llm's: how they are made, what they leave alone, and what reading costs in a long log."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from llm.logs import LogStore
from sqlite_utils import Database

from llm_session_memory.errors import LogUnusable
from llm_session_memory.store import Log, owned_file
from llm_session_memory.store.log import sentence
from llm_session_memory.store.schema import NEEDED, names, statement
from tests.conftest import Command
from tests.store.world import built, opened
from tests.world.logs import LogBuilder, Said
from tests.world.scripted import Script

PIN = "insert into memory_pins values ('thread', 'turn', 'now')"


def schema(path: Path) -> dict[str, str]:
    """Return the name and SQL of everything in a log that is neither ours nor SQLite's own."""
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "select name, sql from sqlite_master where name not like '%memory%' and name not glob 'sqlite_*'"
    ).fetchall()
    connection.close()
    return {name: sql for name, sql in rows if "_sqlite_migrations" not in name}


# -- our tables --------------------------------------------------------


def test_our_tables_leave_llms_as_they_are(log: Path) -> None:
    """Migrating adds tables, indexes and a view named memory_…, triggers on these alone, and changes nothing else."""
    LogBuilder(log).db.close()
    before = schema(log)
    with opened(log) as found:
        ours = found.rows("select type, tbl_name from sqlite_master where name like 'memory_%'")
        assert {row["type"] for row in ours} == {"table", "index", "view", "trigger"}
        assert {row["tbl_name"] for row in ours if not row["tbl_name"].startswith("memory_")} == set()
    assert schema(log) == before


def test_migrating_again_changes_nothing(log: Path) -> None:
    """Migrations are applied once; after that, not a byte is written."""
    LogBuilder(log).db.close()
    with opened(log):
        pass
    before = log.read_bytes()
    with opened(log) as found:
        found.migrate()
    assert log.read_bytes() == before


def test_a_migration_of_which_there_is_no_record_is_applied(log: Path) -> None:
    """It may be one that only adds columns or triggers: that all tables are there is not enough."""
    LogBuilder(log).db.close()
    with opened(log) as found:
        recorded = "select count(*) from _sqlite_migrations where migration_set = 'llm-session-memory'"
        assert found.value(recorded) == len(names())
        for name in names():
            found.run("delete from _sqlite_migrations where name = :name", {"name": name})
            found.migrate()
            assert found.value(recorded) == len(names()), name


def test_a_migration_that_fails_leaves_nothing(log: Path) -> None:
    """If one statement of a migration fails, none of it is in the log, and it stays pending."""
    LogBuilder(log).db.close()
    with sqlite3.connect(log) as connection:
        connection.execute("create table memory_blocks (x)")
    before = schema(log)
    found = Log.open(log)
    with pytest.raises(LogUnusable, match="no such column: thread_id"):
        found.migrate()
    assert not found.has_sessions()
    assert schema(log) == before
    found.run("drop table memory_blocks")
    found.migrate()
    assert found.has_sessions()
    found.close()


# -- transactions ------------------------------------------------------


def test_related_rows_are_written_together(log: Path) -> None:
    """A statement that fails in the middle rolls back those before it."""
    with built(log) as (_, found):

        def write() -> None:
            with found.writing():
                found.run(PIN)
                found.run("insert into memory_pins values ('thread', 'turn 2', null)")

        with pytest.raises(LogUnusable, match="NOT NULL constraint failed"):
            write()
        assert found.rows("select * from memory_pins") == []
        assert not found.database.conn.in_transaction


def test_an_error_of_ours_rolls_back_too(log: Path) -> None:
    """Any exception that leaves the block rolls it back, not only SQLite's."""
    with built(log) as (_, found):

        def write() -> None:
            with found.writing():
                found.run(PIN)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write()
        assert found.rows("select * from memory_pins") == []


def test_inner_transactions_join_the_outer(log: Path) -> None:
    """A nested block is rolled back with the outer one."""
    with built(log) as (_, found):

        def write() -> None:
            with found.writing():
                with found.writing():
                    found.run(PIN)
                raise ValueError("outer")

        with pytest.raises(ValueError, match="outer"):
            write()
        assert found.rows("select * from memory_pins") == []


def test_a_reply_and_its_reason_are_logged_together(log: Path, llm_: Command, script: Script) -> None:
    """If our own record of a prompt fails, llm's turn is not logged either, and the reply is kept in a file."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    with sqlite3.connect(log) as connection:
        connection.execute(
            "create trigger t before insert on memory_contexts begin select raise(abort, 'not today'); end"
        )
    done = llm_("--session", "work", "When?")
    assert done.code == 1
    assert "could not be used: not today." in done.err
    assert "The reply is kept in " in done.err
    counts = sqlite3.connect(log).execute("select (select count(*) from turns), (select count(*) from messages)")
    assert counts.fetchone() == (1, 2)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("database is locked", "Try again when that program is done."),
        ("database or disk is full", "Free some space on its disk, then try again. The log was not changed."),
        ("disk I/O error", "Check its disk, then try again. The log was not changed."),
        (
            "not today",
            "The log was not changed. If this happens again, check the log with: llm sessions check -d {path}",
        ),
    ],
)
def test_every_sentence_about_the_log_names_what_to_do(log: Path, said: str, hint: str) -> None:
    """Whatever SQLite says, the error has a next step."""
    found = sentence(sqlite3.OperationalError(said), log)
    assert str(found).endswith(hint.format(path=log))


# -- llm goes on as ever -----------------------------------------------


def test_llms_own_commands_still_work_after_sessions(log: Path, llm_: Command, script: Script) -> None:
    """After session prompts, `llm logs`, `llm logs status` and `llm -c` work, and llm's tables are as llm made them."""
    plain = log.parent / "plain.db"
    llm_("-m", "scripted", "-d", str(plain), "Hello").ok()
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    llm_("--session", "work", "The deadline is 4 May.").ok()
    assert "The deadline is 4 May." in llm_("logs").ok().out
    assert re.search(r"Number of turns logged:\s+2\n", llm_("logs", "status").ok().out)
    llm_("-c", "When is it?").ok()
    assert script.texts()[-1] == ("user", "When is it?")
    assert schema(log) == schema(plain)


def test_a_log_stays_sound_through_many_pruned_prompts(log: Path, llm_: Command, script: Script) -> None:
    """After 60 mostly pruned prompts, some with fragments, every message in llm's tables matches its hash."""
    (log.parent / "notes.txt").write_text("The deadline is 4 May. " * 10)
    llm_("-m", "scripted", "--session", "work", "-f", str(log.parent / "notes.txt"), "Read this.").ok()
    lines = [f"Span {number} of the bridge is {number * 7} metres long." for number in range(60)]
    llm_("chat", "--session", "work", "--max-context-tokens", "300", input="\n".join([*lines, "quit"])).ok()
    assert max(len(call) for call in script.seen) < 40
    database = Database(log)
    assert LogStore(database).verify() == []
    assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert database.execute("pragma foreign_key_check").fetchall() == []
    assert database["turns"].count == 61
    assert database["memory_blocks"].count > 1
    database.close()


# -- what reading costs ------------------------------------------------

ON_THE_PROMPT_PATH = [
    "turns_of_thread",
    "request_answers",
    "turn_messages",
    "turns",
    "parts",
    "chain",
    "counted_turns",
    "first_turn_tools",
    "session_counts",
    "went_with",
    "went_with_before",
    "elsewhere",
]

ACCEPTED = {
    # Reads the newest :count turns of the log by rowid and stops; used until a model has counted turns in a session.
    ("counted_replies", "SCAN turns"),
    # The same for our contexts.
    ("counted_elsewhere", "SCAN c"),
    # llm's old tables have no index on conversation_id, and none on response_id of tool results and calls. Each is
    # read once, and only for a conversation that an older llm knew.
    ("responses_of_conversation", "SCAN r"),
    ("responses_of_conversation", "SCAN tool_results"),
    ("legacy_turns", "SCAN tool_calls"),
    ("legacy_turns", "SCAN tool_results"),
}

OTHERS = ["counted_replies", "counted_elsewhere", "responses_of_conversation", "legacy_turns"]

STEPS = re.compile(r"(?:SCAN|SEARCH(?= \w+ USING AUTOMATIC)) (\w+)(?! VIRTUAL)\b")
"""A table that is scanned: row by row, or to build a temporary index."""


def scanned(log: Log, name: str) -> set[tuple[str, str]]:
    """Return the tables that a statement scans, under the names it gives them."""
    return scans_of(log, name, statement(name))


def scans_of(log: Log, name: str, sql: str) -> set[tuple[str, str]]:
    """Return the same for the text of a statement."""
    plan = log.rows(f"explain query plan {sql}", dict.fromkeys(re.findall(r":(\w+)", sql)))
    stored = set(re.findall(r"(?:from|join) (\w+)(?: (?:as )?(\w+))?", sql))
    names = {alias or table: table for table, alias in stored} | {table: table for table, _ in stored}
    tables = {*NEEDED, "responses", "tool_calls", "tool_results", "turn_search", "memory_contexts", "memory_blocks"}
    scans = Counter(match[1] for row in plan if (match := STEPS.match(row["detail"])))
    # A subquery that is kept in memory is scanned once under its name, which may also be that of a table within it.
    scans.subtract(set(re.findall(r"(?:MATERIALIZE|CO-ROUTINE) (\w+)", " ".join(row["detail"] for row in plan))))
    return {(name, f"SCAN {alias}") for alias, count in scans.items() if count > 0 and names.get(alias) in tables}


@pytest.fixture(name="filled", scope="module")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """A log of both generations of tables, for questions about plans only."""
    with built(tmp_path_factory.mktemp("filled") / "logs.db") as (builder, found):
        builder.turns(builder.thread(), *(Said(f"Number {n}.") for n in range(20)), block=5)
        builder.responses(builder.thread(), Said("Old."))
        yield found


@pytest.mark.parametrize("name", ON_THE_PROMPT_PATH + OTHERS)
def test_no_statement_of_a_prompt_reads_a_whole_table(filled: Log, name: str) -> None:
    """Each statement that a prompt needs finds its rows by an index, with the exceptions above."""
    assert scanned(filled, name) - ACCEPTED == set()


def test_a_scan_is_noticed(log: Path) -> None:
    """The check above notices a scan."""
    with built(log) as (_, found):
        assert scanned(found, "counted_replies") == {("counted_replies", "SCAN turns")}
        slow = "select t.id from turns t join messages m on m.role = t.model"
        assert scans_of(found, "slow", slow) == {("slow", "SCAN t"), ("slow", "SCAN m")}
        assert ("legacy_turns", "SCAN tool_calls") in scanned(found, "legacy_turns")


def test_rows_that_nobody_reads_to_the_end_are_left_in_silence(log: Path) -> None:
    """A command that fails in the middle of them closes the log first; that is no other error."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    found = Log.open(log)
    rows = found.stream("select 1 union all select 2")
    next(rows)
    found.close()
    rows.close()  # type: ignore[attr-defined]  # it is a generator


def test_threads_of_one_process_take_turns_to_write(tmp_path: Path) -> None:
    """A thread asks SQLite for its lock only when no other thread of the process has it."""
    path, asked, ready = tmp_path / "logs.db", list[str](), threading.Event()
    owned_file(path)

    def write() -> None:
        with closing(Log.open(path)) as other:
            other.database.conn.set_trace_callback(asked.append)
            ready.set()
            with other.writing():
                other.run("create table b (c)")

    with closing(Log.open(path)) as log:
        thread = threading.Thread(target=write)
        with log.writing():
            log.run("create table a (c)")
            thread.start()
            assert ready.wait(20)
            thread.join(0.1)
            assert [one for one in asked if one.startswith("begin")] == []
        thread.join()
        assert [one for one in asked if one.startswith("begin")] == ["begin immediate"]
        assert log.columns("b")
