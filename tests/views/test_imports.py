"""Rules for imports inside the views."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.imports import Import, name_of, paths, read

VIEWS = "datasette_session_views"

PARTS = {
    "one_answer": set[str](),
    "compat": {"one_answer"},
    "web": {"compat"},
    "show": {"web"},  # only links, which make URLs
    "routes": {"compat", "web", "show"},
}
"""The parts of the views, and the other parts that each may import."""


def imports_of_views() -> list[Import]:
    return [found for path in paths() if name_of(path).startswith(VIEWS) for found in read(path).imports]


def test_imports_inside_the_views_point_one_way() -> None:
    """compat is the lowest layer but for what it is made of, then web, then show, then routes."""
    arrows = [
        (f.module.split("."), f.target.split(".")) for f in imports_of_views() if f.target.startswith(f"{VIEWS}.")
    ]
    wrong = [
        (module, target)
        for module, target in arrows
        if len(module) > 1 and target[1] not in {module[1], *PARTS[module[1]]}
    ]
    assert wrong == []


def test_code_that_makes_markup_knows_only_urls_of_the_web() -> None:
    """The code that makes HTML knows nothing about permissions, requests or responses."""
    known = {f.target for f in imports_of_views() if f.module.startswith(f"{VIEWS}.show") and f".{'web'}." in f.target}
    assert known == {f"{VIEWS}.web.links"}


def test_only_compat_knows_which_datasette_it_is() -> None:
    """Only compat checks for Datasette's version or for features of one version."""
    texts = {name_of(path): path.read_text("utf-8") for path in paths() if name_of(path).startswith(VIEWS)}
    asking = [
        name for name, text in texts.items() if re.search(r"__version__|hasattr\(datasette|versioninfo|\bIS_1 = ", text)
    ]
    assert asking == [f"{VIEWS}.compat"]


@pytest.mark.parametrize("module", ["insight.catalogue", "insight.run", "reader.prices", "services.ratings"])
def test_queries_can_be_read_without_datasette(module: str) -> None:
    """The code that reads a log imports neither Datasette nor llm."""
    program = f"import sys; sys.modules['datasette'] = sys.modules['llm'] = None; import llm_session_memory.{module}"
    subprocess.run([sys.executable, "-c", program], check=True)
