"""A log whose tables are made at once is the same as one that the migrations make."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlite_utils.migrations
from llm import migrations
from sqlite_utils import Database

from llm_session_memory.llm_seam import tables
from llm_session_memory.store import schema
from llm_session_memory.store.log import Log
from tests.world import quick_tables


def _content(db: Database) -> dict[str, object]:
    tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table' order by name")]
    applied = (
        [name for (name,) in db.execute("select name from _llm_migrations order by rowid")]
        if "_llm_migrations" in tables
        else []
    )
    rows = {name: db.execute(f"select count(*) from [{name}]").fetchone()[0] for name in tables}
    made = db.execute("select type, name, tbl_name, sql from sqlite_master order by type, name").fetchall()
    ours = [one.name for one in schema.migrations().applied(db)]
    return {"made": made, "applied": applied, "ours": ours, "rows": rows}


@pytest.mark.parametrize("in_transaction", [False, True])
def test_it_is_what_llms_migrations_make(monkeypatch: pytest.MonkeyPatch, *, in_transaction: bool) -> None:
    """Tables, indexes, triggers, rows and the record of migrations are the same."""
    quick, slow = Database(memory=True), Database(memory=True)
    quick_tables.install()
    if in_transaction:
        quick.begin()
    migrations.migrate(quick)
    monkeypatch.setattr(migrations, "ensure_migrations_table", quick_tables.ensure_migrations_table)
    migrations.migrate(slow)
    assert _content(quick) == _content(slow)


def test_it_is_what_our_migrations_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our tables, indexes, triggers, rows and the record of migrations are the same."""
    quick, slow = Database(memory=True), Database(memory=True)
    quick_tables.install()
    schema.migrations().apply(quick)
    monkeypatch.setattr(sqlite_utils.migrations, "Migrations", quick_tables.slow_migrations)
    schema.migrations().apply(slow)
    assert _content(quick) == _content(slow)


def test_a_log_with_tables_goes_through_llms_migrations() -> None:
    """A log that is not empty keeps its contents, and llm applies the missing migrations."""
    db = Database(memory=True)
    db.execute("create table mine (id integer)")
    migrations.migrate(db)
    assert {"mine", "turns", "responses"} <= set(db.table_names())


def test_a_transaction_that_is_open_stays_open() -> None:
    """A program that migrates inside a transaction can still roll everything back."""
    db = Database(memory=True)
    db.begin()
    migrations.migrate(db)
    db.rollback()
    assert db.table_names() == []


def test_a_file_keeps_what_was_chosen_for_it() -> None:
    """A new file whose pages shall have another size has it afterwards."""
    db = Database(memory=True)
    db.execute("pragma page_size = 8192")
    migrations.migrate(db)
    assert db.execute("pragma page_size").fetchone()[0] == 8192
    assert "turns" in db.table_names()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_copy_is_what_the_migrations_make(tmp_path: Path, journal: str) -> None:
    """A log in a file becomes a copy of one that the migrations made, first with llm's tables, then also with ours."""
    slow = Database(memory=True)
    quick_tables.ensure_migrations_table(slow)
    migrations.migrate(slow)
    quick = Database(tmp_path / "logs.db")
    quick.execute(f"pragma journal_mode = {journal}")
    log = Log(quick, tmp_path / "logs.db")
    tables.migrated(log)
    assert _content(quick) == _content(slow)
    quick_tables.slow_migrations.apply(schema.migrations(), slow)
    log.migrate()
    assert _content(quick) == _content(slow)
    assert quick.execute("pragma journal_mode").fetchone() == (journal,)
    log.close()


def test_a_log_with_a_row_does_not_become_a_copy(tmp_path: Path) -> None:
    """Whatever was logged before our tables were made is still there afterwards."""
    log = Log(Database(tmp_path / "logs.db"), tmp_path / "logs.db")
    tables.migrated(log)
    log.run("insert into fragments (hash, content) values ('0', 'A text.')")
    log.migrate()
    assert log.value("select content from fragments") == "A text."
    assert "memory_sessions" in log.database.table_names()
    log.close()
