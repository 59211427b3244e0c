"""Delete conversations and exchanges: everything that nothing else reaches, in both generations of llm's tables.

llm's messages are shared. A message's hash covers the one before it, so a message may only go if no message that stays
comes after it, and if no turn and no conversation ends there. The tables of llm have no index for “which turns end
here”, so all turns are looked through once for each deletion, and only those logged since for each batch.

A deletion works in batches of whole conversations, each of which is one transaction. It finds out what goes in
temporary tables, so that a plan and a deletion use the same statements: a plan doesn't run the last of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import Any

from ..errors import SessionError
from ..model import Amounts
from . import deletion_words
from .log import Log
from .schema import statement

_RANGE = 100_000
"""How many turns are looked through in one statement. Meanwhile, others can't commit."""

_CACHE_KB = 200_000
"""SQLite's cache meanwhile. What goes is all over the file, and what doesn't fit is written and read again."""

_ATTEMPTS = """
select id from memory_attempts where thread_id in (select id from temp.gone_threads where batch = :batch)
or answered_by in (select id from temp.gone_turns where batch = :batch)
"""

_OPTIONAL: dict[str, str] = {
    "conversations": "id name model",
    "responses": "id prompt system prompt_json response response_json conversation_id schema_id",
    "prompt_attachments": "response_id attachment_id",
    "prompt_fragments": "response_id fragment_id",
    "system_fragments": "response_id fragment_id",
    "tool_responses": "tool_id response_id",
    "tool_calls": "id response_id tool_id",
    "tool_results": "id response_id tool_id instance_id output",
    "tool_results_attachments": "tool_result_id attachment_id",
    "fragment_aliases": "fragment_id",
    "tool_instances": "id",
    "tool_instantiations": "turn_id instance_id",
    "schemas": "id",
    "memory_sessions": "thread_id name",
    "memory_contexts": "turn_id thread_id block_id exchange_turn_id",
    "memory_attempts": "id thread_id answered_by request_json",
    "memory_pins": "thread_id turn_id",
    "memory_notes": "thread_id",
    "memory_tags": "thread_id",
    "memory_ratings": "thread_id turn_id",
    "memory_other_ratings": "thread_id turn_id person",
    "memory_bookmarks": "thread_id turn_id",
    "memory_summaries": "id thread_id text first_turn_id last_turn_id",
    "memory_snapshots": "id thread_id label turn_id made_utc",
    "memory_titles": "thread_id title author",
    "memory_origins": "thread_id source key",
    "memory_jobs": "id kind thread_id",
    "memory_job_items": "job_id turn_id thread_id",
    "memory_group_members": "name_key thread_id",
    "memory_votes": "a_turn_id b_turn_id",
    "memory_forks": "thread_id from_thread_id at_turn_id forked_utc",
    "memory_undone": "thread_id turn_id undone_utc",
    "memory_passages": "id turn_id",
    "memory_recalls": "turn_id rank passage_id number thread_id",
}
"""Tables that a log may lack, with the columns that are read. For a missing one, an empty temporary table is made."""


class Deletion:
    """One deletion, or the plan of one; use it in a `with` statement.

    First add all targets with `find`, then `choose` one batch of them after the other. `amounts` says how much goes.
    `apply` deletes the batch that was just chosen, in a transaction before which nobody wrote to the log (`version`).
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self._batch = 0
        self._newest: tuple[int, str | None] = (0, None)
        self._sizes: list[tuple[str, int]] = []
        self._version = 0

    # -- targets -------------------------------------------------------

    def find(self, threads: Iterable[str], turns: Iterable[str], kept_fragments: Iterable[int] = ()) -> None:
        """Look through the log for what all the targets share with others: whole conversations, and single turns."""
        self._targets(threads, turns)
        self.log.many("insert or ignore into temp.kept_fragments values (:id)", ({"id": id_} for id_ in kept_fragments))
        if self.log.columns("conversations"):
            self.log.run(
                "insert or ignore into temp.old_calls select r.id, r.conversation_id from responses r"
                " where r.conversation_id in (select id from temp.batch_threads)"
            )
        self._run("deletion_turns", batch=0)
        self._run("deletion_near", batch=0)
        self._sizes = self.log.tuples(
            "select t.thread_id, count(*) from temp.gone_turns g join turns t on t.id = g.id group by t.thread_id"
        )
        self._look_through()
        self.log.run("insert into temp.searched select hash from temp.near")
        self.log.run("insert into temp.all_threads select id from temp.batch_threads")
        self._look_at_threads()
        self.forget()

    def _look_through(self) -> None:
        """Find the turns whose chains end near the targets."""
        newest = self.log.row("select rowid as number, id from turns order by rowid desc limit 1")
        self._newest = (newest["number"], newest["id"]) if newest else (0, None)
        self.log.run("delete from temp.used")
        for after in range(0, self._newest[0], _RANGE):
            self._run("deletion_used", after=after, to=min(after + _RANGE, self._newest[0]))

    def _look_at_threads(self) -> None:
        """Find the conversations whose tips are near the targets, and those that were forked from one of them."""
        self._version = self.version()
        self._run("deletion_threads")

    def _targets(self, threads: Iterable[str], turns: Iterable[str]) -> None:
        for table, ids in (("batch_threads", threads), ("batch_turns", turns)):
            self.log.run(f"delete from temp.{table}")  # noqa: S608  constants
            self.log.many(f"insert or ignore into temp.{table} values (:id)", ({"id": id_} for id_ in ids))  # noqa: S608

    # -- a batch -------------------------------------------------------

    def choose(
        self,
        threads: Iterable[str],
        turns: Iterable[str],
        moved: Mapping[str, str] | None = None,
        ends: Iterable[str] = (),
        *,
        last: bool = True,
    ) -> int:
        """Find out what goes with a batch of the targets, and return the batch's number.

        What the batches before it have in common with nothing but this one goes with this one. `moved` are turns of the
        conversations that stay, each with the thread that takes it over. `ends` are those of
        chains that other messages have just replaced. `last`: tools and schemas that are used no
        more go with this batch.
        """
        self._batch += 1
        self._targets(threads, turns)
        self.log.run("delete from temp.moved_turns")
        self.log.many(
            "insert into temp.moved_turns values (:id, :thread_id)",
            ({"id": id_, "thread_id": thread_id} for id_, thread_id in (moved or {}).items()),
        )
        self.log.run("delete from temp.left_ends")
        replaced = [{"hash": end} for end in ends]
        self.log.many("insert or ignore into temp.left_ends values (:hash)", replaced)
        for table in ("near", "kept", "near_fragments", "near_attachments"):
            self.log.run(f"delete from temp.{table}")  # noqa: S608  constants
        self._run("deletion_turns", batch=self._batch)
        self._run("deletion_near", batch=self._batch)
        self._logged_since(again=bool(replaced))
        self._run("deletion_messages", batch=self._batch)
        self._run("deletion_content", batch=self._batch)
        if last:
            self._run("deletion_shared", batch=self._batch)
        return self._batch

    def _logged_since(self, *, again: bool) -> None:
        """Take into account the turns that others have logged since `find`."""
        number, id_ = self._newest
        same = not id_ or self.log.value("select id from turns where rowid = :number", {"number": number}) == id_
        more = "select 1 from temp.near where hash not in (select hash from temp.searched) limit 1"
        searched = not self.log.value(more)
        if searched and not again and self._version != self.version():
            self._look_at_threads()
        if same and searched and not again:
            self._run("deletion_new_used", after=number)
            return
        # Turns have got other chains; or the newest turn was deleted, and another one may have its number; or a target
        # has got turns, and nobody has looked what else ends near them.
        self.log.run("insert or ignore into temp.searched select hash from temp.near")
        self.log.run("insert or ignore into temp.near select hash from temp.searched")
        self._look_through()
        self._look_at_threads()
        self.log.run("delete from temp.near")
        self._run("deletion_near", batch=self._batch)

    def prepare(self, threads: Iterable[str]) -> None:
        """Do for a batch what takes long and needs no transaction."""
        deletion_words.prepare(self.log, threads)

    def portions(self, thread_id: str) -> Iterator[list[dict[str, Any]]]:
        """Yield what our index has of a conversation, in portions for `take_out`."""
        return deletion_words.portions(self.log, thread_id)

    def take_out(self, portion: list[dict[str, Any]]) -> Amounts:
        """Take a portion out of our index, in a transaction of the caller's, and return how much that was."""
        return Amounts(passages=deletion_words.take_out(self.log, portion))

    def amounts(self, batch: int | None = None) -> Amounts:
        """Return how much goes with a batch (None: with all of them)."""
        return Amounts(**(self.log.row(statement("deletion_amounts"), {"batch": batch}) or {}))

    def sizes(self) -> dict[str, int]:
        """Return how many calls each of the conversations to delete had when they were found."""
        return dict(self._sizes)

    def attempts(self, batch: int) -> list[str]:
        """Return the ids of the attempts that go with a batch."""
        return [id_ for (id_,) in self.log.tuples(_ATTEMPTS, {"batch": batch})]

    def apply(self) -> None:
        """Delete the batch that was chosen last."""
        if self.log.value("select 1 from temp.moved_turns limit 1"):
            deletion_words.move(self.log)
            self._run("deletion_moves")
        deletion_words.remove(self.log, self._batch)
        self._run("deletion_ours", batch=self._batch)
        self._run("deletion_llms", batch=self._batch)
        self.forget()

    def version(self) -> int:
        """Return a number that changes if someone else writes to the log."""
        return int(self.log.value("pragma data_version"))

    def forget(self) -> None:
        """Forget what goes or went: its numbers may be given again."""
        for table in _gone():
            self.log.run(f"delete from temp.{table}")  # noqa: S608  names from the file

    # -- the working tables --------------------------------------------

    def __enter__(self) -> Deletion:  # noqa: PYI034  Self needs Python 3.11
        connection = self.log.database.conn
        if connection.in_transaction and connection.isolation_level is not None:
            raise SessionError("Nothing can be deleted within a transaction.", "End the transaction first.")
        # without this, Python would begin a transaction when a working table is filled, which would lock the log
        self._level = connection.isolation_level
        if self._level is not None:  # setting it again would commit a transaction of the caller's
            connection.isolation_level = None
        self._cache = int(connection.execute("pragma cache_size").fetchone()[0])
        connection.execute(f"pragma cache_size = {-_CACHE_KB}")
        self._drop()
        self._run("deletion_tables")
        for table, columns in _OPTIONAL.items():
            if not self.log.columns(table):
                self.log.run(f"create temp table {table} ({', '.join(columns.split())})")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._drop()
        finally:
            self.log.database.conn.execute(f"pragma cache_size = {self._cache}")
            if self._level is not None:
                self.log.database.conn.isolation_level = self._level

    def _drop(self) -> None:
        names = self.log.tuples("select name from sqlite_temp_master where type = 'table' and name not glob 'sqlite_*'")
        ours = {*_tables(), *_OPTIONAL}
        for (name,) in names:
            if name in ours:
                self.log.run(f"drop table temp.{name}")

    def _run(self, name: str, **parameters: Any) -> None:
        for sql in statements(name):
            self.log.run(sql, parameters)


@contextmanager
def unchecked(log: Log) -> Iterator[None]:
    """Do without SQLite's own checks of foreign keys, if they are on.

    For each message that goes, they would look through all turns, which have no index for it.
    """
    connection = log.database.conn
    on = connection.execute("pragma foreign_keys").fetchone()[0]
    connection.execute("pragma foreign_keys = 0")
    try:
        yield
    finally:
        connection.execute(f"pragma foreign_keys = {on}")


@cache
def statements(name: str) -> tuple[str, ...]:
    """Return the statements of a file."""
    found: list[str] = []
    pending = ""
    for line in f"{statement(name).rstrip().rstrip(';')};\n".splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return tuple(found)


@cache
def _tables() -> tuple[str, ...]:
    """Return the names of the working tables."""
    return tuple(sql.partition("temp table ")[2].partition(" ")[0] for sql in statements("deletion_tables"))


def _gone() -> tuple[str, ...]:
    return tuple(name for name in _tables() if name.startswith("gone_"))
