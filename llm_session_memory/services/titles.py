"""Use cases for titles of conversations, with a name or without: show, set, make with a model, and make automatically.

A title that a model writes costs one request. The model reads the first exchanges and the newest, and follows no
instruction in them. Nothing of the request is logged as part of the conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ..errors import ModelFailed, NoSuchSession, TooExpensive
from ..model import Session, Title
from ..rules import names
from ..rules import titles as rules
from ..store import Sessions, history, log_settings, titles
from .costs import Costs
from .desk import Desk
from .projects import Projects

if TYPE_CHECKING:
    from .summarise import ModelAnswer

_AUTO, _MODEL = "titles.auto", "titles.model"
"""The settings of the whole log."""


class TitleAsker(Protocol):
    """The model that writes titles. Raises ModelFailed, whatever went wrong."""

    def __call__(self, instruction: str, material: str) -> ModelAnswer:
        """Return its answer."""


@dataclass(frozen=True)
class Auto:
    """Whether sessions get titles automatically, and the model that writes them (None: the session's)."""

    on: bool = False
    model: str | None = None


class Titles:
    """The titles of a log's conversations."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sessions = Sessions(desk.log)
        self._projects = Projects(desk)

    # -- one conversation --------------------------------------------------

    def thread(self, reference: str) -> str:
        """Return the thread with this name or id. Raises NoSuchSession."""
        session = self._desk.find(reference)
        if session is not None:
            return session.thread_id
        if history.is_known(self._desk.log, reference):
            return reference
        return self._desk.session(reference).thread_id  # raises, with a similar name as a hint

    def name(self, thread_id: str) -> str:
        """Return what to call a conversation: its session's name, or its id."""
        session = self._sessions.session_of_thread(thread_id)
        return session.name if session else thread_id

    def of(self, thread_id: str) -> Title | None:
        """Return a conversation's title, or None if it has none."""
        return self.each([thread_id]).get(thread_id)

    def each(self, thread_ids: Sequence[str]) -> Mapping[str, Title]:
        """Return the titles of the conversations that have one, by thread."""
        return {id_: one for id_, one in titles.titles(self._desk.log, thread_ids).items() if one.text}

    def set(self, thread_id: str, text: str) -> Title:
        """Set a title by hand. Raises SessionError if it is empty or too long."""
        return self._put(thread_id, Title(rules.checked_title(text), "you", self._desk.timestamp()))

    def remove(self, thread_id: str) -> Title:
        """Remove a title and return it. It isn't written again automatically. Raises NoSuchSession if there is none."""
        found = self.of(thread_id)
        if found is None:
            raise NoSuchSession(f"“{self.name(thread_id)}” has no title.", outcome="Nothing was changed.")
        self._put(thread_id, Title("", "you", self._desk.timestamp()))
        return found

    def make(self, thread_id: str, ask: TitleAsker, *, again: bool = True) -> Title:
        """Have a model write a title, and keep it. Unless `again`, one that was set in the meantime stays.

        Raises NoSuchSession if the conversation has no exchanges, ModelFailed if the model fails or writes no title.
        """
        log = self._desk.log
        numbered = [*enumerate(history.exchange_turns(log, thread_id), 1)]
        if not numbered:
            raise NoSuchSession(f"“{self.name(thread_id)}” has no exchanges yet, so it can't get a title.")
        chosen = numbered[: rules.FIRST] + numbered[rules.FIRST :][-1:]
        read = history.exchanges(log, chosen, with_content=False)
        answer = ask(rules.INSTRUCTION, rules.material(read))
        text = rules.title_in(answer.text)
        spent = Costs(self._desk).of_call(answer.model, answer.input_tokens, answer.output_tokens)
        made = Title(
            text=text,
            author=answer.model,
            made_utc=self._desk.timestamp(),
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            duration_ms=answer.duration_ms,
            spent_usd=spent,
        )
        if not text:
            raise ModelFailed(f"{answer.model} wrote no title.")
        return self._put(thread_id, made, again=again)

    def _put(self, thread_id: str, title: Title, *, again: bool = True) -> Title:
        """Store a title with the cost of earlier ones; unless `again`, only if there is none yet."""
        self._desk.prepare()
        log = self._desk.log
        with self._desk.writing():
            if not (history.is_known(log, thread_id) or self._sessions.session_of_thread(thread_id)):
                raise NoSuchSession(f"Conversation {thread_id} was deleted in the meantime.", "No title was kept.")
            before = titles.titles(log, [thread_id]).get(thread_id)
            if before is not None:
                known = [one for one in (before.spent_usd, title.spent_usd) if one is not None]
                title = replace(title if again else before, spent_usd=sum(known) if known else None)
            titles.put(log, thread_id, title)
        return title

    # -- many conversations ------------------------------------------------

    def untitled(self, count: int) -> tuple[list[str], int]:
        """Return the newest `count` conversations that never had a title, and how many there are in all."""
        self._desk.prepare()
        return titles.untitled(self._desk.log, count)

    def model_of(self, thread_id: str) -> str | None:
        """Return the model that writes a conversation's title unless another is given; None: llm's default.

        That is the model set for its project or for the whole log, or else the conversation's own.
        """
        session = self._sessions.session_of_thread(thread_id)
        chosen = self.auto(session.project if session else None).model or self.auto().model
        if chosen or (session and session.settings.model):
            return chosen or (session.settings.model if session else None)
        turns = history.exchange_turns(self._desk.log, thread_id)
        return history.settings_of(self._desk.log, turns[-1][-1]).model if turns else None

    # -- automatic titles --------------------------------------------------

    def auto(self, project: str | None = None) -> Auto:
        """Return whether titles are made automatically, in the whole log or in a project."""
        log = self._desk.log
        if project is None:
            return Auto(log_settings.get(log, _AUTO) == "on", log_settings.get(log, _MODEL))
        found = titles.of_project(log, names.key(project)) if log.has_sessions() else None
        return Auto(found.auto, found.model) if found else Auto()

    def set_auto(self, wanted: Auto, project: str | None = None) -> str | None:
        """Turn titles on or off in the whole log or in a project; return the project's name. Raises NoSuchSession."""
        self._desk.prepare()
        log = self._desk.log
        with self._desk.writing():
            if project is not None:
                titles.set_project(log, names.key(project), auto=wanted.on, model=wanted.model)
                return self._projects.get(project).name
            for key, value in ((_AUTO, "on" if wanted.on else None), (_MODEL, wanted.model)):
                if value is None:
                    log_settings.remove(log, key)
                else:
                    log_settings.put(log, key, value)
        return None

    def is_affordable(self, session: Session) -> bool:
        """Return whether a title of a session would fit the budgets in dollars of the session and its project."""
        try:
            Costs(self._desk).check(session, self.model_of(session.thread_id) or "", rules.MOST_TOKENS)
        except TooExpensive:
            return False
        return True
