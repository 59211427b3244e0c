"""Read all imports of both packages, including those inside functions and those for types only."""

from __future__ import annotations

import ast
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


@cache
def all_imports() -> tuple[Import, ...]:
    """Return every import of both packages."""
    return tuple(found for path in paths() for found in imports_of(path))


def imports_of(path: Path) -> Iterator[Import]:
    """Yield the imports of one file."""

    def walk(node: ast.AST, *, typing_only: bool, inside: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            types = typing_only or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            within = inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for target in dict.fromkeys(_targets(child, path)):
                place = f"{path.relative_to(ROOT)}:{getattr(child, 'lineno', 0)}"
                yield Import(name_of(path), target, place, types, within)
            yield from walk(child, typing_only=types, inside=within)

    yield from walk(ast.parse(path.read_text("utf-8")), typing_only=False, inside=False)


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
