"""Bring the full-text index of sessions up to date at once, which prompts and searches otherwise do as they go."""

from __future__ import annotations

from ..model import Session
from ..store.index import Index
from .desk import Desk


class Indexing:
    """Indexes sessions of one log."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def index(self, session: Session) -> int:
        """Index what is missing of a session. Return how many passages it has. Raises LogUnusable."""
        self._desk.prepare()
        index = Index(self._desk.log)
        index.catch_up(session.thread_id)
        return index.size(index.scopes(session.thread_id))
