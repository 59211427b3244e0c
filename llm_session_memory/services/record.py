"""Use cases for what happened: what each turn was sent and why, failed prompts, and context windows learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import NoSuchSession
from ..model import Attempt, Context, Session, WindowFacts
from ..model.frozen import dataclass, replace
from ..rules.ulids import later
from ..rules.windows import fresh
from ..store import Sessions, history
from ..store.forks import origin
from ..store.requests import ContextRow
from .desk import Desk
from .windows import loaded_by, usual_now


@dataclass(frozen=True)
class SentCall:
    """One model call of an exchange to record: its turn, the base and estimate of its request, and any cut.

    `number` is the number of its exchange.
    """

    turn_id: str
    base: float
    estimate: int
    context: Context
    cut: str | None = None
    number: int = 0


class Record:
    """The record of a log's sessions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = Sessions(desk.log)

    def last(self, thread_id: str, sent: Sequence[SentCall]) -> list[SentCall]:
        """Return an exchange's calls with ids and a number after all that the session has now.

        The clock may have gone back, and another process may have logged something since the request was made. Call it
        inside the transaction that logs them.
        """
        if not sent:
            return []
        made = sent[0].context
        greatest, number = made.greatest_id, made.exchanges + 1
        if made.given:
            greatest, before = history.end(self._desk.log, thread_id)
            number = before + 1
        elif self._store.requests.logged_since(thread_id, made.after_turn_id):
            now = history.exchange_turns(self._desk.log, thread_id)
            greatest, number = now.greatest, len(now) + 1
        found: list[SentCall] = []
        for one in sent:
            greatest = later(one.turn_id, greatest)
            found.append(replace(one, turn_id=greatest, number=number))
        return found

    def newest_id(self, thread_id: str) -> str | None:
        """Return the id of the turn that was logged last in a thread, or None if it has none."""
        return self._store.requests.newest_id(thread_id)

    def origin(self, thread_id: str) -> str | None:
        """Return the thread that a fork was forked from, if no turn of the fork was logged yet; otherwise None."""
        return origin(self._desk.log, thread_id)

    def next_id(self, thread_id: str, id_: str) -> str:
        """Return an id, or one that is greater than those of all turns of a thread."""
        return later(id_, history.exchange_turns(self._desk.log, thread_id).greatest)

    def add(self, thread_id: str, sent: Sequence[SentCall], prompt: str, opened: str | None = None) -> None:
        """Record what each turn of an exchange was sent, and why. Call it inside the transaction that logs them.

        The turn answers the open attempt `opened`, and the failed attempts of the same prompt.
        """
        if opened is not None:
            self._store.attempts.remove([opened])
        if not sent:
            return
        blocks: dict[int, int] = {}
        for one in sent:
            made = one.context
            block_id = blocks.get(id(made.block)) or made.block.id
            if block_id is not None and not self._store.requests.block(block_id):
                block_id = None  # the session was deleted meanwhile
            if block_id is None:
                window = (made.budget.window.tokens, made.budget.window.source)
                block_id = self._store.requests.add(thread_id, made.block, window, self._desk.timestamp())
            blocks[id(made.block)] = block_id
            row = ContextRow(
                turn_id=one.turn_id,
                thread_id=thread_id,
                block_id=block_id,
                exchange_turn_id=sent[0].turn_id,
                number=one.number,
                after_turn_id=sent[0].context.after_turn_id,
                base=one.base,
                estimate=one.estimate,
                cut=one.cut,
            )
            self._store.requests.add_context(row)
        self._store.requests.add_recalls(sent[0].turn_id, sent[0].context.recalled)
        waiting = [a for a in self._store.attempts.of(thread_id) if a.answered_by is None and not a.in_progress]
        self._store.attempts.answer([a.id for a in waiting if a.prompt == prompt], sent[-1].turn_id)

    def keep_original(self, turn_id: str, messages: list[Any]) -> None:
        """Keep the whole input of a turn that was cut before sending. Call it inside the transaction that logs it."""
        self._store.requests.keep_original(turn_id, messages)

    def attempts(self, name: str) -> list[Attempt]:
        """Return a session's attempts, oldest first."""
        return self._store.attempts.of(self._desk.session(name).thread_id)

    def placed_attempts(self, name: str) -> list[tuple[int, Attempt]]:
        """Return a session's attempts, oldest first, each with the number of exchanges that come before it."""
        numbers = history.exchange_turns(self._desk.log, self._desk.session(name).thread_id)
        return [(numbers.place(attempt.id), attempt) for attempt in self.attempts(name)]

    def unanswered(self, name: str | None = None) -> list[tuple[str, Attempt]]:
        """Return the attempts that no turn has answered, of one session or of all, each with its session's name."""
        if name is not None:
            session = self._desk.session(name).name
            return [(session, attempt) for attempt in self.attempts(name) if attempt.answered_by is None]
        if not self._desk.log.has_sessions():
            return []
        named = ((self._store.session_of_thread(one.thread_id), one) for one in self._store.attempts.unanswered())
        return [(session.name, attempt) for session, attempt in named if session is not None]

    def drop(self, name: str) -> int:
        """Remove a session's attempts that no turn has answered, except those in progress. Return how many."""
        with self._desk.writing():
            dropped = [one.id for _, one in self.unanswered(name) if not one.in_progress]
            self._store.attempts.remove(dropped)
        self._store.attempts.close(dropped)
        return len(dropped)

    def is_logged(self, turn_id: str) -> bool:
        """Return whether a turn is in the log."""
        return self._store.requests.is_logged(turn_id)

    def wants_title(self, session: Session) -> bool:
        """Return whether a session gets a title by itself, and never had one."""
        return self._store.requests.wants_title(session.thread_id, session.project)

    def keep_attempt(self, attempt: Attempt) -> None:
        """Keep a prompt that got no complete answer."""
        with self._desk.writing():
            self._store.attempts.add(attempt)

    def begin(self, attempt: Attempt) -> list[Attempt]:
        """Keep a prompt that is about to be sent. Return the interrupted prompts of its session, each only once."""
        with self._desk.writing():
            interrupted = self._store.attempts.interrupted(attempt.thread_id)
            for one in interrupted:
                self._store.attempts.add(one)  # so it is open no longer
            self._store.attempts.open(attempt)
        self._store.attempts.close(one.id for one in interrupted)
        return interrupted

    def forget_try(self, thread_id: str, prompt: str) -> None:
        """Remove the newest attempt of a thread if it is a failed try of this prompt, which is asked again now."""
        waiting = [one for one in self._store.attempts.of(thread_id) if one.answered_by is None and not one.in_progress]
        if waiting and waiting[-1].prompt == prompt:
            with self._desk.writing():
                self._store.attempts.remove([waiting[-1].id])

    def withdraw(self, id_: str) -> None:
        """Remove the open attempt of a prompt that was refused before it was sent."""
        with self._desk.writing():
            self._store.attempts.remove([id_])

    def add_partial(self, id_: str, partial: str) -> None:
        """Keep what has come of a reply with its open attempt."""
        with self._desk.writing():
            self._store.attempts.add_partial(id_, partial)

    def open_attempt(self, name: str) -> Attempt:
        """Return the newest attempt without an answer. Raises NoSuchSession if there is none."""
        unanswered = [attempt for attempt in self.attempts(name) if attempt.answered_by is None]
        waiting = [attempt for attempt in unanswered if not attempt.in_progress]
        if waiting:
            return waiting[-1]
        session = self._desk.session(name).name
        if unanswered:
            raise NoSuchSession(
                f"Session “{session}” has no failed prompt to send again. Its newest prompt is still in progress.",
                "Wait for its reply, or end the process that sends it.",
            )
        raise NoSuchSession(f"Session “{session}” has no failed prompt to send again.")

    def learn_window(self, model: str, seen: WindowFacts | None, guess: int | None, num_ctx: int | None) -> None:
        """Remember a model's context window after a cut or a refusal, so that the next prompt fits it.

        `seen` is what the server says now, `guess` is what the cut or the error suggests, `num_ctx` is what the request
        named. After a guess, the next prompt asks again.
        """
        known = self._store.window(model) or WindowFacts()
        now = self._desk.timestamp()
        if seen and seen.loaded:
            news = replace(known, loaded=seen.loaded, asked_utc=now, loaded_utc=now, server=seen.server)
            if num_ctx is None or seen.loaded < num_ctx:  # the server gives no more, whatever it is asked for
                news = replace(news, usual=seen.loaded, usual_utc=now)
        elif guess:
            news = replace(known, loaded=guess, asked_utc="", loaded_utc=now)
        else:
            return
        self._remember(model, news)

    def learn_loaded(self, model: Any, num_ctx: int | None) -> None:
        """Remember how a request with this num_ctx made the server load a model; if it named none, ask the server."""
        known = self._store.window(model.model_id) or WindowFacts()
        if num_ctx is None:
            news = usual_now(model, known, self._desk.now)
            if news is not None:
                self._remember(model.model_id, news)
            return
        loaded = min(num_ctx, known.trained or num_ctx)
        if known.loaded != loaded or not fresh(known, self._desk.now()):
            now = self._desk.timestamp()
            self._remember(model.model_id, replace(known, loaded=loaded, asked_utc=now, loaded_utc=now))

    def learn_from(self, model: Any) -> None:
        """Remember how a request made a local server load a model, if it was not known."""
        news = loaded_by(model, self._store.window(model.model_id), self._desk.now)
        if news is not None:
            self._remember(model.model_id, news)

    def _remember(self, model: str, news: WindowFacts) -> None:
        with self._desk.writing():
            self._store.remember_window(model, news)
