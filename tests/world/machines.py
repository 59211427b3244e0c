"""Several machines that keep their conversations on one remote in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from llm_session_memory.memory import Memory
from llm_session_memory.model import Target
from llm_session_memory.model.remotes import Machine as Called
from llm_session_memory.model.remotes import RemoteSettings, Stamp
from llm_session_memory.model.syncing import Moved, Status, SyncScope
from llm_session_memory.model.votes import Vote
from llm_session_memory.rules.ulids import of_import
from llm_session_memory.services.checking import check
from llm_session_memory.services.sync_scope import eligible
from llm_session_memory.services.syncing import Syncing
from llm_session_memory.store import documents, history, tombstones, votes
from tests.world.logs import START, LogBuilder, Said
from tests.world.memory_remote import MemoryRemote, Server

EVERYTHING = SyncScope(everything=True)
NAMED = SyncScope()


class Place:
    """A remote, and a folder with the logs of machines. Every prompt on any of them has a time of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.server = folder, Server()
        self._minutes = 0
        self._given = 0
        self.said: dict[str, tuple[str | None, str | None]] = {}
        """The ends of the chains of each turn, as it was logged."""
        self.machines: list[Machine] = []

    def machine(self, name: str, person: str = "ann", **settings: Any) -> Machine:
        """Return a new machine with an empty log."""
        one = Machine(self, name, person, RemoteSettings("drive", "memory://", **settings))
        self.machines.append(one)
        return one

    def later(self) -> datetime:
        """Return the next minute."""
        self._minutes += 1
        return START + timedelta(minutes=self._minutes)

    def unique(self) -> int:
        """Return a number from which ids are made that no other machine makes."""
        self._given += 1_000
        return self._given

    def kept(self) -> Kept:
        """Return all that is here now, so that other tests can begin with it."""
        machines = [(one.name, one.person, one.settings, one.path.read_bytes()) for one in self.machines]
        server = Server({**self.server.documents}, {**self.server.digests})
        return Kept(self._minutes, self._given, {**self.said}, server, machines)

    def begin_with(self, kept: Kept) -> None:
        """Let all be as it was somewhere else. Machines that are here already get the logs that they had there."""
        self._minutes, self._given, self.said = kept.minutes, kept.given, {**kept.said}
        self.server.documents, self.server.digests = {**kept.server.documents}, {**kept.server.digests}
        here = {one.name: one for one in self.machines}
        for name, person, settings, log in kept.machines:
            if name not in here:
                here[name] = Machine(self, name, person, settings)
                self.machines.append(here[name])
            here[name].path.write_bytes(log)

    def __getitem__(self, name: str) -> Machine:
        """Return the machine of that name."""
        return next(one for one in self.machines if one.name == name)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Kept:
    """A place at some moment, with each machine's name, person, settings and log."""

    minutes: int
    given: int
    said: dict[str, tuple[str | None, str | None]]
    server: Server
    machines: list[tuple[str, str, RemoteSettings, bytes]]


@cache
def _prepared() -> bytes:
    """Return an empty log with llm's tables and ours, which are made once for all machines."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "logs.db")
        with LogBuilder(path):
            pass
        with Memory(path) as memory:
            memory.desk.prepare()
        return path.read_bytes()


class Machine:
    """A log, a person who does things in it, and its way to the remote."""

    def __init__(self, place: Place, name: str, person: str, settings: RemoteSettings) -> None:
        self.place, self.name, self.person, self.settings = place, name, person, settings
        self.path = place.folder / f"{name}.db"
        self.remote: Any = MemoryRemote(place.server)
        self.clock = timedelta()
        """How far this machine's clock is off."""
        self.path.write_bytes(_prepared())
        with self.memory() as memory:
            memory.remotes.name_machine(name, person)

    @contextmanager
    def memory(self) -> Iterator[Memory]:
        """Open the log."""
        with Memory(self.path, now=lambda: datetime.now(timezone.utc) + self.clock) as memory:
            yield memory

    # -- what a person does --------------------------------------------

    def say(self, thread_id: str, *prompts: str) -> list[str]:
        """Log exchanges, and return the ids of their turns."""
        with LogBuilder(self.path) as log:
            said = [Said(one, f"Reply to {one}", at=self.place.later() + self.clock) for one in prompts]
            log._given = self.place.unique()
            return self._remember(log.turns(thread_id, *said))

    def _remember(self, turns: list[str]) -> list[str]:
        said = self.said()
        self.place.said.update({one: said[one] for one in turns})
        return turns

    def new(self, name: str | None, *prompts: str, thread_id: str | None = None) -> str:
        """Log a new conversation, with a name or without one, and return its thread."""
        with LogBuilder(self.path) as log:
            log._given = self.place.unique()
            thread_id = thread_id or log._id(self.place.later() + self.clock)
        self.say(thread_id, *prompts)
        if name is not None:
            with self.memory() as memory:
                memory.sessions.name_thread(thread_id, name)
        return thread_id

    def go_on(self, name: str, *prompts: str) -> list[str]:
        """Log more exchanges in a session."""
        return self.say(self.thread(name), *prompts)

    def thread(self, name: str) -> str:
        """Return a session's thread."""
        with self.memory() as memory:
            return memory.sessions.get(name).thread_id

    def note(self, name: str, text: str) -> None:
        """Add a note to a session."""
        with self.memory() as memory:
            memory.notes.add(name, text)

    def configure(self, name: str, **settings: Any) -> None:
        """Change settings of a session."""
        with self.memory() as memory:
            memory.sessions.set(name, replace(memory.sessions.get(name).settings, **settings))

    def delete(self, name: str, number: int | None = None) -> None:
        """Delete a session, or one of its exchanges."""
        with self.memory() as memory:
            session = memory.sessions.get(name)
            one = Target(session.thread_id)
            if number is not None:
                one = Target(session.thread_id, (memory.desk.exchange_id(session, number),))
            memory.deletion.delete([one])

    def prompts(self, name: str) -> list[str]:
        """Return what was said in a session."""
        with self.memory() as memory:
            turns = history.exchange_turns(memory.desk.log, memory.sessions.get(name).thread_id)
            return [one.turns[0].input[-1].text for one in history.exchanges(memory.desk.log, enumerate(turns, 1))]

    def turns(self, name: str) -> list[str]:
        """Return the ids of a session's turns."""
        with self.memory() as memory:
            found = history.exchange_turns(memory.desk.log, memory.sessions.get(name).thread_id)
            return [one for turns in found for one in turns]

    def names(self) -> list[str]:
        """Return the names of all sessions."""
        with self.memory() as memory:
            return sorted(one.session.name for one in memory.sessions.list())

    def session(self, number: int) -> str | None:
        """Return the name of one of the sessions, or None if there are none."""
        names = self.names()
        return names[number % len(names)] if names else None

    def is_private(self, name: str) -> bool:
        """Return whether a session is private."""
        with self.memory() as memory:
            return memory.sessions.get(name).private

    def set_private(self, name: str, *, private: bool) -> None:
        """Make a session private, or no longer."""
        with self.memory() as memory:
            memory.sessions.set_private(name, private=private)

    def fork(self, name: str, number: int, prompt: str) -> None:
        """Fork a session after an exchange, and go on in the fork."""
        with self.memory() as memory:
            made = memory.forks.make(memory.forks.point(name, number))
        self.say(made.thread_id, prompt)

    def imported(self, name: str, which: int, *, restore_deleted: bool = False) -> None:
        """Log a conversation as an import does: with ids of this machine, and the times and texts of another tool.

        What was deleted is not imported, unless it is asked for.
        """
        at = START - timedelta(days=300 + which)
        thread_id = of_import(at.isoformat())
        said = [Said(f"imported {which} {number}", at=at + timedelta(minutes=number)) for number in range(2)]
        scratch = self.path.with_suffix(".made")
        with LogBuilder(scratch) as made, Memory(scratch) as read, self.memory() as memory:
            made.turns(thread_id, *said)
            if tombstones.deleted_among(memory.desk.log, read.desk.log):
                if not restore_deleted:
                    return
                with memory.writing():
                    tombstones.dig_up(memory.desk.log, read.desk.log, memory.desk.timestamp())
        scratch.unlink()
        with LogBuilder(self.path) as log:
            log._given = self.place.unique()
            self._remember(log.turns(thread_id, *said))
        with self.memory() as memory:
            memory.sessions.name_thread(thread_id, name)

    CHANGES = (
        *("note", "tag", "untag", "set", "rename", "pin", "unpin", "rate", "undo", "bookmark", "fact"),
        *("archive", "group", "ungroup", "vote", "project"),
    )
    """What a person changes about a session."""

    def change(self, name: str, what: str, place: int, text: str) -> None:  # noqa: C901, PLR0912  a branch for each thing
        """Change something about a session. `place` chooses among its exchanges, and so on."""
        with self.memory() as memory:
            session = memory.sessions.get(name)
            exchanges = [one[0] for one in history.exchange_turns(memory.desk.log, session.thread_id)]
            number = place % len(exchanges) + 1 if exchanges else 0
            if what == "note":
                memory.notes.add(name, text)
            elif what == "tag":
                memory.notes.change_tags(name, [f"tag{place}"])
            elif what == "untag":
                memory.notes.change_tags(name, delete=[f"tag{place}"], missing_ok=True)
            elif what == "fact":
                memory.notes.set_facts(name, {f"key{place}": text})
            elif what == "set":
                memory.sessions.set(name, replace(session.settings, model=text))
            elif what == "rename":
                memory.sessions.rename(name, f"name {place}")
            elif what == "archive":
                memory.sessions.archive(name)
            elif what in ("group", "ungroup", "vote", "project"):
                self._change_together(memory, session.thread_id, what, place, exchanges)
            elif number and what == "pin":
                memory.sessions.pin(name, number, None)
            elif number and what == "unpin":
                memory.sessions.unpin(name, number)
            elif number and what == "rate":
                memory.ratings.rate(name, number, "up" if place % 2 else "down", text)
            elif number and what == "bookmark":
                memory.ratings.bookmark(name, number, text)
            elif number and what == "undo":
                memory.undoing.undo(name)

    def _change_together(self, memory: Memory, thread_id: str, what: str, place: int, exchanges: list[str]) -> None:
        """Change what several sessions may have in common."""
        given = {"key": f"group {place % 2}", "id": thread_id, "now": memory.desk.timestamp()}
        log = memory.desk.log
        with memory.writing():
            if what == "group":
                log.run("insert or ignore into memory_groups values (:key, :key, :now)", given)
                log.run("insert or ignore into memory_group_members values (:key, :id, :now)", given)
            elif what == "ungroup":
                log.run("delete from memory_group_members where name_key = :key", given)
                log.run("delete from memory_groups where name_key = :key", given)
            elif what == "vote" and len(exchanges) > 1:
                a, b = sorted(exchanges[:2])
                votes.add(log, [Vote(a, b, "a" if place % 2 else "b", False, memory.desk.timestamp())])
        if what == "project":
            if memory.projects.find("bridge") is None:
                memory.projects.create("bridge")
            session = memory.sessions.of_thread(thread_id)
            assert session is not None
            memory.projects.move(session.name, "bridge" if place % 2 else None)

    # -- the remote ----------------------------------------------------

    @contextmanager
    def syncing(self) -> Iterator[Syncing]:
        """Open the log for the remote."""
        with self.memory() as memory:
            machine = memory.remotes.machine()
            yield Syncing(memory.desk, self.remote, self.settings, Called(machine.id, self.name, self.person))

    def push(self, scope: SyncScope = NAMED, **options: Any) -> Moved:
        """Push."""
        with self.syncing() as syncing:
            return syncing.push(scope, **options)

    def pull(self, scope: SyncScope = NAMED, **options: Any) -> Moved:
        """Pull."""
        with self.syncing() as syncing:
            return syncing.pull(scope, **options)

    def sync(self, scope: SyncScope = NAMED, **options: Any) -> tuple[Moved, Moved]:
        """Pull and push."""
        with self.syncing() as syncing:
            return syncing.sync(scope, **options)

    def status(self, scope: SyncScope = NAMED) -> Status:
        """Compare."""
        with self.syncing() as syncing:
            return syncing.status(scope)

    # -- what is in the log --------------------------------------------

    def held(self) -> set[str]:
        """Return the threads that never go, or not as they are here."""
        with self.memory() as memory:
            found = eligible(memory.desk.log, self.settings)
            return {*found.held, *found.special}

    def stamps(self, but: Collection[str]) -> set[Stamp]:
        """Return the stamps of all that the remote knows too, but some threads."""
        with self.memory() as memory:
            return {one for one in documents.stamps(memory.desk.log, person=self.person) if one.thread_id not in but}

    def buried(self) -> set[str]:
        """Return the keys of all tombstones."""
        with self.memory() as memory:
            return {one.key for one in documents.tombstones(memory.desk.log)}

    def said(self) -> dict[str, tuple[str | None, str | None]]:
        """Return the ends of the chains of each turn."""
        with closing(sqlite3.connect(self.path)) as connection:
            sql = "select id, parent_message_hash, tip_message_hash from turns"
            return {id_: (parent, tip) for id_, parent, tip in connection.execute(sql)}

    def wrong(self) -> list[str]:
        """Return what a check of the log finds wrong."""
        return [one.message for one in check(self.path, lambda _: None).wrong]

    def contents(self, *, leave: Sequence[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Return what is in the log, without the numbers that it gave itself, and without some threads' names."""
        with closing(sqlite3.connect(self.path)) as connection:
            return {
                table: sorted(connection.execute(f"select {columns} from {table}").fetchall(), key=repr)
                for table, columns in TABLES.items()
                if table not in leave
            }

    def rows_of_llm(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return llm's rows of turns, to the letter."""
        with closing(sqlite3.connect(self.path)) as connection:
            return {
                table: sorted(connection.execute(f"select * from {table}").fetchall(), key=repr)
                for table in ("turns", "messages")
            }


TABLES = {
    "threads": "id, tip_message_hash",
    "turns": "id, thread_id, parent_message_hash, tip_message_hash, model, datetime_utc",
    "messages": "hash, parent_hash, role",
    "parts": "message_hash, position, type, text",
    "turn_search": "turn_id, prompt, response",
    "conversations": "id, model",
    "responses": "id, conversation_id, prompt, response",
    "memory_sessions": "thread_id, created_utc, model, system, project, archived_utc",
    "memory_pins": "thread_id, turn_id",
    "memory_notes": "thread_id, text",
    "memory_tags": "thread_id, tag",
    "memory_meta": "thread_id, key, value",
    "memory_ratings": "thread_id, turn_id, mark, note",
    "memory_other_ratings": "thread_id, turn_id, person, mark, note",
    "memory_undone": "thread_id, turn_id",
    "memory_bookmarks": "thread_id, turn_id, label",
    "memory_summaries": "thread_id, text",
    "memory_snapshots": "thread_id, label",
    "memory_titles": "thread_id, title",
    "memory_groups": "name_key, name",
    "memory_group_members": "name_key, thread_id",
    "memory_votes": "a_turn_id, b_turn_id, better, voted_utc",
    "memory_forks": "thread_id, from_thread_id, at_turn_id",
    "memory_branches": "thread_id, root_id, turn_id, kept_turn_id",
    "memory_tombstones": "kind, id",
    "memory_attempts": "id, thread_id, prompt",
}
