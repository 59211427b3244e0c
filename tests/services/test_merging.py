"""Laws of merging: twice is once, the order does not matter for what is in the log, and nothing is lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import LogUnusable, SessionError
from llm_session_memory.llm_seam.tables import migrated
from llm_session_memory.memory import Memory
from llm_session_memory.model import Target
from llm_session_memory.model.merging import Merged
from llm_session_memory.model.votes import Vote
from llm_session_memory.rules.merging import Branch, apart, branch_thread, from_elsewhere
from llm_session_memory.store import history, merge_rows, merge_tables, schema, votes
from tests.world.laws import tried
from tests.world.logs import START, LogBuilder, Said, written_once
from tests.world.old_llms import THREAD, write_old_log

NAMES = ("work", "play")

# -- what happens on a machine ---------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Something that a person does in one of the sessions of a log; `place` chooses among its exchanges, and so on."""

    what: str
    session: int
    place: int


DONE = (
    *("say", "say", "say", "new", "note", "pin", "unpin", "tag", "untag", "set", "rename", "rate", "undo", "fork"),
    *("vote", "withdraw", "group", "ungroup"),
)
ALONE = tuple(one for one in DONE if one != "fork")
"""What does not let two sessions share exchanges, so that a deletion takes them."""
GONE = ("delete exchange", "delete session")


def steps(*kinds: str, most: int) -> st.SearchStrategy[list[Step]]:
    """Return lists of steps of some kinds."""
    return st.lists(
        st.builds(Step, st.sampled_from(kinds), st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=most
    )


class Machine:
    """A log, and a person who does things in it."""

    def __init__(self, path: Path, minutes: Iterator[int]) -> None:
        self.path, self.minutes = path, minutes

    def copy(self, name: str) -> Machine:
        """Return another machine with the same log."""
        path = self.path.with_name(f"{name}.db")
        shutil.copyfile(self.path, path)
        return Machine(path, self.minutes)

    def say(self, thread_id: str, text: str) -> None:
        """Log an exchange."""
        with LogBuilder(self.path) as log:
            log.turns(thread_id, Said(text, f"Reply to {text}", at=START + timedelta(minutes=next(self.minutes))))

    def new(self, name: str) -> str:
        """Log the first exchange of a session, and return its thread."""
        at = START + timedelta(minutes=next(self.minutes))
        with LogBuilder(self.path) as log:
            thread_id = log._id(at)
            log.turns(thread_id, Said("Hello", "Hello.", at=at))
        with Memory(self.path) as memory:
            memory.sessions.name_thread(thread_id, name)
        return thread_id

    def do(self, step: Step) -> None:  # noqa: C901, PLR0912  a branch for each thing
        """Do it, if there is such a session or exchange."""
        number = next(self.minutes)
        with Memory(self.path) as memory:
            sessions = sorted(memory.sessions.list(), key=lambda one: one.session.thread_id)
            one = sessions[step.session % len(sessions)].session if sessions else None
            exchanges = history.exchange_turns(memory.desk.log, one.thread_id) if one else ()
            place = step.place % len(exchanges) + 1 if exchanges else 0
            if one and step.what == "say":
                self.say(one.thread_id, f"Prompt {number}")
            elif step.what == "new" or one is None:
                name = f"again {step.place}" if step.place % 2 else f"new {number}"
                if memory.sessions.find(name) is None:
                    self.new(name)
            elif step.what == "note":
                memory.notes.add(one.name, f"Note {number}")
            elif step.what == "tag":
                memory.notes.change_tags(one.name, [f"tag{step.place}"])
            elif step.what == "untag":
                memory.notes.change_tags(one.name, delete=[f"tag{step.place}"], missing_ok=True)
            elif step.what == "set":
                memory.sessions.set(one.name, replace(one.settings, model=f"model {number}"))
            elif step.what == "rename":
                memory.sessions.rename(one.name, f"{one.name[:20]} {number}")
            elif step.what == "fork" and place:
                memory.forks.make(memory.forks.point(one.name, place))
            elif place and step.what == "pin":
                memory.sessions.pin(one.name, place, None)
            elif place and step.what == "unpin":
                with suppress(SessionError):  # it is not pinned
                    memory.sessions.unpin(one.name, place)
            elif place and step.what == "rate":
                memory.ratings.rate(one.name, place, "up" if step.place % 2 else "down", f"because {number}")
            elif place > 1 and step.what in ("vote", "withdraw"):
                self._vote(memory, exchanges[place - 2][0], exchanges[place - 1][0], step)
            elif step.what in ("group", "ungroup"):
                self._group(memory, one.thread_id, step)
            elif place and step.what == "undo":
                memory.undoing.undo(one.name)
            elif place and step.what == "delete exchange":
                memory.deletion.delete([Target(one.thread_id, (exchanges[place - 1][0],))])
            elif step.what == "delete session":
                memory.deletion.delete([Target(one.thread_id)])

    def _vote(self, memory: Memory, first: str, second: str, step: Step) -> None:
        """Say which of two answers was better, or take it back."""
        with memory.writing():
            pair = (min(first, second), max(first, second))
            if step.what == "withdraw":
                votes.remove(memory.desk.log, [pair])
            else:
                better: Literal["a", "b"] = "a" if step.place > 2 else "b"
                votes.add(memory.desk.log, [Vote(*pair, better, False, memory.desk.timestamp())])

    def _group(self, memory: Memory, thread_id: str, step: Step) -> None:
        """Put a session into a group, or remove a group."""
        given = {"key": f"group {step.place % 2}", "id": thread_id, "now": memory.desk.timestamp()}
        log = memory.desk.log
        with memory.writing():
            if step.what == "group":
                log.run("insert or ignore into memory_groups values (:key, :key, :now)", given)
                log.run("insert or ignore into memory_group_members values (:key, :id, :now)", given)
            else:
                log.run("delete from memory_group_members where name_key = :key", given)
                log.run("delete from memory_groups where name_key = :key", given)

    def merge(self, other: Machine, **options: Any) -> Merged:
        """Merge the other machine's log into this one."""
        with Memory(self.path) as memory:
            return memory.merging.merge(other.path, migrated, **options)


@written_once
def _begin(path: Path) -> None:
    """Write the sessions that all machines have."""
    machine = Machine(path, count(1))
    for name in NAMES:
        machine.new(name)


@contextmanager
def machines(before: Sequence[Step], *after: Sequence[Step]) -> Iterator[list[Machine]]:
    """Make a log, copy it, and go on in each copy."""
    with TemporaryDirectory() as folder:
        first = Machine(Path(folder, "first.db"), count(1 + len(NAMES)))
        _begin(first.path)
        for step in before:
            first.do(step)
        made = [first.copy("abc"[place]) for place in range(len(after))]
        for machine, some in zip(made, after, strict=True):
            for step in some:
                machine.do(step)
        yield made


# -- what is in a log ------------------------------------------------------------------

LLMS = {
    "threads": "id, tip_message_hash",
    "turns": "id, thread_id, parent_message_hash, tip_message_hash, model, datetime_utc",
    "messages": "hash, parent_hash, role",
    "parts": "message_hash, position, type, text",
    "turn_search": "turn_id, prompt, response",
    "conversations": "id, model",
    "responses": "id, conversation_id, prompt, response",
}
OURS = {
    "memory_sessions": "thread_id, created_utc, model, system, project, archived_utc",
    "memory_pins": "thread_id, turn_id, pinned_utc",
    "memory_tags": "thread_id, tag",
    "memory_meta": "thread_id, key, value",
    "memory_ratings": "thread_id, turn_id, mark, note",
    "memory_undone": "thread_id, turn_id",
    "memory_groups": "name_key, name, created_utc",
    "memory_group_members": "name_key, thread_id, added_utc",
    "memory_votes": "a_turn_id, b_turn_id, better, voted_utc",
    "memory_forks": "thread_id, from_thread_id, at_turn_id",
    "memory_branches": "thread_id, root_id, turn_id, kept_turn_id",
    "memory_changes": "kind, thread_id, key, changed_utc, removed, machine, person",
    "memory_sessions s left join memory_shared_names n using (thread_id)": "thread_id, coalesce(n.name, s.name)",
    "memory_tombstones": "kind, id",
    "memory_attempts": "id, thread_id, prompt",
}
ORDERED = {"memory_notes": "thread_id, text", "memory_summaries": "thread_id, text", "turns": "thread_id, id"}


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return what is in a log: not its names for things, nor the numbers that it gave itself."""
    with closing(sqlite3.connect(path)) as connection:
        found = {
            table: sorted(connection.execute(f"select {columns} from {table}").fetchall(), key=repr)
            for table, columns in (LLMS | OURS).items()
        }
        for table, columns in ORDERED.items():
            found[f"{table} in order"] = sorted(
                connection.execute(f"select {columns} from {table} order by rowid").fetchall(), key=lambda row: row[0]
            )
    return found


def everything(path: Path) -> str:
    """Return a log's content to the letter, except for its indexes."""
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(line for line in connection.iterdump() if "_fts" not in line and "memory_words" not in line)


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what two logs do not have in common, by table."""
    return {
        table: (
            [row for row in one[table] if row not in other[table]],
            [row for row in other[table] if row not in one[table]],
        )
        for table in one
        if one[table] != other[table]
    }


# -- laws ------------------------------------------------------------------------------


@tried(100, few=5)
@given(steps(*DONE, most=5), steps(*DONE, most=5), steps(*DONE, most=5))
def test_order_does_not_matter_and_twice_is_once(before: list[Step], mine: list[Step], yours: list[Step]) -> None:
    """Both orders come to the same log, a second merge changes no row, and nothing that one of them had is lost."""
    with machines(before, mine, yours) as (a, b):
        turns = {row[0] for one in (a, b) for row in contents(one.path)["turns"]}
        a0, b0 = a.copy("a0"), b.copy("b0")
        a.merge(b0)
        b.merge(a0)
        assert differences(contents(a.path), contents(b.path)) == {}
        assert {row[0] for row in contents(a.path)["turns"]} == turns
        merged = everything(a.path)
        assert a.merge(b0) == Merged()
        assert a.merge(b) == Merged()
        assert everything(a.path) == merged


@tried(60, few=3)
@given(
    steps(*DONE, most=3), steps("say", "new", most=3), steps("say", "say", "fork", most=3), steps("say", "tag", most=3)
)
def test_three_machines(before: list[Step], first: list[Step], two: list[Step], three: list[Step]) -> None:
    """Three logs come to the same exchanges in the same threads, whatever was merged with what first."""
    with machines(before, first, two, three) as (a, b, c):
        left, right, other = a.copy("left"), a.copy("right"), c.copy("other")
        left.merge(b)
        left.merge(c)
        b.merge(c)
        right.merge(b)
        other.merge(a)
        other.merge(b)
        logs = [
            {table: rows for table, rows in contents(one.path).items() if table not in OURS}
            for one in (left, right, other)
        ]
        assert differences(logs[0], logs[1]) == {}
        assert differences(logs[0], logs[2]) == {}


@tried(60, few=3)
@given(steps("say", most=4), steps(*ALONE, *GONE, *GONE, most=5), steps(*ALONE, *GONE, most=5))
def test_what_was_deleted_stays_deleted(before: list[Step], mine: list[Step], yours: list[Step]) -> None:
    """What one log deleted goes from the other, in both orders, and no merge brings it back."""
    with machines(before, mine, yours) as (a, b):
        a0, b0 = a.copy("a0"), b.copy("b0")
        a.merge(b0)
        b.merge(a0)
        assert differences(contents(a.path), contents(b.path)) == {}
        merged = everything(a.path)
        a.merge(b0)
        assert everything(a.path) == merged


# -- one thing at a time ---------------------------------------------------------------


@pytest.fixture(name="two")
def _two() -> Iterator[list[Machine]]:
    """Two machines with the same log of two sessions of one exchange each."""
    with machines((), (), ()) as made:
        yield made


def thread_of(machine: Machine, name: str) -> str:
    """Return a session's thread."""
    with Memory(machine.path) as memory:
        return memory.sessions.get(name).thread_id


def prompts(machine: Machine, name: str) -> list[str]:
    """Return what was said in a session."""
    with Memory(machine.path) as memory:
        turns = history.exchange_turns(memory.desk.log, memory.sessions.get(name).thread_id)
        return [one.turns[0].input[-1].text for one in history.exchanges(memory.desk.log, enumerate(turns, 1))]


def test_a_session_that_went_on_in_both_keeps_its_name_on_both_machines(two: list[Machine]) -> None:
    """On each machine `work` goes on as it did there, and the other branch is a fork called after the other machine."""
    a, b = two
    a.say(thread_of(a, "work"), "mine")
    b.say(thread_of(b, "work"), "yours")
    before = b.copy("before")
    done = a.merge(b, host="laptop")
    assert done.branches == (("work", "work@laptop"),)
    assert (prompts(a, "work"), prompts(a, "work@laptop")) == (["Hello", "mine"], ["Hello", "yours"])
    before.merge(a, host="desk")
    assert (prompts(before, "work"), prompts(before, "work@desk")) == (["Hello", "yours"], ["Hello", "mine"])
    assert thread_of(before, "work@desk") == thread_of(a, "work")


def test_a_branch_goes_on_in_its_fork(two: list[Machine]) -> None:
    """What is said later on the other machine comes into the fork, and into nothing else."""
    a, b = two
    a.say(thread_of(a, "work"), "mine")
    b.say(thread_of(b, "work"), "yours")
    a.merge(b, host="laptop")
    b.say(thread_of(b, "work"), "yours again")
    a.say(thread_of(a, "work"), "mine again")
    assert a.merge(b).branches == ()
    assert prompts(a, "work") == ["Hello", "mine", "mine again"]
    assert prompts(a, "work@laptop") == ["Hello", "yours", "yours again"]


def test_a_session_that_went_on_in_one_log_is_no_fork(two: list[Machine]) -> None:
    """If only the other log went on, the session just has more exchanges, and its tip is the newest of them."""
    a, b = two
    b.say(thread_of(b, "work"), "yours")
    assert a.merge(b).branches == ()
    assert prompts(a, "work") == ["Hello", "yours"]
    assert contents(a.path)["threads"] == contents(b.path)["threads"]


def test_sessions_of_one_name_are_kept_apart(two: list[Machine]) -> None:
    """Another session of the same name gets the name of its machine, and then a number."""
    a, b = two
    threads = [a.new("plan"), b.new("plan")]
    assert a.merge(b, host="laptop").sessions == (("plan", "plan@laptop"),)
    assert [thread_of(a, "plan"), thread_of(a, "plan@laptop")] == threads
    assert from_elsewhere("Plan", "Laptop", {"plan", "plan@laptop"}) == "Plan@Laptop-2"
    assert a.merge(b, host="phone") == Merged()


def test_the_newer_setting_wins_and_the_older_one_is_kept(two: list[Machine]) -> None:
    """A setting that both changed is the newer one; the other is listed. One that nobody changed is not."""
    a, b = two
    for machine, model in ((a, "older"), (b, "newer")):
        with Memory(machine.path) as memory:
            settings = memory.sessions.get("work").settings
            memory.sessions.set("work", replace(settings, model=model))
    with Memory(b.path) as memory:
        memory.sessions.set("play", replace(settings, model="only here"))
    done = a.merge(b)
    with Memory(a.path) as memory:
        assert [memory.sessions.get(name).settings.model for name in NAMES] == ["newer", "only here"]
        (lost,) = memory.merging.conflicts()
        assert (lost.kind, lost.name, lost.row) == ("session", "work", {"model": "older"})
        assert (done.changed, done.conflicts) == (2, 1)
        assert memory.merging.forget_conflicts() == 1
        assert memory.merging.conflicts() == []


def test_what_a_person_removed_does_not_come_back(two: list[Machine]) -> None:
    """A tag, pin or note that was removed in one log is removed in the other, and stays if it was added again."""
    a, b = two
    for machine in two:
        with Memory(machine.path) as memory:
            memory.notes.change_tags("work", ["bridge", "lisbon"])
    with Memory(a.path) as memory:
        memory.notes.add("work", "The deadline is 4 May.")
    b.merge(a)
    with Memory(b.path) as memory:
        memory.notes.change_tags("work", delete=["bridge"])
        memory.notes.change_tags("work", delete=["lisbon"])
        memory.notes.change_tags("work", ["lisbon"])
        memory.notes.delete("work", 1)
    a.merge(b)
    with Memory(a.path) as memory:
        assert memory.notes.tags("work") == ["lisbon"]
        assert memory.notes.list("work") == []


def test_what_was_removed_here_is_no_change_when_it_is_merged_again(two: list[Machine]) -> None:
    """A pin that the other log still has, and that was removed here, is not counted as removed in each merge."""
    a, b = two
    for machine in two:
        machine.do(Step("pin", 0, 0))
    a.do(Step("unpin", 0, 0))
    assert (a.merge(b).changed, a.merge(b).changed) == (0, 0)


def test_a_fork_keeps_what_the_other_log_deleted(two: list[Machine]) -> None:
    """An exchange that a fork has stays in the log for it, and the merge says so."""
    a, b = two
    with Memory(a.path) as memory:
        memory.forks.make(memory.forks.point("work", 1), "fork")
    with Memory(b.path) as memory:
        memory.deletion.delete([Target(memory.sessions.get("work").thread_id)])
    done = a.merge(b)
    assert prompts(a, "fork") == ["Hello"]
    assert done.deleted == 0
    with Memory(a.path) as memory:
        assert memory.sessions.find("work") is None


def test_what_a_fork_took_over_is_with_the_fork_in_both_logs(two: list[Machine]) -> None:
    """If a session was deleted and its fork took its exchanges over, the other log follows, in both orders."""
    a, b = two
    with Memory(b.path) as memory:
        memory.forks.make(memory.forks.point("work", 1), "fork")
        memory.deletion.delete([Target(memory.sessions.get("work").thread_id)])
    a0 = a.copy("a0")
    a.merge(b)
    b.merge(a0)
    assert differences(contents(a.path), contents(b.path)) == {}
    assert prompts(a, "fork") == ["Hello"]
    with Memory(a.path) as memory:
        assert memory.sessions.find("work") is None


def test_logs_of_older_and_plain_llm_come_in(two: list[Machine], tmp_path: Path) -> None:
    """A log that an old llm wrote, or that never had our tables, is merged, and is not changed itself."""
    old, plain = tmp_path / "old.db", tmp_path / "plain.db"
    write_old_log(old, "0.18")
    with LogBuilder(plain) as log:
        log.turns(thread := log.thread(), Said("Plain", at=START - timedelta(days=1)))
    before = [path.read_bytes() for path in (old, plain)]
    done = [two[0].merge(Machine(path, count())) for path in (old, plain)]
    assert [(one.conversations, one.turns) for one in done] == [(1, 2), (1, 1)]
    assert [path.read_bytes() for path in (old, plain)] == before
    with Memory(two[0].path) as memory:
        for thread_id, name in ((THREAD, "old"), (thread, "plain")):
            memory.sessions.name_thread(thread_id, name)
    assert prompts(two[0], "old") == ["We build a bridge in Lisbon.", "When is the deadline?"]
    assert prompts(two[0], "plain") == ["Plain"]


def test_a_dry_run_says_the_same_and_changes_nothing(two: list[Machine]) -> None:
    """The figures of a dry run are those of the merge."""
    a, b = two
    for machine in two:
        machine.say(thread_of(machine, "work"), machine.path.name)
    before = everything(a.path)
    would = a.merge(b, dry_run=True)
    assert everything(a.path) == before
    assert a.merge(b) == would


def test_a_merge_that_fails_changes_nothing(two: list[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    """An error at the very end leaves the log as it was."""
    a, b = two
    b.say(thread_of(b, "work"), "yours")
    before = everything(a.path)
    monkeypatch.setattr(
        "llm_session_memory.store.merge_excerpts.remember_excerpts", lambda log: log.run("select nothing")
    )
    with pytest.raises(LogUnusable):
        a.merge(b)
    assert everything(a.path) == before


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda path: None, "does not exist", id="missing"),
        pytest.param(lambda path: path.mkdir(), "is a folder, not a log. Name the log in it", id="folder"),
        pytest.param(lambda path: path.write_text("no database" * 100), "is not a SQLite database. Check", id="text"),
        pytest.param(
            lambda path: path.write_text("age-encryption.org/v1\n" * 50), "It is encrypted. Decrypt it with", id="age"
        ),
        pytest.param(lambda path: path.touch(), "is an empty file", id="empty"),
        pytest.param(
            lambda path: sqlite3.connect(path).execute("create table t (x)"), "is not a log", id="other tables"
        ),
    ],
)
def test_bad_files_are_refused_with_a_sentence(two: list[Machine], tmp_path: Path, make: Any, said: str) -> None:
    """What is no log is named, and nothing is changed."""
    make(tmp_path / "other.db")
    before = everything(two[0].path)
    with pytest.raises(LogUnusable, match=said):
        two[0].merge(Machine(tmp_path / "other.db", count()))
    assert everything(two[0].path) == before


def test_a_log_is_not_merged_into_itself(two: list[Machine]) -> None:
    """The same file, by whatever name, is refused."""
    with pytest.raises(SessionError, match="the log that you are merging into"):
        two[0].merge(two[0])


def test_a_damaged_log_and_a_newer_one_are_refused(two: list[Machine]) -> None:
    """Nothing comes from a file with a broken page, nor from one whose columns this log does not have."""
    a, b = two
    newer = b.copy("newer")
    with closing(sqlite3.connect(newer.path)) as connection:
        connection.execute("alter table turns add column far_away text")
    with pytest.raises(LogUnusable, match=r"turns\.far_away"):
        a.merge(newer)
    raw = bytearray(b.path.read_bytes())
    raw[4096 * 3 : 4096 * 40] = b"\xff" * (4096 * 37)
    b.path.write_bytes(raw)
    with pytest.raises(LogUnusable, match="damaged|malformed"):
        a.merge(b)


# -- the rule of branches --------------------------------------------------------------


def test_the_branch_that_began_first_keeps_the_thread() -> None:
    """Each other branch gets a thread by its first turn, and is a fork at the last common exchange."""
    found = apart("root", [["1", "2", "4"], ["1", "2", "3", "5"], ["1", "6"]], [], {*"123456"})
    apart_4, apart_6 = branch_thread("root", "4"), branch_thread("root", "6")
    assert found.order == {"root": ["1", "2", "3", "5"], apart_4: ["4"], apart_6: ["6"]}
    assert {one: (link.from_thread_id, link.at_turn_id) for one, link in found.links.items()} == {
        apart_4: ("root", "2"),
        apart_6: ("root", "1"),
    }


def test_a_deleted_branch_still_keeps_its_thread() -> None:
    """What is known of the first branch is not forgotten with its exchanges."""
    branch = Branch("4", "3")
    found = apart("root", [["1", "4"], ["1", "5"]], [branch], {*"145"})
    assert found.order["root"] == ["1"]


paths = st.lists(st.integers(0, 3), min_size=1, max_size=5).map(
    lambda places: ["".join(map(str, places[: end + 1])) for end in range(len(places))]
)


@given(st.lists(paths, min_size=1, max_size=6), st.randoms())
def test_branches_do_not_depend_on_the_order_of_paths(some: list[list[str]], rng: Any) -> None:
    """The same paths in any order come to the same threads, and each exchange is in one of them."""
    shuffled = rng.sample(some, len(some))
    real = {one for path in some for one in path}
    assert apart("root", some, [], real) == apart("root", shuffled, [], real)
    assert {one for order in apart("root", some, [], real).order.values() for one in order} == real


def test_groups_and_votes_are_merged_and_what_was_removed_stays_away() -> None:
    """The newer vote wins, a group of one log comes to the other, and one that was removed in one goes in both."""
    before = (Step("say", 0, 0), Step("group", 0, 0), Step("group", 0, 1), Step("vote", 0, 1))
    here, there = (Step("ungroup", 0, 0), Step("vote", 0, 1)), (Step("group", 1, 0), Step("vote", 0, 3))
    with machines(before, here, there) as (a, b):
        a.merge(b)
        b.merge(a)
        found = contents(a.path)
        assert differences(found, contents(b.path)) == {}
        groups = {name for name, *_ in found["memory_group_members"]}
        assert ({name for name, *_ in found["memory_groups"]}, groups) == ({"group 1"}, {"group 1"})
        assert [better for _, _, better, _ in found["memory_votes"]] == ["a"]


def test_each_table_is_merged_or_said_not_to_be() -> None:
    """No table that a later version adds is forgotten."""
    merged = {*merge_tables.TABLES, *merge_rows.tables(), "memory_tombstones", "memory_changes", "memory_conflicts"}
    assert merged | {*merge_tables.NOT_MERGED} >= schema.OURS - schema.VIEWS
    assert merged.isdisjoint(merge_tables.NOT_MERGED)
