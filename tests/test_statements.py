"""The folders of SQL: one meaning a name, and nothing in them that nobody runs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from llm_session_memory.reader.tables import COLUMNS, OF_THE_STORE, statement
from llm_session_memory.store.schema import statement as of_the_store
from tests.imports import PACKAGES, ROOT

LAYERS = ("store", "reader")


def names_in(layer: str) -> set[str]:
    """Return the names of a layer's statements."""
    return {path.stem for path in (ROOT / PACKAGES[0] / layer / "sql").glob("*.sql")}


def words_of(layer: str) -> set[str]:
    """Return the strings in a layer's own Python: a statement is asked for by its name, in one piece."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / PACKAGES[0] / layer).glob("*.py")]
    return {str(node.value) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def test_no_name_means_two_statements() -> None:
    """No file in one layer's folder has the name of one in another's, nor that of a canned query."""
    folders = [path for package in PACKAGES for path in (ROOT / package).rglob("*.sql")]
    names = [path.stem for path in folders]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("layer", LAYERS)
def test_every_statement_is_run_by_its_own_layer(layer: str) -> None:
    """Each file is asked for by the layer whose folder it is in."""
    assert names_in(layer) <= words_of(layer)


def test_what_the_reader_borrows_belongs_to_the_store() -> None:
    """Statements that both layers run are files of the store, run by the reader as they are if all tables are there."""
    assert names_in("store") >= OF_THE_STORE
    assert words_of("reader") >= OF_THE_STORE


def test_no_layer_finds_a_file_of_another_by_its_path() -> None:
    """Only its own folder is named in a layer's Python."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    naming = {path.relative_to(ROOT) for path in paths if '/ "sql"' in path.read_text("utf-8")}
    assert naming == {Path(PACKAGES[0], "store", "schema.py"), Path(PACKAGES[0], "reader", "tables.py")}


def test_a_borrowed_statement_is_the_same_text() -> None:
    """If all tables are there, the reader runs what the store runs."""
    for name in OF_THE_STORE:
        assert statement(name, frozenset(COLUMNS)) == of_the_store(name)
