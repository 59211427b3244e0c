"""What an installation brings along, registers and needs. What the built wheel holds is checked by .ci/run."""

from __future__ import annotations

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
    """The metadata names the licence by its SPDX expression, and its text comes with the distribution."""
    about = metadata.metadata(NAME)
    assert (about["License-Expression"], about["License-File"]) == ("Apache-2.0", "LICENSE")
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")


def test_each_program_is_told_of_its_own_plugin() -> None:
    """The distribution has an entry point for llm and one for Datasette, each with a package of its own."""
    found = [(entry.group, entry.name, entry.value) for entry in metadata.distribution(NAME).entry_points]
    assert sorted(found) == [
        ("datasette", "session_views", "datasette_session_views"),
        ("llm", "session_memory", "llm_session_memory"),
    ]


def test_neither_llm_nor_datasette_is_required() -> None:
    """A plain install pulls in neither llm nor Datasette; these, and what only some need, come with extras."""
    required = [Requirement(text) for text in metadata.requires(NAME) or []]
    plain = {one.name for one in required if one.marker is None}
    extras = {one.name: str(one.marker) for one in required if one.marker is not None}
    assert plain.isdisjoint({"llm", "datasette", "llm-ollama"})
    assert set(extras) == {"llm", "llm-ollama", "datasette", "genai-prices", "sqlite-vec"}


@pytest.mark.parametrize("file", ["py.typed", "store/sql/001_sessions.sql"])
def test_what_is_not_python_comes_along(file: str) -> None:
    """The marker of typed packages and the SQL are files of the package, and named as its data."""
    assert resources.files("llm_session_memory").joinpath(file).is_file()


def test_where_there_is_no_llm_the_package_can_be_imported() -> None:
    """Beside Datasette only, there is no llm: the package, its values and its Python API still import."""
    blocked = "import sys; sys.modules['llm'] = None"
    done = _run(f"{blocked}; import llm_session_memory.model, llm_session_memory.errors, llm_session_memory.memory")
    assert done.returncode == 0, done.stderr


def test_each_setting_has_one_home() -> None:
    """What the distribution is stands in setup.cfg, how its tools are set up in pyproject.toml, nothing in both."""
    import configparser

    tools = (ROOT / "pyproject.toml").read_text("utf-8")
    distribution = configparser.ConfigParser()
    distribution.read(ROOT / "setup.cfg", "utf-8")
    assert "\n[project" not in tools
    assert {name.partition(".")[0] for name in distribution.sections()} == {"metadata", "options"}
