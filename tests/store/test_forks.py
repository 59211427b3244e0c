"""The history of a fork: the exchanges of the thread it was forked from, up to that point, and then its own."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.model import Session, Settings
from llm_session_memory.reader.entries import Family, Filters, Relative
from llm_session_memory.reader.families import family
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.listing import listing
from llm_session_memory.reader.numbering import numbering
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from llm_session_memory.store import Log, Sessions, history
from llm_session_memory.store.forks import joined, traced
from llm_session_memory.store.numbering import Numbering, Pair
from tests.store.world import built
from tests.world.laws import tried
from tests.world.logs import Call, LogBuilder, Said


def forked(path: Path, thread: str, origin: str, at: str) -> None:
    """Record that a thread is a fork of another."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("insert into memory_forks values (?, ?, ?, '2026-11-28')", [thread, origin, at])


def both(path: Path, log: Log, thread: str) -> Numbering:
    """Return a thread's numbering, which the store and the reader agree on."""
    found = history.exchange_turns(log, thread)
    with closing(sqlite3.connect(path)) as connection:
        register(connection)
        read = numbering(Source(connection, present(connection), str(path)), thread)
    assert (list(found), found.inherited) == (list(read), read.inherited)
    return found


# -- laws --------------------------------------------------------------


@dataclass
class Happened:
    """Sessions that were forked from one another: what is logged in each, and the exchanges that each should have."""

    logged: dict[int, list[Pair]] = field(default_factory=lambda: defaultdict(list))
    origins: dict[int, tuple[str, str]] = field(default_factory=dict)
    exchanges: dict[str, list[str]] = field(default_factory=dict)
    expected: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    undone: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    count: int = 0

    def turn(self, thread: int, continues: str | None = None) -> str:
        self.count += 1
        id_ = f"{self.count:06}"
        self.logged[thread].append((id_, continues))
        return id_

    def say(self, thread: int) -> None:
        id_ = self.turn(thread)
        self.exchanges[id_] = [id_]
        self.expected[thread].append(id_)

    def late(self, thread: int, place: int) -> None:
        """Log another turn of one of the exchanges that this session has itself."""
        own = [head for head, _ in self.logged[thread] if head in self.exchanges]
        if own:
            head = own[place % len(own)]
            self.exchanges[head].append(self.turn(thread, head))

    def undo(self, thread: int, place: int) -> None:
        if self.expected[thread]:
            head = self.expected[thread][place % len(self.expected[thread])]
            self.undone[thread] ^= {head}

    def fork(self, thread: int, place: int) -> None:
        every = [head for head in self.expected[thread] if head not in self.undone[thread]]
        if every:
            head, made = every[place % len(every)], len(self.origins) + 1
            self.origins[made] = (str(thread), head)
            self.expected[made] = self.expected[thread][: self.expected[thread].index(head) + 1]
            self.undone[made] = self.undone[thread] & {*self.expected[made]}

    def history(self, thread: int) -> Numbering:
        line = traced(str(thread), lambda one: self.origins.get(int(one)))
        return joined(line, [self.logged[int(one)] for one, _ in line], self.undone[thread])

    def should_have(self, thread: int) -> list[tuple[str, ...]]:
        return [tuple(self.exchanges[one]) for one in self.expected[thread] if one not in self.undone[thread]]


events = st.lists(
    st.tuples(st.sampled_from(["say", "say", "late", "undo", "fork"]), st.integers(0, 9), st.integers(0, 9)),
    min_size=5,
    max_size=60,
)


@given(happened=events)
@tried(500, 60)
def test_a_fork_has_what_was_there_when_it_was_made_whatever_happens_later(
    happened: list[tuple[str, int, int]],
) -> None:
    """Forks and forks of forks have the exchanges up to their point, whole, and then their own, without what was undone
    in them. Nothing that is said, forked or undone elsewhere changes that.
    """
    all_ = Happened()
    for what, thread, place in happened:
        at = thread % (len(all_.origins) + 1)
        if what == "say":
            all_.say(at)
        else:
            getattr(all_, what)(at, place)
    for thread in range(len(all_.origins) + 1):
        found = all_.history(thread)
        assert list(found) == all_.should_have(thread)
        own = [head for head, _ in all_.logged[thread] if head in all_.exchanges]
        assert {*found.first[found.shared :]} == {*own} - all_.undone[thread]
        owners = [thread_id for thread_id, _ in found.inherited]
        assert len(owners) == len(set(owners))


# -- on a log ----------------------------------------------------------


def test_a_fork_of_an_old_conversation_begins_with_its_responses(log: Path) -> None:
    """What an older llm logged is shared like any other history, tool rounds and all."""
    with built(log) as (builder, found):
        origin, fork = builder.thread(), builder.thread()
        ids = builder.responses(origin, Said("One."), Said("Two.", calls=(Call("clock", {}, "12:00"),)))
        ids += builder.turns(origin, Said("Three."))
        forked(log, fork, origin, ids[1])
        assert list(both(log, found, fork)) == [(ids[0],), (ids[1], ids[2])]
        own = builder.turns(fork, Said("Otherwise."))
        later = builder.turns(origin, Said("Four."))
        assert both(log, found, fork)[-1] == (*own,)
        assert both(log, found, origin)[-1] == (*later,)


def test_if_the_exchange_of_a_fork_is_gone_no_later_one_takes_its_place(log: Path) -> None:
    """Somebody deleted it by hand: the fork keeps what came before it."""
    with built(log) as (builder, found):
        origin, fork = builder.thread(), builder.thread()
        ids = builder.turns(origin, Said("One."), Said("Two."), Said("Three."))
        forked(log, fork, origin, ids[1])
        with found.writing():
            found.run("delete from turns where id = :id", {"id": ids[1]})
        assert list(both(log, found, fork)) == [(ids[0],)]


def test_a_circle_of_forks_ends(log: Path) -> None:
    """A damaged log is read, not read for ever."""
    with built(log) as (builder, found):
        one, other = builder.thread(), builder.thread()
        ids = [*builder.turns(one, Said("One.")), *builder.turns(other, Said("Two."))]
        forked(log, one, other, ids[1])
        forked(log, other, one, ids[0])
        assert list(both(log, found, one)) == [(ids[1],), (ids[0],)]


def test_a_log_without_the_table_has_no_forks(log: Path) -> None:
    """A log that no session has used since the table exists can be read."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        ids = builder.turns(thread, Said("One."))
        with closing(sqlite3.connect(log)) as connection:
            register(connection)
            source = Source(connection, present(connection), str(log))
            assert list(numbering(source, thread)) == [(*ids,)]


def test_lists_and_families_know_forks(log: Path) -> None:
    """A fork's line has all its exchanges and its own tokens; parent and forks name each other."""
    with built(log) as (builder, found):
        origin, fork, idle = builder.thread(), builder.thread(), builder.thread()
        ids = builder.turns(origin, *[Said(f"Plan {n}.", tokens=(10, 5)) for n in range(1, 5)])
        with found.writing():
            for one, name in ((origin, "work"), (fork, "work-2"), (idle, "work-3")):
                Sessions(found).add(Session(one, name, "2026-11-28T00:00:00+00:00", Settings()))
        forked(log, fork, origin, ids[2])
        forked(log, idle, fork, ids[0])
        builder.turns(fork, Said("Otherwise.", tokens=(7, 1)))
        with closing(sqlite3.connect(log)) as connection:
            register(connection)
            source = Source(connection, present(connection), str(log))
            ranked = listing(source, Filters(), sort="exchanges").lines
            assert [(one.name, one.figures.exchanges, one.figures.input_tokens) for one in ranked] == [
                ("work-2", 4, 7),
                ("work", 4, 40),
                ("work-3", 1, None),
            ]
            assert [one.forked_from for one in ranked] == [origin, None, fork]
            assert family(source, origin) == Family(None, (Relative(fork, "work-2", "Otherwise.", 3),))
            assert family(source, fork) == Family(
                Relative(origin, "work", "Plan 1.", 3), (Relative(idle, "work-3", "", 1),)
            )
