"""Use case: everything that is remembered for the prompts of a session, in one value."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import POLICIES, Note, Session, Summary, Title
from ..rules.policy import recalls, summarises
from ..rules.recall_from import SELF
from ..store import Notes, Sessions, history
from ..store.index import Index
from ..store.titles import titles
from .desk import Desk
from .sources import Others, others


@dataclass(frozen=True)
class Remembered:
    """What is remembered for a session's prompts.

    `everywhere` are the notes for all sessions, also if this one doesn't send them. `pins` are the numbers of the
    pinned exchanges and their prompts. `summary` is the one in use, if there is one, which covers the exchanges
    `covered`; it is sent only if the policy has summaries. `indexed` is how many of the `exchanges` in the log are in
    the search index, from which recall takes its excerpts; `others` are the other sessions that it may take them from.
    """

    session: Session
    everywhere: tuple[Note, ...]
    notes: tuple[Note, ...]
    pins: tuple[tuple[int, str], ...]
    summary: Summary | None
    covered: tuple[int, int] | None
    title: Title | None
    exchanges: int
    indexed: int
    others: Others

    @property
    def policy(self) -> str:
        """The session's policy."""
        return self.session.settings.memory or POLICIES[0]

    @property
    def recalls(self) -> bool:
        """Whether parts of older exchanges are recalled."""
        return recalls(self.policy)

    @property
    def sends_summary(self) -> bool:
        """Whether the summary is sent."""
        return self.summary is not None and summarises(self.policy)

    @property
    def sends_everywhere(self) -> bool:
        """Whether the notes for all sessions are sent."""
        return self.session.settings.global_notes is not False

    @property
    def recalls_beyond(self) -> bool:
        """Whether the session is set to recall from others."""
        return self.session.settings.recall_from not in (None, SELF)


def remembered(desk: Desk, name: str) -> Remembered:
    """Return what is remembered for a session's prompts. Writes nothing. Raises NoSuchSession."""
    session = desk.session(name)
    log, thread_id = desk.log, session.thread_id
    turns, kept = history.exchange_turns(log, thread_id), Notes(log)
    numbers = turns.numbers()
    pinned = sorted(numbers[id_] for id_ in Sessions(log).pins(thread_id) if id_ in numbers)
    prompts = history.exchanges(log, [(number, turns[number - 1]) for number in pinned])
    title = titles(log, [thread_id]).get(thread_id)
    summary = next((one for one in kept.summaries(thread_id) if one.is_usable(numbers)), None)
    return Remembered(
        session=session,
        everywhere=tuple(kept.global_notes()),
        notes=tuple(kept.notes(thread_id)),
        pins=tuple((exchange.number, exchange.prompt) for exchange in prompts),
        summary=summary,
        covered=(numbers.get(summary.first_turn_id, 1), numbers[summary.last_turn_id]) if summary else None,
        title=title if title and title.text else None,  # a title that was removed is kept as an empty one
        exchanges=len(turns),
        indexed=len(Index(log).known(ids[0] for ids in turns)),
        others=others(log, session.settings.recall_from, thread_id),
    )
