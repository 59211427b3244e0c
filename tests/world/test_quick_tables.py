"""A log whose tables are made at once is the same as one that llm's migrations make."""

from __future__ import annotations

import pytest
from llm import migrations
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from llm_session_memory.store import schema
from tests.world import quick_tables


def _content(db: Database) -> dict[str, object]:
    tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table' order by name")]
    applied = [name for (name,) in db.execute("select name from _llm_migrations order by rowid")]
    rows = {name: db.execute(f"select count(*) from [{name}]").fetchone()[0] for name in tables}
    made = db.execute("select type, name, tbl_name, sql from sqlite_master order by type, name").fetchall()
    return {"made": made, "applied": applied, "rows": rows}


def _record(db: Database) -> list[tuple[str, str]]:
    return list(db.execute("select migration_set, name from _sqlite_migrations order by rowid"))


def test_it_is_what_llms_migrations_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables, indexes, triggers, rows and the record of migrations are the same."""
    quick, slow = Database(memory=True), Database(memory=True)
    quick_tables.install()
    migrations.migrate(quick)
    monkeypatch.setattr(migrations, "ensure_migrations_table", quick_tables.ensure_migrations_table)
    migrations.migrate(slow)
    assert _content(quick) == _content(slow)


def test_our_tables_are_what_our_migrations_make() -> None:
    """Our tables, indexes, views, rows and the record of our migrations are the same."""
    quick, slow = Database(memory=True), Database(memory=True)
    quick_tables.install()
    for db, apply in ((quick, Migrations.apply), (slow, quick_tables.apply)):
        migrations.migrate(db)
        apply(schema.migrations(), db)
    assert _content(quick) == _content(slow)
    assert _record(quick) == _record(slow)


def test_a_log_with_some_of_our_tables_goes_through_our_migrations() -> None:
    """A log with tables of an earlier version gets the missing ones, and nothing of it is lost."""
    db = Database(memory=True)
    migrations.migrate(db)
    quick_tables.apply(schema.migrations(), db, stop_before="002_memory")
    db.execute("insert into memory_pins (thread_id, turn_id, pinned_utc) values ('a', 'b', 'c')")
    Migrations.apply(schema.migrations(), db)
    assert db["memory_pins"].count == 1
    assert len(_record(db)) == len(schema.migrations().pending(Database(memory=True)))


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
