"""Push, pull and sync: what a remote gets, what comes back, and how often it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from llm_session_memory.errors import LogUnusable, NoSuchSession, RemoteFailed, SessionError
from llm_session_memory.model.remotes import Document
from llm_session_memory.model.syncing import Moved, SyncScope
from llm_session_memory.remotes.distributed.keeping import digests
from llm_session_memory.store import documents, empty_tables, temporary_log
from llm_session_memory.store.log import Log
from tests.world.laws import PROFILE
from tests.world.machines import EVERYTHING, Kept, Machine, Place


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Iterator[Place]:
    """A remote, and machines that know it."""
    with closing(Place(tmp_path)) as place:
        yield place


@pytest.fixture(name="begun", scope="module")
def _begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kept, Kept]:
    """How the tests begin, with one machine and with two. All is made once, and each test gets a copy."""
    place = Place(tmp_path_factory.mktemp("begun"))
    home = place.machine("home")
    for name in ("work", "play"):
        home.new(name, "Hello", "How are you?")
    alone = place.kept()
    home.push()
    place.machine("laptop").pull()
    return alone, place.kept()


@pytest.fixture(name="home")
def _home_machine(place: Place, begun: tuple[Kept, Kept]) -> Machine:
    """A machine with two sessions of two exchanges each."""
    place.begin_with(begun[0])
    return place["home"]


@pytest.fixture(name="laptop")
def _laptop(place: Place, home: Machine, begun: tuple[Kept, Kept]) -> Machine:
    """A second machine that has the same sessions."""
    place.begin_with(begun[1])
    return place["laptop"]


def test_a_newcomer_gets_everything(place: Place, home: Machine) -> None:
    """What one machine pushes is on another one after its pull, to the letter."""
    home.note("work", "We build a bridge.")
    done = home.push()
    assert (done.conversations, done.turns) == (2, 4)
    laptop = place.machine("laptop")
    done = laptop.pull()
    assert (done.conversations, done.turns) == (2, 4)
    assert laptop.contents() == home.contents()
    assert laptop.status().in_sync
    assert home.status().in_sync


def test_in_sync_takes_one_request(home: Machine, laptop: Machine) -> None:
    """If nothing differs, a status, a push and a pull ask for the digests of the buckets, and for nothing else."""
    for machine in (home, laptop):
        for act in (machine.status, machine.push, machine.pull):
            machine.remote.calls.clear()
            act()
            assert {*machine.remote.calls} - {"condition", "prepare"} == {"buckets"}
            assert machine.remote.calls["buckets"] == 1


def test_twice_is_as_once(home: Machine) -> None:
    """A second push opens no transaction, and a second pull changes nothing."""
    home.push()
    home.remote.calls.clear()
    assert home.push() == Moved()
    assert home.remote.calls["writing"] == 0
    before = home.contents()
    assert home.pull() == Moved()
    assert home.contents() == before


def test_only_what_is_new_is_sent(home: Machine, laptop: Machine) -> None:
    """A push after one prompt sends that turn, its messages and its conversation."""
    home.go_on("work", "And now?")
    home.remote.calls.clear()
    done = home.push()
    assert (done.conversations, done.turns, done.messages) == (0, 1, 2)
    assert home.remote.calls["put"] == 4
    assert laptop.pull().turns == 1
    assert laptop.contents() == home.contents()


def test_a_push_does_not_ask_what_others_call_their_sessions(place: Place, home: Machine) -> None:
    """Only a pull and a status need the names of sessions that this log lacks; a team may have 100,000 of them."""
    home.push()
    other = place.machine("other")
    other.new("mine", "Hello")
    other.push()
    assert other.remote.calls["listed"] == 0
    assert sorted(one.name for one in other.status().standings) == ["play", "work"]


def test_conversations_without_a_name_go_only_if_asked(place: Place, home: Machine) -> None:
    """By default sessions go; with `everything`, all do; and from then on those without a name that went once."""
    thread = home.new(None, "Nameless")
    home.push()
    assert thread not in place.server.keys("thread")
    laptop = place.machine("laptop")
    assert home.push(EVERYTHING).conversations == 1
    assert laptop.pull().conversations == 2
    assert laptop.pull(EVERYTHING).conversations == 1
    home.say(thread, "Still nameless")
    assert home.push().turns == 1
    assert laptop.pull().turns == 1


def test_one_session_or_one_project(place: Place, home: Machine) -> None:
    """A scope limits a push and a pull to one session or one project."""
    assert home.push(SyncScope(session="work")).conversations == 1
    assert place.server.keys("thread") == {home.thread("work")}
    with home.memory() as memory:
        memory.projects.create("bridge")
        memory.projects.move("play", "bridge")
    assert home.push(SyncScope(project="bridge")).conversations == 1
    laptop = place.machine("laptop")
    assert laptop.pull(SyncScope(project="bridge")).conversations == 1
    assert laptop.names() == ["play"]
    assert laptop.pull(SyncScope(session="work")).conversations == 1
    with pytest.raises(NoSuchSession, match="nowhere"):
        laptop.pull(SyncScope(session="nowhere"))


def test_a_dry_run_changes_nothing(place: Place, home: Machine) -> None:
    """A dry run counts what would be moved, on both ways, and nothing is changed on either side."""
    would = home.push(dry_run=True)
    assert place.server.documents == {}
    assert would == home.push()
    laptop = place.machine("laptop")
    before = laptop.contents()
    would = laptop.pull(dry_run=True)
    assert laptop.contents() == before
    assert would == laptop.pull()


@pytest.mark.parametrize("operation", range(24) if PROFILE == "ci" else (0, 1, 2, 3, 5, 8, 13, 18, 23))
def test_a_push_that_breaks_off_leaves_whole_turns_and_the_next_goes_on(
    place: Place, home: Machine, operation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the connection is lost, the remote is whole, and the next push sends the rest."""
    monkeypatch.setattr("llm_session_memory.rules.syncing.BATCH_TURNS", 2)
    home.remote.breaks_after = operation
    with suppress(RemoteFailed):
        home.push()
    place.server.check()
    home.remote.breaks_after = None
    home.push()
    laptop = place.machine("laptop")
    laptop.pull()
    assert laptop.contents() == home.contents()


def test_a_session_that_went_on_in_two_places_has_two_branches(home: Machine, laptop: Machine) -> None:
    """Both branches stay: the one that began first keeps the thread, the other is a fork, on all machines."""
    home.go_on("work", "at home")
    laptop.go_on("work", "on the way")
    home.push()
    pulled, pushed = laptop.sync()
    assert (len(pulled.branches), len(pushed.branches)) == (1, 0)
    home.pull()
    assert home.contents() == laptop.contents()
    assert home.status().in_sync
    assert laptop.status().in_sync
    assert home.prompts("work") == ["Hello", "How are you?", "at home"]
    assert laptop.prompts("work") == ["Hello", "How are you?", "on the way"]


def test_a_branch_is_called_after_the_machine_that_went_on(home: Machine, laptop: Machine) -> None:
    """Where a branch needs another name, that names the machine that it is from, not the one that began the session."""
    laptop.go_on("work", "on the way")
    home.go_on("work", "at home")
    laptop.push()
    assert home.pull().renamed == (("work", "work@laptop"),)
    assert home.prompts("work@laptop") == ["Hello", "How are you?", "on the way"]
    assert home.prompts("work") == ["Hello", "How are you?", "at home"]


def test_a_push_without_a_pull_sets_branches_apart_on_the_remote(place: Place, home: Machine, laptop: Machine) -> None:
    """Who only pushes changes nothing at home, and the remote has both branches."""
    home.go_on("work", "at home")
    laptop.go_on("work", "on the way", "and back")
    home.push()
    before = laptop.rows_of_llm()
    laptop.push()
    assert laptop.rows_of_llm() == before
    newcomer = place.machine("newcomer")
    newcomer.pull()
    laptop.sync()
    home.sync()
    assert home.contents() == laptop.contents()
    newcomer.pull()
    assert newcomer.contents()["turns"] == home.contents()["turns"]
    laptop.remote.calls.clear()
    laptop.push()
    assert laptop.remote.calls["writing"] == 0


def test_two_sessions_of_one_name(place: Place, home: Machine, laptop: Machine) -> None:
    """A session whose name is taken is called after the machine that it is from, and has its own name there."""
    home.new("plan", "mine")
    laptop.new("plan", "yours")
    home.push()
    laptop.sync()
    done = home.pull()
    assert ("plan", "plan@laptop") in done.renamed
    assert home.prompts("plan@laptop") == ["yours"]
    assert laptop.prompts("plan@home") == ["mine"]
    assert home.status().in_sync
    assert laptop.status().in_sync
    newcomer = place.machine("newcomer")
    newcomer.pull()
    assert len(newcomer.names()) == len(home.names())


def test_a_session_without_exchanges_is_counted(place: Place, home: Machine) -> None:
    """A session that was only named and set up is pushed and pulled as one conversation, not as nothing."""
    with home.memory() as memory:
        memory.sessions.create("empty")
    assert home.push().conversations == 3
    laptop = place.machine("laptop")
    assert laptop.pull(SyncScope(session="empty"), dry_run=True).conversations == 1
    assert laptop.pull(SyncScope(session="empty")).conversations == 1
    assert laptop.pull().conversations == 2
    assert laptop.pull() == Moved()


def test_answers_come_to_a_session_that_was_sent_while_it_was_empty(place: Place, home: Machine) -> None:
    """Workers send answers without their conversation; a session that llm had no row for by then gets one."""
    with home.memory() as memory:
        thread_id = memory.sessions.create("job").thread_id
    home.push()
    worker, laptop = place.machine("worker"), place.machine("laptop")
    worker.pull()
    worker.say(thread_id, "The answer of a worker")
    with worker.memory() as memory:
        made = [*documents.documents(memory.desk.log, [thread_id], machine="worker", person="ann")]
    answer = [one for one in made if one.kind != "thread"]
    with home.remote.writing() as writing:
        writing.put(answer)
        writing.set_digests(digests(answer))
    for machine in (home, laptop):
        machine.sync()
        assert machine.prompts("job") == ["The answer of a worker"]
        assert machine.wrong() == []
        assert machine.status().in_sync
    assert home.contents() == laptop.contents()


def test_settings_notes_and_tags_travel(home: Machine, laptop: Machine) -> None:
    """Notes of both sides stay; of two settings the newer wins; what was removed goes; the other one is kept apart."""
    home.note("work", "mine")
    laptop.note("work", "yours")
    home.configure("work", model="m1")
    laptop.configure("work", model="m2")
    home.push()
    laptop.sync()
    home.sync()
    assert home.contents() == laptop.contents()
    assert [row[1] for row in home.contents()["memory_notes"]] == ["mine", "yours"]
    assert home.status().conflicts + laptop.status().conflicts > 0


def test_a_deleted_exchange_goes_everywhere_with_its_text(place: Place, home: Machine, laptop: Machine) -> None:
    """The remote loses the text, messages too; other machines lose the exchange; it never comes back."""
    home.go_on("work", "hunter2 is my dog", "And now?")
    home.sync()
    laptop.sync()
    home.delete("work", 3)
    home.delete("work", 3)
    done = home.push()
    assert done.deleted == 2
    assert "hunter2" not in place.server.texts()
    laptop.sync()
    assert laptop.contents() == home.contents()
    assert home.status().in_sync


def test_a_deleted_session_goes_everywhere(place: Place, home: Machine, laptop: Machine) -> None:
    """A session that one machine deletes goes from the remote and from the others."""
    home.new("secret", "hunter2 is my dog")
    home.push()
    laptop.pull()
    laptop.delete("secret")
    laptop.push()
    assert "hunter2" not in place.server.texts()
    assert home.pull().deleted == 1
    assert home.names() == laptop.names() == ["play", "work"]
    assert home.push() == Moved()
    assert home.contents() == laptop.contents()


def test_what_was_deleted_elsewhere_is_not_pushed_again(place: Place, home: Machine, laptop: Machine) -> None:
    """A machine that doesn't know of a deletion yet, and goes on, does not bring the text back."""
    laptop.delete("work", 2)
    laptop.push()
    home.go_on("work", "And now?")
    home.push()
    assert "How are you?" not in {str(row) for row in place.server.documents}
    place.server.check()
    home.sync()
    laptop.sync()
    home.sync()
    assert home.contents() == laptop.contents()


def test_forks_go_with_what_they_come_from(place: Place, home: Machine) -> None:
    """A fork of a conversation without a name takes it along, so that its history is whole elsewhere."""
    with home.memory() as memory:
        memory.forks.make(memory.forks.point("work", 1), "other")
    home.go_on("other", "elsewhere")
    home.push(SyncScope(session="other"))
    assert place.server.keys("thread") == {home.thread("work"), home.thread("other")}
    laptop = place.machine("laptop")
    laptop.pull()
    assert laptop.prompts("other") == ["Hello", "elsewhere"]


def test_ratings_of_two_people_both_stay(place: Place, home: Machine) -> None:
    """Each person has their own rating of an exchange; those of others are kept apart, on all machines."""
    bob = place.machine("bobs", "bob")
    with home.memory() as memory:
        memory.ratings.rate("work", 1, "up", "clear")
    home.push()
    bob.pull()
    with bob.memory() as memory:
        memory.ratings.rate("work", 1, "down", "vague")
    bob.push()
    home.pull()
    assert [row[2:] for row in home.contents()["memory_ratings"]] == [("up", "clear")]
    assert [row[2:] for row in home.contents()["memory_other_ratings"]] == [("bob", "down", "vague")]
    assert [row[2:] for row in bob.contents()["memory_other_ratings"]] == [("ann", "up", "clear")]
    assert home.status().in_sync
    assert bob.status().in_sync


def test_a_wrong_clock_is_told(place: Place, home: Machine) -> None:
    """A clock that is off by more than five minutes is told by status, push and pull."""
    place.server.now = 0.0
    assert "ahead of the remote's" in home.status().clock
    assert "ahead of the remote's" in home.push().clock
    assert "ahead of the remote's" in home.pull().clock


def test_status_says_what_is_ahead_and_behind(home: Machine, laptop: Machine) -> None:
    """Status has each conversation that differs, with how many calls either side lacks."""
    home.go_on("work", "one", "two")
    laptop.go_on("play", "three")
    laptop.note("work", "A note.")
    laptop.push()
    found = {one.name: (one.ahead, one.behind, one.changed) for one in home.status().standings}
    assert found == {"work": (2, 0, True), "play": (0, 1, False)}


def test_status_calls_what_the_other_side_deleted_a_deletion(home: Machine, laptop: Machine) -> None:
    """Sessions and exchanges that were deleted on one side are not new on the other."""
    home.go_on("work", "one")
    home.sync()
    laptop.sync()
    laptop.delete("play")
    laptop.delete("work", 3)
    assert [(one.name, one.ahead, one.behind) for one in laptop.status().standings if one.ahead or one.behind] == []
    assert laptop.status().deleted_here == 3
    laptop.push()
    assert [(one.name, one.ahead, one.behind) for one in home.status().standings if one.ahead or one.behind] == []
    assert home.status().deleted_there == 3
    home.sync()
    assert home.status().in_sync


def test_a_name_that_two_sessions_have_on_the_remote_is_said_to_a_newcomer(
    place: Place, home: Machine, laptop: Machine
) -> None:
    """Both come at once, and the log that gets them is told what the second one is called there."""
    home.new("plan", "mine")
    home.push()
    laptop.new("plan", "yours")
    laptop.push()
    assert place.machine("newcomer").pull().renamed == (("plan", "plan@laptop"),)


def test_others_prompt_while_a_push_runs(home: Machine, laptop: Machine) -> None:
    """What another process logs here, or another machine sends, while a push runs, is neither lost nor half sent."""

    def meanwhile(name: str) -> None:
        if name == "writing":
            home.remote.meanwhile = lambda _: None
            home.go_on("work", "meanwhile here")
            laptop.go_on("work", "meanwhile there")
            laptop.push()

    home.go_on("work", "first")
    home.remote.meanwhile = meanwhile
    home.push()
    home.place.server.check()
    for machine in (home, laptop, home):
        machine.sync()
    assert home.contents() == laptop.contents()
    assert len(home.contents()["turns"]) == 7


@pytest.mark.parametrize("what", ["push", "pull"])
def test_others_may_send_at_any_moment_of_a_push_or_pull(tmp_path: Path, what: str) -> None:
    """Before a request to the remote, whichever it is, another machine sends a branch, a fork and a deletion."""
    place = Place(tmp_path)
    desk, laptop = place.machine("desk"), place.machine("laptop")
    desk.new("work", "One", "Two")
    desk.new("play", "Three")
    for one in (desk, laptop):
        one.sync(EVERYTHING)
    sent: list[int] = []

    def sends_before(request: int) -> Callable[[str], None]:
        requests = count()

        def meanwhile(_: str) -> None:
            if next(requests) == request:
                laptop.go_on("work", f"there {request}")
                laptop.fork("work", 1, f"fork {request}")
                laptop.delete("play", 1)
                laptop.go_on("play", f"play {request}")
                laptop.push(EVERYTHING)
                sent.append(request)

        return meanwhile

    for request in count(0, 3 if PROFILE == "ci" else 10):
        laptop.pull(EVERYTHING)
        laptop.go_on("play", f"before {request}")
        laptop.push(EVERYTHING)
        desk.go_on("work", f"here {request}")
        desk.go_on("play", f"here too {request}")
        desk.remote.meanwhile = sends_before(request)
        getattr(desk, what)(EVERYTHING)
        desk.remote.meanwhile = lambda _: None
        place.server.check()
        if request not in sent:
            break
    assert len(sent) > 1, "others sent only before the first request"
    for one in (desk, laptop, desk, laptop):
        one.sync(EVERYTHING)
    assert desk.stamps(but=()) == laptop.stamps(but=())
    assert (desk.wrong(), laptop.wrong()) == ([], [])


@pytest.mark.parametrize("what", ["push", "pull"])
@pytest.mark.parametrize("fails", ["remote", "disk"])
def test_a_sync_that_breaks_off_says_whether_batches_came_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, fails: str
) -> None:
    """Whether the remote or the log has something new then is what the sentence says, whichever side failed."""
    place = Place(tmp_path)
    desk = place.machine("desk", redact=True)  # then each session is a batch
    desk.new("work", "One")
    desk.new("play", "Two")
    if what == "pull":
        desk.push()
        desk = place.machine("laptop", redact=True)

    def held() -> list[str]:
        return sorted(key for kind, key in place.server.documents if kind == "turn") if what == "push" else desk.names()

    take = empty_tables.take_tables
    room = [0]

    def limited(into: Log, like: Log, tables: Iterable[str]) -> None:
        if not room[0]:
            raise LogUnusable("No space is left.", outcome="Nothing was changed.")
        room[0] -= 1
        take(into, like, tables)

    told: set[tuple[bool, bool, bool]] = set()
    for operations in count():
        before = held()
        if fails == "remote":
            desk.remote.breaks_after = operations
        else:
            room[0] = operations
            monkeypatch.setattr(temporary_log, "take_tables", limited)
        try:
            getattr(desk, what)(EVERYTHING)
            break
        except SessionError as error:
            said = str(error)
            told.add((held() != before, "before that stays" in said, "Nothing was changed" in said))
    assert told == {(True, True, False), (False, False, fails == "disk")}


def test_a_remote_that_gives_something_else_is_refused(home: Machine, laptop: Machine) -> None:
    """A document that nobody asked for, or that is not what its hash says, is refused, and nothing is kept."""
    home.go_on("work", "more")
    home.push()
    before = laptop.contents()

    def other(one: Document) -> Document:
        return replace(one, key=one.key[::-1]) if one.kind == "turn" else one

    def wrong(one: Document) -> Document:
        rows = {table: [{**row, "text": "Obey."} for row in some] for table, some in one.rows.items()}
        return replace(one, rows={**one.rows, "parts": rows["parts"]}) if one.kind == "message" else one

    for lie in (other, wrong):
        laptop.remote.lies = lie
        with pytest.raises(RemoteFailed):
            laptop.pull()
        assert laptop.contents() == before


def test_old_logs_travel_too(place: Place, home: Machine) -> None:
    """Conversations of an llm before 0.32 are sent with their responses."""
    from tests.world.logs import LogBuilder, Said

    with LogBuilder(home.path) as log:
        log.responses("0old", Said("Old prompt", "Old reply", at=place.later() - timedelta(days=400)))
    with home.memory() as memory:
        memory.sessions.name_thread("0old", "old")
    home.push()
    laptop = place.machine("laptop")
    laptop.pull()
    assert laptop.contents() == home.contents()


def test_an_import_that_one_machine_deleted_goes_from_the_others(place: Place, home: Machine, laptop: Machine) -> None:
    """Two machines import the same under their own ids; once one deletes it, it goes from the other and the remote."""
    home.imported("talk", 0)
    laptop.imported("talk", 0)
    home.delete("talk")
    laptop.push()
    home.sync()
    assert "imported 0" not in place.server.texts()
    assert laptop.pull().deleted == 2
    laptop.push()
    assert not any("imported" in str(row) for row in laptop.contents()["turn_search"])
    assert home.contents()["turns"] == laptop.contents()["turns"]
