"""The layers: which module may import which, no import cycles, where SQL runs, and what starting llm loads."""

from __future__ import annotations

import graphlib
import os
import subprocess
import sys

import pytest

from tests.imports import ROOT, Import, all_imports, modules, name_of, paths, read

MEMORY, VIEWS = "llm_session_memory", "datasette_session_views"

LAYERS = ("errors", "model", "rules", "store", "reader", "insight", "services", "llm_seam", "memory")
"""From the bottom up; each imports those before it. `rules` decide, `store` keeps, `reader` reads, `services` do.

`llm_seam` runs llm inside a session. It is below `memory`, which returns llm conversations.
"""

SKINS = {
    "interchange": {"llm_seam"},  # its writer logs through llm
    "tools": set[str](),
    "remotes": {"llm_seam"},  # a worker asks the models
    "commands": {"llm_seam", "interchange", "remotes"},  # a command is how a person reaches models, files and servers
}
"""The parts that talk to people, programs and files, above every layer; and the other skins that each may import."""

VIEWS_MAY = ("errors", "model", "rules", "reader", "insight", "services")
"""The parts of the memory package that the pages may import: they write only through services."""

THIRD = {
    "": {"pluggy", "click", "llm"},
    "rules": set[str](),
    "store": {"sqlite_utils", "sqlite_vec"},
    "reader": {"genai_prices", "latex2mathml", "markdown_it"},
    "insight": {"choix", "numpy", "scipy"},
    "services": {"cryptography", "detect_secrets", "jinja2", "llm_ollama", "pyrage", "sqlite_utils"}
    | {"typing_extensions", "yaml"},
    "interchange": {"yaml"},
    "llm_seam": {"click", "llm", "pydantic", "condense_json", "numpy", "onnxruntime", "tokenizers"},
    "remotes": {"bson", "dbos", "psycopg", "pymongo", "sqlalchemy", "sqlglot"},
    "tools": {"click", "llm"},
    "commands": {"click", "click_default_group", "tabulate"},
    VIEWS: {"pluggy", "datasette", "markupsafe"},
}
"""Outside packages that each part may import; a part that is missing here may import only the standard library."""

HANDED_OVER = {
    f"{VIEWS}.compat": "Datasette 1.0 keeps queries in its own database, and asks plugins for permissions as SQL.",
    f"{VIEWS}.web.stock": "Datasette's jump menu takes the SQL that it searches; Datasette runs it.",
}
"""Modules outside store and reader that hold SQL for Datasette, and why. None of them runs SQL on a log."""


def part_of(module: str) -> str:
    """Return the layer or skin of a module: the name directly under its package, or "" for the package itself."""
    package, _, rest = module.partition(".")
    return VIEWS if package == VIEWS else rest.partition(".")[0]


def may_import(found: Import) -> bool:
    """Return whether the layers allow an import."""
    here, there = part_of(found.module), part_of(found.target)
    if found.target.partition(".")[0] not in (MEMORY, VIEWS):
        return found.target in sys.stdlib_module_names or found.target in THIRD.get(here, ())
    return here == there or there in below(here)


def below(part: str) -> set[str]:
    """Return the layers and skins that a part may import."""
    if part == VIEWS:
        return set(VIEWS_MAY)
    if part in LAYERS:
        return set(LAYERS[: LAYERS.index(part)])
    return {*LAYERS, *SKINS} if part == "" else {*LAYERS} - {"llm_seam"} | SKINS[part]


def test_the_walk_sees_imports_of_every_kind() -> None:
    """The walk that the other tests depend on finds imports at the top, inside functions, relative and for types."""
    seen = {(found.module, found.target, found.typing_only, found.inside) for found in all_imports()}
    assert (f"{MEMORY}.store.log", "sqlite_utils", False, True) in seen
    assert (f"{MEMORY}.store.log", "sqlite_utils", True, False) in seen
    assert (f"{MEMORY}.services.composer", f"{MEMORY}.rules.blocks", False, False) in seen
    assert (f"{VIEWS}.routes.transcript", f"{MEMORY}.rules.safe_text", False, False) in seen


def test_every_module_belongs_to_a_layer() -> None:
    """Every module belongs to a layer, a skin or the views."""
    parts = {part_of(module) for module in modules()}
    assert parts <= {"", *LAYERS, *SKINS, VIEWS}


def test_imports_point_downwards() -> None:
    """Each module imports only layers below its own, including imports inside functions and for types."""
    assert [found for found in all_imports() if not may_import(found)] == []


def test_there_is_no_import_cycle() -> None:
    """The modules of both packages can be ordered so that each comes after everything it imports."""
    arrows: dict[str, set[str]] = {module: set() for module in modules()}
    for found in all_imports():
        if found.target in modules() and found.target != found.module:
            arrows[found.module].add(found.target)
    graphlib.TopologicalSorter(arrows).prepare()


def test_heavy_and_optional_imports_are_late() -> None:
    """Imports that would slow down every start of llm, or that need an optional package, are inside functions."""
    late = {
        "numpy",
        "scipy",
        "detect_secrets",
        "jinja2",
        "yaml",
        "sqlite_utils",
        "sqlite_vec",
        "llm_ollama",
        "genai_prices",
        f"{MEMORY}.tools.lookups",
    }
    early = [f for f in all_imports() if f.target in late and not f.inside and not f.typing_only]
    assert early == []


def test_only_hooks_seam_and_tools_import_llm() -> None:
    """llm is imported by `llm_seam` and by the tools, and for types by the hooks."""
    knowing = {part_of(found.module) for found in all_imports() if found.target == "llm"}
    assert knowing == {"", "llm_seam", "tools"}


def test_only_compat_imports_datasette() -> None:
    """Only compat imports Datasette."""
    assert {found.module for found in all_imports() if found.target == "datasette"} == {f"{VIEWS}.compat"}


PROGRAM = """
import os, sys
def run(*words):
    llm.cli.cli([*words, "-m", "echo", "--no-stream", "Hello"], standalone_mode=False)
def in_a_fork(*words):
    if not (child := os.fork()):
        run(*words)
        show()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
def show():
    ours = sorted(name for name in sys.modules if name.split(".")[0] == "llm_session_memory")
    print(*ours, file=sys.stderr, flush=True)
import llm.cli
show()
in_a_fork("--session", "work")
in_a_fork("--session", "work")
run()
show()
run("-c")
show()
"""
"""Prints our modules that are loaded by llm's start, by two prompts of a session, by a plain prompt, and by the next.

Python and llm take a second to start. What the prompts of the session load is loaded in forks of that process only.
"""


@pytest.fixture(name="loaded", scope="module")
def _loaded(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The modules of ours that a new process has loaded after each step of its program."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LLM_USER_PATH": str(tmp_path_factory.mktemp("llm"))},
    )
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stderr.splitlines() if line.startswith(MEMORY)]


AT_START = [MEMORY, f"{MEMORY}.commands", f"{MEMORY}.llm_seam", f"{MEMORY}.llm_seam.options"]


def test_plain_llm_loads_almost_nothing_of_ours(loaded: list[list[str]]) -> None:
    """llm loads no module of ours that works on sessions, unless a session is named.

    Its start loads our hooks and options. On every prompt it asks for all toolboxes, which loads ours, but not the code
    behind it. Before it continues a conversation, we look for its id.
    """
    started, _, _, prompted, continued = loaded
    assert started == AT_START
    tools = ["tools", "tools.toolbox"]
    assert prompted == [*AT_START, *(f"{MEMORY}.{name}" for name in tools)]
    asks = ["llm_seam.plain_continue", "reader", "reader.newest", "rules", "rules.ulids", *tools]
    assert continued == sorted([*AT_START, *(f"{MEMORY}.{name}" for name in asks)])


MOST_MODULES = 70
"""How many of our modules the next prompt of a session loads at most: each takes 0.2 ms or more."""

UNUSED = (
    *("rules.fences", "rules.clipping", "rules.limits", "rules.refused_system", "rules.ranking", "rules.summary"),
    *("services.notes", "services.recall", "services.sessions", "services.beginning", "services.projects"),
    *("model.shown", "model.deleting", "model.secrets", "store.index", "memory", "interchange", "insight"),
)
"""Modules, and packages of modules, that a prompt does without if it goes on in a session and all of it is sent."""


def test_a_prompt_in_a_session_loads_only_what_it_uses(loaded: list[list[str]]) -> None:
    """The next prompt of a session loads few of our modules, and none that serves other prompts."""
    _, first, second, *_ = loaded
    used = [name.removeprefix(f"{MEMORY}.") for name in second]
    assert [name for name in used if name.startswith(UNUSED)] == []
    assert len(used) <= MOST_MODULES
    assert len(first) > len(second)


SPEAKS_SQL = ("store", "reader")

OF_THEIR_OWN = [ROOT / MEMORY / "remotes" / name for name in ("folder", "postgres")]
"""The SQL here runs on a server, or on the index of a folder; never on a log."""


def test_only_the_store_and_the_reader_speak_sql() -> None:
    """Only the store and the reader contain or run SQL, except what Datasette asks for, and remotes' own."""
    others = [path for path in paths() if not any(folder in path.parents for folder in OF_THEIR_OWN)]
    silent = [path for path in others if part_of(name_of(path)) not in SPEAKS_SQL]
    assert {name_of(path) for path in silent if read(path).sql} == HANDED_OVER.keys()


@pytest.mark.parametrize("word", ["execute", "select", "insert", "update"])
def test_the_search_for_sql_finds_sql(word: str) -> None:
    """The search that the rule above depends on finds the store's own statements."""
    store = [path for path in paths() if part_of(name_of(path)) == "store"]
    assert any(word in line for path in store for line in read(path).sql)


def test_only_parts_that_write_through_llm_use_the_open_log() -> None:
    """Only services, `llm_seam` and the files use the desk's open log; commands, tools and the API ask services."""
    reaching = {part_of(name_of(path)) for path in paths() if read(path).uses_log}
    assert reaching == {"services", "llm_seam", "interchange"}
