"""Sealed sessions: out of the log to the last byte, and back as they were, under the same ids."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.errors import NameRefused, SessionError
from llm_session_memory.interchange import import_session, sealed_file, sealing
from llm_session_memory.memory import Memory
from llm_session_memory.services.encryption import Locking, Unlocking, encrypted
from llm_session_memory.store import sealing as rows_of
from tests.conftest import Command
from tests.world.everything import Family, write_family
from tests.world.scripted import Script

pytest.importorskip("pyrage", reason="The extra encrypt is not installed.")

LOCK = Locking(passphrase="tall ships", work=2)
UNLOCK = Unlocking(passphrase=lambda _: "tall ships")

NUMBERS = {
    "fragment_id",
    "tool_id",
    "instance_id",
    "part_id",
    "block_id",
    "tool_result_id",
    "passage_id",
}
"""Columns of numbers that SQLite gave, which may be others in another log."""


def kept(log: Path, *threads: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows about some conversations, without numbers that SQLite gave."""
    with Memory(log) as memory:
        sql = "select t.name from sqlite_master t join pragma_table_info(t.name) c where c.name = 'id'"
        numbered = {table for (table,) in memory.desk.log.tuples(f"{sql} and c.type like 'integer'")}
        rows_of.choose(memory.desk.log, threads)
        found = {}
        for table, columns, values in rows_of.rows(memory.desk.log):
            dropped = {place for place, name in enumerate(columns) if name in NUMBERS}
            if table in numbered:
                dropped.add(columns.index("id"))
            rows = [tuple(value for place, value in enumerate(row) if place not in dropped) for row in values]
            found[table] = sorted(rows, key=repr)
        found["excerpts"] = [(*row[:2], *row[4:]) for row in rows_of.excerpts(memory.desk.log)]
        return {table: rows for table, rows in found.items() if rows}


def sealed(log: Path, *names: str, **how: Any) -> list[Path]:
    """Seal sessions, and return the files."""
    with Memory(log) as memory:
        found = sealing.groups(memory, [memory.sessions.get(name) for name in names])
        for one in found:
            sealing.seal(memory, one, LOCK, UNLOCK, **how)
        memory.deletion.erase()
    return [one.path for one in found]


def thread_of(log: Path, name: str) -> str:
    """Return the id of a session's conversation."""
    with Memory(log) as memory:
        return memory.sessions.get(name).thread_id


def checked(log: Path) -> None:
    """Check that SQLite finds nothing wrong."""
    connection = sqlite3.connect(log)
    assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert connection.execute("pragma foreign_key_check").fetchall() == []
    connection.close()


def test_a_session_comes_back_as_it_was(lived: Path) -> None:
    """Every row about it is the same again: messages, files, tools, requests with their reasons, notes, settings."""
    thread = thread_of(lived, "work")
    with closing(sqlite3.connect(lived)) as connection:
        sql = "insert into memory_other_ratings select thread_id, id, 'ana', '4', 'good', '2026' from turns limit 1"
        connection.execute(sql)
        connection.execute("insert into memory_shared_names values (?, 'work elsewhere')", (thread,))
        connection.commit()
    before = kept(lived, thread)
    assert {"attachments", "tools", "turn_tools", "memory_blocks", "memory_contexts", "memory_notes"} <= before.keys()
    assert {"memory_other_ratings", "memory_shared_names"} <= before.keys()
    (file,) = sealed(lived, "work")
    assert kept(lived, thread) == {}
    assert b"harbour" not in lived.read_bytes()
    assert b"harbour" not in file.read_bytes()
    back = sealing.unseal(lived, file, UNLOCK)
    assert (back.names, kept(lived, thread)) == (("work",), before)
    assert file.exists()
    checked(lived)


def test_the_session_goes_on_where_it_was(lived: Path, llm_: Command, script: Script) -> None:
    """After it came back, the next request continues the last one, as if nothing had happened."""
    (file,) = sealed(lived, "work")
    sealing.unseal(lived, file, UNLOCK)
    llm_("-m", "scripted", "--session", "work", "Go on.").ok()
    with Memory(lived) as memory:
        assert memory.sessions.exchanges("work")[-1].prompt == "Go on."
        assert memory.desk.log.value("select count(*) from memory_blocks where reason = 'imported'") == 0


def test_recalled_excerpts_find_their_passages_again(recalled: Path) -> None:
    """A request still says which passages were recalled for it, though the index was made anew."""
    thread = thread_of(recalled, "work")
    before = kept(recalled, thread)
    assert before["memory_recalls"]
    assert before["excerpts"]
    (file,) = sealed(recalled, "work")
    sealing.unseal(recalled, file, UNLOCK)
    assert kept(recalled, thread) == before


def test_it_can_come_back_into_another_log(lived: Path, fresh: Path, tmp_path: Path) -> None:
    """A sealed file moves a session to another machine, also to one without a log."""
    thread = thread_of(lived, "work")
    before = kept(lived, thread)
    (file,) = sealed(lived, "work")
    for log in (fresh, tmp_path / "new" / "logs.db"):
        sealing.unseal(log, file, UNLOCK)
        assert kept(log, thread) == before
        checked(log)


def test_a_conversation_of_an_older_llm_comes_back(tmp_path: Path) -> None:
    """What an older llm logged is sealed too, with its tools and files."""
    log = tmp_path / "old.db"
    from tests.interchange.world import new_log

    new_log(log)
    connection = sqlite3.connect(log)
    connection.executescript(OLDER)
    connection.commit()
    connection.close()
    with Memory(log) as memory:
        memory.sessions.name_thread("c1", "old")
    before = kept(log, "c1")
    assert {"responses", "tool_results", "attachments", "tool_results_attachments", "fragments"} <= before.keys()
    (file,) = sealed(log, "old")
    assert kept(log, "c1") == {}
    connection = sqlite3.connect(log)
    connection.executescript(OLDER.replace("'c1'", "'c2'").replace("'r1'", "'r2'").replace("'t1'", "'t2'"))
    connection.close()
    sealing.unseal(log, file, UNLOCK)
    assert kept(log, "c1") == before
    checked(log)


OLDER = """
insert into conversations values ('c1', 'Old talk', 'gpt');
insert into attachments values ('a-' || 'c1', 'image/png', null, null, x'8950');
insert into fragments (hash, content) values ('f-' || 'c1', 'A long text.');
insert into tools (hash, name) values ('t1', 'look');
insert into responses (id, model, prompt, response, conversation_id, datetime_utc)
values ('r1', 'gpt', 'Hello', 'Hi', 'c1', '2025-01-02T03:04:05');
insert into prompt_attachments values ('r1', 'a-' || 'c1', 0);
insert into prompt_fragments select 'r1', id, 0 from fragments where hash = 'f-' || 'c1';
insert into tool_responses select id, 'r1' from tools where hash = 't1';
insert into tool_calls (response_id, tool_id, name) select 'r1', id, 'look' from tools where hash = 't1';
insert into tool_results (response_id, tool_id, name, output) select 'r1', id, 'look', 'x' from tools where hash = 't1';
insert into tool_results_attachments select max(id), 'a-' || 'c1', 0 from tool_results;
"""


@pytest.fixture(name="family")
def _family(tmp_path: Path) -> Family:
    """A log with a session and its forks."""
    return write_family(tmp_path / "family.db")


def test_a_family_is_sealed_together(family: Family) -> None:
    """Sessions that share exchanges go into one file, or not at all: the others would still show them."""
    names = [name for name in family.threads if name.startswith("work")]
    with pytest.raises(SessionError, match="shares exchanges with “work") as refused:
        sealed(family.path, "work")
    assert {"work", "work-b", "work-c"} <= {*shlex.split(refused.value.hint)}
    threads = [family.threads[name] for name in names]
    before = kept(family.path, *threads)
    (file,) = sealed(family.path, *names)
    assert kept(family.path, *threads) == {}
    assert sorted(sealing.unseal(family.path, file, UNLOCK).names) == sorted(names)
    assert kept(family.path, *threads) == before


def test_a_fork_without_a_prompt_is_family(lived: Path) -> None:
    """A fork that was not continued yet has no row in llm's tables; it shares exchanges all the same."""
    with Memory(lived) as memory:
        memory.forks.make(memory.forks.point("work"), "later")
        threads = [memory.sessions.get(name).thread_id for name in ("work", "later")]
    for one, other in (("work", "later"), ("later", "work")):
        with pytest.raises(SessionError, match=f"shares exchanges with “{other}”"):
            sealed(lived, one)
    before = kept(lived, *threads)
    (file,) = sealed(lived, "work", "later")
    assert kept(lived, *threads) == {}
    assert sorted(sealing.unseal(lived, file, UNLOCK).names) == ["later", "work"]
    assert kept(lived, *threads) == before
    with pytest.raises(SessionError, match="are in the log already"):
        sealing.unseal(lived, file, UNLOCK)


def test_sealed_sessions_are_remembered_unless_forgotten(lived: Path) -> None:
    """The log keeps the name, the dates and the file, until the session is back; or nothing at all."""
    (file,) = sealed(lived, "work")
    with Memory(lived) as memory:
        (one,) = memory.sessions.sealed()
    assert (one.name, one.file, one.exchanges > 3, bool(one.first_utc)) == ("work", str(file), True, True)
    assert sealing.is_known(lived, file)
    sealing.unseal(lived, file, UNLOCK)
    with Memory(lived) as memory:
        assert memory.sessions.sealed() == []
        assert memory.desk.log.value("select count(*) from memory_tombstones") == 0
    (file,) = sealed(lived, "work", forget=True)
    assert file.name.encode() not in lived.read_bytes()
    assert not sealing.is_known(lived, file)


def test_nothing_is_lost_if_someone_writes_meanwhile(lived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note that another program adds while the file is written and compared stops the sealing; no file is left."""
    thread = thread_of(lived, "work")
    compare = sealing._compare

    def late(*arguments: Any) -> None:
        compare(*arguments)
        connection = sqlite3.connect(lived)
        connection.execute(
            "insert into memory_notes (thread_id, text, author, created_utc) values (?, 'late', 'you', '2026')",
            [thread],
        )
        connection.commit()
        connection.close()

    monkeypatch.setattr(sealing, "_compare", late)
    with pytest.raises(SessionError, match="Something was written to the session while it was being sealed"):
        sealed(lived, "work")
    assert ("late" in row for row in kept(lived, thread)["memory_notes"])
    assert [*lived.parent.glob("*.age")] == []


def test_others_may_write_elsewhere_meanwhile(lived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another program writes about another session does not matter."""
    compare = sealing._compare

    def late(*arguments: Any) -> None:
        compare(*arguments)
        connection = sqlite3.connect(lived)
        connection.execute("insert into memory_tags (thread_id, tag, tag_key) values ('another', 'a', 'a')")
        connection.commit()
        connection.close()

    monkeypatch.setattr(sealing, "_compare", late)
    (file,) = sealed(lived, "work")
    assert sealing.is_known(lived, file)


@pytest.mark.parametrize("fault", ["_compare", "_kept_for_good", "_digest_of"])
def test_a_failure_leaves_the_log_as_it_was(lived: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """Whatever fails before the deletion, the session stays and the file goes."""
    thread = thread_of(lived, "work")
    before = kept(lived, thread)

    def fails(*_: object) -> None:
        raise SessionError("no")

    monkeypatch.setattr(sealing, fault, fails)
    with pytest.raises(SessionError, match="no"):
        sealed(lived, "work")
    assert kept(lived, thread) == before
    assert [*lived.parent.glob("*.age")] == []


def test_what_does_not_come_back_the_same_is_not_deleted(lived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that are read back are compared, not only that there are some."""
    monkeypatch.setattr(sealed_file, "_loaded", lambda value: "x" if value == "We build a bridge." else value)
    with pytest.raises(SessionError, match="does not match the log"):
        sealed(lived, "work")
    assert thread_of(lived, "work")


def test_it_does_not_come_back_twice(lived: Path) -> None:
    """A session that is there is not brought back, and a name that is taken is told; --as helps."""
    (file,) = sealed(lived, "work")
    copy = file.with_name("copy.age")
    copy.write_bytes(file.read_bytes())
    sealing.unseal(lived, file, UNLOCK)
    with pytest.raises(SessionError, match="are in the log already"):
        sealing.unseal(lived, copy, UNLOCK, "again")
    sealed(lived, "work")
    import_session(Memory(lived), _lines(lived.parent, '{"prompt": "a", "response": "b"}'), "work")
    with pytest.raises(NameRefused, match="“work” already exists. .*--as"):
        sealing.unseal(lived, copy, UNLOCK)
    assert sealing.unseal(lived, copy, UNLOCK, "harbour").names == ("harbour",)


def _lines(folder: Path, *lines: str) -> Path:
    path = folder / "some.jsonl"
    path.write_text("\n".join(lines))
    return path


MIGRATIONS = "CREATE TABLE _llm_migrations (name TEXT PRIMARY KEY, applied_at TEXT)"
LLM = {"tables": [MIGRATIONS], "migrations": []}
ONE = {"thread_id": "t", "name": "work", "file": "", "exchanges": 0, "first_utc": None, "last_utc": None}
GOOD = {"format": "llm-session-sealed", "version": 1, "sessions": [{**ONE, "sealed_utc": ""}], "llm": LLM}
TAGS = {"table": "memory_tags", "columns": ["thread_id", "tag", "tag_key"]}

BAD: dict[str, tuple[list[Any], str]] = {
    "another format": ([{"prompt": "a"}], "is not a sealed session. Nothing was changed. Import it"),
    "no JSON": ([], "is not a sealed session"),
    "a newer version": ([{**GOOD, "version": 2}], "was sealed by a newer version"),
    "a trigger": (
        [{**GOOD, "llm": {"tables": ["create trigger x after insert on y begin select 1; end"], "migrations": []}}],
        "something in it that is not a table of llm",
    ),
    "a table with rows of its own": (
        [{**GOOD, "llm": {"tables": ["CREATE TABLE turns AS SELECT 1 AS id"], "migrations": []}}],
        "something in it that is not a table of llm",
    ),
    "no sessions": ([{"format": "llm-session-sealed", "version": 1}], "Line 1 of bad.age can't be read"),
    "a strange table": (
        [GOOD, {"table": "sqlite_master", "columns": ["sql"]}, ["x"], {"rows": 1}],
        "does not know sqlite_master",
    ),
    "a row too long": ([GOOD, {"table": "memory_tags", "columns": ["tag"]}, ["x", "y"]], "Line 3 of bad.age"),
    "an empty list of sessions": ([{**GOOD, "sessions": []}], "Line 1 of bad.age"),
    "an id that is a number": (
        [{**GOOD, "sessions": [{**ONE, "thread_id": 1, "sealed_utc": ""}]}],
        "Line 1 of bad.age",
    ),
    "bytes that are none": ([GOOD, TAGS, [{"base64": "x"}, "a", "a"]], "Line 3 of bad.age"),
    "a list as a value": ([GOOD, TAGS, [["t"], "a", "a"], {"rows": 1}], "Line 4 of bad.age"),
    "a number too large": ([GOOD, TAGS, [2**70, "a", "a"], {"rows": 1}], "Line 4 of bad.age"),
    "half a character": ([GOOD, TAGS, ["\ud800", "a", "a"], {"rows": 1}], "Line 4 of bad.age"),
    "a row twice": ([GOOD, TAGS, ["t", "a", "a"], ["t", "a", "a"], {"rows": 2}], "Line 5 of bad.age"),
    "a number of rows that is none": ([GOOD, {"rows": "many"}], "Line 2 of bad.age"),
    "no end": ([GOOD], "bad.age is incomplete"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused(fresh: Path, tmp_path: Path, name: str) -> None:
    """A file that is something else, or was made up, changes nothing."""
    lines, sentence = BAD[name]
    file = tmp_path / "bad.age"
    with file.open("wb") as stream, encrypted(stream, LOCK) as writer:
        for line in lines:
            writer.write(json.dumps(line).encode() + b"\n")
    before = fresh.read_bytes()
    with pytest.raises(SessionError, match=sentence):
        sealing.unseal(fresh, file, UNLOCK)
    assert fresh.read_bytes() == before


# -- the commands ------------------------------------------------------------------


@pytest.fixture(name="saying")
def _saying(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Somebody is at the terminal."""
    monkeypatch.setattr("llm_session_memory.services.age_passphrase.WORK", 2)
    monkeypatch.setattr("llm_session_memory.commands.encryption_options._has_terminal", lambda: True)
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    return lambda: None


def test_seal_and_unseal(lived: Path, llm_: Command, saying: Callable[[], None]) -> None:
    """The commands say what they do, ask first, and `list` shows what is sealed."""
    dry = llm_("sessions", "seal", "work", "--dry-run").ok()
    assert dry.out.startswith("Would seal session “work” (13 exchanges), into ")
    no = llm_("sessions", "seal", "work", input="a b\na b\nn\n")
    assert no.err.endswith("Error: Nothing was sealed.\n")
    done = llm_("sessions", "seal", "work", input="a b\na b\ny\n").ok()
    assert done.out.endswith("The log was rewritten: no byte of it is left in the file.\n")
    file = lived.resolve().parent / "work.sealed.age"
    listed = llm_("sessions", "list").ok()
    assert (listed.out.split()[:5], str(file) in listed.out) == (["sealed", "exchanges", "first", "last", "file"], True)
    assert json.loads(llm_("sessions", "list", "--sealed", "--json").ok().out)[0]["name"] == "work"
    gone = llm_("sessions", "show", "Work")
    assert gone.err.startswith("Error: Session “Work” not found. It is sealed. Bring it back with: llm sessions unseal")
    imported = llm_("sessions", "import", str(file), input="a b\n")
    assert "is a sealed session. Nothing was imported. Bring it back with: llm sessions unseal" in imported.err
    back = llm_("sessions", "unseal", str(file), input="a b\n").ok()
    assert back.out.endswith("Session “work” came back, with 13 exchanges.\n")
    assert llm_("sessions", "list", "--sealed").ok().err.startswith("No sealed sessions in ")


def test_a_strangers_file_is_asked_about(
    lived: Path, fresh: Path, llm_: Command, saying: Callable[[], None], tmp_path: Path
) -> None:
    """A file that this log did not seal may hold anything, so unseal asks first."""
    (file,) = sealed(lived, "work", forget=True)
    no = llm_("sessions", "unseal", str(file), "-d", str(fresh), input="n\n")
    assert "has no record that it sealed" in no.err
    assert no.err.endswith("Error: Nothing was unsealed.\n")
    llm_("sessions", "unseal", str(file), "-d", str(fresh), "--yes", input="tall ships\n").ok()


def test_a_key_needs_both_halves(lived: Path, llm_: Command) -> None:
    """Sealing compares, so a public key alone is not enough."""
    done = llm_("sessions", "seal", "work", "-r", "age1abc", "--yes")
    assert "A key needs both halves: -r to encrypt, and -i to compare" in done.err
