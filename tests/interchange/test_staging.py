"""An import is made elsewhere and copied: the same rows as without the detour, whole or not at all, beside others."""

from __future__ import annotations

import io
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.errors import LogUnusable, NameRefused, SessionError
from llm_session_memory.interchange import importer, importing
from llm_session_memory.llm_seam import writing
from llm_session_memory.llm_seam.tables import migrated
from llm_session_memory.memory import Memory
from llm_session_memory.services.desk import Desk
from llm_session_memory.store import schema, search_ahead, staging
from tests.conftest import Command
from tests.interchange.world import copied, exported, import_lines, rows

LINES = [{"prompt": f"Question {number}", "response": f"Answer {number}"} for number in range(12)]
LEFT = "select count(*) from turn_search where turn_id not in (select id from turns)"
OURS_ALONE = {"staged_excerpts", "memory_index", "memory_passages", "sqlite_sequence", "_sqlite_migrations"}
OURS_ALONE |= {"memory_changes"}  # SQLite's clock does not stand still


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search rows are copied in portions of four."""
    monkeypatch.setattr(search_ahead, "PORTION", 60)
    monkeypatch.setattr(search_ahead, "PAUSE_SECONDS", 0)


def at_each_pause(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Do something in each pause between two portions."""

    def pause(seconds: float) -> None:
        do()

    monkeypatch.setattr("llm_session_memory.store.search_ahead.time.sleep", pause)


# -- the same rows ----------------------------------------------------------------


def contents(log: Path) -> dict[str, list[Any]]:
    """Return the rows of all tables, without the moments at which rows were written, and without indexes of text."""
    with closing(sqlite3.connect(log)) as connection:
        connection.row_factory = sqlite3.Row
        made = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        names = [name for (name,) in made if "_fts" not in name and "memory_words" not in name]
        leave = {"fragments": {"datetime_utc"}, "threads": {"datetime_utc"}, "memory_recalls": {"passage_id"}}
        return {
            name: [
                {key: row[key] for key in row.keys() if key not in leave.get(name, ())}  # noqa: SIM118  as sqlite3.Row has it
                for row in connection.execute(f'select * from "{name}"')
            ]
            for name in sorted(set(names) - OURS_ALONE)
        }


def imported_directly(log: Path, text: str, name: str) -> None:
    """Import without the detour: llm's writer writes to the log itself."""
    with Memory(log) as memory:
        there = memory.desk.log
        migrated(there)
        direct = staging.Staging(log, there)
        direct.close()
        direct.log = there
        direct.prepare()
        with memory.writing():
            header, lines = importing._begun(io.BytesIO(text.encode()), "work.jsonl")
            made = importer.Importer(direct, there, header, name, "work.jsonl", memory.desk.timestamp())
            for number, value in lines:
                made.add(number, value)
            made.finish()


def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let chance and time stand still."""
    monkeypatch.setattr("llm_session_memory.rules.ulids.secrets.randbits", lambda bits: 12345)
    monkeypatch.setattr(Desk, "timestamp", lambda self: "2099-01-01T00:00:00+00:00")


@pytest.mark.parametrize("beside", [False, True])
def test_the_rows_are_those_that_llms_own_writer_writes(
    beside: bool, lived: Path, fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copied session has the same rows, down to the numbers, as one that llm's writer wrote into the log itself.

    Also beside content that the log shares with the file: fragments, files, tools and messages are stored once. And
    the search rows of long texts are those that llm composes.
    """
    text = exported(lived)
    target = lived if beside else fresh
    directly, copied_ = copied(target, tmp_path / "direct.db"), copied(target, tmp_path / "copied.db")
    still(monkeypatch)
    imported_directly(directly, text, "again")
    monkeypatch.setattr(writing, "LONG", writing.LONG if beside else 0)
    with Memory(copied_) as memory:
        importing.read(memory, io.BytesIO(text.encode()), "again", "work.jsonl")
        memory.desk.log.run("insert into turn_search_fts (turn_search_fts, rank) values ('integrity-check', 1)")
    assert contents(copied_) == contents(directly)
    assert rows(copied_, "pragma foreign_key_check") == []


def test_references_to_fragments_get_the_logs_numbers(lived: Path, fresh: Path) -> None:
    """A message refers to its fragments by number, which may be another one in the log that it is imported into."""
    database = sqlite3.connect(fresh)
    database.execute("insert into fragments (id, hash, content) values (1, 'x', 'Somebody else’s.')")
    database.commit()
    database.close()
    text = exported(lived)
    import_lines(fresh, text.splitlines(), "again")
    import_lines(fresh, text.splitlines(), "once more")
    for name in ("again", "once more"):
        assert exported(fresh, name).splitlines()[1:] == text.splitlines()[1:]


def test_each_table_of_ours_is_copied_or_said_not_to_be() -> None:
    """No table that a later version adds is forgotten."""
    assert set(staging._OURS) | staging.BY_HAND | staging.NOT_COPIED == schema.OURS - schema.VIEWS


# -- beside others ------------------------------------------------------------------


def test_others_write_and_see_nothing_until_all_is_there(
    llm_: Command, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an import copies, other programs write without waiting, and neither we nor llm show anything of it."""
    import_lines(fresh, [{"prompt": "before"}], "other")
    seen: list[str] = []

    def others() -> None:
        with closing(sqlite3.connect(fresh, timeout=0)) as connection:
            connection.execute("insert into fragments (hash, content) values (hex(randomblob(8)), 'x')")
            connection.commit()
        for command in (
            ("sessions", "list", "-d"),
            ("sessions", "search", "Answer", "-d"),
            ("logs", "-q", "Answer", "-d"),
        ):
            done = llm_(*command, str(fresh))
            seen.append(done.out + done.err)

    at_each_pause(monkeypatch, others)
    import_lines(fresh, LINES)
    assert len(seen) == 9
    assert not [text for text in seen if "work" in text or "Answer" in text.replace("“Answer”", "")]
    assert "Answer 0" in llm_("logs", "-q", "Answer", "-d", str(fresh)).ok().out
    assert rows(fresh, "select count(*) from fragments where content = 'x'") == [(3,)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to fork")
def test_a_killed_import_leaves_nothing_that_is_seen(
    llm_: Command, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither we nor llm show anything of an import that was killed, and the next import cleans up after it."""
    import_lines(fresh, [{"prompt": "before"}], "other")
    child = os.fork()
    if not child:
        at_each_pause(monkeypatch, lambda: os._exit(9))
        try:
            import_lines(fresh, LINES)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert rows(fresh, LEFT) == [(4,)]
    for command in (("sessions", "list"), ("sessions", "search", "Answer"), ("logs", "-q", "Answer"), ("logs", "list")):
        done = llm_(*command, "-d", str(fresh))
        assert "Answer " not in done.out + done.err
        assert "work" not in done.out
    import_lines(fresh, LINES)
    assert rows(fresh, LEFT) == [(0,)]
    assert rows(fresh, "select count(*) from turn_search") == [(13,)]


def _interrupted() -> None:
    raise KeyboardInterrupt


def test_an_import_that_ends_in_its_midst_cleans_up(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while an import copies leaves no row of it."""
    import_lines(fresh, [{"prompt": "before"}], "other")
    before = contents(fresh)
    pauses = iter(range(100))
    at_each_pause(monkeypatch, lambda: _interrupted() if next(pauses) == 1 else None)
    with pytest.raises(KeyboardInterrupt):
        import_lines(fresh, LINES)
    assert contents(fresh) == before


def test_rows_that_somebody_cleaned_away_are_copied_again(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that took another one's rows for leftovers does no harm."""

    def clean() -> None:
        with closing(sqlite3.connect(fresh)) as connection:
            connection.execute("delete from turn_search where turn_id not in (select id from turns)")
            connection.commit()

    at_each_pause(monkeypatch, clean)
    import_lines(fresh, LINES)
    assert rows(fresh, "select count(*) from turn_search") == [(12,)]


def test_two_imports_of_one_name(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two imports at once under one name the second is refused whole; under two names both come in."""

    def another(name: str) -> None:
        monkeypatch.undo()  # once is enough
        import_lines(fresh, LINES, name)

    at_each_pause(monkeypatch, lambda: another("work"))
    with pytest.raises(NameRefused, match="Session “work” already exists. Import it under another name with --as."):
        import_lines(fresh, LINES)
    monkeypatch.setattr(search_ahead, "PORTION", 60)
    at_each_pause(monkeypatch, lambda: another("two"))
    import_lines(fresh, LINES, "three")
    assert rows(fresh, "select name from memory_sessions order by name") == [("three",), ("two",), ("work",)]
    assert rows(fresh, "select count(*), (select count(*) from turn_search) from turns") == [(36, 36)]


# -- when it fails --------------------------------------------------------------------


def test_no_space_for_the_temporary_database(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the temporary files' disk is full, the error names that, and the log is as it was."""
    before = fresh.read_bytes()
    made = staging.Staging.prepare

    def small(self: staging.Staging) -> None:
        made(self)
        self.log.run(f"pragma max_page_count = {self.log.value('pragma page_count') + 3}")

    monkeypatch.setattr(staging.Staging, "prepare", small)
    with pytest.raises(LogUnusable, match="The temporary database for the import could not be used: database or disk"):
        import_lines(fresh, [{"prompt": "word " * 100_000}])
    assert fresh.read_bytes() == before


def test_no_space_in_the_log(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the log's disk is full when the session is copied, nothing of it is there."""
    import_lines(fresh, [{"prompt": "before"}], "other")
    before = contents(fresh)
    copy = staging.Staging._copy_the_rest

    def small(self: staging.Staging) -> None:
        self.log.value("pragma log.max_page_count = 1")  # as small as what is there
        copy(self)

    monkeypatch.setattr(staging.Staging, "_copy_the_rest", small)
    with pytest.raises(LogUnusable, match="fresh.db could not be used: database or disk is full"):
        import_lines(fresh, [{"prompt": "word " * 100_000}])
    assert contents(fresh) == before


def test_a_log_is_made_when_its_first_session_is_complete(llm_: Command, log: Path) -> None:
    """An import that fails makes no log: another program might begin to use it meanwhile."""
    done = llm_("sessions", "import", "-", "--as", "work", input=json.dumps(LINES[0]) + "\n[]\n")
    assert (done.code, log.exists()) == (1, False)


def test_an_import_within_a_transaction_is_refused(fresh: Path) -> None:
    """An import is a transaction of its own, on a connection of its own."""
    with Memory(fresh) as memory, memory.writing(), pytest.raises(SessionError, match="within a transaction"):
        importing.read(memory, io.BytesIO(b'{"prompt": "x"}\n'), "work", "work.jsonl")
