"""Use cases for forks: sessions that share the exchanges of another up to one of them, and continue from there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import NoSuchSession, SessionError
from ..model import Session, Settings
from ..rules import names
from ..rules.ulids import Ulids
from ..store import Notes, Sessions, forks, history
from .desk import Desk


@dataclass(frozen=True)
class ForkPoint:
    """An exchange that a session can be forked at.

    `session` is None for a conversation without a name; `settings` are then those of the exchange's last call.
    """

    thread_id: str
    session: Session | None
    number: int
    turn_id: str
    settings: Settings

    @property
    def title(self) -> str:
        """The session's name in quotes, or the conversation's id."""
        return f"“{self.session.name}”" if self.session else f"conversation {self.thread_id}"


class Forks:
    """The forks of a log's sessions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = Sessions(desk.log)

    def is_conversation(self, reference: str) -> bool:
        """Return whether this is the id of a conversation in the log. Never migrates the log."""
        return history.is_known(self._desk.log, reference)

    def point(self, reference: str, number: int | None = None) -> ForkPoint:
        """Return the exchange with this number, or the newest one, of a session or an unnamed conversation.

        Raises NoSuchSession if there is no session of this name, no conversation with this id, or no such exchange.
        """
        session = self._desk.find(reference)
        if session is None and not self.is_conversation(reference):
            self._desk.session(reference)  # raises, with a similar name
        thread_id = session.thread_id if session else reference
        if session is None:
            session = self._store.session_of_thread(thread_id)
        self._desk.prepare()
        turns = history.exchange_turns(self._desk.log, thread_id)
        number = len(turns) if number is None else number
        if not 1 <= number <= len(turns):
            what = f"Session “{session.name}”" if session else f"Conversation {thread_id}"
            if not turns:
                raise SessionError(
                    f"{what} has no exchanges to share.", 'Start a session with: llm --session NAME "..."'
                )
            has = f"It has {len(turns):,}, numbered from 1."
            raise NoSuchSession(f"{what} has no exchange #{number}.", has)
        turn_ids = turns.turns(number)
        settings = session.settings if session else history.settings_of(self._desk.log, turn_ids[-1])
        return ForkPoint(thread_id, session, number, turn_ids[0], settings)

    def name_for(self, point: ForkPoint) -> str:
        """Return a name for a fork that is not taken."""
        taken = self._store.names()
        return names.forked(point.session.name, taken) if point.session else names.generated(taken)

    def make(
        self, point: ForkPoint, name: str | None = None, thread_id: str | None = None, settings: Settings | None = None
    ) -> Session:
        """Make a session that shares the exchanges up to a point, without copying them.

        It gets the other's settings unless `settings` are given, its project, template and budget in dollars, its
        privacy, tags, facts and notes, and the pins, ratings, bookmarks and summary of what it shares. Whatever happens
        to the other session later, the fork keeps the shared exchanges.

        Raises:
            NameRefused: The name breaks the rules or is taken.
            NoSuchSession: The exchange was undone or deleted in the meantime.
        """
        kept = names.check(name) if name is not None else None
        self._desk.prepare()
        with self._desk.writing():
            now = history.exchange_turns(self._desk.log, point.thread_id)
            if now.numbers().get(point.turn_id) != point.number:
                what = f"Exchanges of {point.title} were undone or deleted in the meantime."
                raise NoSuchSession(what, "Try again.", "Nothing was changed.")
            made = Session(
                thread_id or Ulids(self._desk.now()).next(""),
                kept or self.name_for(point),
                self._desk.timestamp(),
                settings or point.settings,
            )
            if point.session is not None:
                made = replace(
                    made,
                    project=point.session.project,
                    template=point.session.template,
                    budget_usd=point.session.budget_usd,
                    private=point.session.private,
                )
            self._store.add(made)
            forks.add(self._desk.log, made.thread_id, point.thread_id, point.turn_id, made.created_utc)
            self._copy(point.thread_id, made.thread_id)
        return made

    def _copy(self, origin: str, fork: str) -> None:
        """Give a fork what belongs to the exchanges that it shares, and notes, tags and facts."""
        log = self._desk.log
        forks.copy_beside(log, fork, origin, history.exchange_turns(log, fork).first)
        numbers = history.exchange_turns(log, fork).numbers()
        summary = next((one for one in Notes(log).summaries(origin) if one.is_usable(numbers)), None)
        if summary is not None:  # its cost was paid in the other session
            Notes(log).add_summary(fork, replace(summary, input_tokens=None, output_tokens=None, duration_ms=None))
