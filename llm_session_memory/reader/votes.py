"""The votes of a log, with the models of the answers that they are about."""

from __future__ import annotations

from ..model.votes import CastVote, Vote
from .source import Source


def votes(source: Source, group: str | None = None) -> list[CastVote]:
    """Return the votes, oldest first; with the key of a `group`, only those on answers of its conversations."""
    return [
        CastVote(
            Vote(row["a_turn_id"], row["b_turn_id"], row["better"], bool(row["blind"]), row["voted_utc"]),
            row["a_model"],
            row["b_model"],
            row["a_thread_id"],
            row["b_thread_id"],
            row["a_sent"],
            row["b_sent"],
        )
        for row in source.rows("votes", group=group)
    ]
