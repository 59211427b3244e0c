"""Our own tables: sessions, pins, windows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..errors import NameRefused
from ..model import Session, Settings, WindowFacts
from ..rules.names import key
from ..rules.safe_text import without_halves
from .attempts import Attempts
from .log import Log
from .requests import Requests


class Sessions:
    """The sessions of a log, with their pins and windows. Make every change inside `with log.writing()`.

    `requests` holds what was sent in them, `attempts` the prompts that got no complete answer.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.requests = Requests(log)
        self.attempts = Attempts(log)

    # -- sessions ------------------------------------------------------

    def session(self, name: str) -> Session | None:
        """Return the session with exactly this name, or else the one whose name differs only in case or in blanks."""
        row = self._session_row("name = :value", without_halves(name)) or self._session_row(
            "name_key = :value", key(name)
        )
        return session_of(row) if row else None

    def session_of_thread(self, thread_id: str) -> Session | None:
        """Return the session that a thread is bound to."""
        row = self._session_row("thread_id = :value", thread_id)
        return session_of(row) if row else None

    def _session_row(self, where: str, value: str) -> dict[str, Any] | None:
        if not self.log.has_sessions():
            return None
        return self.log.row(f"select * from memory_sessions where {where}", {"value": value})  # noqa: S608  constants

    def names(self, archived: bool | None = None) -> list[str]:  # noqa: FBT001  three values
        """Return the names of the archived sessions, of the others, or (None) of all."""
        if not self.log.has_sessions():
            return []
        rows = self.log.rows("select * from memory_sessions order by name_key")
        return [row["name"] for row in rows if archived is None or archived == bool(row.get("archived_utc"))]

    def add(self, session: Session) -> None:
        """Add a session. Raises NameRefused if the name has been taken in the meantime."""
        self._named(
            session.name,
            f"insert into memory_sessions ({', '.join(_OWN)}, {', '.join(SETTINGS_COLUMNS)})"  # noqa: S608  constants
            f" values ({', '.join(f':{name}' for name in (*_OWN, *SETTINGS_COLUMNS))})",
            {
                **{column: getattr(session, column) for column in _OWN if column != "name_key"},
                "name_key": key(session.name),
                **columns_of(session.settings),
            },
        )

    def rename(self, thread_id: str, name: str) -> None:
        """Rename a session. Raises NameRefused if the name is taken."""
        self._named(
            name,
            "update memory_sessions set name = :name, name_key = :name_key where thread_id = :thread_id",
            {"thread_id": thread_id, "name": name, "name_key": key(name)},
        )

    def _named(self, name: str, sql: str, parameters: Mapping[str, Any]) -> None:
        try:
            self.log.database.conn.execute(sql, dict(parameters))
        except sqlite3.IntegrityError as error:
            raise NameRefused(f"Session “{name}” already exists.", "Choose another name.") from error

    def remove(self, thread_id: str) -> None:
        """Delete a session that has nothing else."""
        self.log.run("delete from memory_sessions where thread_id = :thread_id", {"thread_id": thread_id})

    def set_settings(self, thread_id: str, settings: Settings) -> None:
        """Replace a session's settings."""
        self.log.run(
            f"update memory_sessions set {', '.join(f'{name} = :{name}' for name in SETTINGS_COLUMNS)}"  # noqa: S608
            " where thread_id = :thread_id",
            {"thread_id": thread_id, **columns_of(settings)},
        )

    def set_archived(self, thread_id: str, archived_utc: str | None) -> None:
        """Archive a session at that time, or bring it back from the archive."""
        sql = "update memory_sessions set archived_utc = :archived_utc where thread_id = :thread_id"
        self.log.run(sql, {"thread_id": thread_id, "archived_utc": archived_utc})

    def set_private(self, thread_id: str, *, private: bool) -> None:
        """Keep what was said in a session out of all others, or allow it."""
        sql = "update memory_sessions set private = :private where thread_id = :thread_id"
        self.log.run(sql, {"thread_id": thread_id, "private": int(private)})

    # -- pins ----------------------------------------------------------

    def pins(self, thread_id: str) -> list[str]:
        """Return the ids (first turns) of the pinned exchanges."""
        return sorted(self.pin_times(thread_id))

    def pin_times(self, thread_id: str) -> dict[str, str]:
        """Return the times at which exchanges of a thread were pinned, by their first turn."""
        rows = self.log.rows("select turn_id, pinned_utc from memory_pins where thread_id = :id", {"id": thread_id})
        return {row["turn_id"]: row["pinned_utc"] for row in rows}

    def pin(self, thread_id: str, turn_id: str, pinned_utc: str) -> None:
        """Pin an exchange; pinning it again changes nothing."""
        self.log.run(
            "insert or ignore into memory_pins values (:thread_id, :turn_id, :pinned_utc)",
            {"thread_id": thread_id, "turn_id": turn_id, "pinned_utc": pinned_utc},
        )

    def unpin(self, thread_id: str, turn_id: str) -> None:
        """Remove a pin."""
        self.log.run(
            "delete from memory_pins where thread_id = :thread_id and turn_id = :turn_id",
            {"thread_id": thread_id, "turn_id": turn_id},
        )

    # -- windows -------------------------------------------------------

    def window(self, model: str) -> WindowFacts | None:
        """Return what is known about a model's context window."""
        if not self.log.has_sessions():
            return None
        row = self.log.row("select * from memory_windows where model = :model", {"model": model})
        if not row:
            return None
        return WindowFacts(
            row["loaded"],
            row["configured"],
            row["trained"],
            row["asked_utc"],
            row["loaded_utc"] or "",
            row.get("usual"),  # a log that has not been used recently may lack these columns
            row.get("usual_utc") or "",
            row.get("server") or "",
        )

    def remember_window(self, model: str, facts: WindowFacts) -> None:
        """Remember a server's figures for a model's context window."""
        self.log.run(
            "insert or replace into memory_windows"
            " (model, asked_utc, loaded, loaded_utc, configured, trained, usual, usual_utc, server) values"
            " (:model, :asked_utc, :loaded, :loaded_utc, :configured, :trained, :usual, :usual_utc, :server)",
            {
                "model": model,
                "asked_utc": facts.asked_utc,
                "loaded": facts.loaded,
                "loaded_utc": facts.loaded_utc or None,
                "configured": facts.configured,
                "trained": facts.trained,
                "usual": facts.usual,
                "usual_utc": facts.usual_utc or None,
                "server": facts.server or None,
            },
        )


_OWN = ("thread_id", "name", "name_key", "created_utc", "project", "template", "archived_utc", "budget_usd", "private")
"""The columns of memory_sessions that are facts about the session itself."""

SETTINGS_COLUMNS = {"options_json" if one.name == "options" else one.name: one.name for one in fields(Settings)}
"""The columns of memory_sessions, and of memory_projects, that store settings, and the name of each setting."""


_SWITCHES = frozenset(one.name for one in fields(Settings) if str(one.type).startswith("bool"))
"""The settings that are stored as 0 or 1."""


def columns_of(settings: Settings) -> dict[str, Any]:
    """Return settings as the columns of SETTINGS_COLUMNS."""
    values = {column: getattr(settings, name) for column, name in SETTINGS_COLUMNS.items()}
    return {**values, "options_json": json.dumps(dict(settings.options))}


def settings_of(row: Mapping[str, Any]) -> Settings:
    """Return the settings in a row of memory_sessions or memory_projects, which may lack some columns."""
    values = {name: row.get(column) for column, name in SETTINGS_COLUMNS.items()}
    switches = {name: bool(values[name]) for name in _SWITCHES if values[name] is not None}
    return Settings(**{**values, **switches, "options": json.loads(row["options_json"] or "{}")})


def session_of(row: Mapping[str, Any]) -> Session:
    """Return a row of memory_sessions as a session. A log that has not been used recently may lack some columns."""
    return Session(
        row["thread_id"],
        row["name"],
        row["created_utc"],
        settings_of(row),
        row.get("project"),
        row.get("template"),
        row.get("archived_utc"),
        row.get("budget_usd"),
        bool(row.get("private")),
    )
