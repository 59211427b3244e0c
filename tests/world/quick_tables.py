"""llm's tables and ours in a new log at once: made by the migrations once per process, then copied.

llm applies 30 migrations to a new log, which takes a third of a second, longer than most tests that need one; ours take
a hundredth. A log that has any table goes through llm's migrations as usual, and through ours if it has any of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from typing import Any

from llm import migrations
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from llm_session_memory.store import schema
from llm_session_memory.store.schema import MIGRATION_SET

ensure_migrations_table: Callable[[Database], None] = migrations.ensure_migrations_table
"""llm's own."""

apply = Migrations.apply
"""sqlite-utils' own."""


def install() -> None:
    """Give a new log its tables before llm migrates it in this process, and ours before we do."""
    migrations.ensure_migrations_table = _tables_at_once
    Migrations.apply = _apply  # type: ignore[method-assign]


def _apply(self: Migrations, db: Database, **more: Any) -> None:
    """Create all our tables in a log that has none of ours, and the record of our migrations."""
    ours = db.execute("select 1 from sqlite_master where name glob 'memory_*' or name = '_sqlite_migrations'")
    if self.name == MIGRATION_SET and not more and ours.fetchone() is None:
        statements, applied = _ours()
        with nullcontext() if db.conn.in_transaction else db.atomic():
            for statement in statements:
                db.execute(statement)
            db.conn.executemany("insert into _sqlite_migrations values (?, ?, ?, ?)", applied)
    apply(self, db, **more)


def _tables_at_once(db: Database) -> None:
    """Create all tables of an empty log and the record of llm's migrations; then let llm check them."""
    if _is_empty(db):
        statements, applied = _made()
        with nullcontext() if db.conn.in_transaction else db.atomic():
            for statement in statements:
                db.execute(statement)
            db.conn.executemany("insert into _llm_migrations values (?, ?)", applied)
    ensure_migrations_table(db)


def _is_empty(db: Database) -> bool:
    return db.execute("select 1 from sqlite_master limit 1").fetchone() is None


@cache
def _ours() -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the statements that create our tables as our migrations leave them, and the rows that record those."""
    db = Database(memory=True)
    migrations.migrate(db)
    theirs = set(db.execute("select name from sqlite_master"))
    apply(schema.migrations(), db)
    shadows = _shadows(db)
    found = db.execute("select name, sql from sqlite_master where sql is not null order by rowid").fetchall()
    applied = db.execute("select * from _sqlite_migrations order by rowid").fetchall()
    db.close()
    return [sql for name, sql in found if name not in shadows and (name,) not in theirs], applied


@cache
def _made() -> tuple[list[str], list[tuple[str, str]]]:
    """Return the statements that create llm's tables as its migrations leave them, and the rows that record those."""
    db = Database(memory=True)
    ensure_migrations_table(db)
    migrations.migrate(db)
    shadows = _shadows(db)
    found = db.execute("select name, sql from sqlite_master where sql is not null order by rowid").fetchall()
    applied = db.execute("select name, applied_at from _llm_migrations order by rowid").fetchall()
    db.close()
    return [sql for name, sql in found if name not in shadows], applied


def _shadows(db: Database) -> set[str]:
    """Return the names of the tables that SQLite and its full-text indexes create themselves."""
    indexes = db.execute("select name from sqlite_master where sql like 'create virtual table%'").fetchall()
    parts = ("data", "idx", "content", "docsize", "config")
    return {"sqlite_sequence", *(f"{name}_{part}" for (name,) in indexes for part in parts)}
