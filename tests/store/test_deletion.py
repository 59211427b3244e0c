"""The law of deletion: what nothing reaches any more goes, and whatever something reaches stays."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import llm
from hypothesis import given
from hypothesis import strategies as st
from llm.logs import LogStore
from sqlite_utils import Database

from llm_session_memory.model import Target
from llm_session_memory.services.bundle import Services
from llm_session_memory.store.history import exchange_turns
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
    st.tuples(st.integers(0, 3), st.sampled_from(["turns", "unseen", "responses", "both"]), said), max_size=8
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


def written(path: Path, steps: list[tuple[int, str, Said]]) -> list[str]:
    """Write a log of four conversations, and return their ids."""
    with LogBuilder(path) as log:
        threads = [log.thread() for _ in range(4)]
        for number, how, one in steps:
            getattr(log, how)(threads[number], one)
    return threads


def chosen(
    services: Services, threads: list[str], whole: set[int], single: list[int]
) -> tuple[list[Target], list[str]]:
    """Return whole conversations and single exchanges as targets, and the turns of the latter."""
    targets = [Target(threads[number]) for number in sorted(whole)]
    rest = [thread for number, thread in enumerate(threads) if number not in whole]
    turns: list[str] = []
    for number in single:
        exchanges = [*exchange_turns(services.desk.log, rest[number % len(rest)])]
        if exchanges:
            ids = exchanges[number % len(exchanges)]
            targets.append(Target(rest[number % len(rest)], (ids[0],)))
            turns += ids
    return targets, turns


@tried(300)
@given(steps, st.sets(st.integers(0, 3), max_size=3), st.lists(st.integers(0, 20), max_size=3))
def test_what_nothing_reaches_goes_and_nothing_else(
    steps: list[tuple[int, str, Said]], whole: set[int], single: list[int]
) -> None:
    """After a deletion the log has what it had, less what only the deleted turns reached."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "logs.db")
        threads = written(path, steps)
        with Services.open(path) as services:
            services.desk.prepare()
            for thread in threads:
                Index(services.desk.log).catch_up(thread)
            targets, turns = chosen(services, threads, whole, single)
            before = reachable.rows_of(path)
            reached = reachable.without(before, [one.thread_id for one in targets if one.exchanges is None], turns)
            planned = services.deletion.plan(targets)
            assert reachable.rows_of(path) == before
            assert planned.amounts == services.deletion.delete(targets).amounts
        rows = reachable.rows_of(path)
        after = reachable.kept_ids(rows)
        assert after == {name: reached[name] for name in after}
        assert {row["turn_id"] for row in rows["memory_passages"]} == after["turns"] | after["responses"]
        checked(path)
