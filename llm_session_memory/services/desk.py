"""A log that is open, and what all use cases need of it: a transaction, the time, a session or an exchange by name."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NoSuchSession
from ..model import Session
from ..rules import names
from ..store import Log, Store, history
from .windows import now_utc

if TYPE_CHECKING:
    import sqlite3
    from types import TracebackType

    from typing_extensions import Self


class OpenLog:
    """The ground that the use cases of `memory.Memory` stand on, one room each."""

    def __init__(
        self,
        path: str | Path,
        *,
        now: Callable[[], datetime] = now_utc,
        log: Log | None = None,
        typed: str | None = None,
    ) -> None:
        """Open a log, or work on one that is open. `typed` is the -d that a person gave, so that hints repeat it."""
        self.path = Path(path)
        self.typed = typed
        self.log = log or Log.open(self.path)
        self.store = Store(self.log)
        self._now = now

    @classmethod
    @contextmanager
    def lent(cls, connection: sqlite3.Connection, path: Path) -> Iterator[Self]:
        """Work on a connection that somebody else goes on with, and leave it as it was."""
        with Log.lent(connection, path) as log:
            yield cls(path, log=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.log.close()

    def writing(self) -> AbstractContextManager[None]:
        """Hold one transaction for what belongs together."""
        return self.log.writing()

    def prepare(self) -> None:
        """Make the log ready to record sessions: check llm's tables, add or update ours, see that it can be written."""
        self.log.check_shape()
        self.log.migrate()
        self.log.check_writable()

    def timestamp(self) -> str:
        """Return the present time as it is stored: ISO, UTC."""
        return self._now().isoformat()

    def command(self, *words: str) -> str:
        """Return a command of `llm sessions` as a person would type it, for this log."""
        return shlex.join(["llm", "sessions", *words, *(["-d", self.typed] if self.typed else [])])

    def find(self, name: str) -> Session | None:
        """Return the session of that name, or None."""
        return self.store.session(name)

    def session(self, name: str) -> Session:
        """Return the session of that name. Raises NoSuchSession, with a near name where there is one."""
        found = self.store.session(name)
        if found is None:
            existing = self.store.names()
            near = names.near(name, existing)
            hint = f"Did you mean “{near}”?" if near else f"See the list with: {self.command()}"
            if not existing:
                hint = f'There are none in {self.path} yet. Start one with: llm --session NAME "..."'
            raise NoSuchSession(f"There is no session “{name}”.", hint)
        return found

    def exchange_id(self, session: Session, number: int) -> str:
        """Return the id (first turn) of an exchange by its number. Raises NoSuchSession."""
        turns = history.exchange_turns(self.log, session.thread_id)
        if not 1 <= number <= len(turns):
            has = f"It has {len(turns):,}, numbered from 1." if turns else "It has none yet."
            raise NoSuchSession(f"Session “{session.name}” has no exchange #{number}.", has)
        return turns[number - 1][0]
