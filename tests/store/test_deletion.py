"""The law of deletion: what nothing reaches any more goes, and whatever something reaches stays."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import llm
from hypothesis import given
from hypothesis import strategies as st
from llm.logs import LogStore
from sqlite_utils import Database

from llm_session_memory.model import Amounts, Target
from llm_session_memory.services.bundle import Services
from llm_session_memory.store.deletion_family import DeletionFamily
from llm_session_memory.store.history import every_exchange, exchange_turns
from llm_session_memory.store.index import Index
from tests.store import reachable
from tests.world.laws import tried
from tests.world.logs import Call, LogBuilder, Said

TEXTS = ["We build a bridge in Lisbon.", "When?", "On 4 May.", "Noted.", "The tide table, please."]
FRAGMENTS = [llm.Fragment("The harbour office signs off.\n", "notes.txt"), llm.Fragment("A long novel.", "novel.txt")]
FILES = [llm.Attachment(type="text/plain", content=b"low water 09:42"), llm.Attachment(type="text/plain", content=b"x")]

said = st.builds(
    Said,
    st.sampled_from(TEXTS),
    st.sampled_from(TEXTS),
    system=st.sampled_from([None, None, "Be brief."]),
    fragments=st.lists(st.sampled_from(FRAGMENTS), max_size=1).map(tuple),
    attachments=st.lists(st.sampled_from(FILES), max_size=1).map(tuple),
    calls=st.lists(
        st.builds(
            Call,
            st.sampled_from(["look", "tide_table"]),
            st.just({"a": 1}),
            st.sampled_from(TEXTS),
            st.lists(st.sampled_from(FILES), max_size=1).map(tuple),
        ),
        max_size=1,
    ).map(tuple),
)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 5), st.sampled_from(["turns", "unseen", "responses", "both"]), said),
        st.tuples(st.sampled_from(["fork", "undo", "mark"]), st.integers(0, 5), st.integers(0, 9), st.none()),
    ),
    max_size=14,
)


def checked(path: Path) -> None:
    """Check that a log is whole: hashes, foreign keys, and the three full-text indexes."""
    database = Database(path)
    assert LogStore(database).verify() == []
    assert database.execute("pragma foreign_key_check").fetchall() == []
    assert database.execute("pragma integrity_check").fetchone()[0] == "ok"
    for table in ("turn_search_fts", "responses_fts"):
        database.execute(f"insert into {table} ({table}, rank) values ('integrity-check', 1)")
    database.execute("insert into memory_words (memory_words) values ('integrity-check')")
    database.close()


class World:
    """A log of conversations, some of which are forks of others; exchanges may be undone, and there are snapshots."""

    def __init__(self, path: Path, steps: list[Any]) -> None:
        self.path = path
        with LogBuilder(path) as self.log, Services.open(path) as services:
            services.desk.prepare()
            self.db = services.desk.log
            self.threads = [self.log.thread() for _ in range(3)]
            for number, (what, thread, how, one) in enumerate(steps):
                at = f"2026-11-28T08:{number:02}:00+00:00"
                thread_id = self.threads[thread % len(self.threads)]
                if what == "say":
                    getattr(self.log, how)(thread_id, one)
                else:
                    getattr(self, what)(thread_id, how, at)
            for thread_id in self.threads:
                Index(self.db).catch_up(thread_id)
            self.views = DeletionFamily(self.db, self.threads).views

    def place(self, thread_id: str, number: int) -> str | None:
        exchanges = exchange_turns(self.db, thread_id)
        return exchanges[number % len(exchanges)][0] if exchanges else None

    def fork(self, origin: str, number: int, at: str) -> None:
        last = self.place(origin, number)
        if last is not None:
            self.threads.append(self.log.thread())
            self.write("insert into memory_forks values (?, ?, ?, ?)", self.threads[-1], origin, last, at)
            sql = "insert into memory_undone select ?, turn_id, ? from memory_undone where thread_id = ?"
            self.write(sql, self.threads[-1], at, origin)

    def undo(self, thread_id: str, number: int, at: str) -> None:
        self.write("insert or ignore into memory_undone values (?, ?, ?)", thread_id, self.place(thread_id, number), at)

    def mark(self, thread_id: str, number: int, at: str) -> None:
        values = (thread_id, at, at, self.place(thread_id, number), "{}", at)
        sql = "insert into memory_snapshots (thread_id, label, label_key, turn_id, state_json, made_utc) values"
        self.write(f"{sql} (?, ?, ?, ?, ?, ?)", *values)

    def write(self, sql: str, *values: object) -> None:
        if values[1] is not None:
            self.log.db.execute(sql, values)
            self.log.db.conn.commit()

    def chosen(self, whole: set[int], single: list[tuple[int, int]]) -> list[Target]:
        """Return whole conversations and single exchanges as targets."""
        gone = [self.threads[number % len(self.threads)] for number in sorted(whole)]
        found = [Target(thread_id) for thread_id in gone]
        for thread, number in single:
            thread_id = self.threads[thread % len(self.threads)]
            exchanges = self.views[thread_id].exchanges
            if thread_id not in gone and exchanges:
                found.append(Target(thread_id, (exchanges[number % len(exchanges)],)))
        return found

    def gone(self, targets: list[Target]) -> set[str]:
        """Return the exchanges that nothing reaches any more: they go wherever they are seen, and from no snapshot."""
        whole = {target.thread_id for target in targets if target.exchanges is None}
        wanted = {(target.thread_id, one) for target in targets for one in target.exchanges or ()}
        kept: set[str] = set()
        for thread_id, view in self.views.items():
            if thread_id in whole:
                continue
            kept |= {one for one in view.exchanges if (thread_id, one) not in wanted}
            for mark in view.marks:
                for one in view.exchanges if mark.last else ():
                    if view.undone.get(one, "3000") > mark.made_utc:
                        kept.add(one)
                    if one == mark.last:
                        break
        return {one for view in self.views.values() for one in view.exchanges} - kept


@tried(300, few=6)
@given(
    steps, st.sets(st.integers(0, 5), max_size=3), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=4)
)
def test_what_nothing_reaches_goes_and_nothing_else(
    steps: list[Any], whole: set[int], single: list[tuple[int, int]]
) -> None:
    """After a deletion the log has what it had, less what only the deleted exchanges reached. Others read as before."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "logs.db")
        world = World(path, steps)
        targets = world.chosen(whole, single)
        ended = [target.thread_id for target in targets if target.exchanges is None]
        wanted = {(target.thread_id, one) for target in targets for one in target.exchanges or ()}
        before = reachable.rows_of(path)
        with Services.open(path) as services:
            log = services.desk.log
            turns = {ids[0]: ids for thread_id in world.threads for ids in every_exchange(log, thread_id)}
            read = {one: [*exchange_turns(log, one)] for one in world.threads}
            planned = services.deletion.plan(targets)
            assert reachable.rows_of(path) == before
            done = services.deletion.delete(targets)
            assert (planned.amounts, planned.stays) == (done.amounts, done.stays)
            gone = [turn for one in world.gone(targets) for turn in turns[one]]
            for thread_id in world.threads:
                left = [ids for ids in read[thread_id] if thread_id not in ended and (thread_id, ids[0]) not in wanted]
                assert [*exchange_turns(log, thread_id)] == left
            rows = reachable.rows_of(path)
            assert services.deletion.delete(targets).amounts == Amounts()  # twice is as once
            again = reachable.rows_of(path)
            assert {name for name in rows if rows[name] != again[name]} <= {"memory_tombstones"}
        reached, after = reachable.without(before, ended, gone), reachable.kept_ids(rows)
        for table in ("threads", "conversations"):  # a fork without turns may have got its row
            after[table] -= {*world.threads} - reachable.kept_ids(before)[table]
        assert after == {name: reached[name] for name in after}
        assert {row["turn_id"] for row in rows["memory_passages"]} == after["turns"] | after["responses"]
        checked(path)
