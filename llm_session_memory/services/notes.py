"""Use cases for the notes, tags, facts and summaries that are kept with a conversation, and the notes for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import store
from ..errors import NoSuchSession, OverBudget, SessionError
from ..model import Note, Session, Summary
from ..rules.limits import LONGEST_TAG, checked_key, checked_note, checked_tag, checked_value
from ..rules.names import key
from ..rules.safe_text import one_line
from ..store import history
from .desk import Desk
from .requests import Requests

if TYPE_CHECKING:
    from ..model import Beside


class Notes:
    """The notes, tags, facts and summaries of a log's sessions."""

    def __init__(self, desk: Desk, requests: Requests) -> None:
        self._desk = desk
        self._requests = requests
        self._kept = store.Notes(desk.log)

    def beside(self, name: str) -> Beside:
        """Return a session's tags, facts, notes, title, project and relatives together."""
        from ..model import Beside  # no prompt needs it
        from ..store.families import forks, origins
        from ..store.projects import name_of
        from ..store.titles import titles

        session = self._desk.session(name)
        thread_id = session.thread_id
        titled = titles(self._desk.log, [thread_id]).get(thread_id)
        title = titled.text if titled else ""
        log = self._desk.log
        relatives = origins(log, [thread_id]).get(thread_id), forks(log, thread_id)
        kept = tuple(self.tags(name)), self.facts(name), tuple(self.list(name))
        everywhere = () if session.settings.global_notes is False else tuple(self.list_global())
        return Beside(*kept, title, name_of(log, session), *relatives, everywhere)

    # -- notes ---------------------------------------------------------

    def list(self, name: str) -> Sequence[Note]:
        """Return a session's notes, oldest first."""
        return self._kept.notes(self._desk.session(name).thread_id)

    def add(self, name: str, text: str, author: str = "you", model: Any = None) -> Note:
        """Add a note that is sent with every later prompt of a session.

        `model` is the session's model as an llm object; without it the context window is unknown. Raises SessionError,
        and OverBudget if system prompt, notes and pins alone would exceed the budget.
        """
        text = checked_note(text)
        session = self._desk.session(name)
        self._desk.prepare()
        now = self._desk.timestamp()
        with self._desk.writing():
            note_id = self._kept.add_note(session.thread_id, text, author, now)
            needed, most = self._requests.always_sent(session, model)
            if needed > most:
                hint = "Shorten the note, delete another one, or raise --max-context-tokens."
                raise _too_much(session, needed, most, hint)
        return Note(note_id, text, author, now)

    def delete(self, name: str, number: int) -> Note:
        """Delete the note with that number (its place in the list, from 1) and return it. Raises NoSuchSession."""
        session = self._desk.session(name)
        notes = self._kept.notes(session.thread_id)
        if not 1 <= number <= len(notes):
            many = "It has only note 1." if len(notes) == 1 else f"It has {len(notes)}, numbered from 1."
            has = many if notes else "It has none."
            raise NoSuchSession(f"Session “{session.name}” has no note {number}.", has)
        with self._desk.writing():
            self._kept.delete_note(session.thread_id, notes[number - 1].id)
        return notes[number - 1]

    # -- notes for all sessions ----------------------------------------

    def list_global(self) -> Sequence[Note]:
        """Return the notes for all sessions, oldest first."""
        return self._kept.global_notes()

    def add_global(self, text: str, author: str = "you", model_of: Callable[[Session], Any] | None = None) -> Note:
        """Add a note that is sent with every later prompt of all sessions, except those that are set not to send it.

        `model_of` returns a session's model as an llm object, or None if it is unknown; without it the context windows
        are unknown. Raises SessionError, and OverBudget if what one of the sessions always sends would exceed its
        budget. Archived sessions are not checked.
        """
        text = checked_note(text)
        self._desk.prepare()
        self._check_everywhere(text, model_of)
        now = self._desk.timestamp()
        with self._desk.writing():
            note_id = self._kept.add_global_note(text, author, now)
        return Note(note_id, text, author, now)

    def _check_everywhere(self, text: str, model_of: Callable[[Session], Any] | None) -> None:
        """Raise OverBudget if a session can't send one more note. Ask only once for the context window of a model."""
        from ..model import Filters
        from ..store import session_list

        neediest: dict[str | None, tuple[int, Session]] = {}
        for session in session_list.matching(self._desk.log, Filters(archived=False)):
            if session.settings.global_notes is False:
                continue
            needed = self._check_one(session, text, None)
            model = session.settings.model
            if model not in neediest or needed > neediest[model][0]:
                neediest[model] = needed, session
        if model_of is not None:
            for _, session in neediest.values():
                self._check_one(session, text, model_of(session))

    def _check_one(self, session: Session, text: str, model: Any) -> int:
        """Return the tokens that a session would always send. Raises OverBudget if they exceed its budget."""
        needed, most = self._requests.always_sent(session, model, (text,))
        if needed > most:
            without = self._desk.command("set", session.name, "--no-global-notes")
            hint = f"Shorten the note, or keep the notes for all sessions out of this session: {without}"
            raise _too_much(session, needed, most, hint)
        return needed

    def delete_global(self, number: int) -> Note:
        """Delete the note for all sessions with that number (from 1) and return it. Raises NoSuchSession."""
        notes = self._kept.global_notes()
        if not 1 <= number <= len(notes):
            has = f"There are {len(notes)}, numbered from 1." if len(notes) > 1 else "There is only note 1."
            raise NoSuchSession(f"There is no note {number} for all sessions.", has if notes else "There are none yet.")
        with self._desk.writing():
            self._kept.delete_global_note(notes[number - 1].id)
        return notes[number - 1]

    # -- tags and facts -------------------------------------------------

    def tags(self, name: str) -> Sequence[str]:
        """Return a session's tags."""
        return self._kept.tags(self._desk.session(name).thread_id)

    def change_tags(
        self, name: str, add: Sequence[str] = (), delete: Sequence[str] = (), *, missing_ok: bool = False
    ) -> Sequence[str]:
        """Add tags to a session, delete others, and return all its tags. Case doesn't matter.

        Raises SessionError if a new tag breaks the rules, or if the session doesn't have a tag to delete (without
        `missing_ok`).
        """
        session = self._desk.session(name)
        wanted = [checked_tag(tag) for tag in add]
        there = self._kept.tags(session.thread_id)
        missing = [tag for tag in delete if key(tag) not in map(key, there)]
        if missing and not missing_ok:
            message = f"Session “{session.name}” has no tag “{one_line(missing[0], LONGEST_TAG)}”."
            raise SessionError(message, f"Its tags are: {', '.join(there)}." if there else "It has none.")
        self._desk.prepare()
        with self._desk.writing():
            for tag in delete:
                self._kept.delete_tag(session.thread_id, tag)
            for tag in wanted:
                self._kept.add_tag(session.thread_id, tag)
        return self._kept.tags(session.thread_id)

    def facts(self, name: str) -> dict[str, str]:
        """Return a session's facts by key."""
        return self._kept.meta(self._desk.session(name).thread_id)

    def set_facts(self, name: str, values: Mapping[str, str | None]) -> dict[str, str]:
        """Set facts about a session by key (None deletes one), and return all of them. Raises SessionError."""
        session = self._desk.session(name)
        instead = self._desk.command("note", session.name, "TEXT")
        checked = {
            checked_key(key): None if value is None else checked_value(value, instead) for key, value in values.items()
        }
        self._desk.prepare()
        with self._desk.writing():
            self._kept.set_meta(session.thread_id, checked)
        return self._kept.meta(session.thread_id)

    # -- summaries -----------------------------------------------------

    def summaries(self, name: str) -> Sequence[Summary]:
        """Return a session's summaries: the one in use, if any is, then the others, the newest usable ones first."""
        thread_id = self._desk.session(name).thread_id
        found = self._kept.summaries(thread_id)
        if len(found) > 1:
            numbers = history.exchange_turns(self._desk.log, thread_id).numbers()
            found.sort(key=lambda one: not one.is_usable(numbers))
        return found

    def edit_summary(self, name: str, text: str) -> Summary:
        """Replace the text of the summary in use, which covers the same exchanges. Raises SessionError if missing."""
        session = self._desk.session(name)
        found = self.summaries(name)
        if not found:
            message = f"Session “{session.name}” has no summary yet."
            raise SessionError(message, "With --memory summary, one is made when exchanges no longer fit.")
        if not text.strip():
            raise SessionError("A summary can't be empty.", outcome="Nothing was changed.")
        edited = replace(
            found[0],
            text=text.strip(),
            model=None,
            input_tokens=None,
            output_tokens=None,
            duration_ms=None,
            made_utc=self._desk.timestamp(),
        )
        with self._desk.writing():
            self._kept.add_summary(session.thread_id, edited)
        return self.summaries(name)[0]


def _too_much(session: Session, needed: int, most: int, hint: str) -> OverBudget:
    """Return the error for a note that leaves no room for a prompt."""
    what = f"With this note, “{session.name}” would send about {needed:,} tokens before any prompt"
    return OverBudget(f"{what}, but the budget is {most:,}.", hint)
