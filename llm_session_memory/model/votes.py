"""Votes as frozen values: which of two answers to the same prompt a person found better."""

from __future__ import annotations

from typing import Literal

from .frozen import dataclass


@dataclass(frozen=True)
class Vote:
    """A person's vote on two answers, each given by the first call of its exchange; `a_turn_id` is the lesser id.

    `better` is “a”, “b”, or “=” if they are equally good. `blind`: the models' names were not shown.
    """

    a_turn_id: str
    b_turn_id: str
    better: Literal["a", "b", "="]
    blind: bool
    voted_utc: str


@dataclass(frozen=True)
class CastVote:
    """A vote with what it is about: the model, the conversation and the prompt's place in llm's log of each answer.

    A model is None if its answer is no longer in the log. Answers to the same prompt after the same history have the
    same `sent`: llm's hash of what their models were sent.
    """

    vote: Vote
    a_model: str | None
    b_model: str | None
    a_thread_id: str | None
    b_thread_id: str | None
    a_sent: str | None
    b_sent: str | None
