"""What others change on a remote, by mistake or as an attack, and what it must never do to a log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.world.machines import EVERYTHING, Machine, Place


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Iterator[Place]:
    """A remote, and machines that know it."""
    with closing(Place(tmp_path)) as place:
        yield place


@pytest.fixture(name="work", params=["settings", "text"])
def _work(request: pytest.FixtureRequest) -> str:
    """What others do meanwhile in the session: they change its settings, or go on in it too."""
    return str(request.param)


def shared(place: Place, **settings: Any) -> tuple[Machine, Machine]:
    """Return two machines with a session that both have, in the project of the first one's remote."""
    home = place.machine("home", **settings)
    home.new("work", "Hello", "How are you?")
    with home.memory() as memory:
        memory.projects.create("bridge")
        memory.projects.create("diary")
        memory.projects.move("work", "bridge")
    home.push()
    laptop = place.machine("laptop")
    laptop.pull()
    return home, laptop


def meanwhile(laptop: Machine, what: str) -> None:
    """Let another machine change something in the session, later than the first one held it back."""
    laptop.configure("work", system="Be brief.")
    if what == "text":
        laptop.go_on("work", "from the laptop")
    laptop.push()


def stays(place: Place, home: Machine) -> None:
    """Check that nothing of the session goes that was said since, however often the machine syncs."""
    for _ in range(2):
        home.sync()
        home.push(EVERYTHING)
    assert "xyzzy" not in place.server.texts()
    assert home.wrong() == []
    before = home.contents()
    assert home.pull().nothing
    assert home.contents() == before


def test_a_private_session_stays_private_when_others_change_its_settings(place: Place, work: str) -> None:
    """The newer settings win, but only a person at this machine can make the session public again."""
    home, laptop = shared(place)
    home.set_private("work", private=True)
    home.go_on("work", "xyzzy")
    meanwhile(laptop, work)
    stays(place, home)
    assert home.is_private("work")
    home.set_private("work", private=False)
    home.push()
    assert "xyzzy" in place.server.texts()


def test_a_session_that_left_the_remotes_project_is_not_moved_back_by_others(place: Place, work: str) -> None:
    """Whoever changes a setting elsewhere sends the old project with it."""
    home, laptop = shared(place, project="bridge")
    with home.memory() as memory:
        memory.projects.move("work", "diary")
    home.go_on("work", "xyzzy")
    meanwhile(laptop, work)
    stays(place, home)
    with home.memory() as memory:
        assert memory.sessions.get("work").project == "diary"


def test_other_settings_of_what_is_held_back_still_come(place: Place) -> None:
    """A session that is private here, or out of the remote's project, takes what else was changed in it."""
    home, laptop = shared(place, project="bridge")
    home.set_private("work", private=True)
    with home.memory() as memory:
        memory.projects.move("work", "diary")
    meanwhile(laptop, "settings")
    assert home.pull().changed == 1
    with home.memory() as memory:
        session = memory.sessions.get("work")
    assert (session.settings.system, session.private, session.project) == ("Be brief.", True, "diary")


def test_a_tag_that_the_remote_excludes_is_not_removed_by_others(place: Place, work: str) -> None:
    """It was put there so that the session stays at home."""
    home, laptop = shared(place, exclude_tags=("mine",))
    for one in (home, laptop):
        with one.memory() as memory:
            memory.notes.change_tags("work", ["Mine"])
    home.go_on("work", "xyzzy")
    with laptop.memory() as memory:
        memory.notes.change_tags("work", delete=["Mine"])
    meanwhile(laptop, work)
    stays(place, home)
