"""A session's project and template in exported files, and in the log that they are imported into."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.model import Settings
from tests.conftest import Command
from tests.interchange.world import copied
from tests.world.scripted import Script


@pytest.fixture(name="file")
def _file(llm_: Command, script: Script, home: Path, log: Path, tmp_path: Path) -> Path:
    """An exported session in the project `Bridge`, from the template `brief`."""
    (home / "templates").mkdir()
    (home / "templates" / "brief.yaml").write_text("model: scripted", encoding="utf-8")
    llm_("sessions", "project", "Bridge", "-s", "Be brief.").ok()
    llm_("--session", "work", "--project", "bridge", "-t", "brief", "Hello").ok()
    llm_("sessions", "export", "work", str(tmp_path / "work.jsonl")).ok()
    return tmp_path / "work.jsonl"


def test_every_format_says_them(llm_: Command, file: Path) -> None:
    """JSONL and JSON have both, Markdown and HTML what a reader wants to know."""
    header = json.loads(file.read_text("utf-8").splitlines()[0])
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    assert [(one["project"], one["template"]) for one in (header, shown)] == [("Bridge", "brief")] * 2
    assert "**Project:** Bridge\n\n**Template:** brief\n" in llm_("sessions", "show", "work").ok().out
    assert "project Bridge" in llm_("sessions", "export", "work", "--format", "html").ok().out


def test_an_import_creates_the_project_without_defaults(
    llm_: Command, file: Path, template: Path, tmp_path: Path
) -> None:
    """Sessions stay together in another log. The file has the defaults of the session, not those of its project."""
    other = copied(template, tmp_path / "other.db")
    done = llm_("sessions", "import", str(file), "-d", str(other)).ok()
    assert done.out == "Imported 1 exchange into session “work” in project “Bridge”.\n"
    with Memory(other) as memory:
        made = memory.sessions.get("work")
        assert (made.project, made.template, made.settings.system) == ("bridge", "brief", "Be brief.")
        assert memory.projects.get("bridge").settings == Settings()


def test_an_import_leaves_the_logs_own_project_as_it_is(llm_: Command, file: Path, log: Path) -> None:
    """If the log has the project, the session joins it, and its defaults stay."""
    llm_("sessions", "project", "bridge", "--rename", "BRIDGE").ok()
    llm_("sessions", "import", str(file), "--as", "again").ok()
    with Memory(log) as memory:
        assert memory.projects.get("bridge").settings == Settings(system="Be brief.")
        assert [(one.project.name, one.sessions) for one in memory.projects.list()] == [("BRIDGE", 2)]


@pytest.mark.parametrize("name", ["none", "a/b", "", 5])
def test_a_file_with_an_unfit_project_is_refused(llm_: Command, file: Path, name: object) -> None:
    """A project that could not be made by hand can't come from a file either."""
    header, *lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([json.dumps(json.loads(header) | {"project": name}), *lines]), encoding="utf-8")
    done = llm_("sessions", "import", str(file), "--as", "again")
    assert (done.code, "Line 1 of work.jsonl" in done.err) == (1, True)
    assert [one["name"] for one in json.loads(llm_("sessions", "list", "--json").ok().out)] == ["work"]
