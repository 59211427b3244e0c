"""Names: a class and a module have one that means one thing, so that a reader who knows a word finds what it is."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations, takewhile
from pathlib import Path

from tests.imports import PACKAGES, ROOT, name_of, paths, read

TWO_VIEWS = frozenset(
    {"Attempt", "Call", "Exchange", "Excerpt", "Filters", "Hit", "Message", "Note", "Relative", "Settings", "Summary"}
)
"""What prompts need of a log as llm keeps it, and what `reader` has of it for the pages, from any log of any llm.

A page shows figures, numbers and links that no prompt needs, and must not load bytes that a prompt sends. That both
say the same is held by tests/reader/test_values.py.
"""


def classes() -> dict[str, list[str]]:
    """Return the modules of each class of both packages, except those that only their own module uses."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths():
        for name in read(path).classes:
            found[name].append(name_of(path))
    return found


def test_a_class_has_a_name_of_its_own() -> None:
    """Classes share a name only if their modules do: then they are of the same subject, one in each layer.

    `services.jobs.Jobs` has the use cases of jobs, and `store.jobs.Jobs` their tables.
    """
    shared = {
        name: modules
        for name, modules in classes().items()
        if len({module.rpartition(".")[2] for module in modules}) > 1 and name not in TWO_VIEWS
    }
    assert shared == {}


def test_what_has_two_views_is_in_the_reader() -> None:
    """Each class that prompts and pages both have is in the reader once, and once elsewhere."""
    found = classes()
    for name in TWO_VIEWS:
        assert [".reader." in module for module in sorted(found[name])].count(True) == 1, name
        assert len(found[name]) == 2, name


def test_every_module_that_the_architecture_names_is_there() -> None:
    """A newcomer finds each module under the name that docs/architecture.md gives it; NAME stands for one's own."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`((?:\w+/)*\w+\.(?:py|sql))`", page)
    files = [f"/{path.relative_to(ROOT)}" for folder in (*PACKAGES, "tests") for path in (ROOT / folder).rglob("*.*")]
    missing = [name for name in named if "NAME" not in name and not any(file.endswith(f"/{name}") for file in files)]
    assert len(named) > 50
    assert missing == []


NEAR = {
    "arrival arriving": "the conversations of one file as they are written, and the import of the whole file",
    "arrival arrived": "what the writing leaves behind as values",
    "arrived arriving": "what the writing leaves behind as values",
    "chatgpt chats": "a tool's name",
    "compared comparison": "the values, and what reads them from a log",
    "importer importing": "an import in progress, and the functions that begin one",
    "markdown markup": "the name of the format, and its rendering as HTML",
    "prompted prompting": "one prompt with its calls, and what makes a request of it",
}
"""Modules of one folder whose names differ by an ending, and what each is."""


def are_near(one: str, other: str) -> bool:
    """Return whether names differ only in their last words, and these only by endings of at most four letters."""
    (before, _, last), (others_before, _, others_last) = one.rpartition("_"), other.rpartition("_")
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(last, others_last, strict=False)))
    return before == others_before and same > 3 and max(len(last), len(others_last)) - same < 5


def test_modules_of_a_folder_differ_by_more_than_an_ending() -> None:
    """Whoever remembers half of a name finds one module, unless NEAR says what the two have to do with each other."""
    folders: dict[Path, list[str]] = defaultdict(list)
    for path in paths():
        folders[path.parent].append(path.stem)
    pairs = {pair for names in folders.values() for pair in combinations(sorted(names), 2)}
    assert {f"{one} {other}" for one, other in pairs if are_near(one, other)} == NEAR.keys()
