"""The rules of the cache between pages: it never returns an answer that is out of date."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from llm_session_memory.reader import chains
from llm_session_memory.reader.cache import CACHE, Cache, kept, version_of
from llm_session_memory.reader.chains import chain
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.numbering import figures, numbering
from llm_session_memory.reader.older import older_log
from llm_session_memory.reader.requests import history_length
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from tests.world import laws
from tests.world.everything import World
from tests.world.logs import LogBuilder, Said

WORTH_COUNTING_ONCE = "llm_session_memory.reader.numbering._LONG"
"""The fewest exchanges of a thread whose figures are cached."""


def _log(path: Path, journal: str = "delete") -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    connection.execute(f"pragma journal_mode = {journal}")
    connection.execute("create table turns (id)")
    return connection


def _source(path: Path, *, mutable: bool = True) -> Source:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    register(connection)
    return Source(connection, present(connection), str(path), lambda: version_of(path, mutable=mutable))


def _count(source: Source) -> int:
    return int(kept(source, "count", lambda: source.value("select count(*) from turns")))


@pytest.mark.parametrize("journal", ["delete", "truncate", "wal"])
def test_a_write_by_another_connection_is_seen_at_once(tmp_path: Path, journal: str) -> None:
    """Any write by any connection makes a new answer: rows added, changed in place, or deleted and added."""
    writer = _log(tmp_path / "logs.db", journal)
    source = _source(tmp_path / "logs.db")
    for written in ("insert into turns values (1)", "delete from turns", "insert into turns values (2)"):
        writer.execute(written)
        assert _count(source) == writer.execute("select count(*) from turns").fetchone()[0]
    first = kept(source, "ids", lambda: source.value("select id from turns"))
    writer.execute("update turns set id = 3")
    assert (first, kept(source, "ids", lambda: source.value("select id from turns"))) == (2, 3)


def test_an_answer_is_made_once_while_nobody_writes(tmp_path: Path) -> None:
    """Every connection gets the same cached answer; another question, or fewer visible tables, has its own answer."""
    _log(tmp_path / "logs.db")
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    for _ in range(3):
        source = _source(tmp_path / "logs.db")
        assert kept(source, "one", lambda: make("one")) == "one"
        assert kept(source, "two", lambda: make("two")) == "two"
    fewer = Source(source.connection, frozenset(), source.log, source.version)
    assert kept(fewer, "one", lambda: make("for whom a table is locked")) == "for whom a table is locked"
    assert made == ["one", "two", "for whom a table is locked"]


def test_an_answer_made_during_a_write_is_not_cached(tmp_path: Path) -> None:
    """An answer that may be from before or after a write is returned, but made again the next time."""
    writer = _log(tmp_path / "logs.db")
    source = _source(tmp_path / "logs.db")

    def make() -> int:
        before: int = source.value("select count(*) from turns")
        writer.execute("insert into turns values (1)")
        return before

    assert kept(source, "count", make) == 0
    assert _count(source) == 1


def test_watching_a_file_does_not_block_writers(tmp_path: Path) -> None:
    """A watched file can be written to; during the write nothing is cached and nothing fails."""
    writer = _log(tmp_path / "logs.db")
    source = _source(tmp_path / "logs.db")
    assert _count(source) == 0
    writer.execute("begin exclusive")
    assert version_of(tmp_path / "logs.db") is None
    writer.execute("insert into turns values (1)")
    writer.execute("commit")
    assert _count(source) == 1


def test_another_file_of_the_same_name_is_another_log(tmp_path: Path) -> None:
    """If another file replaces a log, the answers about the old one are not used."""
    _log(tmp_path / "logs.db").close()
    assert _count(_source(tmp_path / "logs.db")) == 0
    other = _log(tmp_path / "other.db")
    other.execute("insert into turns values (1)")
    other.close()
    (tmp_path / "other.db").replace(tmp_path / "logs.db")
    assert _count(_source(tmp_path / "logs.db")) == 1


def test_a_version_may_be_unknown(tmp_path: Path) -> None:
    """A database in memory or a missing file has no version; an immutable file is not opened to learn its version."""
    assert version_of(None) is None
    assert version_of(tmp_path / "gone.db") is None
    (tmp_path / "no.db").write_bytes(b"not a database")
    assert version_of(tmp_path / "no.db", mutable=False) is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["no.db"]


def test_the_oldest_answers_are_dropped(tmp_path: Path) -> None:
    """Answers with many rows push out the oldest ones, and an answer without a weight is never cached."""
    _log(tmp_path / "logs.db")
    source, cache = _source(tmp_path / "logs.db"), Cache(50_000)
    made: list[int] = []

    def ask(number: int, weight: int | None) -> None:
        cache.get(number, source.version, lambda: made.append(number), lambda _: weight)

    for number in (1, 2, 3, 4, 4, 1):
        ask(number, 15_000)
    ask(0, None)
    ask(0, None)
    assert made == [1, 2, 3, 4, 1, 0, 0]


def test_an_answer_in_use_stays() -> None:
    """The cache drops the answer that was used least recently, not the one that was made first."""
    cache, made = Cache(3), list[str]()

    def ask(key: str) -> None:
        cache.get(key, lambda: 1, lambda: made.append(key))

    for key in "abcaadab":
        ask(key)
    assert "".join(made) == "abcdb"


def test_a_very_large_answer_leaves_room_for_others() -> None:
    """An answer larger than the whole cache is cached, together with two others."""
    cache, made = Cache(30), list[str]()
    for key in "abbaccab":
        cache.get(key, lambda: 1, lambda key=key: made.append(key), lambda _: 1_000)  # type: ignore[misc]
    assert "".join(made) == "abc"


def test_a_new_version_replaces_the_old_one() -> None:
    """Only the newest answer to a question is cached, and its weight counts once."""
    cache, made = Cache(10), list[int]()

    def ask(key: str, version: int) -> None:
        cache.get(key, lambda: version, lambda: made.append(version), lambda _: 3)

    for version in (1, 2, 2, 3):
        ask("one", version)
    ask("other", 0)
    ask("one", 3)
    assert (made, cache.weight) == ([1, 2, 3, 0], 6)


def test_one_cache_limits_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numberings, chains, older conversations and answers share one cache and its limit."""
    CACHE.clear()
    monkeypatch.setattr(chains, "_LONG", 120)
    monkeypatch.setattr(WORTH_COUNTING_ONCE, 60)
    monkeypatch.setattr(CACHE, "_room", 210)
    written = tmp_path / "logs.db"
    with LogBuilder(written) as log:
        log.responses("thread-old", *(Said(f"old {number}") for number in range(3)))
        thread = log.thread()
        log.turns(thread, *(Said(f"prompt {number}") for number in range(60)))
    for name in ("one", "two", "three", "four"):
        source = _source(Path(shutil.copy(written, tmp_path / f"{name}.db")))
        tip = source.value("select tip_message_hash from threads where id = :id", id=thread)
        assert len(chain(source, tip)) == 120
        assert len(older_log(source)) == 1
        assert figures(source, thread, numbering(source, thread)).exchanges == 60
        assert 120 < CACHE.weight <= 210


def test_the_figures_of_a_long_thread_match_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures stay right after tokens are corrected in place, and after another turn replaces the newest one."""
    monkeypatch.setattr(WORTH_COUNTING_ONCE, 50)
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, *(Said(f"prompt {number}", tokens=(10, 1)) for number in range(60)))
    source, writer = _source(path), sqlite3.connect(path, isolation_level=None)

    def shown() -> tuple[int, int | None]:
        numbers = numbering(source, thread)
        for turn_id in (numbers.first[0], numbers.first[30], "~"):
            whole = "select sum(length(prompt) + length(response)) from turn_search s join turns t on t.id = s.turn_id"
            (length,) = writer.execute(f"{whole} where t.id < ?", (turn_id,)).fetchone()
            assert history_length(source, thread, turn_id) == (length or 0)
        assert numbers.first[-1] == writer.execute("select max(id) from turns").fetchone()[0]
        found = figures(source, thread, numbers)
        return found.exchanges, found.input_tokens

    assert shown() == (60, 600)
    writer.execute("update turns set input_tokens = 20 where id = (select min(id) from turns)")
    assert shown() == (60, 610)
    (newest,) = writer.execute("select * from turns order by id desc limit 1").fetchall()
    writer.execute("delete from turns where id = ?", (newest[0],))
    marks = ", ".join("?" * len(newest))
    writer.execute(f"insert into turns values ({marks})", (f"{newest[0][:-1]}z", *newest[1:]))
    assert shown() == (60, 610)


def test_a_cached_chain_is_the_chain_that_was_logged(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever order requests are read, each has the messages of its own chain, longer, shorter or forked."""
    monkeypatch.setattr(chains, "_LONG", 60)
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        trunk, fork = log.thread(), log.thread()
        log.turns(trunk, *(Said(f"prompt {number}", f"reply {number}") for number in range(40)))
        log._chains[fork] = log._chains[trunk]
        log.turns(trunk, *(Said(f"prompt {number}") for number in range(40, 60)))
        log.turns(fork, *(Said(f"another {number}") for number in range(40, 60)))
    for one in (path, world.path):
        source = _source(one)
        tips = [row["tip_message_hash"] for row in source.query("select tip_message_hash from turns")]
        logged = {}
        for tip in tips[-60:]:
            logged[tip] = [tuple(row) for row in source.tuples("chain_sizes", tip=tip, known=None)]
        for seed in range(20 if laws.PROFILE == "ci" else 8):
            CACHE.clear()
            for tip in random.Random(seed).choices(tips[-60:], k=12):
                assert list(chain(source, tip)) == logged[tip]
    assert chain(source, None) == ()
    assert chain(source, "missing") == ()
