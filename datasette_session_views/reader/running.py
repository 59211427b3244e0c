"""Running a canned query on a log by its path, for the command line: read-only, with our SQL functions."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..catalogue import Query
from ..functions import register, register_escape
from .tables import present


def run(path: Path, query: Query, given: Mapping[str, str]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return columns and rows of a query; parameters that are not given are empty. Raises sqlite3.Error."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        connection.text_factory = lambda raw: str(raw, "utf-8", "replace")
        register(connection)
        register_escape(connection)
        asked = {name: given.get(name, "") for name, _ in query.parameters}
        cursor = connection.execute(query.text(present(connection)), asked)
        return [column[0] for column in cursor.description], cursor.fetchall()
    finally:
        connection.close()
