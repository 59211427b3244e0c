"""A log whose tables are made at once is the same as one that llm's migrations make."""

from __future__ import annotations

import pytest
from llm import migrations
from sqlite_utils import Database

from tests.world import quick_tables


def _content(db: Database) -> dict[str, object]:
    tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table' order by name")]
    applied = [name for (name,) in db.execute("select name from _llm_migrations order by rowid")]
    rows = {name: db.execute(f"select count(*) from [{name}]").fetchone()[0] for name in tables}
    made = db.execute("select type, name, tbl_name, sql from sqlite_master order by type, name").fetchall()
    return {"made": made, "applied": applied, "rows": rows}


def test_it_is_what_llms_migrations_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables, indexes, triggers, rows and the record of migrations are the same."""
    quick, slow = Database(memory=True), Database(memory=True)
    quick_tables.install()
    migrations.migrate(quick)
    monkeypatch.setattr(migrations, "ensure_migrations_table", quick_tables.ensure_migrations_table)
    migrations.migrate(slow)
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
