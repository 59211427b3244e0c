"""A full-text index like the log's, of a few texts, for the rules that make its words and its queries."""

from __future__ import annotations

import sqlite3

from llm_session_memory.rules.terms import indexed
from llm_session_memory.store.schema import statement


def index_of(*texts: str) -> sqlite3.Connection:
    """Return an index with one text per row, numbered from 0."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(statement("004_words"))
    replace(connection, *texts)
    return connection


def replace(connection: sqlite3.Connection, *texts: str) -> None:
    """Replace the texts of an index."""
    connection.execute("insert into memory_words (memory_words) values ('delete-all')")
    rows = ((number, *indexed(text)) for number, text in enumerate(texts))
    connection.executemany("insert into memory_words (rowid, text, parts) values (?, ?, ?)", rows)


def rows(connection: sqlite3.Connection, expression: str) -> list[int]:
    """Return the numbers of the texts that an FTS5 expression finds."""
    found = connection.execute("select rowid from memory_words where memory_words match ?", (expression,))
    return [row[0] for row in found]
