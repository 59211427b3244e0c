"""The tables of a new log at once, llm's and ours: made by the migrations once per process, then copied.

llm applies 30 migrations to a new log, which takes a third of a second, and ours take a fortieth: longer than most
tests that need them. A log that has any table of llm's, or any of ours, goes through the migrations as usual.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import cache, wraps
from typing import Any

import sqlite_utils.migrations
from llm import migrations
from sqlite_utils import Database

from llm_session_memory.llm_seam import tables
from llm_session_memory.store import schema
from llm_session_memory.store.log import Log

ensure_migrations_table: Callable[[Database], None] = migrations.ensure_migrations_table
"""llm's own."""

_USUAL = {"page_size": 4096, "auto_vacuum": 0}
"""A file that nothing was chosen for, so that it may become a copy of another."""


class Migrations(sqlite_utils.migrations.Migrations):
    """A set of migrations; ours give a log without any table of ours all of them at once."""

    def apply(self, db: Database, *, stop_before: str | Iterable[str] | None = None) -> None:
        """Apply the pending migrations."""
        if self.name == schema.MIGRATION_SET and not stop_before and not _has_ours(db):
            with nullcontext() if db.conn.in_transaction else db.atomic():
                self.ensure_migrations_table(db)
                for statement in _ours():
                    db.conn.execute(statement)
                for name in schema.names():
                    self._record_applied(db, name)
        super().apply(db, stop_before=stop_before)


slow_migrations = sqlite_utils.migrations.Migrations
"""sqlite-utils' own."""

_SLOW = tables.migrated, Log.migrate
"""Ours, as they are without this module."""


def install() -> None:
    """Give a new log its tables before llm migrates it in this process, and before we do.

    It is called before other modules have imported `migrated`. Called again, it changes nothing.
    """
    migrations.ensure_migrations_table = _tables_at_once
    sqlite_utils.migrations.Migrations = Migrations  # type: ignore[misc]
    llms, ours = _SLOW
    tables.migrated = _first(_become_llms, llms)  # type: ignore[assignment]
    Log.migrate = _first(_become_ours, ours)  # type: ignore[assignment, method-assign]


def prepare() -> None:
    """Make what is copied now: forks of this process then have it."""
    _both()
    _rowless()


def _first(become: Callable[[Database], None], migrate: Callable[[Log], None]) -> Callable[[Log], None]:
    """Return what migrates a log, outside a transaction: with a copy of another log first, if it has nothing yet.

    A copy takes a tenth of the time that the statements take, and can't be made within a transaction.
    """

    @wraps(migrate)
    def migrated(log: Log) -> None:
        with log.sentences():
            if not log.database.conn.in_transaction:
                become(log.database)
        migrate(log)

    return migrated


def _become_llms(db: Database) -> None:
    """Give an empty log llm's tables."""
    if _is_new(db):
        _made().conn.backup(db.conn)


def _become_ours(db: Database) -> None:
    """Give a log with llm's tables, and without a row in them, ours."""
    names, rows = _rowless()
    if _is_usual(db) and _names(db) == names and db.execute(rows).fetchone() is None:
        _both().conn.backup(db.conn)


def _tables_at_once(db: Database) -> None:
    """Create all tables of an empty log and the record of llm's migrations; then let llm check them."""
    if not db.conn.in_transaction:
        _become_llms(db)
    if _is_empty(db):
        statements, applied = _llms()
        with nullcontext() if db.conn.in_transaction else db.atomic():
            for statement in statements:
                db.execute(statement)
            db.conn.executemany("insert into _llm_migrations values (?, ?)", applied)
    ensure_migrations_table(db)


def _is_new(db: Database) -> bool:
    return _is_empty(db) and _is_usual(db)


def _is_usual(db: Database) -> bool:
    return all(db.conn.execute(f"pragma {name}").fetchone()[0] == value for name, value in _USUAL.items())


def _is_empty(db: Database) -> bool:
    return db.execute("select 1 from sqlite_master limit 1").fetchone() is None


def _has_ours(db: Database) -> bool:
    found = db.execute("select 1 from sqlite_master where name like 'memory_%' or name = '_sqlite_migrations' limit 1")
    return found.fetchone() is not None


@cache
def _made() -> Database:
    """Return a log in memory as llm's migrations leave a new one."""
    db = Database(sqlite3.connect(":memory:", check_same_thread=False))
    ensure_migrations_table(db)
    migrations.migrate(db)
    return db


@cache
def _both() -> Database:
    """Return a log in memory as llm's migrations and ours leave a new one."""
    db = Database(sqlite3.connect(":memory:", check_same_thread=False))
    _made().conn.backup(db.conn)
    schema.migrations().apply(db)
    return db


def _names(db: Database) -> set[str]:
    return {name for (name,) in db.execute("select name from sqlite_master")}


@cache
def _rowless() -> tuple[set[str], str]:
    """Return the names of all that llm's migrations make, and a query that finds a row in one of its tables."""
    found = _made().execute("select name from sqlite_master where type = 'table' and sql not like 'create virtual%'")
    own = [name for (name,) in found if not name.startswith(("_llm_migrations", "sqlite_")) and "_fts" not in name]
    return _names(_made()), " union all ".join(f"select 1 from [{name}]" for name in own) + " limit 1"


@cache
def _llms() -> tuple[list[str], list[tuple[str, str]]]:
    """Return the statements that create llm's tables as its migrations leave them, and the rows that record those."""
    applied = _made().execute("select name, applied_at from _llm_migrations order by rowid").fetchall()
    return _statements(_made()), applied


@cache
def _ours() -> list[str]:
    """Return the statements that create our tables as the migrations leave them."""
    db = Database(memory=True)
    slowly = schema.migrations()
    db.execute("create table memory_of_none (id integer)")  # else this would be asked again
    slowly.apply(db)
    db.execute("drop table memory_of_none")
    found = [one for one in _statements(db) if "_sqlite_migrations" not in one]
    db.close()
    return found


def _statements(db: Database) -> list[Any]:
    """Return the statements that create all that a database has, but for what full-text indexes create themselves."""
    found = db.execute("select name, sql from sqlite_master where sql is not null order by rowid").fetchall()
    indexes = [name for name, sql in found if sql.lower().startswith("create virtual table")]
    shadows = {f"{name}_{part}" for name in indexes for part in ("data", "idx", "content", "docsize", "config")}
    return [sql for name, sql in found if name not in shadows and not name.startswith("sqlite_")]
