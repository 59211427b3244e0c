"""A log as one visitor may see it, for the store's functions: locked or missing tables have no rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..store import Log
from .source import Source
from .tables import completed


class SeenLog(Log):
    """A log that reads what a source's visitor may see, and never writes."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.path = Path(source.log)
        self.answers = {}

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return all rows as dictionaries."""
        cursor = self._run(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def stream(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield rows as tuples, one at a time."""
        yield from self._run(sql, parameters)

    def tuples(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return all rows as tuples."""
        found: list[tuple[Any, ...]] = self._run(sql, parameters).fetchall()
        return found

    def value(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the first value of the first row, or None."""
        found = self._run(sql, parameters).fetchone()
        return found[0] if found else None

    def columns(self, table: str) -> frozenset[str]:
        """Return the names of a table's columns, or nothing if the visitor may not see it."""
        return self._columns(table) if table in self.source.tables else frozenset()

    def has_sessions(self) -> bool:
        """Return whether the log has a table of sessions that the visitor may see."""
        return bool(self.columns("memory_sessions"))

    def _run(self, sql: str, parameters: Mapping[str, Any] | None) -> Any:
        return self.source.connection.execute(completed(sql, self.source.tables), dict(parameters or {}))

    def _columns(self, table: str) -> frozenset[str]:
        rows = self.source.connection.execute("select name from pragma_table_info(?)", (table,))
        return frozenset(row[0] for row in rows)
