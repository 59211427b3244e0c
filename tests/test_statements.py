"""The folders of SQL: every name has one meaning, and every file is used."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from llm_session_memory.reader.tables import COLUMNS, OF_THE_STORE, statement
from llm_session_memory.store.schema import names as migrations
from llm_session_memory.store.schema import statement as of_the_store
from tests.imports import PACKAGES, ROOT

LAYERS = ("store", "reader")


def names_in(layer: str) -> set[str]:
    """Return the names of a layer's statements."""
    return {path.stem for path in (ROOT / PACKAGES[0] / layer / "sql").glob("*.sql")}


@cache
def words_of(layer: str) -> frozenset[str]:
    """Return the strings in a layer's own Python, because statements are named by a single string."""
    trees = (ast.parse(path.read_text("utf-8")) for path in (ROOT / PACKAGES[0] / layer).glob("*.py"))
    return frozenset(str(node.value) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))


def test_no_name_means_two_statements() -> None:
    """No two SQL files have the same name, canned queries included."""
    folders = [path for package in PACKAGES for path in (ROOT / package).rglob("*.sql")]
    names = [path.stem for path in folders]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("layer", LAYERS)
def test_every_statement_is_run_by_its_own_layer(layer: str) -> None:
    """Each file is named by the layer whose folder it is in, or is a migration, which is found by its number."""
    assert names_in(layer) <= {*words_of(layer), *migrations()}


def test_what_the_reader_borrows_belongs_to_the_store() -> None:
    """Statements that both layers run are files of the store; the reader runs them unchanged if all tables exist."""
    assert names_in("store") >= OF_THE_STORE
    assert words_of("reader") >= OF_THE_STORE


def test_no_layer_finds_a_file_of_another_by_its_path() -> None:
    """A layer's Python names only its own folder."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    naming = {path.relative_to(ROOT) for path in paths if '/ "sql"' in path.read_text("utf-8")}
    assert naming == {
        Path(PACKAGES[0], "store", "schema.py"),
        Path(PACKAGES[0], "reader", "tables.py"),
        Path(PACKAGES[0], "remotes", "postgres", "server.py"),
    }


def test_a_borrowed_statement_is_the_same_text() -> None:
    """If all tables exist, the reader runs what the store runs."""
    for name in OF_THE_STORE:
        assert statement(name, frozenset(COLUMNS)) == of_the_store(name)
