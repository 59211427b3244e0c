"""One prompt of a session and its model calls, from the chosen context to the log."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from llm import models

from ..errors import LogUnusable, SessionError
from ..model import TITLE_AFTER, Attempt, Context, Message, Session
from ..rules import server_cuts, tokens
from ..rules.safe_text import one_line
from ..rules.thinking import keeps, turn_without_thinking
from ..rules.ulids import later
from ..services import current
from ..services.bundle import Services
from ..services.composer import Composer
from ..store import log_settings
from ..store.log import sentence
from . import attempts, record, rescue
from .asked import Asked
from .calls import Call, bound, complete, countable, learned, num_ctx_of, own_input, sendable, sent_of, told
from .following import Following
from .models import Embedding
from .shape import check

if TYPE_CHECKING:
    from .titles import Titling

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


class Prompted:  # not a dataclass, nor is Call: making their methods took a millisecond of each start of llm
    """One prompt and its calls.

    Attributes:
        recording: False if nothing may be written to the log.
        by_itself: Whether responses are logged here once they are read, and the prompt is kept here if a call fails.
            If False, llm's command does both at its end.
    """

    def __init__(self, services: Services, asked: Asked, say: Say, *, recording: bool, by_itself: bool) -> None:
        self.services = services
        self.asked = asked
        self.say = say
        self.recording = recording
        self.by_itself = by_itself
        self.chained = False
        self.context: Context | None = None
        self.composer: Composer | None = None
        self.embedding: Embedding | None = None
        self.calls: list[Call] = []
        self.finished: list[Any] = []
        """The responses that are being logged: each is complete and must be saved somewhere."""
        self.answered: list[Call] = []
        """The calls that were logged."""
        self.logged = False
        self.error = ""
        """The error that its attempt is kept with."""
        self.new = False
        """Whether it created its session."""
        self.opened: str | None = None
        """The id of its open attempt, which is in the log from before anything is sent."""
        self.following: Following | None = None
        self.key: str | None = None
        """The API key that was given with it."""
        self.guard: Callable[[Iterable[Message]], None] | None = None
        """Checks the results of tools before they are sent, if the session has a guard."""
        self.keeps = True
        """Whether a program's prompt is kept in the log while it is sent and if it fails. A command's always is."""
        self.also: Callable[[Sequence[Any]], None] | None = None
        """What else belongs to the transaction that logs the responses; called with them."""
        self.titling: Titling | None = None
        """What writes the session's first title, after this prompt or an earlier one."""

    # -- before the call -----------------------------------------------

    def begin(self) -> list[Attempt]:
        """Keep the prompt as an open attempt; return the session's interrupted prompts that were not mentioned yet."""
        if not self.recording:
            return []
        attempt = self.attempt((), None)
        interrupted = self.services.record.begin(attempt)
        self.opened = attempt.id
        return interrupted

    def withdraw(self) -> None:
        """Remove the open attempt: the prompt was refused before it was sent."""
        if self.opened is not None:
            with suppress(SessionError, sqlite3.Error), self.services.desk.log.patience(1):
                self.services.record.withdraw(self.opened)
            self.opened = None

    def mention(self, interrupted: Sequence[Attempt]) -> None:
        """Report prompts that were interrupted, with how to send them again."""
        if interrupted and self.asked.session is not None:
            newest = one_line(interrupted[-1].prompt, 40)
            which = f"the prompt “{newest}” was interrupted."
            if len(interrupted) > 1:
                which = f"{len(interrupted)} prompts were interrupted, the last one “{newest}”."
            again = self.services.desk.command("retry", self.asked.session.name)
            self.say(f"session {self.asked.session.name}: {which} Send it again with: {again}")

    @contextmanager
    def making(self) -> Iterator[None]:
        """Withdraw the prompt if llm refuses to make a response of it."""
        try:
            yield
        except Exception:
            self.withdraw()
            raise

    # -- during the call -----------------------------------------------

    def call(self, response: Any) -> None:
        """Register a response that is about to be sent. In a tool loop, cut the request to the budget."""
        response.prompted = self
        made, composer = self.context, self.composer
        if made is None or composer is None:
            return
        response.done_callbacks += [countable, complete]
        response.id = later(response.id, self.calls[-1].response.id if self.calls else made.greatest_id)
        if not self.calls:
            self.calls.append(Call(response, made.base, made.tokens, made))
            return
        seen = composer.seen
        think = seen.request.think
        messages, original = sendable(response, think)
        if self.guard is not None:
            self.guard(own_input(messages))
        base = seen.measure.base(messages) + seen.request.beside
        last = self.calls[-1].turn
        estimate = tokens.continued(last if keeps(think) else turn_without_thinking(last), base, seen.measure)
        one = Call(response, base, estimate, made, original)
        if estimate > made.budget.tokens:
            self.context = bound(one, composer, len(made.chain), self.calls[0].context.recalled)
        self.calls.append(one)

    def sending(self) -> None:
        """Prepare for the first byte that is sent: from now on, add what comes of the reply to the open attempt.

        A program's prompt is kept only now, because it is not sent if its response is never read.
        """
        if self.following is not None or not (self.recording and self.keeps) or self.asked.session is None:
            return
        if self.opened is None:
            self.mention(self.begin())
        assert self.opened is not None
        whose = weakref.ref(self)

        def text() -> str | None:
            prompted = whose()
            return attempts.partial(prompted.calls) if prompted else None

        self.following = Following(self.services.path, self.opened, text)
        self.following.start()

    def hold(self) -> None:
        """Let the tools that are called from now on know their session."""
        if self.context is not None and self.asked.session is not None:
            path, most = self.services.path, self.context.budget.tokens
            name = self.asked.session.name
            current.hold(current.Current(path, name, self.asked.model, most, self.recording))

    @contextmanager
    def reading(self, response: Any) -> Iterator[None]:
        """Log a response after it is read, or keep the prompt if reading fails."""
        self.sending()
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
        self.sending()
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
        if not (self.by_itself and self.keeps):
            return
        try:
            kept = self.keep(error)
        except (SessionError, sqlite3.Error) as trouble:
            why = trouble if isinstance(trouble, SessionError) else sentence(trouble, self.services.path)
            self.say(f"The prompt could not be logged: {why}")
            return
        if kept is not None:
            self.tell_kept()

    def tell_kept(self, also: str = "") -> None:
        """Report that the prompt is kept, with what can be done with it."""
        assert self.asked.session is not None
        name, command = self.asked.session.name, self.services.desk.command
        self.say(f"session {name}: the prompt is kept. Send it again with: {command('retry', name)}{also}")
        self._tell_overflow(name)
        from ..rules.refused_system import refused

        own = self.asked.said.system or self.asked.session.settings.system
        cause = refused(self.error, own, self.context.system) if self.context else None
        if cause is not None:
            what, words = {
                "global notes": ("the notes for all sessions are", ("set", name, "--no-global-notes")),
                "notes": ("its notes are", ("note", name, "--delete", "N")),
                "summary": ("its summary is", ("set", name, "--memory", "recall")),
            }[cause]
            seems = f"{what} sent as a system prompt, which this model seems to refuse"
            self.say(f"session {name}: {seems}. Use another model, or: {command(*words)}")
        if self.new:
            gone = command("attempts", name, "--drop")
            self.say(f"session {name}: it is new and has only this prompt. To remove it: {gone}")

    def _tell_overflow(self, name: str) -> None:
        """If the server refused the request because it exceeds the context window, say so and store the window."""
        if self.context is None:
            return
        from ..rules import overflows  # only for an error

        found = overflows.overflow(self.error)
        if found is None:
            return
        with suppress(SessionError, sqlite3.Error):
            self.services.record.learn_window(self.asked.model, None, found.window, None)
        tokens_ = overflows.smaller(found, self.context)
        command = self.services.desk.command("set", name, "--max-context-tokens", str(tokens_)) if tokens_ else ""
        self.say(f"session {name}: {overflows.told(found, self.context)} {command}".rstrip())

    # -- after the call ------------------------------------------------

    def log(self, database: Any, responses: Iterable[Any]) -> None:
        """Log finished responses, with the reasons for their context."""
        finished = [r._to_sync_response() if isinstance(r, models.AsyncResponse) else r for r in responses]  # noqa: SLF001
        session = self.asked.session
        if not self.recording or session is None or not self.calls:
            for response in finished:
                if not record.has(database, response.id):  # a program may log what was logged when it was read
                    models.Response.log_to_db(response, database)
            return
        calls, self.finished = self.calls, finished
        self._followed()
        sent = sent_of(calls[: len(finished)])
        originals = {one.response.id: one.original for one in calls if one.original is not None}
        try:
            record.log(self.services.desk.on(database), self.asked, finished, sent, originals, self.opened, self.also)
        except LogUnusable as error:  # so no attempt can be kept in it either
            if not self.keeps:
                raise
            with rescue.signals_wait():
                attempt = self.attempt(calls, error)
                raise self._into_a_file(attempt, error) from error
        finally:
            for one, response in zip(calls, finished, strict=False):
                one.response.id = response.id  # an asynchronous response is logged as a copy
        self.logged = True
        self._kept()
        # not earlier: if anything else ends the writing, `keep` finds them
        self.calls, self.answered, self.finished, self.opened = [], calls, [], None
        for one in calls:
            if one.cut is not None:
                self._tell(one, one.cut)
        learned(self.services.record, calls)
        if self.embedding and self.context and self.context.block.pruned:
            self.embedding.catch_up(session.thread_id)  # while the person reads the reply
        self._begin_title(session)
        self._delete_old(session.thread_id, finished)

    def _delete_old(self, thread_id: str, logged: Sequence[Any]) -> None:
        """Delete what is older than conversations are kept, once a day. Nothing that goes wrong may end the prompt."""
        with suppress(SessionError, sqlite3.Error):
            next_utc = log_settings.get(self.services.desk.log, "retention.next_utc")
            if next_utc is None or not logged:
                return
            from .retaining import deleted_old

            told = deleted_old(self.services, next_utc, thread_id, logged[0].id)
            if told:
                self.say(f"retention: {told}")

    def _begin_title(self, session: Session) -> None:
        """Begin to write the session's first title, if titles are on. Nothing that goes wrong may end the prompt."""
        if self.context is None or (self.context.exchanges + 1) % TITLE_AFTER:
            return
        with suppress(SessionError, sqlite3.Error):
            if self.services.record.wants_title(session):
                check("titles")
                from .titles import begun

                self.titling = begun(self.services, session, self.key, self.say, waits=self.by_itself)

    def _tell(self, one: Call, cut: server_cuts.Cut) -> None:
        """Report a cut, and store the context window that the next prompt has to fit."""
        assert self.asked.session is not None
        if one.seen is not None or cut.window:
            model_id = one.response.model.model_id
            self.services.record.learn_window(model_id, one.seen, cut.window, num_ctx_of(one.response))
        self.say(f"session {self.asked.session.name}: {told(cut)}")

    def keep(self, error: BaseException) -> Attempt | None:
        """Keep the prompt and its partial reply as an attempt; return the attempt, or None if nothing is kept.

        The attempt replaces the open one. A prompt is not kept if it was refused before its call, if its session was
        not created yet, or if it is in the log. Raises LogUnusable, with the path of a file that has everything, if the
        log can't be written.
        """
        if not (self.calls or self.opened) or not self.recording or self.asked.session is None:
            return None
        self._followed()
        with rescue.signals_wait():
            attempt = self.attempt(self.calls, error)
            try:
                with self.services.desk.log.patience(1):
                    logged = bool(self.calls) and self.services.record.is_logged(self.calls[0].response.id)
                    if not logged:
                        self.services.record.keep_attempt(attempt)
            except Exception as trouble:
                raise self._into_a_file(attempt, trouble) from trouble
            self._kept()
            self._done()
            self.logged, self.error = logged, attempt.error
            return None if logged else attempt

    def attempt(self, calls: Sequence[Call], error: BaseException | None) -> Attempt:
        """Return this prompt as an attempt, with an id greater than those of the session's turns."""
        assert self.asked.session is not None
        id_ = self.opened
        if id_ is None:
            newest = self.context.greatest_id if self.context else None
            newest = newest or self.services.record.newest_id(self.asked.session.thread_id)
            id_ = later(attempts.new_id(), newest)
        return attempts.attempt(self.asked, calls, error, self._now(), id_)

    def _into_a_file(self, attempt: Attempt, trouble: Exception) -> LogUnusable:
        """Save a prompt and its reply to a file because the log can't be written; return the error to raise."""
        path = rescue.rescued(self.services.path, self.asked, attempt, self.finished)
        self._done()
        what = "reply" if attempt.partial else "prompt"
        said = trouble.message if isinstance(trouble, SessionError) else attempts.cause(trouble)
        if path is None:
            return LogUnusable(said, f"No file could be written either: the {what} is only on your screen. Copy it.")
        again = self.services.desk.command("recover", str(path))
        return LogUnusable(said, f"The {what} is kept in {path}. Add it to the session with: {again}")

    def _done(self) -> None:
        self.calls, self.finished, self.opened = [], [], None

    def _kept(self) -> None:
        if self.following is not None:
            self.following.done()

    def _followed(self) -> None:
        if self.following is not None:
            self.following.end()

    def _now(self) -> str:
        return self.services.desk.timestamp()
