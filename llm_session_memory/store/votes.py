"""Votes on answers: which of two a person found better. One vote for each pair of answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from ..model.votes import Vote
from .log import Log


def add(log: Log, votes: Iterable[Vote]) -> None:
    """Store votes; each replaces an earlier vote on the same answers. Call it inside `log.writing()`."""
    for vote in votes:
        log.run(
            "insert or replace into memory_votes (a_turn_id, b_turn_id, better, blind, voted_utc)"
            " values (:a, :b, :better, :blind, :voted)",
            {
                "a": vote.a_turn_id,
                "b": vote.b_turn_id,
                "better": vote.better,
                "blind": int(vote.blind),
                "voted": vote.voted_utc,
            },
        )


def remove(log: Log, pairs: Collection[tuple[str, str]]) -> None:
    """Remove the votes on these pairs of answers, the lesser id first. Call it inside `log.writing()`."""
    asked = {"pairs": json.dumps([list(pair) for pair in pairs])}
    log.run(
        "delete from memory_votes where (a_turn_id, b_turn_id) in"
        " (select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(:pairs))",
        asked,
    )
