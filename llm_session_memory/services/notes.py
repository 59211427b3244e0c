"""The use cases around what is kept beside a conversation and found again: notes, tags, meta, summaries, search.

Methods of `memory.Memory`, in a room of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import NoSuchSession, OverBudget, SessionError
from ..model import Beside, Filters, Hit, Note, Summary
from ..rules.limits import LONGEST_TAG, checked_key, checked_note, checked_tag, checked_value
from ..rules.names import key
from ..rules.safe_text import one_line
from ..store import Kept
from .requests import Contexts
from .search import search


class Keeping(Contexts):
    """What Memory knows of notes, tags, meta, summaries and searching."""

    @property
    def kept(self) -> Kept:
        """The tables of what is kept."""
        return Kept(self.log)

    def beside(self, name: str) -> Beside:
        """Return what is kept beside a conversation: tags, facts, notes."""
        return Beside(tuple(self.tags(name)), self.meta(name), tuple(self.notes(name)))

    # -- notes ---------------------------------------------------------

    def notes(self, name: str) -> list[Note]:
        """Return a session's notes, oldest first."""
        return self.kept.notes(self.session(name).thread_id)

    def add_note(self, name: str, text: str, author: str = "you", model: Any = None) -> Note:
        """Keep a note that is sent with every prompt of a session from now on.

        `model` is the session's model as an llm object; without one its window is not known. Raises SessionError, and
        OverBudget where system prompt, notes and pins alone would exceed the budget.
        """
        text = checked_note(text)
        session = self.session(name)
        self.prepare()
        now = self.timestamp()
        with self.writing():
            note_id = self.kept.add_note(session.thread_id, text, author, now)
            needed, most = self.always_sent(session, model)
            if needed > most:
                what = f"With this note “{session.name}” would send about {needed:,} tokens before any prompt"
                hint = "Shorten it, delete another one, or raise --max-context-tokens."
                raise OverBudget(f"{what}, and the budget is {most:,}.", hint)
        return Note(note_id, text, author, now)

    def delete_note(self, name: str, number: int) -> Note:
        """Delete the note of that number (its place in the list, from 1); return it. Raises NoSuchSession."""
        session = self.session(name)
        notes = self.kept.notes(session.thread_id)
        if not 1 <= number <= len(notes):
            has = f"It has {len(notes)}, numbered from 1." if notes else "It has none."
            raise NoSuchSession(f"Session “{session.name}” has no note {number}.", has)
        with self.writing():
            self.kept.delete_note(session.thread_id, notes[number - 1].id)
        return notes[number - 1]

    # -- tags and meta -------------------------------------------------

    def tags(self, name: str) -> list[str]:
        """Return a session's tags."""
        return self.kept.tags(self.session(name).thread_id)

    def change_tags(self, name: str, add: tuple[str, ...] = (), delete: tuple[str, ...] = ()) -> list[str]:
        """Tag a session, take tags away; return its tags. Case does not matter.

        Raises SessionError for a tag that breaks the rules, and for one to take away that is not there.
        """
        session = self.session(name)
        wanted = [checked_tag(tag) for tag in add]
        there = self.kept.tags(session.thread_id)
        missing = [tag for tag in delete if key(tag) not in map(key, there)]
        if missing:
            message = f"Session “{session.name}” has no tag “{one_line(missing[0], LONGEST_TAG)}”."
            raise SessionError(message, f"Its tags: {', '.join(there)}." if there else "It has none.")
        self.prepare()
        with self.writing():
            for tag in delete:
                self.kept.delete_tag(session.thread_id, tag)
            for tag in wanted:
                self.kept.add_tag(session.thread_id, tag)
        return self.kept.tags(session.thread_id)

    def meta(self, name: str) -> dict[str, str]:
        """Return what is known of a session by key."""
        return self.kept.meta(self.session(name).thread_id)

    def set_meta(self, name: str, values: Mapping[str, str | None]) -> dict[str, str]:
        """Set facts about a session by key, None takes one away; return all. Raises SessionError."""
        session = self.session(name)
        instead = self.command("note", session.name, "TEXT")
        checked = {
            checked_key(key): None if value is None else checked_value(value, instead) for key, value in values.items()
        }
        self.prepare()
        with self.writing():
            self.kept.set_meta(session.thread_id, checked)
        return self.kept.meta(session.thread_id)

    # -- summaries -----------------------------------------------------

    def summaries(self, name: str) -> list[Summary]:
        """Return a session's summaries, newest first; the first is the one in use."""
        return self.kept.summaries(self.session(name).thread_id)

    def edit_summary(self, name: str, text: str) -> Summary:
        """Replace the text of the summary in use; it covers what it covered. Raises SessionError if there is none."""
        session = self.session(name)
        found = self.kept.summaries(session.thread_id)
        if not found:
            message = f"Session “{session.name}” has no summary yet."
            raise SessionError(message, "One is made under --memory summary when exchanges fall out of the window.")
        if not text.strip():
            raise SessionError("A summary can't be empty.", "Nothing was changed.")
        edited = replace(
            found[0],
            text=text.strip(),
            model=None,
            input_tokens=None,
            output_tokens=None,
            duration_ms=None,
            made_utc=self.timestamp(),
        )
        with self.writing():
            self.kept.add_summary(session.thread_id, edited)
        return self.kept.summaries(session.thread_id)[0]

    # -- searching -----------------------------------------------------

    def search(  # noqa: PLR0913  what a person can ask for, each on its own
        self,
        text: str,
        *,
        session: str | None = None,
        filters: Filters | None = None,
        count: int = 20,
        latest: bool = False,
        raw: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Hit]:
        """Return at most `count` exchanges that match any text, best first or newest first; of all sessions, or of one.

        All its words have to be there, or, where no exchange has all, some; phrases go in double quotes. `raw` takes
        FTS5's own syntax. Brings the index up to date first, which writes to our own tables only; `progress` gets
        sessions done and in all. Raises NoSuchSession, and SessionError for wrong raw syntax.
        """
        thread_id = self.session(session).thread_id if session is not None else None
        self.log.check_shape()
        self.log.migrate()
        return search(self.log, text, thread_id, filters, count=count, latest=latest, raw=raw, progress=progress)
