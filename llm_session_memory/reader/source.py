"""A log as it is read for one visitor: a connection, and the tables that are there and open to them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .tables import completed, statement

_STEPS = 20_000
"""SQLite's steps between two looks at the clock."""


class TooSlow(Exception):
    """Reading took longer than it may."""


@dataclass(frozen=True)
class Source:
    """What the reader's functions read from. `log` tells this log from all others, for what is kept between pages.

    `version` tells the log from itself before and after any writing; None where that can't be told.
    """

    connection: Any
    tables: frozenset[str]
    log: str
    version: Callable[[], Hashable | None] = lambda: None

    def rows(self, name: str, /, **given: Any) -> list[dict[str, Any]]:
        """Return all rows of a statement, given the name of its file."""
        return self._run(statement(name, self.tables), given)

    def first(self, name: str, /, **given: Any) -> dict[str, Any] | None:
        """Return the first row of a statement, given the name of its file; None where there is none."""
        found = self._run(statement(name, self.tables), given)
        return found[0] if found else None

    def tuples(self, name: str, /, **given: Any) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a statement as they come, for those that are read by the ten thousands."""
        rows: Iterator[tuple[Any, ...]] = self.connection.execute(statement(name, self.tables), given)
        return rows

    def query(self, sql: str, /, **given: Any) -> list[dict[str, Any]]:
        """Return all rows of a statement that is short enough to stand where it is run."""
        return self._run(completed(sql, self.tables), given)

    def value(self, sql: str, /, **given: Any) -> Any:
        """Return the first column of the first row of a short statement; None where there is none."""
        values = self.connection.execute(completed(sql, self.tables), given).fetchone()
        return None if values is None else values[0]

    def answer(self, sql: str, given: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return columns and rows of a whole statement, such as a canned query: run as it is."""
        cursor = self.connection.execute(sql, given)
        return [column[0] for column in cursor.description], cursor.fetchall()

    @contextmanager
    def hurried(self, seconds: float) -> Iterator[None]:
        """End what is read within, if it takes longer. Raises TooSlow."""
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
        cursor = self.connection.execute(sql, given)
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, values, strict=True)) for values in cursor]


def ids(values: Iterable[str]) -> str:
    """Return ids as the JSON array that our statements take them in."""
    return json.dumps(list(values))
