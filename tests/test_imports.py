"""The direction of imports, what a start of llm loads, and where SQL is spoken."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from llm_session_memory import model
from llm_session_memory.llm_seam import options

HOUSE = "llm_session_memory"
ROOT = Path(__file__).parent.parent / HOUSE
STDLIB = sys.stdlib_module_names

PURE = (
    "errors",
    "names",
    "terminal",
    "model",
    "settings",
    "cuts",
    "tokens",
    "policies",
    "clipping",
    "fencing",
    "summaries",
    "context",
    "excerpts",
    "passages",
    "recall",
    "matching",
    "dates",
    "transcript",
)
"""The pure modules, each importing only those before it and the standard library."""

ALLOWED: dict[str, frozenset[str]] = {
    **{name: frozenset(PURE[:number]) for number, name in enumerate(PURE)},
    "": frozenset({"pluggy", "commands", "llm_seam", "demo", "tools", "fragments"}),
    "current": frozenset({"click", "llm"}),
    "summarising": frozenset({*PURE, "store"}),
    "schema": frozenset({*PURE, "sqlite_utils"}),
    "store": frozenset({*PURE, "schema", "sqlite_utils", "sqlite_vec"}),
    "windows": frozenset({"model", "llm_ollama"}),
    "nearness": frozenset({*PURE, "store"}),
    "recalling": frozenset({*PURE, "store"}),
    "snapshot": frozenset({*PURE, "store"}),
    "composer": frozenset({*PURE, "store", "recalling", "snapshot"}),
    "explaining": frozenset({*PURE, "composer"}),
    "searching": frozenset({*PURE, "store"}),
    "openlog": frozenset({*PURE, "store", "windows"}),
    "rating": frozenset({*PURE, "store", "openlog"}),
    "contexts": frozenset({*PURE, "store", "composer", "explaining", "openlog", "recalling", "snapshot", "windows"}),
    "keeping": frozenset({*PURE, "store", "openlog", "contexts", "searching", "interchange"}),
    "memory": frozenset({*PURE, "store", "keeping", "rating"}),
    "llm_seam": frozenset(
        {*PURE, "store", "composer", "recalling", "snapshot", "nearness", "current", "summarising", "memory", "windows"}
        | {"click", "llm", "pydantic"}
    ),
    "demo": frozenset({"windows", "click", "llm"}),
    "commands": frozenset(
        {*PURE, "memory", "llm_seam", "demo", "interchange", "datasette_session_views"}
        | {"click", "click_default_group", "tabulate"}
    ),
    "interchange": frozenset(
        {*PURE, "store", "keeping", "rating", "memory", "llm_seam", "llm", "condense_json", "markdown_it"}
    ),
    "tools": frozenset({"lookups", "llm"}),
    "lookups": frozenset({*PURE, "current", "memory", "click"}),
    "fragments": frozenset({*PURE, "current", "memory", "llm"}),
}
"""Who may import whom: each module or package of the house ("" is its `__init__`), at its top or inside functions."""

FOR_TYPES_ONLY: dict[str, frozenset[str]] = {
    "": frozenset({"click", "llm"}),
    "openlog": frozenset({"sqlite_utils", "typing_extensions"}),
    "keeping": frozenset({"memory"}),
}
"""What is imported for annotations alone, under TYPE_CHECKING, beyond the table above."""

ONLY_INSIDE_FUNCTIONS = {
    "": {"commands", "llm_seam", "demo", "tools", "fragments"},
    "current": {"click", "llm"},
    "tools": {"lookups"},
    "schema": {"sqlite_utils"},
    "store": {"sqlite_utils", "sqlite_vec"},
    "windows": {"llm_ollama"},
    "keeping": {"interchange"},  # which is built on memory: Memory.import_ and export only hand over to it
}
"""What would cost every start of llm, or may not be installed."""


@dataclass(frozen=True)
class Import:
    """One import: the room of the house that has it, what it imports, where, and how."""

    room: str
    target: str
    place: str
    typing_only: bool
    inside: bool


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    """The module or package directly under the house that a file belongs to."""
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py") if first != "__init__.py" else ""


def imports(path: Path) -> Iterator[Import]:
    def walk(node: ast.AST, *, typing_only: bool, inside: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            types = typing_only or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            within = inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for target in targets(child, path):
                place = f"{path.relative_to(ROOT)}:{getattr(child, 'lineno', 0)}"
                yield Import(room_of(path), target, place, types, within)
            yield from walk(child, typing_only=types, inside=within)

    yield from walk(ast.parse(path.read_text("utf-8")), typing_only=False, inside=False)


def targets(node: ast.AST, path: Path) -> Iterator[str]:
    """What a statement imports: rooms of the house by their name, other packages by theirs."""
    if isinstance(node, ast.Import):
        yield from (outside(alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = [HOUSE, *path.relative_to(ROOT).parent.parts]
        start = package[: len(package) - node.level + 1] if node.level else []
        whole = [*start, *(node.module.split(".") if node.module else [])]
        if whole[0] != HOUSE:
            yield outside(whole[0])
        elif len(whole) > 1:
            yield whole[1]
        else:
            yield from (alias.name for alias in node.names)


def outside(name: str) -> str:
    parts = name.split(".")
    return parts[1] if parts[0] == HOUSE and len(parts) > 1 else parts[0]


ALL = [found for path in modules() for found in imports(path)]


def allowed(found: Import) -> bool:
    may = ALLOWED[found.room] | (FOR_TYPES_ONLY.get(found.room, frozenset()) if found.typing_only else frozenset())
    return found.target in STDLIB or found.target in may or (found.target == found.room != "")


def test_the_walk_sees_imports_of_every_kind() -> None:
    """The walk that the other tests rest on finds imports at the top, inside functions, relative and for types."""
    seen = {(found.room, found.target, found.typing_only, found.inside) for found in ALL}
    assert ("store", "sqlite_utils", False, True) in seen
    assert ("store", "sqlite_utils", True, False) in seen
    assert ("contexts", "composer", False, False) in seen
    assert ("llm_seam", "memory", False, False) in seen
    assert ("commands", "llm_seam", False, False) in seen
    assert ("composer", "context", False, False) in seen


def test_every_room_has_its_line_in_the_table() -> None:
    """A new module or package must say what it may import before it imports anything."""
    assert {room_of(path) for path in modules()} <= ALLOWED.keys()


def test_imports_go_one_way() -> None:
    """Every module imports only what the table allows it, inside functions as well as at its top."""
    assert [found for found in ALL if not allowed(found)] == []


def test_nothing_imports_datasette_and_commands_only_the_queries_of_the_views() -> None:
    """The plugin for llm works where Datasette is not installed; the canned queries are one catalogue for both."""
    assert [found for found in ALL if found.target == "datasette"] == []
    views = [found for found in ALL if found.target == "datasette_session_views"]
    assert {found.room for found in views} == {"commands"}
    assert all(found.inside or found.typing_only for found in views)


def test_what_is_heavy_or_may_be_missing_is_imported_when_it_is_used() -> None:
    """Imports that cost every start of llm, or need another package, stand inside functions."""
    early = [
        found
        for found in ALL
        if found.target in ONLY_INSIDE_FUNCTIONS.get(found.room, ()) and not found.inside and not found.typing_only
    ]
    assert early == []


def test_the_start_of_llm_loads_almost_nothing_of_ours() -> None:
    """Starting llm loads our hooks and options, and none of the modules that do the work."""
    program = (
        "import sys, llm.cli\n"
        f"print(*sorted(name for name in sys.modules if name.split('.')[0] == {HOUSE!r}), sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        HOUSE,
        f"{HOUSE}.commands",
        f"{HOUSE}.llm_seam",
        f"{HOUSE}.llm_seam.options",
    ]


def test_a_prompt_of_plain_llm_loads_no_more_than_the_face_of_the_toolbox(tmp_path: Path) -> None:
    """llm asks for all toolboxes on every prompt: that loads the description of ours, and none of what it does."""
    program = (
        "import sys\nfrom llm.cli import cli\n"
        "cli(['-m', 'echo', '--no-stream', 'Hello'], standalone_mode=False)\n"
        f"print(*sorted(name for name in sys.modules if name.split('.')[0] == {HOUSE!r}), sep='\\n')\n"
    )
    environment = {**os.environ, "LLM_USER_PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert [line for line in done.stdout.splitlines() if line.startswith(HOUSE)] == [
        HOUSE,
        f"{HOUSE}.commands",
        f"{HOUSE}.llm_seam",
        f"{HOUSE}.llm_seam.options",
        f"{HOUSE}.tools",
    ]


def test_the_options_know_the_policies_of_the_model() -> None:
    """What `--memory` offers, copied for the sake of llm's start, are the policies of the model, default first."""
    assert options.POLICIES == model.POLICIES


_SQL = re.compile(
    r"\bselect\s.+\sfrom\s|\binsert\s+(or\s+\w+\s+)?into\s|\bupdate\s+\w+\s+set\s|\bdelete\s+from\s|^\s*pragma\s",
    re.IGNORECASE | re.DOTALL,
)

SPEAKS_SQL = ("store", "schema")


def spoken_sql(path: Path) -> Iterator[str]:
    """Calls that run SQL and texts that are SQL (docstrings aside), by line."""
    tree = ast.parse(path.read_text("utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("execute", "executescript", "executemany", "query"):
            yield f"{path.relative_to(ROOT)}:{node.lineno} .{node.attr}"
        elif isinstance(node, ast.Constant) and id(node) not in prose and _SQL.search(str(node.value)):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {str(node.value)[:40]!r}"


@pytest.mark.parametrize("path", [p for p in modules() if room_of(p) not in SPEAKS_SQL], ids=lambda p: p.name)
def test_only_the_store_speaks_sql(path: Path) -> None:
    """Outside of the store and the schema no module holds or runs SQL."""
    assert list(spoken_sql(path)) == []


def test_the_search_for_sql_finds_sql() -> None:
    """The search that the rule above rests on finds the store's own statements."""
    found = [line for path in modules() if room_of(path) == "store" for line in spoken_sql(path)]
    assert any("execute" in line for line in found)
    assert any("select" in line for line in found)
    assert any("insert" in line for line in found)
    assert any("update" in line for line in found)
