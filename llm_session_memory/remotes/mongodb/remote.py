"""A MongoDB server that several machines keep the same conversations on, one document a turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ...errors import RemoteFailed
from ...model.remotes import CONTENT, Condition, Digest, Document, Listed, Stamp, Writing
from ..shapes import WrongShapeError
from . import journal
from .journal import groups
from .questions import Questions
from .rights import may_write
from .sentences import in_sentences, without_secrets
from .server import Server, time_of
from .state import DatabaseState, new_token
from .writing import MongoWriting, finish

Answer = TypeVar("Answer")
_TRIES = 8
_WAIT = 0.05

_INDEXES = {
    "threads": ("thread_id", "refs"),
    "turns": ("thread_id", "refs", "bucket"),
    "responses": ("thread_id", "refs", "bucket"),
    "tombstones": ("bucket",),
    "digests": ("bucket",),
    "chunks": ("of", "token"),
    "journal": ("token",),
    **dict.fromkeys(("attachments", "fragments", "instances", "messages", "schemas", "tools"), ("refs",)),
}


class MongoRemote:
    """A MongoDB database as a remote.

    Args:
        uri: The address, with its user, password and options as pymongo takes them.
        patience: How many seconds to wait for others who are writing.
    """

    def __init__(self, uri: str, patience: float = 120.0) -> None:
        self._server = Server(uri)
        self._state = DatabaseState(self._server, patience)
        self._writing: MongoWriting | None = None

    @property
    def place(self) -> str:
        """The address without password and options."""
        return without_secrets(self._server.uri)

    def condition(self) -> Condition:
        """Find out whether the server answers, and what it is."""
        began = time.monotonic()
        with in_sentences(self._server.uri):
            hello = self._server.hello()
            seconds = time.monotonic() - began
            software = self._server.database.client.admin.command("buildInfo").get("version", "?")
            version = self._state.version()
            return Condition(
                f"MongoDB {software}", version, may_write(self._server), time_of(hello["localTime"]), seconds
            )

    def prepare(self) -> None:
        """Make the indexes and the state, if they are not there."""
        with in_sentences(self._server.uri):
            if self._state.version():
                return
            for collection, fields in _INDEXES.items():
                for field in fields:
                    self._server[collection].create_index(field)
            self._state.make()

    def buckets(self) -> dict[str, Digest]:
        """Return the digest of each bucket."""
        return self._ask(Questions.buckets)

    def digests(self, buckets: Collection[str]) -> Iterator[tuple[str, str, Digest]]:
        """Yield the digests of some buckets."""
        return iter(self._ask(lambda questions: [*questions.digests(buckets)]))

    def stamps(self, threads: Collection[str]) -> Iterator[Stamp]:
        """Yield the stamps of some threads."""
        return iter(self._ask(lambda questions: [*questions.stamps([thread for thread in threads if thread])]))

    def tombstones(self, buckets: Collection[str]) -> Iterator[Document]:
        """Yield the tombstones of some buckets."""
        return iter(self._ask(lambda questions: [*questions.tombstones(buckets)]))

    def documents(self, kind: str, keys: Collection[str]) -> Iterator[Document]:
        """Yield documents: content a few at a time, because attachments are large; others all at once."""
        if kind not in CONTENT:
            yield from self._ask(lambda questions: [*questions.documents(kind, keys)])
            return
        for some in groups(keys):
            with in_sentences(self._server.uri):
                questions = self._writing.questions if self._writing else Questions(self._server)
                yield from questions.documents(kind, some)

    def threads_with(self, turns: Collection[str]) -> dict[str, str]:
        """Return which of these turns and responses are there, with their threads."""
        return self._ask(lambda questions: questions.threads_with(turns))

    def listed(self, threads: Collection[str] | None = None) -> Iterator[Listed]:
        """Yield conversations."""
        return iter(self._ask(lambda questions: [*questions.listed(threads)]))

    def _ask(self, question: Callable[[Questions], Answer]) -> Answer:
        """Ask for a state between two writes: if one interferes, ask again; the last time, keep others from writing."""
        with in_sentences(self._server.uri):
            if self._writing:
                return question(self._writing.questions)
            for _ in range(_TRIES):
                before = self._state.read()
                if before["pending"] is None:
                    try:
                        answer = question(Questions(self._server))
                    except WrongShapeError:
                        if self._state.read()["generation"] == before["generation"]:
                            raise
                    else:
                        after = self._state.read()
                        if (after["pending"], after["generation"]) == (None, before["generation"]):
                            return answer
                time.sleep(_WAIT)
            with self._locked():
                return question(Questions(self._server))

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Write, once nobody else does. Raises RemoteFailed if the lock is held for too long, or was lost."""
        with self._locked() as (token, generation):
            writing = self._writing = MongoWriting(self._server, token, generation)
            try:
                yield writing
                with in_sentences(self._server.uri):
                    writing.commit(self._state)
            finally:
                self._writing = None

    @contextmanager
    def _locked(self) -> Iterator[tuple[str, int]]:
        """Hold the lock, once the write before is whole or gone; give the token and generation of the next one."""
        token = new_token()
        with self._state.held(token) as before:
            with in_sentences(self._server.uri):
                self._settle(before)
            try:
                yield token, int(before["generation"]) + 1
            except BaseException:
                self._give_up(token)
                raise

    def _settle(self, before: dict[str, object]) -> None:
        """Finish the write before if it counts, and remove what is left of one that doesn't."""
        pending, last, holder = before["pending"], before.get("last"), before.get("holder")
        if isinstance(pending, str):
            steps = journal.kept(self._server, pending)
            finish(self._server, self._state, steps, pending, int(str(before["generation"])))
        if isinstance(holder, dict):  # it did not end its write
            journal.empty(self._server)
            if holder.get("token") != last:
                journal.forget(self._server, str(holder.get("token")), chunks=True)

    def _give_up(self, token: str) -> None:
        """Remove what a failed write left, unless it counts: then the next one finishes it."""
        try:
            with in_sentences(self._server.uri):
                if self._state.read().get("last") != token:
                    journal.forget(self._server, token, chunks=True)
        except RemoteFailed:
            return  # the next write removes it

    def close(self) -> None:
        """Close the connection."""
        self._server.close()
