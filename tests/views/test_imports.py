"""The direction of imports in the views, where SQL is run, and what may be missing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent / "datasette_session_views"
MODULES = sorted(ROOT.rglob("*.py"))
STDLIB = sys.stdlib_module_names

PURE = (
    *("visible", "code", "markup", "pages", "prices", "showing", "links", "functions", "catalogue"),
    *("replay", "moments", "scenes", "filling", "casting", "sent", "showing_context"),
    *("showing_window", "showing_items", "showing_replay", "charts", "drawing", "panels"),
)
"""Modules that know neither Datasette nor SQL (links aside, which is handed a Datasette)."""

ALSO = {"links": {"compat"}, "catalogue": {"reader"}}
"""What of ours a pure module may import that is not pure: how Datasette writes addresses, which tables SQL reads."""

OUTSIDE = {
    "__init__": {"pluggy"},
    "compat": {"datasette"},
    "markup": {"markdown_it"},
    "prices": {"genai_prices"},
    "pages": {"llm_session_memory"},
    "rating": {"llm_session_memory"},
    "stock": {"markupsafe"},
}
"""What a module may import that is not the standard library's or ours."""


def imported(path: Path) -> set[str]:
    """The packages that a module imports from outside, at its top and inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
    return {name for name in found if name not in STDLIB}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_module_imports_only_what_it_may(path: Path) -> None:
    """Datasette is imported in compat alone, llm nowhere, and each library where its work is done."""
    assert imported(path) <= OUTSIDE.get(path.stem, set())


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_import_only_pure_ones(name: str) -> None:
    """What makes values and markup knows neither the reader nor the routes."""
    tree = ast.walk(ast.parse((ROOT / f"{name}.py").read_text("utf-8")))
    ours = {(node.module or "").split(".")[0] for node in tree if isinstance(node, ast.ImportFrom) and node.level}
    assert ours <= {*PURE, *ALSO.get(name, ())}


def test_what_is_known_of_the_llm_plugin() -> None:
    """What is written of a rating is written by the plugin's own code, and its words are its model's; nothing else."""
    knowing = [path.relative_to(ROOT).as_posix() for path in MODULES if "llm_session_memory" in imported(path)]
    assert knowing == ["pages.py", "rating.py"]


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent.name != "reader"], ids=lambda p: p.stem)
def test_only_the_reader_runs_sql(path: Path) -> None:
    """Outside of the reader no module runs a statement on a log; compat writes to Datasette's own table of queries."""
    calls = [
        node.attr
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("execute", "executescript", "executemany", "fetchall")
    ]
    assert calls == []


@pytest.mark.parametrize("path", [p for p in MODULES if p.stem != "compat"], ids=lambda p: p.stem)
def test_only_compat_knows_which_datasette_it_is(path: Path) -> None:
    """No other module asks for a version; where a thing exists on one side only, compat says so."""
    text = path.read_text("utf-8")
    assert not re.search(r"__version__|hasattr\(datasette|versioninfo", text)


@pytest.mark.parametrize("module", ["catalogue", "reader.running", "prices", "rating", "__init__"])
def test_queries_can_be_read_where_there_is_no_datasette(module: str) -> None:
    """What the command line uses of the views imports neither Datasette nor llm."""
    name = "datasette_session_views" if module == "__init__" else f"datasette_session_views.{module}"
    program = f"import sys; sys.modules['datasette'] = sys.modules['llm'] = None; import {name}"
    subprocess.run([sys.executable, "-c", program], check=True)
