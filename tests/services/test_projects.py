"""Projects: made, changed, renamed and deleted, and the sessions that are in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.errors import NameRefused, NoSuchSession, SessionError
from llm_session_memory.model import Filters, Settings
from llm_session_memory.reader.entries import Filters as ReaderFilters
from llm_session_memory.reader.listing import listing
from llm_session_memory.reader.open_log import opened
from tests.world.logs import LogBuilder, Said

SETTINGS = Settings("scripted", "Be brief.", {"mood": "glad"}, 8_000, "window", 0.25, "none", "other", "keep")


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """A log with two sessions' exchanges, but none of our tables."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        log.turns("01a", Said("About the railing?"))
        log.turns("01b", Said("About the pillar?"))
    return path


@pytest.fixture(name="memory")
def _memory(path: Path) -> Iterator[Memory]:
    with Memory(path) as memory:
        memory.sessions.name_thread("01a", "railing")
        memory.sessions.name_thread("01b", "pillar")
        yield memory


def _names(memory: Memory, **filters: object) -> list[str]:
    return [line.session.name for line in memory.sessions.list(filters=Filters(**filters))]  # type: ignore[arg-type]


def test_a_project_keeps_every_setting_and_limit(memory: Memory) -> None:
    """A project is read as it was made, and changed as it was asked to be."""
    made = memory.projects.create(" Bridge ", SETTINGS, budget_usd=2.5, retention_days=90, auto_title=True)
    assert (made.key, made.name) == ("bridge", "Bridge")
    assert memory.projects.get("BRIDGE") == made
    changed = memory.projects.set("bridge", Settings(model="other"), budget_usd=None)
    assert (changed.settings, changed.budget_usd, changed.retention_days) == (Settings(model="other"), None, 90)
    assert memory.projects.set("bridge", retention_days=None).settings == Settings(model="other")
    assert memory.projects.get("bridge").retention_days is None


def test_a_log_without_projects_has_none(path: Path) -> None:
    """A log that was never used by sessions can be asked for projects, and is not changed by it."""
    before = path.read_bytes()
    with Memory(path) as memory:
        assert (memory.projects.list(), memory.projects.names(), memory.projects.templates()) == ([], {}, [])
        assert _names(memory, archived=True) == []
        with pytest.raises(NoSuchSession):
            memory.projects.set("bridge")
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["", "a/b", "none", "NONE", "bridge", "BRIDGE"])
def test_an_unfit_name_is_refused(memory: Memory, name: str) -> None:
    """Names follow the rules of session names, are unique without case, and “none” means no project."""
    memory.projects.create("bridge")
    memory.projects.create("port")
    with pytest.raises(NameRefused):
        memory.projects.create(name)
    with pytest.raises(NameRefused):
        memory.projects.rename("port", name)
    assert [*memory.projects.names().values()] == ["bridge", "port"]


def test_an_invalid_setting_makes_no_project(memory: Memory) -> None:
    """A setting that no session could have is refused."""
    with pytest.raises(SessionError):
        memory.projects.create("bridge", Settings(max_context_tokens=0))
    assert memory.projects.list() == []


def test_an_unknown_project_is_said_with_a_similar_one(memory: Memory) -> None:
    """Every use of an unknown project is an error that suggests a similar name."""
    memory.projects.create("bridge")
    listed = "Project “brige” not found. Did you mean “bridge”? List projects with: llm sessions project"
    with pytest.raises(NoSuchSession) as error:
        memory.sessions.list(filters=Filters(project="brige"))
    assert str(error.value) == listed
    with pytest.raises(NoSuchSession):
        memory.sessions.matching(Filters(project="brige"))
    with pytest.raises(NoSuchSession):
        memory.search("railing", filters=Filters(project="brige"))
    with pytest.raises(NoSuchSession, match="Create it with: llm sessions project brige --new"):
        memory.projects.move("railing", "brige")
    assert memory.sessions.get("railing").project is None


def test_sessions_move_and_are_listed_and_searched_by_project(memory: Memory, path: Path) -> None:
    """A session is in one project at most; a list, a search and the pages can be limited to it, or to no project."""
    memory.projects.create("Bridge")
    memory.projects.create("Port")
    memory.projects.move("railing", "bridge")
    memory.projects.move("pillar", "port")
    memory.projects.move("pillar", "PORT")
    assert (_names(memory, project="bridge"), _names(memory, project="port")) == (["railing"], ["pillar"])
    assert [hit.session for hit in memory.search("about", filters=Filters(project="Bridge"))] == ["railing"]
    assert [line.project for line in memory.sessions.list()] == ["Port", "Bridge"]
    settings = memory.sessions.get("pillar").settings
    assert memory.projects.move("pillar", None).settings == settings
    assert _names(memory, project="none") == ["pillar"]
    with opened(path) as source:
        assert [line.name for line in listing(source, ReaderFilters(project="none")).lines] == ["pillar"]


def test_a_renamed_project_keeps_its_sessions(memory: Memory) -> None:
    """A new name, also one that differs only in case, changes nothing else."""
    memory.projects.create("bridge", SETTINGS)
    memory.projects.move("railing", "bridge")
    memory.projects.rename("bridge", "Bridge")
    memory.projects.rename("bridge", "Ponte")
    assert [(one.project.name, one.project.settings, one.sessions) for one in memory.projects.list()] == [
        ("Ponte", SETTINGS, 1)
    ]
    assert _names(memory, project="ponte") == ["railing"]


def test_the_sessions_of_a_deleted_project_stay(memory: Memory) -> None:
    """Deleting a project leaves its sessions, without a project."""
    memory.projects.create("bridge", SETTINGS)
    memory.projects.move("railing", "bridge")
    assert memory.projects.delete("Bridge") == 1
    assert (memory.projects.list(), memory.sessions.get("railing").project) == ([], None)
    assert len(memory.sessions.list()) == 2


def test_a_project_was_used_when_its_newest_session_was(memory: Memory) -> None:
    """The list of projects has the number of sessions and their last use."""
    memory.projects.create("bridge")
    memory.projects.create("empty")
    for name in ("railing", "pillar"):
        memory.projects.move(name, "bridge")
    bridge, empty = memory.projects.list()
    newest = memory.sessions.list()[0].last_used_utc
    assert (bridge.sessions, bridge.last_used_utc) == (2, newest)
    assert (empty.sessions, empty.last_used_utc) == (0, None)
