"""The use cases, one method each: the Python API, used by the command line itself.

All figures are tokens unless said otherwise; all errors are of the family in `errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .errors import NoSuchSession, OverBudget, SessionError
from .model import Attempt, Context, Exchange, Filters, Session, SessionSummary, Settings, WindowFacts
from .rules import names
from .rules.policy import check_tokens, parsed_policy
from .services.notes import Keeping
from .services.ratings import Rated
from .store import history, session_list


@dataclass(frozen=True)
class Sent:
    """One model call of an exchange, for the record: its turn, its request's base and estimate, its cut if any."""

    turn_id: str
    base: float
    estimate: int
    context: Context
    cut: str | None = None


class Memory(Keeping, Rated):
    """The sessions of one log.

    `Memory(path)` opens an existing log; it is a context manager. Reading never writes. Raises LogUnusable where the
    file is missing, locked for longer than 10 seconds, or not a log.
    """

    # -- finding -------------------------------------------------------

    def sessions(
        self, count: int = -1, after: str | None = None, filters: Filters | None = None
    ) -> list[SessionSummary]:
        """Return sessions that the filters let through, newest use first.

        `count` of them (-1: all), those after the session named `after`.
        """
        return session_list.page(self.log, count, self.session(after) if after else None, filters)

    def summary(self, name: str) -> SessionSummary:
        """Return one session with its counts."""
        return session_list.summary(self.log, self.session(name))

    def exchange_count(self, session: Session) -> int:
        """Return how many exchanges a session has."""
        return len(history.exchange_turns(self.log, session.thread_id))

    def turn_ids(self, name: str) -> list[tuple[str, ...]]:
        """Return the turn ids of each exchange of a session: those of number N stand at N - 1."""
        return list(history.exchange_turns(self.log, self.session(name).thread_id))

    def numbers(self, name: str) -> Mapping[str, int]:
        """Return the number of each exchange of a session by its first turn, oldest first."""
        return history.exchange_turns(self.log, self.session(name).thread_id).numbers()

    def exchanges(
        self, name: str, first: int = 1, last: int | None = None, *, with_content: bool = False
    ) -> list[Exchange]:
        """Return a session's exchanges from number `first` to `last` (None: the newest), oldest first."""
        session = self.session(name)
        numbered = list(enumerate(history.exchange_turns(self.log, session.thread_id), 1))
        chosen = numbered[max(first, 1) - 1 : last]
        return history.exchanges(self.log, chosen, with_content=with_content)

    def attempts(self, name: str) -> list[Attempt]:
        """Return a session's attempts, oldest first."""
        return self.store.attempts(self.session(name).thread_id)

    def pinned(self, name: str) -> list[int]:
        """Return the numbers of a session's pinned exchanges."""
        session = self.session(name)
        pins = set(self.store.pins(session.thread_id))
        turns = history.exchange_turns(self.log, session.thread_id)
        return [number for number, turn_ids in enumerate(turns, 1) if turn_ids[0] in pins]

    # -- making and changing -------------------------------------------

    def create(self, name: str | None, thread_id: str, settings: Settings) -> Session:
        """Create a session on a thread, with a generated name where none is given."""
        kept = names.check(name) if name is not None else names.generated(self.store.names())
        session = Session(thread_id, kept, self.timestamp(), settings)
        with self.writing():
            self.store.add(session)
        return session

    def start_over(self, session: Session, thread_id: str, settings: Settings) -> tuple[Session, str]:
        """Give a session's name to a new one, on a new thread; return the new one, and the name the old one has now."""
        with self.writing():
            retired = names.retired(session.name, self.store.names())
            self.store.rename(session.thread_id, retired)
            return self.create(session.name, thread_id, settings), retired

    def rename(self, name: str, to: str) -> Session:
        """Rename a session. Raises NameRefused where the new name breaks the rules or is taken."""
        session, kept = self.session(name), names.check(to)
        with self.writing():
            self.store.rename(session.thread_id, kept)
        return replace(session, name=kept)

    def check_thread(self, thread_id: str) -> None:
        """Raise NoSuchSession where the log has no such conversation; a log that was never migrated stays so."""
        if not history.is_known(self.log, thread_id):
            hint = "See the ids with: llm logs list --short"
            raise NoSuchSession(f"There is no conversation {thread_id} in {self.path}.", hint)

    def name_thread(self, thread_id: str, name: str) -> Session:
        """Bind a name to an existing conversation, of either generation of llm's tables."""
        kept = names.check(name)
        self.prepare()
        bound = self.store.session_of_thread(thread_id)
        if bound:
            hint = f"To rename it: {self.command('rename', bound.name, kept)}"
            raise SessionError(f"Conversation {thread_id} is the session “{bound.name}” already.", hint)
        self.check_thread(thread_id)
        turns = history.exchange_turns(self.log, thread_id)
        return self.create(kept, thread_id, history.settings_of(self.log, turns[-1][-1]))

    def set(self, name: str, settings: Settings) -> Session:
        """Replace a session's settings."""
        if settings.memory is not None:
            settings = replace(settings, memory=parsed_policy(settings.memory))
        if settings.max_context_tokens is not None:
            check_tokens(settings.max_context_tokens)
        session = self.session(name)
        with self.writing():
            self.store.set_settings(session.thread_id, settings)
        return replace(session, settings=settings)

    def pin(self, name: str, number: int, model: Any) -> None:
        """Pin an exchange: it is always sent from now on.

        `model` is the session's model as an llm object. Raises OverBudget where system prompt and pins alone would
        exceed the budget.
        """
        session = self.session(name)
        turn_id = self.exchange_id(session, number)
        with self.writing():
            self.store.pin(session.thread_id, turn_id, self.timestamp())
            needed, most = self.always_sent(session, model)
            if needed > most:
                what = f"With #{number} the pins of “{session.name}” need about {needed:,} tokens"
                hint = "Unpin another one first, or raise --max-context-tokens."
                raise OverBudget(f"{what}, and the budget is {most:,}.", hint)

    def unpin(self, name: str, number: int) -> None:
        """Take a pin away. Raises SessionError where the exchange is not pinned."""
        session = self.session(name)
        turn_id = self.exchange_id(session, number)
        if turn_id not in self.store.pins(session.thread_id):
            pinned = ", ".join(f"#{n}" for n in self.pinned(name)) or "none"
            raise SessionError(f"Exchange #{number} of “{session.name}” is not pinned.", f"Pinned: {pinned}.")
        with self.writing():
            self.store.unpin(session.thread_id, turn_id)

    # -- recording -----------------------------------------------------

    def record(self, thread_id: str, sent: Sequence[Sent], prompt: str) -> None:
        """Record why the turns of one exchange were sent what they were sent; inside the transaction that logs them."""
        blocks: dict[int, int] = {}
        for one in sent:
            made = one.context
            block_id = made.block.id or blocks.get(id(made.block))
            if block_id is None:
                window = (made.budget.window.tokens, made.budget.window.source)
                block_id = self.store.blocks.add(thread_id, made.block, window, self.timestamp())
                blocks[id(made.block)] = block_id
            self.store.blocks.add_context(
                {
                    "turn_id": one.turn_id,
                    "thread_id": thread_id,
                    "block_id": block_id,
                    "exchange_turn_id": sent[0].turn_id,
                    "number": sent[0].context.exchanges + 1,
                    "after_turn_id": sent[0].context.after_turn_id,
                    "base": one.base,
                    "estimate": one.estimate,
                    "cut": one.cut,
                }
            )
        if sent:
            self.store.blocks.add_recalls(sent[0].turn_id, sent[0].context.recalled)
        same = [a.id for a in self.store.attempts(thread_id) if a.answered_by is None and a.prompt == prompt]
        self.store.answer_attempts(same, sent[-1].turn_id)

    def keep_attempt(self, attempt: Attempt) -> None:
        """Keep a prompt that got no whole answer."""
        with self.writing():
            self.store.add_attempt(attempt)

    def open_attempt(self, name: str) -> Attempt:
        """Return the newest attempt that nothing answered. Raises NoSuchSession where there is none."""
        unanswered = [attempt for attempt in self.attempts(name) if attempt.answered_by is None]
        if not unanswered:
            raise NoSuchSession(f"Session “{self.session(name).name}” has no failed prompt to send again.")
        return unanswered[-1]

    def learn_window(self, model: str, seen: WindowFacts | None, guess: int | None) -> None:
        """Remember the window that a model has after a cut, so that the next prompt is fitted to it.

        `seen` is what the server says of it now, `guess` what the cut points to: the next prompt asks again then.
        """
        known = self.store.window(model) or WindowFacts()
        now = self.timestamp()
        if seen and seen.loaded:
            news = replace(known, loaded=seen.loaded, asked_utc=now, loaded_utc=now)
        elif guess:
            news = replace(known, loaded=guess, asked_utc="", loaded_utc=now)
        else:
            return
        with self.writing():
            self.store.remember_window(model, news)
