"""Secrets that were found in a log, and where."""

from __future__ import annotations

from dataclasses import field

from .frozen import dataclass


@dataclass(frozen=True)
class SecretPlace:
    """A place that has a secret.

    `where` says it in words (“prompt”, “reply”, “note”). `thread_id` is None, and `name` empty, for what belongs to no
    conversation; `number` is that of the exchange, or None for what belongs to none, or to one that was undone.
    """

    where: str
    thread_id: str | None = None
    name: str = ""
    number: int | None = None
    turn_id: str | None = None


@dataclass(frozen=True)
class Secret:
    """A secret of a log: its kind in words, its value, and the places that have it, by conversation and exchange.

    Later requests that repeat it don't count as places. The value is not shown by `repr`.
    """

    kind: str
    value: str = field(repr=False)
    places: tuple[SecretPlace, ...] = ()


@dataclass(frozen=True)
class Redacted:
    """What a redaction replaced, or would replace.

    Attributes:
        secrets: how many secrets
        rows: how many rows of tables had one
        messages: how many messages got another hash: those that had one, and those after them
        requests: how many model calls are no longer exactly as they were sent
        size_before: bytes of the file before the redaction, and `size_after` after it (0: it was not rewritten)
    """

    secrets: int
    rows: int
    messages: int
    requests: int
    size_before: int = 0
    size_after: int = 0
