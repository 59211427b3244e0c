"""`check` finds what is wrong with a log, says nothing about a good one, and `--fix` mends what it can without loss."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import llm
import pytest
from llm.logs import LogStore
from sqlite_utils import Database

from llm_session_memory.errors import LogUnusable, SessionError
from llm_session_memory.memory import Memory
from llm_session_memory.model import Target
from llm_session_memory.model.checking import Checked
from llm_session_memory.services.checking import check
from llm_session_memory.services.mending import fix
from llm_session_memory.store import Log, invariants
from llm_session_memory.store.check_hashes import hashes
from llm_session_memory.store.checks import full_text
from tests.conftest import Command
from tests.world.everything import write_family, write_world
from tests.world.logs import LogBuilder, Said
from tests.world.old_llms import OLD_LLMS, write_old_log

NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)


def quietly(path: Path) -> Checked:
    return check(path, lambda _: None)


def wrong(path: Path) -> list[str]:
    return [f"{one.area}: {one.message}" for one in quietly(path).wrong]


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that the real program made: a session with a fork, a pin, an undone exchange, and an index."""
    path = tmp_path_factory.mktemp("check") / "logs.db"
    with LogBuilder(path) as builder:
        thread = builder.thread()
        builder.turns(thread, *(Said(f"Prompt {number} about bridges", f"Reply {number}") for number in range(4)))
    with Memory(path) as memory:
        memory.sessions.name_thread(thread, "work")
        memory.sessions.pin("work", 1, None)
        memory.ratings.rate("work", 2, "up")
        memory.forks.make(memory.forks.point("work", 2), "other")
        memory.search("bridges")
        memory.undoing.undo("work", 1)
    path.chmod(0o600)
    return path


@pytest.fixture(name="log")
def _log(made: Path, tmp_path: Path) -> Path:
    """A copy of that log to break."""
    return Path(shutil.copy(made, tmp_path / "logs.db"))


# -- good logs -----------------------------------------------------------------


def test_nothing_is_wrong_with_a_good_log(log: Path) -> None:
    """A log that only this program and llm wrote has no finding, and is not changed by the check."""
    before = log.read_bytes()
    found = quietly(log)
    assert found.findings == ()
    assert log.read_bytes() == before
    assert [*log.parent.iterdir()] == [log]
    assert found.facts.counts is not None
    assert found.facts.counts["turns"] == 4
    tables = found.facts.tables
    assert tables is None or sum(tables.values()) == log.stat().st_size  # None: SQLite without dbstat


@pytest.mark.parametrize("version", OLD_LLMS)
def test_nothing_is_wrong_with_the_log_of_an_old_llm(tmp_path: Path, version: str) -> None:
    """The tables of an older llm, without ours, are as they should be."""
    write_old_log(tmp_path / "logs.db", version)
    assert wrong(tmp_path / "logs.db") == []


def test_nothing_is_wrong_after_a_deletion(tmp_path: Path) -> None:
    """What a deletion leaves breaks no rule: neither whole sessions with forks, nor single exchanges."""
    family = write_family(tmp_path / "logs.db")
    with Memory(family.path) as memory:
        memory.desk.prepare()
        memory.deletion.delete([Target(family.threads["work"]), Target(family.threads["unnamed"])])
        memory.deletion.delete([Target(family.threads["work-b"], (family.turns["work-b"][1],))])
    assert wrong(family.path) == []


def test_nothing_is_wrong_with_a_log_of_everything(tmp_path: Path) -> None:
    """Tool calls, fragments, attachments and both generations of llm's tables are as llm stored them."""
    world = write_world(tmp_path / "logs.db")
    found = [one for one in wrong(world.path) if "memory_passages" not in one]  # the world invents a passage
    assert found == []


def test_a_log_in_wal_mode_is_checked_with_what_is_only_in_its_wal(log: Path) -> None:
    """Rows that are not in the file itself yet are checked too."""
    with closing(sqlite3.connect(log)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("insert into memory_pins values ('nowhere', 'nothing', '2026')")
        db.commit()
        found = quietly(log)
        assert [one.area for one in found.wrong] == ["sessions"]
        assert found.facts.journal_mode == "wal"


def test_a_full_text_index_is_checked_while_somebody_reads(log: Path) -> None:
    """Both threads of a check use the same copy: the one that reads must not make an index look broken."""
    reader = sqlite3.connect(log)
    with closing(reader), closing(sqlite3.connect(log, isolation_level=None, timeout=0)) as db:
        left_open = reader.execute("select * from turns")
        assert left_open.fetchone()
        assert [*full_text(db)] == []
        assert left_open.fetchone()


def test_the_copy_of_a_check_that_was_killed_is_removed(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that was not finished has texts of the log; the next check removes it, but not that of one that runs."""
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, alive = tmp_path / f"llm-copy-{ended.pid}-a", tmp_path / f"llm-copy-{os.getppid()}-b"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "copy.db").write_text("texts")
    assert wrong(log) == []
    assert (dead.exists(), alive.exists()) == (os.name != "posix", True)
    assert {*tmp_path.glob("llm-copy-*")} - {dead} == {alive}


def test_others_can_write_while_a_log_is_checked(log: Path) -> None:
    """A write during the copy gets through at once, and the check sees the log of one moment."""

    def write(text: str) -> None:
        if text.startswith("Copying"):
            with closing(sqlite3.connect(log, timeout=0)) as db:
                db.execute(
                    "insert into memory_tags values ((select thread_id from memory_sessions), random(), random())"
                )
                db.commit()

    assert check(log, write).wrong == ()


# -- what can be wrong -----------------------------------------------------------


def without_an_index_entry(log: Path) -> None:
    """Add a turn that an index does not know: the index is hidden from SQLite meanwhile."""
    of = "name = 'idx_turns_thread_id'"
    with closing(sqlite3.connect(log)) as db:
        row = db.execute(f"select type, name, tbl_name, rootpage, sql from sqlite_master where {of}").fetchone()
        db.execute("pragma writable_schema = on")
        db.execute(f"delete from sqlite_master where {of}")
        db.commit()
    with closing(sqlite3.connect(log)) as db:
        db.execute("insert into turns (id, thread_id, datetime_utc) select 'zz', thread_id, '2026' from turns limit 1")
        db.execute("pragma writable_schema = on")
        db.execute("insert into sqlite_master values (?, ?, ?, ?, ?)", row)
        db.commit()


BROKEN: dict[str, tuple[tuple[str, ...] | Callable[[Path], None], str, str, bool]] = {
    "index": (without_an_index_entry, "pages", "The index idx_turns_thread_id does not have every row", True),
    "full text": (("delete from turn_search_fts_docsize",), "search", "turn_search_fts", True),
    "left over": (
        ("insert into turn_search (turn_id, prompt, response) values ('gone', 'a', 'b')",),
        "references",
        "1 row of turn_search has no turn",
        True,
    ),
    "llm's rows": (("delete from threads",), "references", "4 rows of turns refer to rows of threads", False),
    "a text": (("update parts set text = 'x' where id = 1",), "hashes", "1 message differs", False),
    "a fragment": (("insert into fragments (hash, content) values ('x', 'y')",), "hashes", "1 fragment differs", False),
    "a lost table": (("drop table memory_notes",), "tables", "lost a table: memory_notes", True),
    "a lost index": (("drop index memory_notes_thread",), "tables", "memory_notes_thread", True),
    "a pin": (("insert into memory_pins values ('t', 'gone', '2026')",), "sessions", "a pin belongs to a turn", True),
    "an index": (("update memory_index set passages = 1",), "sessions", "passages in the index is right", True),
    "lost passages": (("delete from memory_passages where id = 1",), "sessions", "the words in the index", True),
    "a project": (("update memory_sessions set project = 'gone'",), "sessions", "project is in memory_projects", True),
    "a fork": (("update memory_forks set from_thread_id = 'gone'",), "sessions", "forked from is in the log", False),
    "JSON": (("update memory_sessions set options_json = '{'",), "sessions", "valid JSON", False),
    "a policy": (("update memory_sessions set memory = 'all'",), "settings", "“all” is not a memory policy", False),
    "a name": (("update memory_sessions set name = 'Job' where name = 'work'",), "settings", "“Job” can't be", True),
    "retention": (("insert into memory_log_settings values ('retention.days', 'x')",), "settings", "“x”", False),
}  # fmt: skip
"""What breaks a log, the area and the words of the finding, and whether `--fix` mends it."""


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_found_with_what_to_do_and_mended_if_possible(log: Path, name: str) -> None:
    """Each fault gives a finding with a way out. `--fix` leaves the others as they are, and says so."""
    breaks, area, words, mendable = BROKEN[name]
    breaks(log) if callable(breaks) else run(log, *breaks)
    found = [one for one in quietly(log).wrong if one.area == area and words in one.message]
    assert found, wrong(log)
    assert all(one.hint for one in found)
    assert {one.mend is not None for one in found} == {mendable}
    mended = fix(log, NOW, lambda _: None)
    left = [one for one in mended.after.wrong if one.area == area and words in one.message]
    assert bool(left) is not mendable
    assert bool(mended.done) is bool(mended.backup)


def test_what_was_mended_works_again(log: Path) -> None:
    """After the search index was mended, it finds what it found before, under the same ids."""
    before = searched(log)
    run(log, "delete from memory_words_idx", "delete from memory_words_data where id > 10")
    assert fix(log, NOW, lambda _: None).after.wrong == ()
    assert searched(log) == before


def searched(log: Path) -> list[int]:
    with closing(sqlite3.connect(log)) as db:
        return [id_ for (id_,) in db.execute("select rowid from memory_words where memory_words match 'bridg'")]


def test_before_anything_is_mended_the_log_is_copied(log: Path) -> None:
    """The backup is the log as it was, for its owner only; without anything to mend, there is none."""
    assert fix(log, NOW, lambda _: None).backup is None
    run(log, "insert into memory_pins values ('t', 'gone', '2026')")
    backup = fix(log, NOW, lambda _: None).backup
    assert backup == str(log.with_name("logs-2026-11-28-120000Z.before-fix.db"))
    assert wrong(Path(backup)) != []
    if os.name == "posix":
        assert Path(backup).stat().st_mode & 0o777 == 0o600


def test_ratings_and_notes_are_kept_even_if_what_they_are_of_is_gone(log: Path) -> None:
    """What a person wrote is only mentioned, and is not wrong."""
    run(log, "insert into memory_ratings values ('t', 'gone', 'up', 'Good.', '2026')")
    run(log, "insert into memory_notes (thread_id, text, author, created_utc) values ('t', 'Hm.', 'you', '2026')")
    found = quietly(log)
    assert found.wrong == ()
    assert [one.level for one in found.findings] == ["note", "note"]
    assert fix(log, NOW, lambda _: None).done == ()


# -- damaged files -----------------------------------------------------------


def test_a_damaged_file_is_a_finding_and_is_not_written_to(log: Path) -> None:
    """Noise in a page, or a file that is cut off, is found; the way out is to salvage it."""
    whole = log.read_bytes()
    pages = [number for number in range(2, len(whole) // 4096) if whole[number * 4096] == 13]  # leaves of tables
    for damaged in (
        whole[: len(whole) // 2 + 100],
        whole[: pages[3] * 4096] + b"\xa5" * 4096 + whole[pages[3] * 4096 + 4096 :],
    ):
        log.write_bytes(damaged)
        found = quietly(log).wrong
        assert found[0].area == "pages"
        assert "llm sessions salvage" in found[0].hint
        with pytest.raises(SessionError, match="is damaged, so nothing was changed"):
            fix(log, NOW, lambda _: None)
        assert log.read_bytes() == damaged


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    """A file that is no database is no damaged log."""
    (tmp_path / "logs.db").write_text("A text, and a long one at that." * 100)
    with pytest.raises(LogUnusable, match="not a SQLite database"):
        quietly(tmp_path / "logs.db")


# -- hashes and files ------------------------------------------------------------


def test_messages_are_hashed_as_llm_hashes_them(tmp_path: Path) -> None:
    """The check names the same messages as llm's own `verify()`."""
    world = write_world(tmp_path / "logs.db")
    run(world.path, "update parts set text = 'x' where id = 1", "update fragments set content = 'y'")
    run(world.path, "update parts set payload = replace(payload, '7 rows', '8 rows') where type = 'tool_result'")
    with closing(sqlite3.connect(world.path)) as connection:
        expected = LogStore(Database(connection)).verify()
        found = hashes(Log(Database(connection), world.path)).messages
    assert sorted(found) == sorted(expected)
    assert len(found) >= 3


def test_a_file_that_an_attachment_points_to_may_go_or_change(tmp_path: Path) -> None:
    """Files belong to the person: if one is gone or has changed, that is told and nothing is wrong."""
    log = tmp_path / "logs.db"
    kept, gone = tmp_path / "kept.txt", tmp_path / "gone.txt"
    for file in (kept, gone):
        file.write_text(file.name)
    with LogBuilder(log) as builder:
        attached = (llm.Attachment(path=str(kept)), llm.Attachment(path=str(gone)))
        builder.turns(builder.thread(), Said("Look.", "I see.", attachments=attached))
    log.chmod(0o600)
    assert quietly(log).findings == ()
    gone.unlink()
    kept.write_text("another text")
    told = {one.message: one.details for one in quietly(log).findings}
    assert told == {
        "The file of 1 attachment is gone.": (str(gone),),
        "The file of 1 attachment has changed since it was sent.": (str(kept),),
    }
    assert wrong(log) == []


@pytest.mark.parametrize("statement", ["drop table _llm_migrations", "delete from _llm_migrations"])
def test_llms_list_of_its_changes_may_be_gone(log: Path, tmp_path: Path, llm_: Command, statement: str) -> None:
    """Then llm would make its tables again, and fail. A check says so, and the log that salvaging makes can be used."""
    run(log, statement)
    saved = tmp_path / "saved.db"
    (found,) = quietly(log).wrong
    assert found.message == "llm's list of the changes that made its tables is missing, so llm can't use this log."
    assert found.hint == f"Save what can be read with: llm sessions salvage {log} --to salvaged.db"
    llm_("sessions", "salvage", str(log), "--to", str(saved)).ok()
    assert wrong(saved) == []


# -- the rules -------------------------------------------------------------------


def test_every_pointer_of_our_tables_has_a_rule_or_a_reason_why_not(log: Path) -> None:
    """A new column that names a turn or conversation can't be forgotten."""
    with closing(sqlite3.connect(log)) as db:
        columns = {
            f"{table}.{column}"
            for (table,) in db.execute("select name from sqlite_master where type = 'table' and name like 'memory_%'")
            for (column,) in db.execute("select name from pragma_table_info(?)", [table])
            if column.endswith(("turn_id", "thread_id")) or column == "answered_by"
        }
    known = {one.name for one in invariants.INVARIANTS} | {*invariants.HISTORY}
    assert columns - known == set()
    assert {one.table for one in invariants.INVARIANTS} <= {name.partition(".")[0] for name in columns} | {
        *("memory_projects", "memory_remotes", "memory_passages", "memory_words_docsize", "memory_vectors"),
        "memory_tombstones",
    }  # fmt: skip


# -- the command -----------------------------------------------------------------


def test_the_command_says_what_it_looked_at_and_what_is_wrong(log: Path, llm_: Command) -> None:
    """It prints a line for each area, and exits with 1 if something is wrong; the JSON says the same."""
    out = llm_("sessions", "check", "-d", str(log)).ok().out
    assert out.count("\nok ") == 9
    assert out.endswith("Nothing is wrong.\n")
    run(log, "insert into memory_pins values ('t', 'gone', '2026')")
    done = llm_("sessions", "check", "-d", str(log))
    assert done.code == 1
    assert "WRONG  what belongs to sessions: 1 row of memory_pins" in done.out
    told = llm_("sessions", "check", "-d", str(log), "--json", "--fix").ok()
    assert json.loads(told.out)["ok"] is True
    assert json.loads(told.out)["fixed"] == ["1 row of memory_pins deleted."]
