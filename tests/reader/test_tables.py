"""Rules of what is said about the tables of a log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from llm_session_memory.reader.tables import COLUMNS, present


def test_what_is_present_is_what_the_schema_says_now(tmp_path: Path) -> None:
    """A column or table that is added, and another schema with the same names, are noticed by the next question."""
    with closing(sqlite3.connect(tmp_path / "logs.db")) as log, closing(sqlite3.connect(":memory:")) as other:
        for connection in (log, other):
            connection.execute("create table conversations (id text, name text)")
        assert present(log) == present(other) == {"conversations", "conversations without model"}
        log.execute("alter table conversations add column model text")
        assert present(log) == {"conversations"}
        assert present(other) == {"conversations", "conversations without model"}
        other.executescript("drop table conversations; create view conversations as select 1 as id, 2 as model")
        assert present(other) == {"conversations", "conversations without name"}
        log.execute("create table turn_fragments (turn_id text)")
        lacking = {f"turn_fragments without {column}" for column in COLUMNS["turn_fragments"].split()[1:]}
        assert present(log) == {"conversations", "turn_fragments"} | lacking
        log.execute("alter table conversations rename column name to title")
        assert "conversations without name" in present(log)


def test_the_tables_of_many_schemas_are_told_apart() -> None:
    """However many logs are open, each keeps its own answer."""
    with closing(sqlite3.connect(":memory:")) as log:
        for number in range(50):
            log.execute(f"create table other_{number} (id integer)")
            assert present(log) == {f"other_{one}" for one in range(number + 1)}
