"""People's ratings of exchanges, and the labels that they give them."""

from __future__ import annotations

import json
from collections.abc import Collection

from ..model import Bookmark, Opinion, Rating
from .log import Log


class Ratings:
    """The ratings and bookmarks of a log's exchanges, by the first turn of each exchange."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def _there(self) -> bool:
        """Return whether the tables exist, without creating them."""
        return bool(self.log.columns("memory_ratings"))

    def ratings(self, thread_id: str) -> dict[str, Rating]:
        """Return a session's ratings, oldest exchange first."""
        if not self._there():
            return {}
        sql = "select turn_id, mark, note, rated_utc from memory_ratings where thread_id = :id order by turn_id"
        rows = self.log.rows(sql, {"id": thread_id})
        return {row["turn_id"]: Rating(row["mark"], row["note"], row["rated_utc"]) for row in rows}

    def opinions(self, thread_id: str) -> dict[str, tuple[Opinion, ...]]:
        """Return what other people think of a session's exchanges, by first turn."""
        if not self.log.columns("memory_other_ratings"):
            return {}
        sql = (
            "select turn_id, person, mark, note, rated_utc from memory_other_ratings where thread_id = :id"
            " order by turn_id, person"
        )
        found: dict[str, tuple[Opinion, ...]] = {}
        for turn_id, *values in self.log.tuples(sql, {"id": thread_id}):
            found[turn_id] = (*found.get(turn_id, ()), Opinion(*values))
        return found

    def rated(self, marks: Collection[str]) -> dict[str, list[str]]:
        """Return the exchanges with one of these marks, by thread."""
        if not self._there():
            return {}
        sql = "select thread_id, turn_id from memory_ratings where mark in (select value from json_each(:marks))"
        found: dict[str, list[str]] = {}
        for row in self.log.rows(sql, {"marks": json.dumps(list(marks))}):
            found.setdefault(row["thread_id"], []).append(row["turn_id"])
        return found

    def unrated_sessions(self) -> list[str]:
        """Return the threads of the sessions that have no rated exchange."""
        rated = "where thread_id not in (select thread_id from memory_ratings)" if self._there() else ""
        return [row["thread_id"] for row in self.log.rows(f"select thread_id from memory_sessions {rated}")]  # noqa: S608  constants

    def rate(self, thread_id: str, turn_id: str, rating: Rating) -> None:
        """Rate an exchange, replacing its previous rating."""
        self.log.run(
            "insert or replace into memory_ratings (thread_id, turn_id, mark, note, rated_utc)"
            " values (:thread_id, :turn_id, :mark, :note, :rated_utc)",
            {
                "thread_id": thread_id,
                "turn_id": turn_id,
                "mark": rating.mark,
                "note": rating.note,
                "rated_utc": rating.rated_utc,
            },
        )

    def unrate(self, thread_id: str, turn_id: str) -> None:
        """Remove a rating."""
        self.log.run(
            "delete from memory_ratings where thread_id = :thread_id and turn_id = :turn_id",
            {"thread_id": thread_id, "turn_id": turn_id},
        )

    def bookmarks(self, thread_id: str) -> dict[str, Bookmark]:
        """Return a session's bookmarks, oldest exchange first."""
        if not self._there():
            return {}
        sql = "select turn_id, label, created_utc from memory_bookmarks where thread_id = :id order by turn_id"
        rows = self.log.rows(sql, {"id": thread_id})
        return {row["turn_id"]: Bookmark(row["label"], row["created_utc"]) for row in rows}

    def bookmark(self, thread_id: str, turn_id: str, bookmark: Bookmark) -> None:
        """Give an exchange a label, replacing its previous one."""
        self.log.run(
            "insert or replace into memory_bookmarks (thread_id, turn_id, label, created_utc)"
            " values (:thread_id, :turn_id, :label, :created_utc)",
            {
                "thread_id": thread_id,
                "turn_id": turn_id,
                "label": bookmark.label,
                "created_utc": bookmark.created_utc,
            },
        )

    def unbookmark(self, thread_id: str, turn_id: str) -> None:
        """Remove a label."""
        self.log.run(
            "delete from memory_bookmarks where thread_id = :thread_id and turn_id = :turn_id",
            {"thread_id": thread_id, "turn_id": turn_id},
        )
