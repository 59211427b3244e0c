"""The remotes that a log knows, and what the log is called on them."""

from __future__ import annotations

import json
from typing import Any

from ..model.remotes import Machine, RemoteSettings
from ..rules.names import key
from .log import Log


class Remotes:
    """The remotes of a log. Make every change inside `with log.writing()`."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def all(self) -> list[RemoteSettings]:
        """Return all remotes by name."""
        if not self._there():
            return []
        return [_of(row) for row in self.log.rows("select * from memory_remotes order by name_key")]

    def remote(self, name: str) -> RemoteSettings | None:
        """Return the remote of this name, or None."""
        if not self._there():
            return None
        row = self.log.row("select * from memory_remotes where name_key = :key", {"key": key(name)})
        return _of(row) if row else None

    def put(self, remote: RemoteSettings) -> None:
        """Add a remote, or replace the one of its name."""
        self.log.run(
            """
            insert or replace into memory_remotes
                (name_key, name, address, secret, person, project, exclude_tags_json, schema, redact, options_json,
                 created_utc, pushed_utc, pulled_utc)
            values (:key, :name, :address, :secret, :person, :project, :tags, :schema, :redact, :options,
                    :created_utc, :pushed_utc, :pulled_utc)
            """,
            {
                "key": key(remote.name),
                "name": remote.name,
                "address": remote.address,
                "secret": remote.secret,
                "person": remote.person,
                "project": remote.project,
                "tags": json.dumps(remote.exclude_tags),
                "schema": remote.schema,
                "redact": int(remote.redact),
                "options": json.dumps(dict(remote.options)),
                "created_utc": remote.created_utc,
                "pushed_utc": remote.pushed_utc,
                "pulled_utc": remote.pulled_utc,
            },
        )

    def moved(self, name: str, at_utc: str, *, pushed: bool = False, pulled: bool = False) -> None:
        """Remember when the last push or pull ended."""
        parameters = {"key": key(name), "at": at_utc}
        if pushed:
            self.log.run("update memory_remotes set pushed_utc = :at where name_key = :key", parameters)
        if pulled:
            self.log.run("update memory_remotes set pulled_utc = :at where name_key = :key", parameters)

    def remove(self, name: str) -> None:
        """Forget a remote, and which conversations without a name were pushed there or pulled."""
        self.log.run("delete from memory_remote_threads where remote_key = :key", {"key": key(name)})
        self.log.run("delete from memory_remotes where name_key = :key", {"key": key(name)})

    def machine(self) -> Machine | None:
        """Return what the log is called on remotes, or None if it has no name yet."""
        if not self.log.columns("memory_machine"):
            return None
        row = self.log.row("select id, name, person from memory_machine")
        return Machine(**row) if row else None

    def put_machine(self, machine: Machine, at_utc: str) -> None:
        """Name the log, or rename it."""
        self.log.run("delete from memory_machine where id <> :id", {"id": machine.id})
        self.log.run(
            """
            insert into memory_machine (id, name, person, created_utc) values (:id, :name, :person, :at)
            on conflict (id) do update set name = excluded.name, person = excluded.person
            """,
            {"id": machine.id, "name": machine.name, "person": machine.person, "at": at_utc},
        )

    def _there(self) -> bool:
        return bool(self.log.columns("memory_remotes"))


def _of(row: dict[str, Any]) -> RemoteSettings:
    return RemoteSettings(
        row["name"],
        row["address"],
        row["secret"],
        row["person"],
        row["project"],
        tuple(json.loads(row["exclude_tags_json"])),
        row["schema"],
        bool(row["redact"]),
        row["created_utc"],
        row["pushed_utc"],
        row["pulled_utc"],
        json.loads(row["options_json"]),
    )
