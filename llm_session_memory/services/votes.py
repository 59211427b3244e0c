"""Use cases for votes: which of several answers a person found better. They are never sent to a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import SessionError
from ..model import Rating
from ..model.votes import CastVote, Vote
from ..reader import votes as read
from ..reader.open_log import opened
from ..rules.voting import Ranking, marks
from ..rules.voting import votes as votes_of
from ..store import votes
from ..store.ratings import Ratings
from .desk import Desk

NOTE = "from a comparison"
"""The note of a rating that a vote gave. A later vote may replace such a rating, but never another one."""


@dataclass(frozen=True)
class VotedAnswer:
    """An answer that is voted on: its conversation, and the first call of its exchange."""

    thread_id: str
    turn_id: str


class Votes:
    """The votes on a log's answers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def all(self, group: str | None = None) -> list[CastVote]:
        """Return the votes, oldest first; with the key of a `group`, only those on answers of its conversations."""
        with opened(self._desk.path) as source:
            return read.votes(source, group)

    def cast(self, answers: Sequence[VotedAnswer], order: Ranking, *, blind: bool) -> list[Vote]:
        """Store what an order of answers stands for: a vote for each pair, and ratings of the best and the worst.

        The order names the answers by their places among `answers`. A rating that a person gave otherwise stays.
        Returns the votes. Raises SessionError if two answers are the same exchange.
        """
        if len({answer.turn_id for answer in answers}) < len(answers):
            raise SessionError("An answer can't be compared with itself.", "Choose two different exchanges.")
        now = self._desk.timestamp()
        made = [*_votes(answers, order, now, blind=blind)]
        if not made:
            return []
        self._desk.prepare()
        ratings = Ratings(self._desk.log)
        with self._desk.writing():
            votes.add(self._desk.log, made)
            for place, mark in marks(order, len(answers)).items():
                answer = answers[place]
                before = ratings.ratings(answer.thread_id).get(answer.turn_id)
                if before is None or before.note == NOTE:
                    ratings.rate(answer.thread_id, answer.turn_id, Rating(mark, NOTE, now))
        return made


def _votes(answers: Sequence[VotedAnswer], order: Ranking, now: str, *, blind: bool) -> Iterator[Vote]:
    """Yield the votes of an order, each with the lesser id first."""
    other = {"a": "b", "b": "a", "=": "="}
    for (first, second), better in votes_of(order, len(answers)).items():
        one, two = answers[first].turn_id, answers[second].turn_id
        if one < two:
            yield Vote(one, two, better, blind, now)
        else:
            yield Vote(two, one, other[better], blind, now)  # type: ignore[arg-type]  # one of the three again
