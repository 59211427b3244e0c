"""Read each file of both packages once: its imports (also inside functions, and for types only), and its SQL."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("llm_session_memory", "datasette_session_views")


@dataclass(frozen=True)
class Import:
    """One import: the importing module, the target (ours by full name, others by package), and its place."""

    module: str
    target: str
    place: str
    typing_only: bool
    inside: bool


def paths() -> list[Path]:
    """Return the files of both packages."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a module's full name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> frozenset[str]:
    """Return the full names of all modules of both packages."""
    return frozenset(name_of(path) for path in paths())


@dataclass(frozen=True)
class Module:
    """What the tests ask of one file.

    `sql` has its calls that run SQL and its strings that are SQL (except docstrings), with their lines. `uses_log` says
    whether it uses the open log of a desk. `classes` are those that other modules may use.
    """

    imports: tuple[Import, ...]
    sql: tuple[str, ...]
    uses_log: bool
    classes: tuple[str, ...]


_SQL = re.compile(
    r"\bselect\s.+\sfrom\s|\binsert\s+(or\s+\w+\s+)?into\s|\bupdate\s+\w+\s+set\s|\bdelete\s+from\s|^\s*pragma\s",
    re.IGNORECASE | re.DOTALL,
)

_RUNNING = ("execute", "executescript", "executemany")


@cache
def all_imports() -> tuple[Import, ...]:
    """Return every import of both packages."""
    return tuple(found for path in paths() for found in read(path).imports)


@cache
def read(path: Path) -> Module:
    """Read one file. Its syntax tree is not kept: those of all files are large."""
    imports: list[Import] = []
    sql: list[str] = []
    uses_log = False
    prose: set[int] = set()
    place = path.relative_to(ROOT)
    tree = ast.parse(path.read_text("utf-8"))
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    waiting: list[tuple[ast.AST, bool, bool]] = [(tree, False, False)]
    while waiting:
        node, typing_only, inside = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target in dict.fromkeys(_targets(node, path)):
                imports.append(Import(name_of(path), target, f"{place}:{node.lineno}", typing_only, inside))
        elif isinstance(node, ast.If):
            typing_only = typing_only or "TYPE_CHECKING" in ast.unparse(node.test)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = True
        elif isinstance(node, ast.Expr):
            prose.add(id(node.value))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _RUNNING:
            sql.append(f"{place}:{node.lineno} .{node.func.attr}")
        elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in prose and _SQL.search(_text(node)):
            sql.append(f"{place}:{node.lineno} {_text(node)[:40]!r}")
        elif isinstance(node, ast.Attribute) and node.attr == "log":
            uses_log = uses_log or ast.unparse(node.value).endswith("desk")
        waiting += [(child, typing_only, inside) for child in _children(node)]
    return Module(tuple(imports), tuple(sql), uses_log, tuple(classes))


_BELOW_NOTHING = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
_LEAVES = frozenset(
    [ast.Name, ast.alias, ast.Pass, *(kind for base in _BELOW_NOTHING for kind in base.__subclasses__())]
)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is directly below a node, except what has nothing below it and is not asked for: half of all nodes."""
    for name in node._fields:
        value = getattr(node, name, None)
        for one in value if type(value) is list else (value,):
            if type(one) not in _LEAVES and isinstance(one, ast.AST):
                yield one


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    """Return a string as written; in an f-string, a word replaces each value."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "value" for part in node.values)


def _targets(node: ast.AST, path: Path) -> Iterator[str]:
    """Yield what a statement imports: our modules by their full names, other packages by theirs."""
    if isinstance(node, ast.Import):
        yield from (_whole(alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = path.relative_to(ROOT).parent.parts
        start = package[: len(package) - node.level + 1] if node.level else ()
        base = ".".join([*start, *([node.module] if node.module else [])])
        for alias in node.names:
            deeper = f"{base}.{alias.name}"
            yield deeper if deeper in modules() else _whole(base)


def _whole(name: str) -> str:
    return name if name.partition(".")[0] in PACKAGES else name.partition(".")[0]
