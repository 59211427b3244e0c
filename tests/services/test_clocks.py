"""Laws of clocks: whatever a machine's clock says, its changes win over those that it has seen."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import NameRefused
from llm_session_memory.model import Bookmark, Project, Rating, Settings, Title
from llm_session_memory.model import Session as Session_
from llm_session_memory.model.votes import Vote
from llm_session_memory.store import (
    Log,
    Notes,
    Sessions,
    merge_conflicts,
    merge_rows,
    merging,
    snapshots,
    titles,
    undone,
    votes,
)
from llm_session_memory.store.groups import Groups
from llm_session_memory.store.projects import Projects
from llm_session_memory.store.ratings import Ratings
from tests.store.world import opened
from tests.world.laws import tried
from tests.world.logs import LogBuilder

T, A, B = "t", "turn-1", "turn-2"
"""The thread and two of its turns."""

REAL = sqlite3.connect(":memory:")
"""Where SQLite's own functions are."""

NOON = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)

# -- machines with clocks that jump ------------------------------------------------------


@dataclass
class Machine:
    """A log whose clock says what a test wants, and what is known there: the changes that it has made or seen."""

    log: Log
    name: str
    now: datetime = NOON
    seen: frozenset[int] = field(default=frozenset())

    def tick(self, seconds: float) -> None:
        """Set the clock: forward or backward."""
        self.now = NOON + timedelta(seconds=seconds)

    @property
    def stamp(self) -> str:
        """The time, as the services give it to the store."""
        return self.now.isoformat()

    def strftime(self, form: str, time: str | None, *more: str) -> str | None:
        """Stand in for SQLite's function of this name, with the clock of the machine."""
        at = self.now.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if time == "now" else time
        marks = ", ".join("?" * len(more))
        (found,) = REAL.execute(f"select strftime(?, ?{', ' + marks if more else ''})", (form, at, *more)).fetchone()
        return None if found is None else str(found)

    def merge(self, other: Machine, host: str = "elsewhere") -> merge_rows.MergedRows:
        """Merge the rows of another machine into this one's."""
        with merging.attachable(self.log):
            self.log.run("attach :file as other", {"file": str(other.log.path)})
            with self.log.writing():
                done = merge_rows.rows(self.log, host, self.stamp)
        self.seen |= other.seen
        return done


@pytest.fixture(name="template", scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with a session and a project."""
    path = tmp_path_factory.mktemp("clocks") / "logs.db"
    with LogBuilder(path):
        pass
    with opened(path) as log, log.writing():
        Sessions(log).add(Session_(T, "work", "2026-01-01T00:00:00+00:00", Settings()))
        Projects(log).add(Project("lisbon", "Lisbon", "2026-01-01T00:00:00+00:00", Settings()))
    return path


@contextmanager
def machines(template: Path, amount: int = 2) -> Iterator[list[Machine]]:
    """Copy a log to some machines, each with a clock of its own."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        made = []
        for name in "abcd"[:amount]:
            path = Path(folder, f"{name}.db")
            shutil.copyfile(template, path)
            log = stack.enter_context(opened(path))
            machine = Machine(log, name)
            log.database.conn.create_function("strftime", -1, machine.strftime)
            with log.writing():
                log.run("insert into memory_machine values (:name, :name, 'ana', '')", {"name": name})
            made.append(machine)
        yield made


# -- what people change ------------------------------------------------------------------


@dataclass(frozen=True)
class Thing:
    """Something that people change: how it is set to a value, how it is removed, and what it is."""

    put: Callable[[Log, str, str], object]
    take: Callable[[Log], object] | None
    sql: str
    """A query that returns its value, or no row; without a value, that of any row is `there`."""

    def value(self, log: Log) -> str | None:
        """Return its value."""
        found = log.tuples(self.sql)
        return str(found[0][0]) if found else None


def _snapshot(log: Log, value: str, at: str) -> None:
    log.run("delete from memory_snapshots")
    snapshots.add(log, T, "before", {"turn_id": A, "state_json": value, "made_utc": at})


def _group(log: Log, _: str, at: str) -> None:
    if not Groups(log).group("bridges"):
        Groups(log).make("bridges", at)
    Groups(log).add("bridges", [T], datetime.fromisoformat(at))


def _note(log: Log, _: str, __: str) -> None:
    """Add a note that was once written, as unsealing and restoring do."""
    if not log.value("select 1 from memory_notes"):
        Notes(log).add_note(T, "The deadline is 4 May.", "you", "2026-01-01T00:00:00+00:00")


def _undo(log: Log, _: str, at: str) -> None:
    if not undone.undone_in(log, T):
        undone.take_out(log, T, [A], at)


def _project(log: Log, value: str, at: str) -> None:
    project = Project("lisbon", value, at, Settings())
    if Projects(log).project("lisbon"):
        Projects(log).change(project)
    else:
        Projects(log).add(project)


def _set(log: Log, value: str, _: str) -> None:
    Sessions(log).set_settings(T, Settings(model=value))


THINGS = {
    "setting": Thing(_set, None, "select model from memory_sessions where model is not null"),
    "name": Thing(
        lambda log, value, _: Sessions(log).rename(T, f"name {value}"),
        None,
        "select substr(name, 6) from memory_sessions where name like 'name %'",
    ),
    "project": Thing(
        _project,
        lambda log: Projects(log).remove("lisbon"),
        "select name from memory_projects where name <> 'Lisbon'",
    ),
    "rating": Thing(
        lambda log, value, at: Ratings(log).rate(T, A, Rating("up", value, at)),
        lambda log: Ratings(log).unrate(T, A),
        "select note from memory_ratings",
    ),
    "bookmark": Thing(
        lambda log, value, at: Ratings(log).bookmark(T, A, Bookmark(value, at)),
        lambda log: Ratings(log).unbookmark(T, A),
        "select label from memory_bookmarks",
    ),
    "title": Thing(
        lambda log, value, at: titles.put(log, T, Title(value, "you", at)),
        None,
        "select title from memory_titles",
    ),
    "fact": Thing(
        lambda log, value, _: Notes(log).set_meta(T, {"where": value}),
        lambda log: Notes(log).set_meta(T, {"where": None}),
        "select value from memory_meta",
    ),
    "vote": Thing(
        lambda log, value, at: votes.add(log, [Vote(A, B, value, False, at)]),  # type: ignore[arg-type]
        lambda log: votes.remove(log, [(A, B)]),
        "select better from memory_votes",
    ),
    "snapshot": Thing(
        _snapshot, lambda log: log.run("delete from memory_snapshots"), "select state_json from memory_snapshots"
    ),
    "tag": Thing(
        lambda log, *_: Notes(log).add_tag(T, "bridge"),
        lambda log: Notes(log).delete_tag(T, "bridge"),
        "select 'there' from memory_tags",
    ),
    "pin": Thing(
        lambda log, _, at: Sessions(log).pin(T, A, at),
        lambda log: Sessions(log).unpin(T, A),
        "select 'there' from memory_pins",
    ),
    "undo": Thing(
        _undo,
        lambda log: undone.bring_back(log, T, [A]),
        "select 'there' from memory_undone",
    ),
    "note": Thing(_note, lambda log: log.run("delete from memory_notes"), "select 'there' from memory_notes"),
    "member": Thing(
        _group, lambda log: Groups(log).take_out("bridges", [T]), "select 'there' from memory_group_members"
    ),
    "group": Thing(_group, lambda log: Groups(log).delete("bridges"), "select 'there' from memory_groups"),
}


@dataclass(frozen=True)
class Step:
    """What a person does on a machine, whose clock says something then."""

    machine: int
    what: str
    seconds: int


steps = st.lists(
    st.builds(Step, st.integers(0, 2), st.sampled_from(("put", "put", "take", "merge", "merge")), st.integers(-2, 2)),
    min_size=2,
    max_size=9,
)


@pytest.mark.parametrize("kind", THINGS)
@tried(100, few=3)
@given(steps)
def test_a_change_wins_over_all_that_its_machine_has_seen(template: Path, kind: str, some: list[Step]) -> None:
    """Three machines with clocks that jump come to the same, and it is no change that another one was made after."""
    thing = THINGS[kind]
    made: dict[int, tuple[str | None, frozenset[int]]] = {0: (None, frozenset())}
    with machines(template, 3) as all_:
        for number, step in enumerate(some, 1):
            machine = all_[step.machine]
            machine.tick(step.seconds)
            if step.what == "merge":
                machine.merge(all_[(step.machine + 1 + number % 2) % 3])
                continue
            before = thing.value(machine.log)
            if step.what == "take" and (thing.take is None or before is None):
                continue
            with machine.log.writing():
                if step.what == "take" and thing.take:
                    thing.take(machine.log)
                else:
                    thing.put(machine.log, str(number), machine.stamp)
            now = thing.value(machine.log)
            if now != before:
                made[number] = (now, machine.seen)
                machine.seen |= {number}
        everyone = list(all_)
        for one in (*everyone, *everyone):
            for other in everyone:
                if one is not other:
                    one.merge(other)
        found = {thing.value(one.log) for one in everyone}
        assert len(found) == 1
        outdone = frozenset().union(*(seen for _, seen in made.values()), {0} if len(made) > 1 else ())
        assert found <= {value for number, (value, _) in made.items() if number not in outdone}


def test_a_change_says_who_made_it_and_where_and_so_does_what_lost(template: Path) -> None:
    """memory_changes has the machine and the person, and a row that loses keeps those that it had."""
    with machines(template) as (a, b):
        for machine, seconds in ((a, 0), (b, 1)):
            machine.tick(seconds)
            rate(machine, f"on {machine.name}")
        a.merge(b)
        sql = "select machine, person, removed from memory_changes where kind = 'rating'"
        assert a.log.tuples(sql) == b.log.tuples(sql) == [("b", "ana", 0)]
        (lost,) = merge_conflicts.conflicts(a.log)
        assert (lost["kind"], lost["machine"], lost["person"]) == ("rating", "a", "ana")
        assert "on a" in lost["row_json"]


@pytest.mark.parametrize("made_up", ["9999-12-31T23:59:59.999+00:00", "not a time", "2099-01-01T00:00:00.000+00:00"])
def test_a_time_that_was_made_up_elsewhere_keeps_nobody_from_changing_the_row(template: Path, made_up: str) -> None:
    """Whoever has seen the row can change it, and wins."""
    with machines(template) as (a, b):
        with a.log.writing():
            Notes(a.log).set_meta(T, {"where": "Nowhere"})
            a.log.run("update memory_changes set changed_utc = :made_up where kind = 'fact'", {"made_up": made_up})
        b.merge(a)
        for value in ("Porto", "Lisbon"):
            with b.log.writing():
                Notes(b.log).set_meta(T, {"where": value})
        a.merge(b)
        assert [Notes(one.log).meta(T) for one in (a, b)] == [{"where": "Lisbon"}] * 2


def test_a_row_of_equal_time_is_that_of_the_greater_value(template: Path) -> None:
    """Two clocks that say the same are no reason to differ."""
    with machines(template) as (a, b):
        for machine, value in ((a, "first"), (b, "second")):
            with machine.log.writing():
                Notes(machine.log).set_meta(T, {"where": value})
        b.merge(a)
        a.merge(b)
        assert [Notes(one.log).meta(T) for one in (a, b)] == [{"where": "second"}] * 2


# -- ratings of several people ---------------------------------------------------------


def opinions(machine: Machine) -> tuple[dict[str, str], dict[str, str]]:
    """Return the ratings of a machine's own person by turn, and those of others by person."""
    log = machine.log
    own = {turn_id: one.note for turn_id, one in Ratings(log).ratings(T).items()}
    return own, {one.person: one.note for some in Ratings(log).opinions(T).values() for one in some}


def rate(machine: Machine, note: str | None) -> None:
    """Rate an exchange, or remove the rating."""
    with machine.log.writing():
        if note is None:
            Ratings(machine.log).unrate(T, A)
        else:
            Ratings(machine.log).rate(T, A, Rating("up", note, machine.stamp))


def test_each_person_has_the_own_ratings_on_all_machines_and_sees_those_of_others(template: Path) -> None:
    """Ana's rating is her own on both of her machines, even if it came by Ben's, where it is another person's."""
    with machines(template, 3) as (ana, ben, anas_other):
        with ben.log.writing():
            ben.log.run("update memory_machine set person = 'ben'")
        rate(ana, "Ana's")
        rate(ben, "Ben's")
        ben.merge(ana)
        anas_other.merge(ben)
        ana.merge(anas_other)
        assert opinions(ana) == opinions(anas_other) == ({A: "Ana's"}, {"ben": "Ben's"})
        assert opinions(ben) == ({A: "Ben's"}, {"ana": "Ana's"})
        assert not any(merge_conflicts.count(one.log) for one in (ana, ben, anas_other))

        anas_other.tick(-60)
        rate(anas_other, None)
        ben.merge(anas_other)
        ana.merge(ben)
        assert [opinions(one) for one in (ana, ben)] == [({}, {"ben": "Ben's"}), ({A: "Ben's"}, {})]
        rate(ana, "Ana's again")
        ben.merge(ana)
        assert opinions(ben) == ({A: "Ben's"}, {"ana": "Ana's again"})


def test_logs_without_a_person_are_of_the_same_one(template: Path) -> None:
    """As long as a log doesn't say whose it is, its ratings are the other's own, and the newer one wins."""
    with machines(template) as (a, b):
        for machine in (a, b):
            with machine.log.writing():
                machine.log.run("delete from memory_machine")
        rate(a, "older")
        b.tick(1)
        rate(b, "newer")
        a.merge(b)
        assert opinions(a) == ({A: "newer"}, {})


# -- names -----------------------------------------------------------------------------

NAMES = ("work", "play", "Work", "plan")


def called(machine: Machine) -> dict[str, str]:
    """Return the shared name of each session."""
    sql = "select s.thread_id, coalesce(n.name, s.name) from memory_sessions s left join memory_shared_names n"
    return dict(machine.log.tuples(f"{sql} using (thread_id)"))


@tried(100, few=4)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(("new", "rename", "rename", "merge")), st.integers(0, 5)),
        min_size=3,
        max_size=10,
    )
)
def test_names_come_to_be_the_same_everywhere(template: Path, some: list[tuple[int, str, int]]) -> None:
    """Sessions that are made and renamed on three machines have the same shared names in the end."""
    with machines(template, 3) as all_:
        for number, (place, what, choice) in enumerate(some):
            machine, name = all_[place], NAMES[choice % len(NAMES)]
            machine.tick(choice - 3)
            if what == "merge":
                machine.merge(all_[(place + 1 + choice % 2) % 3], host=f"host {choice}")
                continue
            threads = [one for (one,) in machine.log.tuples("select thread_id from memory_sessions order by 1")]
            with machine.log.writing(), suppress(NameRefused):
                if what == "new":
                    Sessions(machine.log).add(Session_(f"t{number}", name, machine.stamp, Settings()))
                else:
                    Sessions(machine.log).rename(threads[choice % len(threads)], name)
        for one in (*all_, *all_):
            for other in all_:
                if one is not other:
                    one.merge(other)
        assert called(all_[0]) == called(all_[1]) == called(all_[2])
        before = all_[0].log.tuples("select * from memory_sessions order by 1")
        all_[0].merge(all_[1])
        assert all_[0].log.tuples("select * from memory_sessions order by 1") == before


def two_plans(a: Machine, b: Machine) -> None:
    """Make a session `plan` on each of two machines."""
    for machine in (a, b):
        with machine.log.writing():
            Sessions(machine.log).add(Session_(f"plan of {machine.name}", "plan", machine.stamp, Settings()))


def test_a_name_that_is_taken_is_that_of_the_machine_until_it_is_free(template: Path) -> None:
    """The second `plan` is `plan@laptop`; it gets its name in the next merge after the first one gave it up."""
    with machines(template) as (a, b):
        two_plans(a, b)
        assert a.merge(b, host="laptop").added == (("plan", "plan@laptop"),)
        assert called(a)["plan of b"] == "plan"
        with a.log.writing():
            Sessions(a.log).rename("plan of a", "old plan")
        a.merge(b)
        assert (found := Sessions(a.log).session("plan"))
        assert found.thread_id == "plan of b"


@pytest.mark.parametrize("what", ["renamed", "deleted"])
def test_a_session_that_a_person_renames_or_deletes_has_no_other_name_elsewhere(template: Path, what: str) -> None:
    """Its new name is the one that all machines get."""
    with machines(template) as (a, b):
        two_plans(a, b)
        a.merge(b)
        with a.log.writing():
            if what == "renamed":
                Sessions(a.log).rename("plan of b", "other plan")
            else:
                Sessions(a.log).remove("plan of b")
        assert a.log.tuples("select * from memory_shared_names") == []


def test_a_session_is_called_after_the_machine_that_it_is_from(template: Path) -> None:
    """A mapping says which machine each session is from."""
    with machines(template) as (a, b):
        two_plans(a, b)
        with merging.attachable(a.log):
            a.log.run("attach :file as other", {"file": str(b.log.path)})
            with a.log.writing():
                done = merge_rows.rows(a.log, "remote", a.stamp, {"plan of b": "phone"})
        assert done.added == (("plan", "plan@phone"),)
