"""Recall from other sessions for one prompt: which of their passages may be sent, and where each one is from.

Only a prompt that recalls from others imports this module. The rarity of a word is counted over all these sessions, and
for the session itself over its own passages, as always; strengths can be compared nevertheless. While excerpts are
ranked, the number of an exchange also says which session it is of: for other sessions it is negative (see `place`).
Never found are passages of private and archived sessions, and exchanges that were undone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ..errors import SessionError
from ..model import SIDES
from ..rules import fences, ranking
from ..rules.passages import characters
from ..rules.ranking import Excerpt, Match, Passage
from ..rules.tokens import Measure
from ..rules.words import counted
from ..store import history
from ..store.elsewhere import Elsewhere
from ..store.index import Index
from ..store.numbering import Numbering
from .seen_session import SeenSession
from .sources import Others, others

if TYPE_CHECKING:
    from .nearness import Near

SECONDS = 1.0
"""A prompt brings the index of other sessions up to date for about this long, the newest first."""

MOST_SESSIONS = 20
"""The most other sessions whose passages are examined for a prompt: those with the strongest matches."""

_COMMON_SHARE = 50
_MOST_HITS = 10_000
"""A word in more than a fiftieth of many passages says nothing; nor does one in more passages than this."""

_AS_IF = 200
"""Rarity is counted as if there were at least this many passages: in a few, every word is common."""

_APART = 10_000_000
"""More than any session has exchanges."""


class PlaceElsewhere(NamedTuple):
    """An exchange of another session: its thread, the session's name, and its number there."""

    thread_id: str
    session: str
    number: int
    turn_ids: tuple[str, ...]


class Beyond:
    """The other sessions that a prompt may recall from."""

    def __init__(self, seen: SeenSession, out: Collection[int] = ()) -> None:
        """Find the sessions. `out` are passages that the session itself has left out."""
        self.seen = seen
        self.log = seen.store.log
        self.out = out
        self.trouble: SessionError | None = None
        """Why passages could not be found by meaning."""
        self.is_current = False
        self.left = 0
        """How many threads could not be indexed in time."""
        self._threads: dict[int, int] = {}
        self._sessions: list[str] = []
        self._turns: dict[str, Numbering] = {}

    @cached_property
    def meant(self) -> Others:
        """The sessions that the setting means, and what it names that is left out."""
        return others(self.log, self.seen.request.recall_from, self.seen.thread_id)

    @cached_property
    def elsewhere(self) -> Elsewhere:
        """Their passages in the index."""
        return Elsewhere(self.log, self.meant.names, {self.seen.thread_id})

    @property
    def index(self) -> Index:
        """The full-text index."""
        return self.elsewhere.index

    @property
    def measure(self) -> Measure:
        """How tokens are counted."""
        return self.seen.measure

    @property
    def passages(self) -> int:
        """The number of passages that are searched."""
        return self.elsewhere.passages

    def catch_up(self) -> None:
        """Index what is new in the sessions, as far as there is time."""
        self.is_current = True
        self.left = self.elsewhere.catch_up(SECONDS)

    @property
    def notices(self) -> list[str]:
        """What to tell the person."""
        told = [*self.meant.notices]
        if self.left:
            told.append(
                f"Recall can't find everything in {counted(self.left, 'other session')} yet, because the index is"
                " behind. The next prompts continue the indexing; any `llm sessions search` finishes it at once."
            )
        return told

    def ranked(self, words: Sequence[str], near: Near | None) -> list[Excerpt]:
        """Return the excerpts of other sessions that are worth sending, best first."""
        if not self.passages:
            return []
        nearest: Mapping[int, float] = {}
        if near is not None and self.elsewhere.scopes:
            try:
                nearest = near(self.elsewhere.scopes, self.seen.request.text)
            except SessionError as error:
                self.trouble = error
        if not self.seen.request.recall_fragments:
            nearest = {id_: nearest[id_] for id_ in self.index.without_fragments(nearest)}
        hits = self._found(words)
        if not any(hits.values()):
            hits = self._found(characters(self.seen.request.text))
        matches = ranking.match(hits, max(self.passages, _AS_IF))
        return ranking.rank(self._near(matches, nearest), matches, nearest)

    def _found(self, words: Sequence[str]) -> dict[str, list[int]]:
        """Return the passages of other sessions with each word, except very common words."""
        most = max(ranking.COMMON, min(_MOST_HITS, self.passages // _COMMON_SHARE))
        hits: dict[str, list[int]] = {}
        fragments = self.seen.request.recall_fragments
        for word, here in self.elsewhere.lookup(words, most, fragments=fragments).items():
            hits[word] = [id_ for id_ in here if id_ not in self.out]
            self._threads.update(here)
        return hits

    def _near(self, matches: Mapping[int, Match], nearest: Mapping[int, float]) -> list[Passage]:
        """Return the passages of the exchanges that matched, and of their neighbours, in other sessions."""
        unknown = [id_ for id_ in nearest if id_ not in self._threads]
        self._threads.update(self.elsewhere.numbers_of(unknown) if unknown else {})
        strengths = {id_: matches[id_].strength if id_ in matches else 0.0 for id_ in (*matches, *nearest)}
        best = sorted((id_ for id_ in strengths if id_ in self._threads), key=lambda id_: (-strengths[id_], -id_))
        hit: dict[int, set[int]] = defaultdict(set)
        turns = self.index.turns_of(best)
        for id_ in best:
            place = self._placed(self._threads[id_], turns[id_]) if id_ in turns else None
            if place is not None:
                hit[place[0]].add(place[1])
        return [passage for session, numbers in hit.items() for passage in self._passages(session, numbers, best)]

    def _placed(self, thread_number: int, turn_id: str) -> tuple[int, int] | None:
        """Return the session (its place among those examined) and the number of a turn, or None if it is left out."""
        if self.seen.turns.number_of(turn_id) is not None:
            return None  # shared with the session itself
        for thread_id in self.elsewhere.sessions_of(thread_number):
            if thread_id not in self._turns:
                if len(self._turns) == MOST_SESSIONS:
                    continue
                self._turns[thread_id] = history.exchange_turns(self.log, thread_id)
                self._sessions.append(thread_id)
            number = self._turns[thread_id].number_of(turn_id)
            if number is not None:
                return self._sessions.index(thread_id), number
        return None

    def _passages(self, session: int, hit: Iterable[int], matched: Sequence[int]) -> list[Passage]:
        thread_id = self._sessions[session]
        turns = self._turns[thread_id]
        name = self.meant.names[thread_id]
        label = self.measure.text(fences.label(len(turns), "reply", fences.LONGEST_DATE, name)) + 1
        found: list[Passage] = []
        for id_, turn_id, side, part, length, weight, whole in self.index.measures(turns.around(hit), matched):
            if id_ in self.out or self.seen.turns.number_of(turn_id) is not None:
                continue
            cost = self.measure.stored(weight, length)
            number = (turns.number_of(turn_id) or 0) - (session + 1) * _APART
            found.append(Passage(id_, number, SIDES[side], part, self.measure.tokens(cost + label), whole))
        return found

    def place(self, number: int) -> PlaceElsewhere:
        """Return the exchange that a negative number stands for."""
        session, own = -(number // _APART) - 1, number % _APART
        thread_id = self._sessions[session]
        return PlaceElsewhere(thread_id, self.meant.names[thread_id], own, self._turns[thread_id][own - 1])
