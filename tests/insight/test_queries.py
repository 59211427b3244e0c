"""The rules of the canned queries."""

from __future__ import annotations

import calendar
import json
import os
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from llm_session_memory.errors import SessionError
from llm_session_memory.insight.catalogue import TOPICS, Query, by_topic, catalogue, named
from llm_session_memory.insight.run import answered, run
from llm_session_memory.reader.open_log import opened
from llm_session_memory.reader.tables import COLUMNS
from tests.world.everything import Session, with_blocks, with_rating, with_recall, with_rows, with_sessions
from tests.world.logs import Call, LogBuilder, Said, tables_of_0_20
from tests.world.many import write_many
from tests.world.old_llms import OLD_LLMS, THREAD, write_old_log

QUERIES = list(catalogue().values())


def test_there_are_at_least_100() -> None:
    """The catalogue answers the questions that people ask about their log, on each topic."""
    assert len(QUERIES) >= 100
    assert [topic for topic in TOPICS if topic not in by_topic()] == []


def test_queries_are_listed_by_topic() -> None:
    """Each topic has queries, which are listed together, and a topic is found by the beginning of any of its words."""
    assert list(by_topic()) == [topic for topic in TOPICS if topic in by_topic()]
    assert [query for queries in by_topic().values() for query in queries] == QUERIES
    assert list(by_topic("BUDG")) == ["Cost and budgets"]
    assert by_topic("udgets") == {}


def test_no_two_queries_are_the_same_but_for_a_constant() -> None:
    """Two queries differ in more than numbers and texts; what differs only in those is a parameter."""
    bare = {query.name: re.sub(r"'[^']*'|\b\d+\b", "?", re.sub(r"--.*|\s+", " ", query.sql)) for query in QUERIES}
    assert len(set(bare.values())) == len(QUERIES)
    assert len({query.title for query in QUERIES}) == len(QUERIES)


def test_every_query_is_described() -> None:
    """Every query has a title, a meaning that is a sentence, and a description of each parameter in its SQL."""
    wrong = [f"{query.name}: {words}" for query in QUERIES for words in undescribed(query)]
    assert wrong == []


def undescribed(query: Query) -> list[str]:
    """Return the missing parts of a query's description."""
    used = set(re.findall(r"(?<!:):([a-z_]+)", query.sql))
    rules = {
        "no title": bool(query.title),
        "its meaning is not a sentence": query.means.endswith("."),
        "its parameters differ from those in its SQL": used == {name for name, _ in query.parameters},
        "a parameter without a description": all(words for _, words in query.parameters),
        "its name does not begin with sessions_": query.name.startswith("sessions_"),
    }
    return [words for words, kept in rules.items() if not kept]


def test_every_table_that_a_query_reads_is_known() -> None:
    """A query reads only known tables and its own expressions, so that missing tables can count as empty."""
    unknown = {query.name: tables_read(query) - set(COLUMNS) for query in QUERIES}
    assert {name: tables for name, tables in unknown.items() if tables} == {}
    assert [query.name for query in QUERIES if not query.tables] == []


def tables_read(query: Query) -> set[str]:
    """Return the tables that a query's SQL reads, without its own expressions."""
    own = set(re.findall(r"\b([a-z_]+)\s*(?:\([^)]*\))?\s+as\s+(?:materialized\s+)?\(", query.sql))
    return set(re.findall(r"\b(?:from|join)\s+([a-z_]+)\b(?!\()", re.sub(r"--.*", "", query.sql))) - own


def no_memory(path: Path) -> None:
    with LogBuilder(path) as log:
        log.turns(log.thread(), Said("Hello?", "Hello.", tokens=(3, 2)))


def empty(path: Path) -> None:
    with LogBuilder(path):
        pass


def of_2025(path: Path) -> None:
    with LogBuilder(path, tables=tables_of_0_20) as log:
        log.db.table("conversations").insert({"id": "c1", "name": "Old", "model": "gpt-4"})
        row = {"id": "r1", "model": "gpt-4", "prompt": "Old?", "response": "Yes.", "conversation_id": "c1"}
        log.db.table("responses").insert({**row, "datetime_utc": "2025-01-01T00:00:00", "duration_ms": 1})


def only_older(path: Path) -> None:
    with LogBuilder(path) as log:
        log.responses(log.thread(), Said("Old?", "Yes.", calls=(Call("t", {}, "r"),), tokens=(4, 2)))


GIVEN = {"q": "old", "session": "work", "exchange": "1", "model": "", "days": ""}


WRITERS = [no_memory, empty, of_2025, only_older]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_every_query_runs_on_every_log(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """Missing tables count as empty, so no query fails, whatever wrote the log."""
    path = tmp_path / "logs.db"
    write(path)
    assert failures(path, GIVEN) == {}
    assert failures(path, {}) == {}


@pytest.mark.parametrize("version", OLD_LLMS)
def test_every_query_runs_on_the_log_of_an_old_llm(tmp_path: Path, version: str) -> None:
    """Missing columns count as null."""
    path = tmp_path / "logs.db"
    write_old_log(path, version)
    assert failures(path, {**GIVEN, "session": THREAD, "q": "bridge", "days": "9999"}) == {}


def failures(path: Path, given: dict[str, str]) -> dict[str, str]:
    """Return what each query that fails on a log says."""
    found = {}
    with opened(path) as source:
        for query in QUERIES:
            asked = {name: given.get(name, "") for name, _ in query.parameters}
            try:
                columns, rows = source.answer(query.text(source.tables), asked)
            except Exception as error:  # noqa: BLE001  report every query that fails, not only the first
                found[query.short_name] = repr(error)
                continue
            if not columns or len(set(columns)) != len(columns) or any(len(row) != len(columns) for row in rows):
                found[query.short_name] = f"rows do not fit {columns}"
    return found


@pytest.fixture(name="full", scope="module")
def _full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log in which every query finds something, with figures that are easy to work out by hand."""
    import llm

    path = tmp_path_factory.mktemp("full") / "logs.db"
    tide = Call("tide", {"a": 1}, "7 rows")
    with LogBuilder(path) as log:
        work, other, old = log.thread(), log.thread(), log.thread()
        turns = log.turns(
            work, *(Said("When?", f"In {n} days.", tokens=(100 * n, 10), duration_ms=1000 * n) for n in range(1, 9)),
            model="gpt-4o-mini", block=4,
        )  # fmt: skip
        fragment = llm.Fragment("The notes.", "notes.txt")
        log.turns(other, Said("Tide?", "Low.", calls=(tide,), fragments=(fragment,), system="Be brief.", tokens=(7, 3)))
        log.responses(old, Said("When?", "Long ago.", tokens=(5, 2)), Said("Twice?", "Yes.", calls=(tide,)))
        log.db.execute("insert into schemas values ('s1', '{}')")
        log.db.execute("update turns set schema_id = 's1' where id = ?", [turns[0]])
        log.db.conn.commit()
    session = Session(work, "work", turns, attempts=[(f"{turns[-1][:-1]}z", "And?", "HTTP 500")])
    with_sessions(path, session)
    with_blocks(path, session, 6)
    with_recall(path, turns[7], turns[1], "when")
    for turn_id, mark in zip(turns, ("up", "down", "5", "3"), strict=False):
        with_rating(path, work, turn_id, mark, "why")
    connection = sqlite3.connect(path)
    connection.execute(
        "insert into memory_summaries values"
        " (1, ?, 'x', ?, ?, 2, 'gpt-4o-mini', 50, 5, 900, '2026-09-01T10:00:00', null)",
        [work, turns[0], turns[1]],
    )
    connection.execute("update memory_contexts set cut = 'certain: halved' where turn_id = ?", [turns[6]])
    connection.execute("insert into tools (id, hash, name) values (99, 'h', 'tide')")
    connection.execute("insert into tool_responses select 99, min(id) from responses")
    connection.commit()
    connection.close()
    _with_what_is_looked_after(path, work, other, turns)
    return path


def _with_what_is_looked_after(path: Path, work: str, fork: str, turns: list[str]) -> None:
    """Add a project, a fork of `work` and a fork of that fork, a snapshot, an undone exchange and what was deleted."""
    at = "2026-09-02T08:00:00+00:00"
    with_rows(path, "memory_projects", {"name_key": "bridge", "name": "Bridge", "created_utc": at, "budget_usd": 2})
    with_rows(path, "memory_projects", {"name_key": "empty", "name": "empty", "created_utc": at})
    connection = sqlite3.connect(path)
    connection.execute("update memory_sessions set project = 'bridge', archived_utc = ?", [at])
    connection.commit()
    connection.close()
    shared = {"at_turn_id": turns[1], "forked_utc": at}
    with_rows(path, "memory_forks", {"thread_id": fork, "from_thread_id": work, **shared})
    with_rows(path, "memory_forks", {"thread_id": "f2", "from_thread_id": fork, **shared})
    with_rows(path, "memory_undone", {"thread_id": work, "turn_id": turns[7], "undone_utc": at})
    taken = {"label": "Half", "label_key": "half", "turn_id": turns[3], "state_json": "{}"}
    with_rows(path, "memory_snapshots", {"thread_id": work, **taken, "made_utc": "2026-09-01T08:00:00+00:00"})
    made = {"title": "A bridge", "input_tokens": 1000, "output_tokens": 10, "duration_ms": 1500, "made_utc": at}
    with_rows(path, "memory_titles", {"thread_id": work, "author": "gpt-4o-mini", **made})
    gone = [("thread", "t9"), ("turn", "u8"), ("turn", "u9"), ("content", "c1")]
    with_rows(path, "memory_tombstones", *({"kind": kind, "id": id_, "deleted_utc": at} for kind, id_ in gone))


@pytest.fixture(name="many", scope="module")
def _many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of work with many prompts."""
    path = tmp_path_factory.mktemp("many") / "logs.db"
    write_many(path)
    return path


@pytest.mark.parametrize("written", ["full", "many"])
def test_a_query_can_be_limited_to_a_project(written: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """With a project, each query has only rows of its sessions: those of an empty project are those of an empty log."""
    path = request.getfixturevalue(written)
    given = {"q": "days", "session": "WORK ", "exchange": "3", "days": "", "group": "piers", "fragment": "notes.txt"}
    members = {"work"} if written == "full" else {"draft", "draft-b", "unused"}
    empty(tmp_path / "logs.db")
    wrong: dict[str, object] = {}
    with opened(path) as log, opened(tmp_path / "logs.db") as nothing:
        for query in QUERIES:
            if query.whole:
                with pytest.raises(SessionError, match="can't be limited to a project"):
                    answered(log, query, given, "bridge")
                continue
            of_bridge = _who(*answered(log, query, given, "bridge"))
            if {value for column, value in of_bridge if column == "session"} - members:
                wrong[query.short_name] = of_bridge
            rows = answered(log, query, given, "empty")[1]
            if rows != answered(nothing, query, given)[1]:
                wrong[query.short_name] = rows
    assert wrong.keys() == {"projects"}


def _who(columns: list[str], rows: list[tuple[object, ...]]) -> set[tuple[str, object]]:
    """Return which sessions and threads rows are about."""
    found = [name for name in ("session", "thread_id") if name in columns]
    return {(name, row[columns.index(name)]) for row in rows for name in found}


def test_every_query_finds_what_is_known_to_be_in_the_log(full: Path, many: Path) -> None:
    """On a log that has one of everything, every query returns rows, except perhaps the list of inactive sessions.

    Those of the log of many prompts are compared, without ids. They were read against what `write_many` writes. After a
    change that was meant: UPDATE_SNAPSHOTS=1 python -m pytest tests/insight/test_queries.py
    """
    given = {"q": "days", "session": "WORK ", "exchange": "3"}
    asked = {"q": "pier", "session": "draft", "exchange": "1", "day": "2026-09-11", "fragment": "notes.txt"}
    asked |= {"group": "PIERS"}
    more = {
        "cost_with_another_model": {"model": "gpt-4o"},
        "search_tool_results": {"q": "tide"},
        "resumed": {"days": ""},
    }
    found: dict[str, list[str]] = {}
    nothing = set()
    with opened(many) as much, opened(full) as everything:
        for query in QUERIES:
            days = {"days": "99999" if "days" in query.sql else ""}
            found[query.short_name] = _shown(*answered(much, query, asked | days | more.get(query.short_name, {})))
            if not found[query.short_name] and not answered(everything, query, given | days)[1]:
                nothing.add(query.short_name)
    assert nothing <= {"inactive_sessions", "cost_this_month"}
    if os.environ.get("UPDATE_SNAPSHOTS"):
        FOUND.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert found == json.loads(FOUND.read_text("utf-8"))


FOUND = Path(__file__).parent / "found_in_many.json"


def _shown(columns: list[str], rows: list[tuple[object, ...]]) -> list[str]:
    """Return rows as text, without ids, which differ from run to run; lists of models have no order."""
    ids = re.compile(r"(.*_)?(thread_id|turn_id)|recalled_by")
    kept = [place for place, name in enumerate(columns) if not ids.fullmatch(name)]
    return [
        " | ".join(
            ",".join(sorted(str(row[place]).split(","))) if "models" in columns[place] else str(row[place])
            for place in kept
        )
        for row in rows
    ]


def test_the_cost_of_this_month_is_carried_on_to_its_end(tmp_path: Path) -> None:
    """The cost so far is divided by the days so far and multiplied by those of the month."""
    path = tmp_path / "logs.db"
    now = datetime.now(timezone.utc)
    with LogBuilder(path) as log:
        log.turns(log.thread(), Said("Hello?", tokens=(1_000_000, 0), at=now), model="gpt-4o-mini")
    query = named("cost_this_month")
    assert query is not None
    ((month, dollars, a_day, at_this_rate, before),) = run(path, query, {})[1]
    whole = calendar.monthrange(now.year, now.month)[1]
    assert (month, dollars, before) == (f"{now:%Y-%m}", 0.15, None)
    assert (a_day, at_this_rate) == (round(0.15 / now.day, 4), round(0.15 / now.day * whole, 4))


FIGURES: list[tuple[str, dict[str, str], list[tuple[object, ...]]]] = [
    ("tokens_a_day", {}, [("2026-09-01", 13, 3600 + 14 + 5, 80 + 6 + 2)]),
    ("latency_by_model", {}, [("gpt-4o-mini", 11, 3.0, 8.0, 8.0, 8.0), ("scripted", 2, 0.8, 0.8, 0.8, 0.8)]),
    ("exchanges_per_session", {}, [("named sessions", 1, 8.0, 8, 8, 8), ("unnamed conversations", 2, 1.5, 1, 2, 2)]),
    ("repeated_prompts", {}, [("When?", 9, 5)]),
    ("failed_prompts", {}, [("2026-09-01", "gpt-4o-mini", 1, 0)]),
    ("recall_hits", {}, [("work", 1, 1, 48, 2.5, 7.0)]),
    ("error_rate", {}, [("gpt-4o-mini", 8, 1, 11.1)]),
    ("server_cuts", {}, [("work", 7, "gpt-4o-mini", 700, 2130, 8192, "certain: halved")]),
    ("weekly_activity", {}, [("2026-08-31", 1, 3, 13, 3619, 88)]),
    ("input_growth", {"most": "2"}, [(1, 3, 37.0, 100.0, 6.0), (2, 2, 104.0, 200.0, 7.0)]),
    (
        "pruning_by_exchange",
        {"most": "4"},
        [
            (1, 2, 150.0, 150.0),
            (3, 2, 350.0, 350.0),
            (5, 2, 550.0, 550.0),
            (7, 2, 750.0, 750.0),
        ],
    ),
    ("tokens_saved", {}, [("2026-09-01", 8, 3600, 3600, 0, 0.0, 55)]),
    ("tokens_saved", {"until": "2026-08-31"}, []),
    ("recall_a_day", {}, [("2026-09-01", 8, 1, 12.5, 1, 48)]),
    (
        "session_lengths",
        {},
        [
            ("1", 0, 1),
            ("2", 0, 1),
            ("3 to 5", 0, 0),
            ("6 to 10", 1, 0),
            ("11 to 20", 0, 0),
            ("21 to 50", 0, 0),
            ("51 to 100", 0, 0),
            ("101 to 1,000", 0, 0),
            ("more than 1,000", 0, 0),
        ],
    ),
    ("rating_by_model", {}, [("gpt-4o-mini", 4, 1, 1, 2, 4.0, 66.7)]),
    ("ratings", {"mark": "down"}, [("down", "why", "work", "gpt-4o-mini", "When?")]),
    ("fragments_used", {}, [("notes.txt", 1, 10)]),
    ("system_prompts", {}, [("Be brief.", 1, 9)]),
    ("projects", {}, [("Bridge", 1, 1, 8, 3600, 80, 0.0006, 2.0), ("empty", 0, 0, 0, None, None, None, None)]),
    ("forks", {}, [("work", 1, "The notes. Tide?", "work"), ("work", 2, None, "The notes. Tide?")]),
    ("snapshots", {"session": "work"}, [("Half", "work")]),
    ("snapshots", {"session": "other"}, []),
    ("undone", {}, [("2026-09-02T08:00:00+00:00", "work")]),
    ("archived", {}, [("work", "Bridge", "2026-09-02T08:00:00+00:00")]),
    ("deleted_a_day", {}, [("2026-09-02", 1, 2)]),
    ("title_costs", {}, [("gpt-4o-mini", 1, 1000, 10, 1.5, 0.0002)]),
]


def test_the_figures_are_right(full: Path) -> None:
    """A query's figures match those worked out by hand."""
    wrong = {}
    for name, given, expected in FIGURES:
        query = named(name)
        assert query is not None
        _, rows = run(full, query, given)
        found = [row[: len(wanted)] for row, wanted in zip(rows, expected, strict=False)]
        if found != expected or len(rows) != len(expected):
            wrong[name] = rows
    assert wrong == {}


def test_sent_messages_are_in_order(full: Path) -> None:
    """The messages sent at an exchange begin with the oldest one of the request and end with its prompt."""
    query = named("sent_at_exchange")
    assert query is not None
    _, rows = run(full, query, {"session": "work", "exchange": "6"})
    assert [(row[1], row[3]) for row in rows] == [
        ("user", "When?"),
        ("assistant", "In 5 days."),
        ("user", "When?"),
    ]


def test_stand_ins_have_the_columns_of_real_tables(full: Path) -> None:
    """The empty stand-in for a missing table has columns that the real table has."""
    connection = sqlite3.connect(full)
    there = {row[0] for row in connection.execute("select name from sqlite_master")}
    for table, columns in COLUMNS.items():
        if table in there and not table.endswith("_fts"):
            names = {row[1] for row in connection.execute(f"pragma table_info({table})")} | {"rowid"}
            assert set(columns.split()) <= names, table
    connection.close()
