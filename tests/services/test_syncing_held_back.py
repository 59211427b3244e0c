"""What never leaves a machine: private sessions and what has their texts, what a remote excludes, and secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llm_session_memory.errors import SessionError
from llm_session_memory.model.syncing import Moved, SyncScope
from tests.world.machines import EVERYTHING, Machine, Place

KEY = "sk-proj-abcdEFGH0123456789abcdEFGH0123456789abcdEFGH01"
"""What looks like a key of OpenAI."""


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Iterator[Place]:
    """A remote, and machines that know it."""
    with closing(Place(tmp_path)) as place:
        yield place


@pytest.fixture(name="home")
def _home_machine(place: Place) -> Machine:
    """A machine with a session for everyone, and one with a word in all its texts that nobody may see."""
    home = place.machine("home", exclude_tags=("mine",))
    home.new("work", "Hello", "How are you?")
    home.new("hidden xyzzy", "xyzzy one", "xyzzy two")
    home.note("hidden xyzzy", "xyzzy note")
    return home


def held(machine: Machine) -> dict[str, tuple[str, ...]]:
    """Return the names of the sessions that are held back, by reason."""
    return {one.reason: one.names for one in machine.status().held}


def private(home: Machine) -> None:
    """Make the session private."""
    with home.memory() as memory:
        memory.sessions.set_private("hidden xyzzy", private=True)


def tagged(home: Machine) -> None:
    """Give the session a tag that the remote excludes."""
    with home.memory() as memory:
        memory.notes.change_tags("hidden xyzzy", ["Mine"])


@pytest.mark.parametrize(("hide", "reason"), [(private, "private"), (tagged, "tag")])
def test_a_session_that_is_held_back_never_goes(
    place: Place, home: Machine, hide: Callable[[Machine], None], reason: str
) -> None:
    """No text of it reaches the remote, whatever is asked for, nor its name; and status says why."""
    hide(home)
    with home.memory() as memory:
        memory.projects.create("xyzzy project")
        memory.projects.move("hidden xyzzy", "xyzzy project")
    home.push()
    home.push(EVERYTHING)
    with pytest.raises(SessionError, match="held back"):
        home.push(SyncScope(session="hidden xyzzy"))
    assert home.thread("work") in place.server.texts()
    assert "xyzzy" not in place.server.texts()
    assert home.thread("hidden xyzzy") not in place.server.texts()
    assert held(home) == {reason: ("hidden xyzzy",)}


def test_a_fork_of_what_is_held_back_never_goes(place: Place, home: Machine) -> None:
    """The texts of the original are in a fork's requests, and in a fork of that; so neither goes."""
    with home.memory() as memory:
        memory.forks.make(memory.forks.point("hidden xyzzy", 1), "fork")
    home.go_on("fork", "in the fork")
    with home.memory() as memory:
        memory.forks.make(memory.forks.point("fork", 2), "fork of fork")
    home.go_on("fork of fork", "more")
    tagged(home)
    home.push(EVERYTHING)
    assert "xyzzy" not in place.server.texts()
    assert "in the fork" not in place.server.texts()
    assert held(home)["fork"] == ("fork", "fork of fork")


def test_a_session_with_excerpts_of_what_is_held_back_never_goes(place: Place, home: Machine) -> None:
    """Excerpts are in the requests that they were recalled for; and a setting would tell the name."""
    turn = home.go_on("work", "What did we say?")[0]
    home.new("other", "Hello")
    with home.memory() as memory, memory.writing():
        log = memory.desk.log
        log.run(
            "insert into memory_recalls (turn_id, rank, passage_id, number, side, score, tokens, words_json, thread_id)"
            " values (:turn, 1, 1, 1, 0, 1.0, 9, '[]', :thread)",
            {"turn": turn, "thread": memory.sessions.get("hidden xyzzy").thread_id},
        )
    home.configure("other", recall_from="hidden xyzzy")
    tagged(home)
    home.push()
    assert "xyzzy" not in place.server.texts()
    assert held(home) == {"tag": ("hidden xyzzy",), "recall": ("other", "work")}


def test_only_sessions_of_the_remotes_project_go(place: Place, home: Machine) -> None:
    """With a project, nothing else goes, whatever the scope."""
    home.settings = type(home.settings)("drive", "memory://", project="Bridge")
    with home.memory() as memory:
        memory.projects.create("bridge")
        memory.projects.move("work", "bridge")
    home.new(None, "Nameless")
    home.push(EVERYTHING)
    assert place.server.keys("thread") == {home.thread("work")}
    assert held(home) == {"project": ("hidden xyzzy",)}


def test_votes_and_groups_do_not_tell_of_what_is_held_back(place: Place, home: Machine) -> None:
    """A group goes without its hidden members, and a vote that names a hidden answer stays here; both stay at home."""
    first = [home.turns(name)[0] for name in ("work", "hidden xyzzy")]
    a, b = sorted(first)
    with home.memory() as memory, memory.writing():
        log = memory.desk.log
        now = {"now": memory.desk.timestamp()}
        log.run("insert into memory_groups values ('both', 'both', :now)", now)
        for name in ("work", "hidden xyzzy"):
            thread = {"id": memory.sessions.get(name).thread_id}
            log.run("insert into memory_group_members values ('both', :id, :now)", {**now, **thread})
        log.run("insert into memory_votes values (:a, :b, 'a', 0, :now)", {**now, "a": a, "b": b})
    tagged(home)
    home.push()
    assert "both" in place.server.texts()
    assert not any(one in place.server.texts() for one in (home.thread("hidden xyzzy"), first[1], "xyzzy"))
    assert home.status().in_sync
    home.remote.calls.clear()
    assert home.push() == home.pull() == Moved()
    assert home.remote.calls["writing"] == 0
    assert len(home.contents()["memory_votes"]) == 1


def test_what_becomes_private_is_no_longer_updated_and_status_says_that_it_is_there(
    place: Place, home: Machine
) -> None:
    """The remote keeps what it got before, and nothing new of it; a deletion still travels."""
    home.push()
    private(home)
    home.go_on("hidden xyzzy", "plugh")
    home.push()
    assert "plugh" not in place.server.texts()
    (one,) = home.status().held
    assert (one.reason, one.names, one.there) == ("private", ("hidden xyzzy",), ("hidden xyzzy",))
    home.delete("hidden xyzzy")
    home.push()
    assert "xyzzy" not in place.server.texts()
    assert "plugh" not in place.server.texts()
    place.server.check()


def test_a_session_that_became_private_is_not_a_difference(home: Machine) -> None:
    """What is set here about a session that is held back can't be sent, so that status has nothing to tell of it."""
    home.push()
    private(home)
    home.note("hidden xyzzy", "xyzzy for me")
    assert home.status().in_sync
    assert home.pull() == home.push() == Moved()


def test_a_sealed_session_does_not_come_back_by_a_pull(place: Place, home: Machine) -> None:
    """What was sealed here stays out of the log; on the remote it stays, since it may come back; other deletions go."""
    home.push()
    thread = home.thread("hidden xyzzy")
    with home.memory() as memory, memory.writing():
        log = memory.desk.log
        log.run(
            "insert into memory_sealed values (:id, 'hidden xyzzy', 'x.age', '', 2, null, null, :now)",
            {"id": thread, "now": memory.desk.timestamp()},
        )
    home.delete("hidden xyzzy")
    home.delete("work", 2)
    gone = home.push()
    assert (gone.deleted, home.names()) == (1, ["work"])
    assert home.pull() == Moved()
    assert home.names() == ["work"]
    assert "xyzzy one" in place.server.texts()
    assert [(one.reason, one.there) for one in home.status().held] == [("sealed", ("hidden xyzzy",))]


# -- secrets -----------------------------------------------------------------------


@pytest.fixture(name="secretive")
def _secretive(place: Place) -> Machine:
    """A machine that replaces secrets in what it sends, with a key in a prompt and in a note."""
    home = place.machine("secretive", redact=True)
    home.new("work", "Hello", f"Use {KEY} for it.", "Done?")
    home.note("work", f"The key is {KEY}.")
    return home


def test_secrets_are_replaced_in_what_is_sent(place: Place, secretive: Machine) -> None:
    """No byte of a secret is sent, each push gives the same, and at home nothing changes."""
    before = secretive.contents()
    secretive.push()
    assert KEY not in place.server.texts()
    assert "[redacted: OpenAI key]" in place.server.texts()
    assert secretive.contents() == before
    assert secretive.status().in_sync
    secretive.remote.calls.clear()
    assert secretive.push() == Moved()
    assert secretive.remote.calls["writing"] == 0
    documents = dict(place.server.documents)
    secretive.go_on("work", f"Again {KEY}")
    secretive.push()
    kept = {key: one for key, one in place.server.documents.items() if key in documents and key[0] != "thread"}
    assert all(kept[key].rows == one.rows for key, one in documents.items() if key in kept)
    assert KEY not in place.server.texts()


def test_what_was_replaced_never_comes_back_over_the_original(place: Place, secretive: Machine) -> None:
    """A pull brings what others added, and leaves the original text, notes too; others have the replaced one."""
    secretive.push()
    laptop = place.machine("laptop")
    laptop.pull()
    assert laptop.prompts("work")[1] == "Use [redacted: OpenAI key] for it."
    laptop.go_on("work", "from the laptop")
    laptop.push()
    before = secretive.contents()
    secretive.sync()
    after = secretive.contents()
    assert len(after["turns"]) == len(before["turns"]) + 1
    assert {*before["turns"]} <= {*after["turns"]}
    assert after["memory_notes"] == before["memory_notes"]
    assert secretive.status().in_sync
    assert KEY not in place.server.texts()
    laptop.sync()
    assert laptop.status().in_sync


def test_a_secret_that_was_replaced_here_is_replaced_there(place: Place, home: Machine) -> None:
    """Who redacts the log replaces the text on the remote too; a machine with the original doesn't bring it back."""
    home.go_on("work", f"Use {KEY}")
    home.push()
    laptop = place.machine("laptop")
    laptop.pull()
    with home.memory() as memory:
        memory.secrets.redact(memory.secrets.find())
    home.push()
    assert KEY not in place.server.texts()
    laptop.go_on("work", "More")
    laptop.sync()
    assert KEY not in place.server.texts()
    home.sync()
    home.remote.calls.clear()
    laptop.remote.calls.clear()
    assert home.push() == laptop.push() == Moved()
    assert home.remote.calls["writing"] == laptop.remote.calls["writing"] == 0
