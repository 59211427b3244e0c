"""Use cases for sessions themselves: find, list, read, create and change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import store
from ..errors import NoSuchSession, OverBudget, SessionError
from ..model import Exchange, Session, Settings
from ..rules import names
from ..rules.ulids import Ulids
from ..store import history
from ..store.numbering import Numbering
from .desk import Desk
from .notes import Notes
from .requests import Requests

if TYPE_CHECKING:
    from ..model import Filters, SessionSummary
    from ..store.sealing import Sealed


class Sessions:
    """The sessions of a log."""

    def __init__(self, desk: Desk, requests: Requests, notes: Notes) -> None:
        self._desk = desk
        self._requests = requests
        self._notes = notes
        self._store = store.Sessions(desk.log)

    # -- finding -------------------------------------------------------

    def find(self, name: str) -> Session | None:
        """Return the session of that name, or None."""
        return self._desk.find(name)

    def get(self, name: str) -> Session:
        """Return the session of that name. Raises NoSuchSession, suggesting a similar name if there is one."""
        return self._desk.session(name)

    def of_thread(self, thread_id: str) -> Session | None:
        """Return the session bound to a thread, or None."""
        return self._store.session_of_thread(thread_id)

    def names(self, *, archived: bool | None = None) -> Sequence[str]:
        """Return the names of sessions: of the archived ones, of the others, or (None) of all."""
        return self._store.names(archived)

    def list(
        self, count: int = -1, after: str | None = None, filters: Filters | None = None
    ) -> Sequence[SessionSummary]:
        """Return sessions that pass the filters, most recently used first.

        Returns `count` of them (-1: all), beginning after the session named `after`.
        """
        from ..store import session_list  # no prompt needs it
        from .projects import Projects

        Projects(self._desk).check(filters)
        return session_list.page(self._desk.log, count, self.get(after) if after else None, filters)

    def matching(self, filters: Filters) -> Sequence[Session]:
        """Return all sessions that pass the filters, most recently used first."""
        from ..store import session_list
        from .projects import Projects

        Projects(self._desk).check(filters)
        return session_list.matching(self._desk.log, filters)

    def line(self, name: str) -> SessionSummary:
        """Return one session with its counts, as in the list."""
        from ..store import session_list

        return session_list.summary(self._desk.log, self.get(name))

    # -- reading -------------------------------------------------------

    def exchange_count(self, session: Session) -> int:
        """Return the number of exchanges in a session."""
        return len(self._turns(session))

    def sealed(self) -> Sequence[Sealed]:
        """Return the sessions that are in encrypted files and no longer in the log, in the order of their names."""
        from ..store import sealing

        return sealing.sealed(self._desk.log)

    def turn_ids(self, name: str) -> Sequence[tuple[str, ...]]:
        """Return the turn ids of each exchange of a session; those of number N are at index N - 1."""
        return [*self._turns(self.get(name))]

    def numbers(self, name: str) -> Mapping[str, int]:
        """Return the number of each exchange of a session by its first turn, oldest first."""
        return self._turns(self.get(name)).numbers()

    def exchanges(
        self, name: str, first: int = 1, last: int | None = None, *, with_content: bool = False
    ) -> Sequence[Exchange]:
        """Return a session's exchanges from number `first` to `last` (None: to the newest), oldest first."""
        numbered = [*enumerate(self._turns(self.get(name)), 1)]
        chosen = numbered[max(first, 1) - 1 : last]
        return history.exchanges(self._desk.log, chosen, with_content=with_content)

    def first_tools(self, session: Session) -> Sequence[dict[str, Any]]:
        """Return the tools offered with a session's first prompt; later prompts offer them again."""
        return history.first_turn_tools(self._desk.log, session.thread_id)

    def _turns(self, session: Session) -> Numbering:
        return history.exchange_turns(self._desk.log, session.thread_id)

    # -- making and changing -------------------------------------------

    def create(
        self,
        name: str | None = None,
        thread_id: str | None = None,
        settings: Settings | None = None,
        *,
        project: str | None = None,
        template: str | None = None,
    ) -> Session:
        """Create a session. Without a name, generate one; without a thread, make one.

        `project` is a project's key, `template` names the templates that the settings are from. Raises NameRefused if
        the name breaks the rules or is taken.
        """
        kept = names.check(name) if name is not None else names.generated(self._store.names())
        if thread_id is None:
            self._desk.prepare()
            thread_id = Ulids(self._desk.now()).next("")
        session = Session(thread_id, kept, self._desk.timestamp(), settings or Settings(), project, template)
        with self._desk.writing():
            self._store.add(session)
        return session

    def start_over(
        self,
        session: Session,
        thread_id: str,
        settings: Settings,
        *,
        project: str | None = None,
        template: str | None = None,
    ) -> tuple[Session, str]:
        """Give a session's name to a new session on a new thread; return the new session and the old one's new name.

        `project` and `template` are those of the new session. It may cost as much as the old one, and
        is as private.
        """
        made = Session(thread_id, session.name, self._desk.timestamp(), settings, project, template)
        with self._desk.writing():
            retired = names.retired(session.name, self._store.names())
            self._store.rename(session.thread_id, retired)
            made = replace(made, budget_usd=session.budget_usd, private=session.private)
            self._store.add(made)
        return made, retired

    def remove_empty(self, name: str) -> bool:
        """Remove a session without exchanges, attempts, notes, tags or facts. Return False if it has any of them."""
        session = self.get(name)
        with self._desk.writing():
            beside = self._notes.beside(name)
            if history.is_known(self._desk.log, session.thread_id) or self._store.attempts.of(session.thread_id):
                return False
            if beside.notes or beside.tags or beside.meta:
                return False
            self._store.remove(session.thread_id)
        return True

    def rename(self, name: str, to: str) -> Session:
        """Rename a session. Raises NameRefused if the new name breaks the rules or is taken."""
        session, kept = self.get(name), names.check(to)
        self._desk.prepare()
        with self._desk.writing():
            self._store.rename(session.thread_id, kept)
            from ..rules.recall_from import NAME
            from ..store.recall_sources import renamed

            renamed(self._desk.log, NAME, names.key(session.name), kept)
        return replace(session, name=kept)

    def check_thread(self, thread_id: str) -> None:
        """Raise NoSuchSession if the log has no such conversation. Never migrates the log."""
        if not history.is_known(self._desk.log, thread_id):
            hint = "List conversation ids with: llm logs list --short"
            raise NoSuchSession(f"Conversation {thread_id} not found in {self._desk.path}.", hint)

    def name_thread(self, thread_id: str, name: str) -> Session:
        """Bind a name to an existing conversation, from either generation of llm's tables."""
        kept = names.check(name)
        self._desk.prepare()
        bound = self.of_thread(thread_id)
        if bound:
            hint = f"Rename it with: {self._desk.command('rename', bound.name, kept)}"
            raise SessionError(f"Conversation {thread_id} is already the session “{bound.name}”.", hint)
        self.check_thread(thread_id)
        turns = history.exchange_turns(self._desk.log, thread_id)
        return self.create(kept, thread_id, history.settings_of(self._desk.log, turns[-1][-1]))

    def set(self, name: str, settings: Settings, facts: Mapping[str, str | None] | None = None) -> Session:
        """Replace a session's settings and set facts about it (None deletes one): all of it or nothing.

        Raises SessionError if a setting or a fact breaks the rules.
        """
        session = self.get(name)
        settings = self._desk.settled(settings, session)
        with self._desk.writing():
            self._store.set_settings(session.thread_id, settings)
            if facts:
                self._notes.set_facts(name, facts)
        return replace(session, settings=settings)

    def archive(self, name: str, *, archived: bool = True) -> bool:
        """Archive a session, or bring it back from the archive. Return whether that changed anything.

        An archived session is left out of lists and completion, and models don't find it; commands still take its name.
        """
        self._desk.prepare()
        with self._desk.writing():
            session = self.get(name)
            if (session.archived_utc is not None) == archived:
                return False
            self._store.set_archived(session.thread_id, self._desk.timestamp() if archived else None)
        return True

    def set_private(self, name: str, *, private: bool) -> bool:
        """Keep what was said in a session out of all others, or allow it. Return whether that changed anything.

        A private session may itself recall from others, and models find it only while it is in use.
        """
        self._desk.prepare()
        with self._desk.writing():
            session = self.get(name)
            self._store.set_private(session.thread_id, private=private)
        return session.private != private

    # -- pins ----------------------------------------------------------

    def pinned(self, name: str) -> Sequence[int]:
        """Return the numbers of a session's pinned exchanges."""
        session = self.get(name)
        pins = {*self._store.pins(session.thread_id)}
        return [number for number, turn_ids in enumerate(self._turns(session), 1) if turn_ids[0] in pins]

    def pin(self, name: str, number: int, model: Any) -> None:
        """Pin an exchange, so that it is always sent.

        `model` is the session's model as an llm object. Raises OverBudget if system prompt, notes and pins alone would
        exceed the budget.
        """
        session = self.get(name)
        turn_id = self._desk.exchange_id(session, number)
        with self._desk.writing():
            self._store.pin(session.thread_id, turn_id, self._desk.timestamp())
            needed, most = self._requests.always_sent(session, model)
            if needed > most:
                what = f"With #{number} pinned, “{session.name}” would send about {needed:,} tokens before any prompt"
                hint = "Unpin another exchange first, or raise --max-context-tokens."
                raise OverBudget(f"{what}, but the budget is {most:,}.", hint)

    def unpin(self, name: str, number: int) -> None:
        """Unpin an exchange. Raises SessionError if it is not pinned."""
        session = self.get(name)
        turn_id = self._desk.exchange_id(session, number)
        if turn_id not in self._store.pins(session.thread_id):
            pinned = ", ".join(f"#{n}" for n in self.pinned(name)) or "none"
            raise SessionError(f"Exchange #{number} of “{session.name}” is not pinned.", f"Pinned: {pinned}.")
        with self._desk.writing():
            self._store.unpin(session.thread_id, turn_id)
