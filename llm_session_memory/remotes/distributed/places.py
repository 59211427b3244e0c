"""Where jobs for several machines are: an address, or a remote of the log by its name."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import RemoteFailed
from ...model.jobs import Job
from ...model.remotes import RemoteSettings
from ...rules.addresses import POSTGRES, kind_of, parted
from ..opening import address_of
from ..postgres.job_board import Board
from . import engine

if TYPE_CHECKING:
    from ...memory import Memory


@dataclass(frozen=True)
class JobPlace:
    """A PostgreSQL database with jobs. `remote` is what the log calls it, or empty; `address` has its password.

    `known` is the remote of the log.
    """

    remote: str
    address: str
    schema: str | None = None
    known: RemoteSettings | None = None

    @property
    def settings(self) -> RemoteSettings:
        """The settings of a push there: those of the remote, or ones that exclude nothing."""
        return self.known or RemoteSettings(self.remote, parted(self.address).address, schema=self.schema)

    def board(self, *, worker: bool = False) -> Board:
        """Return the jobs there; with `worker`, for a worker with a new name. Raises RemoteFailed."""
        engine.check_installed()
        return Board(self.address, self.schema, secrets.token_hex(12) if worker else "")

    @property
    def kept(self) -> dict[str, Any]:
        """What is kept of it with a job: no password."""
        found = {"remote": self.remote, "address": parted(self.address).address, "schema": self.schema}
        return {name: value for name, value in found.items() if value}


def place(memory: Memory, given: str, schema: str | None = None) -> JobPlace:
    """Return the place that a person named, by an address or by the name of a remote.

    Raises:
        NoSuchSession: The log has no such remote.
        RemoteFailed: It is not a PostgreSQL database.
        SessionError: Its password is missing.
    """
    if "://" in given:
        _check(given, given)
        known = next((one for one in memory.remotes.list() if one.address == parted(given).address), None)
        if known is None:
            return JobPlace("", given, schema)
        found = given if parted(given).password is not None else address_of(known).address
        return JobPlace(known.name, found, schema or known.schema, known)
    return _of(memory.remotes.get(given), schema)


def of_job(memory: Memory, job: Job) -> JobPlace | None:
    """Return where other machines work on a job, or None if it is worked on here. Raises as `place` does."""
    kept = job.settings.get("on")
    if not isinstance(kept, dict):
        return None
    if kept.get("remote"):
        return _of(memory.remotes.get(str(kept["remote"])), kept.get("schema"))
    return place(memory, str(kept.get("address")), kept.get("schema"))


def _of(settings: RemoteSettings, schema: str | None) -> JobPlace:
    found = address_of(settings).address
    _check(found, settings.name)
    return JobPlace(settings.name, found, schema or settings.schema, settings)


def _check(address: str, said: str) -> None:
    if kind_of(address) != POSTGRES:
        what = parted(said).address if "://" in said else f"Remote “{said}”"
        raise RemoteFailed(f"{what} is not a PostgreSQL database.", "Only PostgreSQL can hand out jobs.")
