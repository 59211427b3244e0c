"""The state of a database: one document that says who writes, and which write counts.

A write is put into the journal first. It counts from the moment in which the state names it as pending; then it is
applied to the collections, by its writer or by the next one, which does the same again. So a write that breaks off
leaves nothing or all of it, on a single server too, which has no transactions.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import RemoteFailed
from ...rules.safe_text import one_line
from ..heartbeat import Heartbeat
from ..shapes import WrongShapeError
from .cells import Bson
from .sentences import in_sentences, without_secrets
from .server import Server

VERSION = 1
LEASE = 30.0
"""How many seconds, by the server's clock, a lock lasts if its holder does not renew it."""

BEAT = 8.0
_STATE: Bson = {"_id": "state"}
_SHORTEST_WAIT, _LONGEST_WAIT = 0.02, 0.5


class DatabaseState:
    """The state of a database."""

    def __init__(self, server: Server, patience: float) -> None:
        self._server, self._patience = server, patience

    def read(self) -> Bson:
        """Return it. Raises RemoteFailed if there is none, or if it is of a newer version."""
        found = self._server["state"].find_one(_STATE)
        if found is None:
            site = without_secrets(self._server.uri)
            raise RemoteFailed(f"{site} has no conversations yet.", "Push to it once.")
        check_version(self._server.uri, found)
        return found

    def version(self) -> int:
        """Return the version of what is there, or 0 if there is nothing yet."""
        found = self._server["state"].find_one(_STATE)
        return check_version(self._server.uri, found) if found else 0

    def make(self) -> None:
        """Make it, if there is none."""
        from bson import Int64
        from pymongo.errors import DuplicateKeyError

        first = {"version": VERSION, "generation": Int64(0), "holder": None, "pending": None, "last": ""}
        try:
            self._server["state"].insert_one({**_STATE, **first})
        except DuplicateKeyError:
            self.read()

    @contextmanager
    def held(self, token: str) -> Iterator[Bson]:
        """Hold the lock, and give the state as it was before. Raises RemoteFailed if somebody else keeps it."""
        with in_sentences(self._server.uri):
            before = self._take(token)
        try:
            with Heartbeat(lambda: self._renew(token), BEAT):
                yield before
        finally:
            with in_sentences(self._server.uri):
                self._update(token, {"holder": None})

    def _take(self, token: str) -> Bson:
        self.read()
        end, wait = time.monotonic() + self._patience, _SHORTEST_WAIT
        while True:
            now = self._server.now()
            who = {"token": token, "host": socket.gethostname(), "process": os.getpid(), "until": now + LEASE}
            free = {"$or": [{"holder": None}, {"holder.until": {"$lt": now}}]}
            before = self._server["state"].find_one_and_update({**_STATE, **free}, {"$set": {"holder": who}})
            if before is not None:
                return before
            if time.monotonic() > end:
                raise self._busy()
            time.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)

    def _renew(self, token: str) -> None:
        with in_sentences(self._server.uri):
            self._update(token, {"holder.until": self._server.now() + LEASE})

    def _update(self, token: str, values: Bson) -> bool:
        """Change the state if the lock is still held."""
        found = self._server["state"].update_one({**_STATE, "holder.token": token}, {"$set": values})
        return found.matched_count == 1

    def count(self, token: str, generation: int) -> None:
        """Make a write count. Raises RemoteFailed if the lock was lost."""
        from bson import Int64

        if not self._update(token, {"pending": token, "last": token, "generation": Int64(generation)}):
            site = without_secrets(self._server.uri)
            message = f"{site} was not written to: another machine took the lock over, because this one was too slow."
            raise RemoteFailed(message, "Try again.")

    def applied(self, token: str) -> None:
        """Note that the collections have all of the write that was pending."""
        self._update(token, {"pending": None})

    def _busy(self) -> RemoteFailed:
        holder = (self._server["state"].find_one(_STATE) or {}).get("holder")
        holder = holder if isinstance(holder, dict) else {}
        host, process = (one_line(str(holder.get(name, "?")), 80) for name in ("host", "process"))
        site = without_secrets(self._server.uri)
        return RemoteFailed(
            f"{site} is being written to by process {process} on {host}.",
            f"Try again later. A lock whose process has ended is ignored after {LEASE:.0f} seconds.",
        )


def check_version(uri: str, state: Bson) -> int:
    """Return the version of what is there. Raises RemoteFailed if it is newer than this package."""
    version, pending = state.get("version"), state.get("pending")
    if not isinstance(version, int) or version > VERSION:
        site = without_secrets(uri)
        message = f"{site} was written by a newer version of llm-session-memory."
        raise RemoteFailed(message, "Update it with: llm install -U llm-session-memory")
    if not isinstance(state.get("generation"), int) or not isinstance(pending, str | None):
        raise WrongShapeError("the state is damaged")
    return int(version)


def new_token() -> str:
    """Return the name of a new write."""
    return secrets.token_hex(10)
