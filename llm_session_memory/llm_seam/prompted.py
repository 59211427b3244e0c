"""One prompt of a session and its model calls, from the chosen context to the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from llm import models

from ..errors import LogUnusable, SessionError
from ..model import Attempt, Context
from ..rules import server_cuts, tokens
from ..services import current
from ..services.bundle import Services
from ..services.composer import Composer
from ..store.log import sentence
from . import attempts, convert, record, rescue
from .asked import Asked
from .calls import Call, bound, complete, countable, sent_of, told
from .models import Embedding

RELIED_ON = {
    "models": "AsyncResponse Response",
    "models.Response": "log_to_db",
    "models.AsyncResponse": "_to_sync_response",
    "an instance of models.Response": "done_callbacks id model prompt",
    "an instance of models.AsyncResponse": "done_callbacks id model prompt",
    "an instance of models.Prompt": "messages",
}
"""The parts of llm that this module relies on (see `shape`)."""

Say = Callable[[str], None]
"""Shows a message to the person or the program."""


@dataclass
class Prompted:
    """One prompt and its calls.

    Attributes:
        recording: False if nothing may be written to the log.
        by_itself: Whether responses are logged here once they are read, and the prompt is kept here if a call fails.
            If False, llm's command does both at its end.
        composing: True while the context is being chosen. A summary may be made then, which can take a while.
    """

    services: Services
    asked: Asked
    say: Say
    recording: bool
    by_itself: bool
    composing: bool = True
    chained: bool = False
    context: Context | None = None
    composer: Composer | None = None
    embedding: Embedding | None = None
    calls: list[Call] = field(default_factory=list)
    finished: list[Any] = field(default_factory=list)
    """The responses that are being logged: each is complete and must be saved somewhere."""
    logged: bool = False

    # -- during the call -----------------------------------------------

    def call(self, response: Any) -> None:
        """Register a response that is about to be sent. In a tool loop, cut the request to the budget."""
        response.prompted = self
        made, composer = self.context, self.composer
        if made is None or composer is None:
            return
        response.done_callbacks += [countable, complete]
        if not self.calls:
            self.calls.append(Call(response, made.base, made.tokens, made))
            return
        messages = response.prompt.messages
        snapshot = composer.snapshot
        base = snapshot.measure.base(convert.from_llm(messages)) + snapshot.request.beside
        estimate = tokens.continued(self.calls[-1].turn, base, snapshot.measure)
        one = Call(response, base, estimate, made)
        if estimate > made.budget.tokens:
            self.context = bound(one, composer, len(made.chain))
        self.calls.append(one)

    def hold(self) -> None:
        """Let the tools that are called from now on know their session."""
        if self.context is not None and self.asked.session is not None:
            path, most = self.services.path, self.context.budget.tokens
            name = self.asked.session.name
            current.hold(current.Current(path, name, self.asked.model, most, self.recording))

    @contextmanager
    def reading(self, response: Any) -> Iterator[None]:
        """Log a response after it is read, or keep the prompt if reading fails."""
        try:
            yield
        except BaseException as error:
            self.failed(error)
            raise
        self.read([response], chained=False)

    @contextmanager
    def looping(self, responses: Iterable[Any]) -> Iterator[None]:
        """Log a tool loop after it is read, or keep its prompt; let its tools know their session."""
        self.chained = True
        self.hold()
        try:
            yield
        except BaseException as error:
            self.failed(error)
            raise
        finally:
            current.hold(None)
        self.read(responses, chained=True)

    def read(self, responses: Iterable[Any], *, chained: bool) -> None:
        """Log responses that were read to the end (a tool loop as a whole) unless llm's command logs them."""
        if self.by_itself and self.calls and chained == self.chained:
            self.log(self.services.desk.log.database, responses)

    def failed(self, error: BaseException) -> None:
        """Keep a prompt that failed or was not read to the end unless llm's command keeps it."""
        if not self.by_itself:
            return
        try:
            kept = self.keep(error)
        except (SessionError, sqlite3.Error) as trouble:
            why = trouble if isinstance(trouble, SessionError) else sentence(trouble, self.services.path)
            self.say(f"The prompt could not be logged: {why}")
            return
        if kept is not None and self.asked.session is not None:
            again = self.services.desk.command("retry", self.asked.session.name)
            self.say(f"session {self.asked.session.name}: the prompt is kept. Send it again with: {again}")

    # -- after the call ------------------------------------------------

    def log(self, database: Any, responses: Iterable[Any]) -> None:
        """Log finished responses, with the reasons for their context."""
        finished = [r._to_sync_response() if isinstance(r, models.AsyncResponse) else r for r in responses]  # noqa: SLF001
        session = self.asked.session
        if not self.recording or session is None:
            for response in finished:
                models.Response.log_to_db(response, database)
            return
        calls, self.finished = self.calls, finished
        sent = sent_of(calls[: len(finished)])
        originals = {one.response.id: one.original for one in calls if one.original is not None}
        try:
            record.log(self.services.desk.on(database), self.asked, finished, sent, originals)
        except LogUnusable as error:  # so no attempt can be kept in it either
            with rescue.signals_wait():
                raise self._into_a_file(attempts.attempt(self.asked, calls, error, self._now()), error) from error
        self.logged = True
        self.calls, self.finished = [], []  # not earlier: if anything else ends the writing, `keep` finds them
        for one in calls:
            if one.cut is not None:
                self._tell(one, one.cut)
        if self.embedding and self.context and self.context.block.pruned:
            self.embedding.catch_up(session.thread_id)  # while the person reads the reply

    def _tell(self, one: Call, cut: server_cuts.Cut) -> None:
        """Report a cut, and store the context window that the next prompt has to fit."""
        assert self.asked.session is not None
        if one.seen is not None or cut.window:
            self.services.record.learn_window(one.response.model.model_id, one.seen, cut.window)
        self.say(f"session {self.asked.session.name}: {told(cut)}")

    def keep(self, error: BaseException) -> Attempt | None:
        """Keep the prompt and its partial reply as an attempt; return the attempt, or None if nothing is kept.

        A prompt is not kept if it was refused before its call, if its session was not created yet, or if it is in the
        log. Raises LogUnusable, with the path of a file that has everything, if the log can't be written.
        """
        interrupted = self.composing and not isinstance(error, Exception)
        if not (self.calls or interrupted) or not self.recording or self.asked.session is None:
            return None
        with rescue.signals_wait():
            attempt = attempts.attempt(self.asked, self.calls, error, self._now())
            try:
                with self.services.desk.log.patience(1):
                    logged = bool(self.calls) and self.services.record.is_logged(attempt.id)
                    if not logged:
                        self.services.record.keep_attempt(attempt)
            except Exception as trouble:
                raise self._into_a_file(attempt, trouble) from trouble
            self.calls, self.finished, self.composing = [], [], False
            return None if logged else attempt

    def _into_a_file(self, attempt: Attempt, trouble: Exception) -> LogUnusable:
        """Save a prompt and its reply to a file because the log can't be written; return the error to raise."""
        path = rescue.rescued(self.services.path, self.asked, attempt, self.finished)
        self.calls, self.finished, self.composing = [], [], False
        what = "reply" if attempt.partial else "prompt"
        said = trouble.message if isinstance(trouble, SessionError) else attempts.cause(trouble)
        if path is None:
            return LogUnusable(said, f"No file could be written either: the {what} is only on your screen. Copy it.")
        again = self.services.desk.command("recover", str(path))
        return LogUnusable(said, f"The {what} is kept in {path}. Add it to the session with: {again}")

    def _now(self) -> str:
        return self.services.desk.timestamp()
