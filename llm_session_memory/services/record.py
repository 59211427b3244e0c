"""Use cases for what happened: what each turn was sent and why, failed prompts, and context windows learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import NoSuchSession
from ..model import Attempt, Context, WindowFacts
from ..store import Sessions
from ..store.requests import ContextRow
from .desk import Desk


@dataclass(frozen=True)
class Sent:
    """One model call of an exchange to record: its turn, the base and estimate of its request, and any cut."""

    turn_id: str
    base: float
    estimate: int
    context: Context
    cut: str | None = None


class Record:
    """The record of a log's sessions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = Sessions(desk.log)

    def add(self, thread_id: str, sent: Sequence[Sent], prompt: str) -> None:
        """Record what each turn of an exchange was sent, and why. Call it inside the transaction that logs them."""
        if not sent:
            return
        blocks: dict[int, int] = {}
        for one in sent:
            made = one.context
            block_id = made.block.id or blocks.get(id(made.block))
            if block_id is None:
                window = (made.budget.window.tokens, made.budget.window.source)
                block_id = self._store.requests.add(thread_id, made.block, window, self._desk.timestamp())
                blocks[id(made.block)] = block_id
            row = ContextRow(
                turn_id=one.turn_id,
                thread_id=thread_id,
                block_id=block_id,
                exchange_turn_id=sent[0].turn_id,
                number=sent[0].context.exchanges + 1,
                after_turn_id=sent[0].context.after_turn_id,
                base=one.base,
                estimate=one.estimate,
                cut=one.cut,
            )
            self._store.requests.add_context(row)
        self._store.requests.add_recalls(sent[0].turn_id, sent[0].context.recalled)
        same = [a.id for a in self._store.attempts(thread_id) if a.answered_by is None and a.prompt == prompt]
        self._store.answer_attempts(same, sent[-1].turn_id)

    def keep_original(self, turn_id: str, messages: list[Any]) -> None:
        """Keep the whole input of a turn that was cut before sending. Call it inside the transaction that logs it."""
        self._store.requests.keep_original(turn_id, messages)

    def attempts(self, name: str) -> list[Attempt]:
        """Return a session's attempts, oldest first."""
        return self._store.attempts(self._desk.session(name).thread_id)

    def is_logged(self, turn_id: str) -> bool:
        """Return whether a turn is in the log."""
        return self._store.requests.is_logged(turn_id)

    def keep_attempt(self, attempt: Attempt) -> None:
        """Keep a prompt that got no complete answer."""
        with self._desk.writing():
            self._store.add_attempt(attempt)

    def open_attempt(self, name: str) -> Attempt:
        """Return the newest attempt without an answer. Raises NoSuchSession if there is none."""
        unanswered = [attempt for attempt in self.attempts(name) if attempt.answered_by is None]
        if not unanswered:
            raise NoSuchSession(f"Session “{self._desk.session(name).name}” has no failed prompt to send again.")
        return unanswered[-1]

    def learn_window(self, model: str, seen: WindowFacts | None, guess: int | None) -> None:
        """Remember a model's context window after a cut, so that the next prompt fits it.

        `seen` is what the server says now, `guess` is what the cut suggests. After a guess, the next prompt asks again.
        """
        known = self._store.window(model) or WindowFacts()
        now = self._desk.timestamp()
        if seen and seen.loaded:
            news = replace(known, loaded=seen.loaded, asked_utc=now, loaded_utc=now)
        elif guess:
            news = replace(known, loaded=guess, asked_utc="", loaded_utc=now)
        else:
            return
        with self._desk.writing():
            self._store.remember_window(model, news)
