"""`salvage` saves what can be read of a damaged log into one that is whole, whatever is damaged."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import SessionError
from llm_session_memory.llm_seam.tables import migrated
from llm_session_memory.memory import Memory
from llm_session_memory.model import Target
from llm_session_memory.rules import sqlite_format
from llm_session_memory.services.salvage import Salvaged, salvage
from llm_session_memory.store.salvage_messages import LOST
from tests.conftest import Command
from tests.store.world import contents
from tests.world.everything import write_world
from tests.world.laws import tried
from tests.world.logs import LogBuilder, Said
from tests.world.old_llms import OLD_LLMS, write_old_log

NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
EXCHANGES = 120
PAGE = 4096


def saved(path: Path) -> tuple[Salvaged, Path]:
    """Salvage a log and return what was done, and the new log. Nothing may be wrong with it."""
    new = path.with_name("new.db")
    new.unlink(missing_ok=True)
    before = path.read_bytes()
    done = salvage(path, new, migrated, NOW, lambda _: None)
    assert done.checked.wrong == ()
    assert path.read_bytes() == before
    assert not [*path.parent.glob(".*")]
    return done, new


@pytest.fixture(name="whole", scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a log with a long session, pins, notes and an index, and a long reply that needs several pages."""
    path = tmp_path_factory.mktemp("salvage") / "logs.db"
    with LogBuilder(path) as builder:
        thread = builder.thread()
        said = (Said(f"Prompt {n} of the bridge", f"Reply {n}. " + "and so on " * (n % 50)) for n in range(EXCHANGES))
        builder.turns(thread, *said, Said("A long one", "word " * 5_000))
    with Memory(path) as memory:
        memory.sessions.name_thread(thread, "work")
        memory.sessions.pin("work", 3, None)
        memory.notes.add("work", "It rains.", "you")
        memory.search("bridge")
    return path.read_bytes()


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    return tmp_path / "logs.db"


def texts(path: Path) -> set[str]:
    """Return all prompts and replies that a session has."""
    with Memory(path) as memory:
        found = memory.sessions.exchanges("work") if memory.sessions.names() else ()
        return {message.text for one in found for turn in one.turns for message in (*turn.input, *turn.output)}


def roots(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("select name, rootpage from sqlite_master"))


def damaged(whole: bytes, *pages: int, by: bytes = b"\0") -> bytes:
    """Return a file in which pages, numbered from 1, are filled with a byte."""
    for page in pages:
        whole = whole[: (page - 1) * PAGE] + by * PAGE + whole[page * PAGE :]
    return whole


def test_a_whole_log_is_saved_row_by_row(log: Path, whole: bytes) -> None:
    """Of a log that is not damaged, nothing is lost or changed, and what was deleted doesn't come back."""
    log.write_bytes(whole)
    with closing(sqlite3.connect(log)) as db:
        db.execute("delete from memory_notes")
        db.commit()
    done, new = saved(log)
    assert (done.whole, done.partly, done.turns, done.conversations, done.references) == (0, 0, 0, 0, 0)
    assert not any(one.losses.pages or one.losses.rows or one.refused for one in done.tables)
    before, after = contents(log), contents(new)
    assert {name: sorted(map(repr, rows)) for name, rows in after.items() if not name.endswith("_migrations")} == {
        name: sorted(map(repr, rows)) for name, rows in before.items() if not name.endswith("_migrations")
    }
    with Memory(new) as memory:
        assert len(memory.search("bridge", count=200)) == EXCHANGES


def test_every_kind_of_row_is_saved(log: Path) -> None:
    """Tool calls, fragments, attachments and both generations of llm's tables are saved."""
    write_world(log)
    done, new = saved(log)
    assert done.partly == 0
    before = contents(log)
    after = contents(new)
    kept = [name for name in before if not name.startswith("memory_") and not name.endswith("_migrations")]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


@pytest.mark.parametrize("version", OLD_LLMS)
def test_the_log_of_an_old_llm_is_saved(log: Path, version: str) -> None:
    """Its conversations are in the new log, with the tables of today's llm."""
    write_old_log(log, version)
    _, new = saved(log)
    assert contents(new)["conversations"] == contents(log)["conversations"]
    assert [row[2] for row in contents(new)["responses"]] == [row[2] for row in contents(log)["responses"]]


LOSSES: dict[str, tuple[Callable[[bytes, dict[str, int]], bytes], int]] = {
    "one leaf of the texts": (lambda whole, _: leaf(whole, b"Reply 60."), EXCHANGES - 40),
    "the root of the parts": (lambda whole, roots: damaged(whole, roots["parts"]), EXCHANGES),
    "the root of the turns": (lambda whole, roots: damaged(whole, roots["turns"], by=b"\xa5"), EXCHANGES),
    "the root of the messages": (lambda whole, roots: damaged(whole, roots["messages"]), EXCHANGES),
    "the root of the threads": (lambda whole, roots: damaged(whole, roots["threads"]), EXCHANGES),
    "the root of the search rows": (lambda whole, roots: damaged(whole, roots["turn_search"]), EXCHANGES),
    "all indexes": (lambda whole, roots: damaged(whole, *(roots[n] for n in roots if "idx_" in n)), EXCHANGES),
    "the full-text index": (lambda whole, roots: damaged(whole, roots["turn_search_fts_data"]), EXCHANGES),
    "the second half": (lambda whole, _: whole[: len(whole) * 3 // 4 + 99], EXCHANGES // 4),
    "the first page": (lambda whole, _: damaged(whole, 1), EXCHANGES),
    "the header": (lambda whole, _: b"\0" * 100 + whole[100:], EXCHANGES),
}  # fmt: skip
"""What is damaged, and how many prompts there must be at least afterwards."""


def leaf(whole: bytes, text: bytes) -> bytes:
    """Return the file with every page zeroed that has a text, but the last."""
    pages = [at // PAGE + 1 for at in range(0, len(whole), PAGE) if text in whole[at : at + PAGE]]
    return damaged(whole, *pages[:1])


@pytest.mark.parametrize("name", LOSSES)
def test_what_can_be_read_is_saved_and_the_rest_is_made_again(log: Path, whole: bytes, name: str) -> None:
    """Texts are in a log twice, so that most of what was lost in one place comes from the other."""
    damage, least = LOSSES[name]
    log.write_bytes(whole)
    log.write_bytes(damage(whole, roots(log)))
    _, new = saved(log)
    found = texts(new)
    assert len([text for text in found if text.startswith("Prompt ")]) >= least
    assert len([text for text in found if text.startswith("Reply ")]) >= least


def test_what_stands_for_a_lost_message_says_so(log: Path, whole: bytes) -> None:
    """A message of which nothing is left is a sentence, and those after it stay in their session."""
    log.write_bytes(whole)
    with closing(sqlite3.connect(log)) as db:
        lost = db.execute("select tip_message_hash, id from turns order by id limit 1 offset 5").fetchone()
        db.execute("delete from parts where message_hash = ?", lost[:1])
        db.execute("delete from messages where hash = ?", lost[:1])
        db.execute("delete from turn_search where turn_id = ?", lost[1:])
        db.commit()
    done, new = saved(log)
    assert done.partly == 1
    assert LOST in texts(new)
    assert len(texts(new)) == 2 * (EXCHANGES + 1)


def test_a_lost_schema_does_not_lose_the_rows(log: Path, whole: bytes) -> None:
    """If the rows that say where tables begin are gone, pages are known by what is in them."""
    log.write_bytes(whole)
    with closing(sqlite3.connect(log)) as db:
        db.execute("pragma writable_schema = on")
        db.execute("update sqlite_master set type = 'tab', rootpage = 'x', sql = 7 where name in ('parts', 'turns')")
        db.commit()
    _, new = saved(log)
    assert len([text for text in texts(new) if text.startswith("Prompt ")]) == EXCHANGES


def test_no_statement_of_the_file_is_run_but_those_that_make_tables(log: Path, whole: bytes) -> None:
    """A damaged log may be from someone else, and its schema may have any statement in place of a table's."""
    log.write_bytes(whole)
    stolen = log.with_name("stolen.db")
    with closing(sqlite3.connect(log)) as db:
        db.execute("pragma writable_schema = on")
        sql = "insert into sqlite_master values ('table', ?, ?, 0, ?)"
        db.execute(sql, ("a", "a", f"vacuum into '{stolen}'"))
        db.execute(sql, ("b", "b", "create table b as select 1"))
        db.commit()
    _, new = saved(log)
    assert not stolen.exists()
    with closing(sqlite3.connect(new)) as db:
        assert not db.execute("select 1 from sqlite_master where name in ('a', 'b')").fetchall()


def test_what_was_deleted_does_not_come_back(log: Path, whole: bytes) -> None:
    """If it isn't known which pages are free, what has a tombstone is left out, with its messages."""
    log.write_bytes(whole)
    with Memory(log) as memory:
        memory.desk.log.run("pragma secure_delete = off")
        turns = memory.desk.log.tuples("select id, thread_id from turns order by id")
        (thread,) = {one for _, one in turns}
        memory.deletion.delete([Target(thread, tuple(id_ for id_, _ in turns[60:]))])
    assert b"Prompt 100 of the bridge" in log.read_bytes()
    log.write_bytes(damaged(log.read_bytes(), 1))
    _, new = saved(log)
    assert sorted(text for text in texts(new) if text.startswith("Prompt ")) == sorted(
        f"Prompt {n} of the bridge" for n in range(60)
    )
    assert b"Prompt 100 of the bridge" not in new.read_bytes()


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_what_stands_beside_the_file_belongs_to_it(log: Path, whole: bytes, mode: str) -> None:
    """Commits that are only in the write-ahead log are saved; a transaction that did not end is not."""
    log.write_bytes(whole)
    with closing(sqlite3.connect(log, isolation_level=None)) as db:
        db.execute(f"pragma journal_mode = {mode}")
        db.execute("pragma cache_size = 2")
        columns = "thread_id, text, author, created_utc"
        db.execute(f"insert into memory_notes ({columns}) select id, 'In time.', 'you', '' from threads")
        db.execute("begin")
        db.execute("update turn_search set prompt = 'Never said'")
        db.execute("update parts set text = 'Never said'")
        copies = {
            end: log.with_name(log.name + end).read_bytes()
            for end in ("", "-wal", "-journal")
            if log.with_name(log.name + end).exists()
        }
    other = log.with_name("killed.db")
    for end, data in copies.items():
        other.with_name(other.name + end).write_bytes(data)
    assert len(copies) == 2
    _, new = saved(other)
    assert "Never said" not in texts(new)
    assert "In time." in {row[2] for row in contents(new)["memory_notes"]}


@dataclass
class Noisy:
    """A whole log, whose bytes a failing test must not print, and where to put a damaged one."""

    whole: bytes = field(repr=False)
    folder: Path


@pytest.fixture(name="noisy_", scope="module")
def _noisy(whole: bytes, tmp_path_factory: pytest.TempPathFactory) -> Noisy:
    return Noisy(whole, tmp_path_factory.mktemp("noisy"))


@tried(12, few=4)
@given(seed=st.integers(0, 10**6))
def test_any_damage_gives_a_whole_log_or_a_sentence(noisy_: Noisy, seed: int) -> None:
    """Noise anywhere, in any amount, and a cut anywhere: never a traceback, and always a log that passes the check."""
    chance = random.Random(seed)
    noisy = bytearray(noisy_.whole)
    for _ in range(chance.choice((1, 3, 30))):
        at, length = chance.randrange(len(noisy)), chance.choice((1, 8, 500, 5_000))
        noisy[at : at + length] = chance.randbytes(len(noisy[at : at + length]))
    log = noisy_.folder / "logs.db"
    log.write_bytes(noisy[: chance.choice((len(noisy), chance.randrange(1, len(noisy))))])
    try:
        saved(log)
    except SessionError as error:
        if "Nothing could be saved" not in error.message:
            raise


@given(
    values=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary())
)
def test_records_are_read_as_sqlite_wrote_them(values: list[object]) -> None:
    """Every kind of value comes out as it was put in, from pages of any size."""
    values = [value for value in values if not isinstance(value, str) or value.isprintable()][:8]
    with closing(sqlite3.connect(":memory:")) as db:
        names = ", ".join(f"c{number}" for number in range(8))
        db.execute(f"create table one ({names})")
        db.execute(f"insert into one values ({', '.join('?' * 8)})", [*values, *[None] * (8 - len(values))])
        data = db.serialize() if hasattr(db, "serialize") else b""
    if data:
        page = data[PAGE : 2 * PAGE]
        (cell,) = sqlite_format.cells(page, 2, PAGE)
        assert cell is not None
        if not cell.more:
            assert sqlite_format.record(cell.payload, "utf-8")[: len(values)] == values


def test_the_command_says_what_was_saved_and_lost(log: Path, whole: bytes, llm_: Command) -> None:
    """It names tables and pages, refuses to replace a file, and says so if nothing can be saved."""
    log.write_bytes(whole)
    log.write_bytes(damaged(whole, roots(log)["parts"]))
    new = str(log.with_name("new.db"))
    out = llm_("sessions", "salvage", str(log), "--to", new).ok().out
    assert out.startswith(f"Saved {EXCHANGES + 1} turns")
    assert "parts: " in out
    assert "1 page could not be read" in out
    assert "already exists" in llm_("sessions", "salvage", str(log), "--to", new).err
    log.write_text("No log at all. " * 1_000)
    done = llm_("sessions", "salvage", str(log), "--to", f"{new}.2")
    assert (done.code, "Nothing could be saved" in done.err) == (1, True)
    assert not Path(f"{new}.2").exists()


@pytest.mark.parametrize("parts", [2, 5])
def test_a_file_that_was_cut_off_is_never_said_to_be_read_whole(
    log: Path, whole: bytes, llm_: Command, parts: int
) -> None:
    """It says how many pages are missing, and that the list of tables is not whole if parts of that are missing."""
    log.write_bytes(whole[: len(whole) // parts // 4096 * 4096])
    out = llm_("sessions", "salvage", str(log), "--to", str(log.with_name("new.db"))).ok().out
    missing = len(whole) // 4096 - len(whole) // parts // 4096
    assert f"was cut off: {missing} of its {len(whole) // 4096:,} pages are missing." in out
    assert "The list of tables: " in out
    assert "could be read" not in out.replace("could not be read", "")
