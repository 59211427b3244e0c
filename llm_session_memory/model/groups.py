"""Groups of conversations that a person compares with each other, as frozen values."""

from __future__ import annotations

from .frozen import dataclass


@dataclass(frozen=True)
class Group:
    """A named group of conversations. `thread_ids` are its members in the order in which they were added."""

    name: str
    created_utc: str
    thread_ids: tuple[str, ...] = ()
