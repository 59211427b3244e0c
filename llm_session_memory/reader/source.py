"""A log as one visitor may read it: a connection, and the tables that exist and that the visitor may see."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..rules.safe_text import bindable
from .tables import completed, statement

_STEPS = 20_000
"""SQLite's steps between two checks of the clock."""


class TooSlow(Exception):
    """Reading took longer than its time limit."""


@dataclass(frozen=True)
class Source:
    """The log that the reader's functions read. `log` identifies it in the cache.

    `version` returns a value that changes with every write to the log, or None if that can't be known.
    """

    connection: Any
    tables: frozenset[str]
    log: str
    version: Callable[[], Hashable | None] = lambda: None

    def rows(self, name: str, /, **given: Any) -> list[dict[str, Any]]:
        """Return all rows of the statement in the file `name`."""
        return self._run(statement(name, self.tables), given)

    def first(self, name: str, /, **given: Any) -> dict[str, Any] | None:
        """Return the first row of the statement in the file `name`, or None."""
        found = self._run(statement(name, self.tables), given)
        return found[0] if found else None

    def tuples(self, name: str, /, **given: Any) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of the statement in the file `name` one by one, for results of many thousand rows."""
        rows: Iterator[tuple[Any, ...]] = self.connection.execute(statement(name, self.tables), bindable(given))
        return rows

    def query(self, sql: str, /, **given: Any) -> list[dict[str, Any]]:
        """Return all rows of a short statement, given as text."""
        return self._run(completed(sql, self.tables), given)

    def column(self, sql: str, /, **given: Any) -> list[Any]:
        """Return the first column of all rows of a short statement, for results of many thousand rows."""
        return [values[0] for values in self.connection.execute(completed(sql, self.tables), bindable(given))]

    def value(self, sql: str, /, **given: Any) -> Any:
        """Return the first column of the first row of a short statement, or None."""
        values = self.connection.execute(completed(sql, self.tables), bindable(given)).fetchone()
        return None if values is None else values[0]

    def answer(self, sql: str, given: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the columns and rows of a complete statement, such as a canned query, run unchanged."""
        cursor = self.connection.execute(sql, bindable(given))
        return [column[0] for column in cursor.description], cursor.fetchall()

    @contextmanager
    def hurried(self, seconds: float) -> Iterator[None]:
        """Limit the time of the reading inside the block.

        Raises:
            TooSlow: the reading took longer than `seconds`.
        """
        until = time.monotonic() + seconds
        self.connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        try:
            yield
        except sqlite3.OperationalError as error:
            if "interrupt" not in str(error):
                raise
            raise TooSlow from error
        finally:
            self.connection.set_progress_handler(None, 0)

    def _run(self, sql: str, given: dict[str, Any]) -> list[dict[str, Any]]:
        cursor = self.connection.execute(sql, bindable(given))
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, values, strict=True)) for values in cursor]


def ids(values: Iterable[str]) -> str:
    """Return ids as a JSON array, the form that our statements expect."""
    return json.dumps(list(values))
