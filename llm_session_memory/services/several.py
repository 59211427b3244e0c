"""Use cases for asking several models the same prompt: their sessions, in a group, and the figures of their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import SessionError
from ..model import Session, Settings
from ..model.deleting import Target
from ..reader.prices import cost
from ..rules.comparisons import answer_name, group_name
from ..rules.names import key
from ..store import Sessions as Stored
from ..store import history
from .deletion import Deletion
from .desk import Desk
from .forks import Forks
from .groups import Groups
from .sessions import Sessions


@dataclass(frozen=True)
class Begun:
    """The sessions that are to answer, and the group that they are in."""

    group: str
    sessions: Sequence[Session]


@dataclass(frozen=True)
class AnswerFigures:
    """An answer in the log: where it is, and what it took. Tokens, seconds and dollars are None if unknown."""

    thread_id: str
    turn_id: str
    reply: str
    input_tokens: int | None
    output_tokens: int | None
    seconds: float | None
    dollars: float | None


class Several:
    """Asks several models the same prompt, each in a session of its own."""

    def __init__(self, desk: Desk, sessions: Sessions, forks: Forks, groups: Groups, deletion: Deletion) -> None:
        self._desk, self._sessions, self._forks, self._groups = desk, sessions, forks, groups
        self._deletion = deletion

    def begin(
        self,
        answers: Sequence[tuple[str, str]],
        models: Mapping[str, Any],
        *,
        group: str | None = None,
        session: str | None = None,
    ) -> Begun:
        """Make a session for each answer, and put them into a group: all or nothing.

        Args:
            answers: the id of the model of each answer, and what its session is named after
            models: llm's model for each id, which says which options it knows
            group: the name of the group, which is made if it is new; None makes one with a name such as
                compare-2026-11-28-1
            session: the session whose forks answer, after its newest exchange; None: each answer begins a new session

        Raises:
            NoSuchSession: there is no such session.
            SessionError: it has no exchange to continue from, or the group's name breaks the rules.
        """
        point = self._forks.point(session) if session is not None else None
        self._desk.prepare()
        with self._desk.writing():
            taken = [*self._sessions.names()]
            name = group or group_name(self._desk.now().astimezone().date(), self._groups.names(), taken)
            stem = point.session.name if point and point.session else name
            made: list[Session] = []
            for model, label in answers:
                called = answer_name(stem, label, taken)
                if point is None:
                    made.append(self._sessions.create(called, settings=Settings()))  # its prompt gives it settings
                else:
                    settings = _known(replace(point.settings, model=model), models[model])
                    made.append(self._forks.make(point, called, settings=settings))
                taken.append(called)
            members = [one.name for one in made]
            if key(name) in {key(one) for one in self._groups.names()}:
                self._groups.add(name, members)
            else:
                self._groups.create(name, members)
            return Begun(self._groups.get(name).name, made)

    def forget_unasked(self, begun: Begun) -> bool:
        """Delete the sessions that were never asked, and the group if it is then empty. Return whether it is left.

        A session that was asked has an answer or a kept prompt.
        """
        attempts = Stored(self._desk.log).attempts
        unasked = [
            Target(one.thread_id)
            for one in begun.sessions
            if not history.own_count(self._desk.log, one.thread_id) and not attempts.of(one.thread_id)
        ]
        if unasked:
            self._deletion.delete(unasked, tombstones=False)
        if begun.group in self._groups.names() and not self._groups.get(begun.group).thread_ids:
            self._groups.delete(begun.group)
        return begun.group in self._groups.names()

    def answer(self, session: Session) -> AnswerFigures:
        """Return the newest answer of a session. Raises SessionError if it has none."""
        count = len(self._sessions.turn_ids(session.name))
        if not count:
            see = self._desk.command("attempts", session.name)
            raise SessionError(f"Session “{session.name}” has no answer.", f"See what failed: {see}")
        (newest,) = self._sessions.exchanges(session.name, count)
        turns = newest.turns
        costs = [cost(one.model, one.input_tokens, one.output_tokens, one.datetime_utc) for one in turns]
        times = [one.duration_ms for one in turns if one.duration_ms is not None]
        return AnswerFigures(
            session.thread_id,
            newest.id,
            newest.reply,
            _sum([one.input_tokens for one in turns]),
            _sum([one.output_tokens for one in turns]),
            sum(times) / 1000 if times else None,
            None if any(one is None for one in costs) else sum(one for one in costs if one is not None),
        )


def _known(settings: Settings, model: Any) -> Settings:
    """Return settings with the options that a model knows."""
    known = getattr(model.Options, "model_fields", {})
    return replace(settings, options={name: value for name, value in settings.options.items() if name in known})


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [one for one in counts if one is not None]
    return sum(known) if known else None
