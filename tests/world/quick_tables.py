"""llm's tables in a new log at once: made by llm's own migrations once per process, then copied.

llm applies 30 migrations to a new log, which takes a third of a second, longer than most tests that need one.
A log that has any table goes through llm's migrations as usual.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache

from llm import migrations
from sqlite_utils import Database

ensure_migrations_table: Callable[[Database], None] = migrations.ensure_migrations_table
"""llm's own."""


def install() -> None:
    """Give a new log its tables before llm migrates it in this process."""
    migrations.ensure_migrations_table = _tables_at_once


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
def _made() -> tuple[list[str], list[tuple[str, str]]]:
    """Return the statements that create llm's tables as its migrations leave them, and the rows that record those."""
    db = Database(memory=True)
    ensure_migrations_table(db)
    migrations.migrate(db)
    shadows = {f"{name}_{part}" for name in _full_text(db) for part in ("data", "idx", "content", "docsize", "config")}
    found = db.execute("select name, sql from sqlite_master where sql is not null order by rowid").fetchall()
    applied = db.execute("select name, applied_at from _llm_migrations order by rowid").fetchall()
    db.close()
    return [sql for name, sql in found if name not in shadows], applied


def _full_text(db: Database) -> list[str]:
    """Return the names of the full-text indexes, which create their own tables."""
    return [name for (name,) in db.execute("select name from sqlite_master where sql like 'create virtual table%'")]
