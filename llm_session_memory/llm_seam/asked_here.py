"""The temporary logs that a worker asks in: one for each item, so that all that is logged there belongs to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from llm.logs import LogStore

from ..errors import ModelFailed
from ..model import Settings
from ..model.jobs import Job
from ..model.remotes import Document
from ..services.bundle import Services
from ..store import documents as store
from ..store import owned_file
from .tables import migrated

RELIED_ON = {
    "logs": "LogStore",
    "parameters of logs.LogStore.ensure_thread": "thread_id name",
}
"""The parts of llm that this module relies on (see `shape`)."""

_NAME = "job"
"""The name of the session in a temporary log. Nobody sees it."""

_SUFFIXES = ("", "-wal", "-shm", "-journal")


class Logs:
    """Makes a log for each item that is asked: empty but for the session of the job."""

    def __init__(self, folder: Path, machine: str, person: str) -> None:
        """Make the log that the others are copies of, in a folder that only this user can read."""
        self.machine, self.person = machine, person
        self._folder = folder
        self._numbers = count(1)
        made = folder / "empty.db"
        owned_file(made)
        with Services.open(made) as services:
            migrated(services.desk.log)
            services.desk.prepare()

    @contextmanager
    def opened(self) -> Iterator[Services]:
        """Open a new log, and remove it afterwards."""
        path = self._folder / f"item-{next(self._numbers)}.db"
        shutil.copyfile(self._folder / "empty.db", path)
        try:
            with Services.open(path) as services:
                yield services
        finally:
            for suffix in _SUFFIXES:
                path.with_name(path.name + suffix).unlink(missing_ok=True)

    def begin(self, services: Services, job: Job) -> None:
        """Make the session of a job, if all its answers are in one. Raises ModelFailed if the job can't be read."""
        if job.thread_id is not None:
            services.sessions.create(_NAME, job.thread_id, _settings(job))

    def documents(self, services: Services, job: Job, thread_id: str) -> Sequence[Document]:
        """Return what was logged in a conversation, as documents. A session that was there before stays as it is."""
        found = store.documents(services.desk.log, [thread_id], machine=self.machine, person=self.person)
        if job.thread_id is None:
            return [*found]
        return [_without_blocks(one) for one in found if one.kind != "thread"]


def thread_made(services: Services, thread_id: str, name: str) -> None:
    """Let llm make the row of a conversation that has no answer yet: answers that come from elsewhere bring none."""
    with services.writing():
        LogStore(services.desk.log.database).ensure_thread(thread_id, name=name)


def _without_blocks(one: Document) -> Document:
    """Leave out of a turn what refers to a block: blocks are kept with the session, which is not written again."""
    return replace(one, rows={table: rows for table, rows in one.rows.items() if table != "memory_contexts"})


def _settings(job: Job) -> Settings:
    """Return what holds for the session of a job. Raises ModelFailed if it is of another type."""
    model, system = (job.settings.get(name) for name in ("model", "system"))
    if not all(one is None or isinstance(one, str) for one in (model, system)):
        raise ModelFailed("The settings of the job can't be read.")
    return Settings(model=model, system=system)
