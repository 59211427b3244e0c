"""Use cases for all conversations of a log, with a name and without."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .. import store
from ..errors import NoSuchSession
from ..model import Conversation, Exchange, Filters, Session, Target
from ..store import conversations, history, undone
from .desk import Desk
from .projects import Projects


class Conversations:
    """The conversations of a log, from both generations of llm's tables."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def matching(self, filters: Filters, *, unnamed: bool = False) -> Sequence[Conversation]:
        """Return the conversations that match the filters, the longest unused first.

        A filter other than `model`, `since` and `until` matches only sessions. `unnamed` leaves sessions out.
        Raises NoSuchSession if there is no such project.
        """
        Projects(self._desk).check(filters)
        return conversations.conversations(self._desk.log, filters, unnamed=unnamed)

    def undone(self, filters: Filters) -> Sequence[tuple[Conversation, Target]]:
        """Return what was undone, by conversation, as what is to be deleted.

        `filters` choose the conversations, but for `until`, which is when an exchange was undone.
        """
        log, until = self._desk.log, filters.until
        threads = undone.threads_with_undone(log)
        among = {one.thread_id: one for one in self.matching(replace(filters, until=None))} if threads else {}
        found = []
        for one in (among[id_] for id_ in threads if id_ in among):
            times = undone.undone_at(log, one.thread_id)
            gone = [id_ for id_, utc in times.items() if until is None or utc < until]
            if gone:
                found.append((one, Target(one.thread_id, tuple(sorted(gone)))))
        return found

    def get(self, reference: str) -> Conversation:
        """Return the session of that name, or the conversation with that id. Raises NoSuchSession."""
        session = self._desk.find(reference) or store.Sessions(self._desk.log).session_of_thread(reference)
        if session is None:
            found = conversations.conversation(self._desk.log, reference)
            return found or self.of(self._desk.session(reference))  # which raises the error
        return self.of(session)

    def of(self, session: Session) -> Conversation:
        """Return a session as a conversation."""
        return Conversation(session.thread_id, session.name, None, session.settings.model)

    def exchanges(
        self, conversation: Conversation, ranges: Iterable[tuple[int, int]]
    ) -> tuple[Target, Sequence[Exchange]]:
        """Return the exchanges in these ranges of numbers (first and last), and as what is to be deleted.

        Raises NoSuchSession if there is no exchange with such a number.
        """
        turns = history.exchange_turns(self._desk.log, conversation.thread_id)
        numbers: set[int] = set()
        for first, last in ranges:
            if last > len(turns):
                has = f"It has {len(turns):,}, numbered from 1." if turns else "It has none."
                missing = first if first > len(turns) else last
                raise NoSuchSession(f"“{conversation.name or conversation.thread_id}” has no exchange #{missing}.", has)
            numbers.update(range(first, last + 1))
        found = [(number, turns[number - 1]) for number in sorted(numbers)]
        said = history.exchanges(self._desk.log, found, with_content=False)
        return Target(conversation.thread_id, tuple(turn_ids[0] for _, turn_ids in found)), said

    def fragment_numbers(self, hashes: Iterable[str]) -> Sequence[int]:
        """Return the numbers of the fragments with these hashes."""
        return conversations.fragment_numbers(self._desk.log, hashes)
