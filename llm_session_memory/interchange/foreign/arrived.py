"""What an import of another tool's conversations brought. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass
class Arrived:
    """A session that got exchanges. `name` is None if its thread has no name (any more).

    Attributes:
        exchanges: How many exchanges it got.
        created_utc: When the conversation began.
        is_new: Whether it was made by this import.
        shares: The name (or the id) of what it was forked from, or None.
    """

    name: str | None
    thread_id: str
    exchanges: int
    created_utc: str
    is_new: bool
    shares: str | None = None


@dataclass(frozen=True)
class Arrivals:
    """What was imported, or would be.

    Attributes:
        title: What the file is called, such as “ChatGPT's export”.
        conversations: How many conversations the file has.
        arrived: The sessions that got exchanges.
        left_out: How many exchanges were left out because they were once deleted from the log.
        losses: What could not be taken over: how many of each.
        places: The first place of each.
    """

    title: str
    conversations: int
    arrived: Sequence[Arrived]
    left_out: int
    losses: Counter[str]
    places: Mapping[str, str]

    @property
    def exchanges(self) -> int:
        """The number of exchanges that were imported."""
        return sum(one.exchanges for one in self.arrived)
