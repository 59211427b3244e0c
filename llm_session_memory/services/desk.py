"""An open log, and what all use cases need from it: transactions, the time, sessions by name, exchanges by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NoSuchSession
from ..model import Project, Session, Settings
from ..rules import names
from ..rules.policy import checked
from ..store import Log, Sessions, history

if TYPE_CHECKING:
    import sqlite3

    from sqlite_utils import Database

Clock = Callable[[], datetime]
"""Returns the current time, in UTC."""


def now_utc() -> datetime:
    """Return the current time."""
    return datetime.now(timezone.utc)


class Desk:
    """The basis of all use cases: an open log and a clock.

    `log` is for the layers that write through llm, or that read something no use case returns. `typed` is the -d
    option as the person gave it, so that hints can repeat it. `now` is the clock.
    """

    def __init__(self, log: Log, now: Clock = now_utc, typed: str | None = None) -> None:
        self.log = log
        self.now = now
        self.typed = typed
        self._sessions = Sessions(log)

    @classmethod
    def open(cls, path: Path, now: Clock = now_utc, typed: str | None = None) -> Desk:
        """Open an existing log. Raises LogUnusable if the file is missing or not a log."""
        return cls(Log.open(path), now, typed)

    @classmethod
    @contextmanager
    def lent(cls, connection: sqlite3.Connection, path: Path) -> Iterator[Desk]:
        """Work on a connection that someone else keeps using, and leave it as it was."""
        with Log.lent(connection, path) as log:
            yield cls(log)

    def on(self, database: Database) -> Desk:
        """Return a desk with the same clock and hints on another connection to this log."""
        return Desk(Log(database, self.path), self.now, self.typed)

    @property
    def path(self) -> Path:
        """The log's file."""
        return self.log.path

    def close(self) -> None:
        """Close the file."""
        self.log.close()

    def writing(self) -> AbstractContextManager[None]:
        """Hold one transaction for writes that belong together."""
        return self.log.writing()

    def prepare(self) -> None:
        """Make the log ready to record sessions: check llm's tables, add or update ours, check that it is writable."""
        self.log.check_shape()
        self.log.migrate()
        self.log.check_writable()

    def timestamp(self) -> str:
        """Return the current time in the stored form: ISO, UTC."""
        return self.now().isoformat()

    def command(self, *words: str) -> str:
        """Return an `llm sessions` command as a person would type it for this log."""
        import shlex

        return shlex.join(["llm", "sessions", *words, *(["-d", self.typed] if self.typed else [])])

    def find(self, name: str) -> Session | None:
        """Return the session of that name, or None."""
        return self._sessions.session(name)

    def session(self, name: str) -> Session:
        """Return the session of that name. Raises NoSuchSession, suggesting a similar name if there is one."""
        found = self.find(name)
        if found is None:
            existing = self._sessions.names()
            near = names.near(name, existing)
            hint = f"Did you mean “{near}”?" if near else f"List sessions with: {self.command()}"
            if not existing:
                hint = f'There are no sessions in {self.path} yet. Start one with: llm --session NAME "..."'
            hint = self._unsealing(name) or hint
            raise NoSuchSession(f"Session “{name}” not found.", hint)
        return found

    def _unsealing(self, name: str) -> str | None:
        """Return how to bring back a sealed session, or None if none has this name."""
        file = self.sealed_file(name)
        return None if file is None else f"It is sealed. Bring it back with: {self.command('unseal', file)}"

    def sealed_file(self, name: str) -> str | None:
        """Return the file of the sealed session of this name, or None if there is none."""
        from ..store import sealing  # nobody names a session that isn't there often

        return next((one.file for one in sealing.sealed(self.log) if names.key(one.name) == names.key(name)), None)

    def settled(self, settings: Settings, whose: Session | Project | None = None) -> Settings:
        """Return settings in their normal form. Names that are not in those of `whose` so far have to exist.

        Raises SessionError if a setting is invalid, or names a session, tag or project that doesn't exist.
        """
        settings = checked(settings)
        if settings.recall_from is None or (whose is not None and settings.recall_from == whose.settings.recall_from):
            return settings
        from . import sources  # few sessions recall from others

        session = whose if isinstance(whose, Session) else None
        return replace(settings, recall_from=sources.checked(self.log, settings.recall_from, session))

    def exchange_id(self, session: Session, number: int) -> str:
        """Return the id (its first turn) of the exchange with that number. Raises NoSuchSession."""
        turns = history.exchange_turns(self.log, session.thread_id)
        if not 1 <= number <= len(turns):
            has = f"It has {len(turns):,}, numbered from 1." if turns else "It has none yet."
            raise NoSuchSession(f"Session “{session.name}” has no exchange #{number}.", has)
        return turns[number - 1][0]
