"""The temporary logs that a worker asks in, and how what was logged there gets to the remote."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from ...errors import ModelFailed
from ...llm_seam.tables import migrated
from ...memory import Memory
from ...model import Settings
from ...model.jobs import Item, Job
from ...model.remotes import Digest, Document
from ...services.bundle import Services
from ...store.documents import documents
from .board import Board

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
        with Memory(folder / "empty.db", create=True) as memory:
            migrated(memory.desk.log)
            memory.desk.prepare()
        with Memory(folder / "empty.db") as memory:  # so that all of it is in one file
            memory.desk.log.run("pragma journal_mode = delete")

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
        found = documents(services.desk.log, [thread_id], machine=self.machine, person=self.person)
        if job.thread_id is None:
            return [*found]
        return [_without_blocks(one) for one in found if one.kind != "thread"]


def keep(board: Board, item: Item, made: Sequence[Document], values: Mapping[str, Any]) -> None:
    """Put the answer of an item on the remote and make the item done, both or neither.

    Raises AlreadyDone if another worker was faster, and RemoteFailed.
    """
    with board.writing() as writing:
        board.done(item, values)
        places = board.places({one.thread_id for one in made if one.kind == "turn"})
        writing.put(replace(one, place=one.place + places.get(one.thread_id, 0)) if one.place else one for one in made)
        board.count(digests(made))


def _without_blocks(one: Document) -> Document:
    """Leave out of a turn what refers to a block: blocks are kept with the session, which is not written again."""
    return replace(one, rows={table: rows for table, rows in one.rows.items() if table != "memory_contexts"})


def digests(made: Sequence[Document]) -> dict[tuple[str, str], Digest]:
    """Return what some new documents add to the digests of the remote, by bucket and thread."""
    found: dict[tuple[str, str], Digest] = {}
    for one in made:
        if one.bucket:
            amount, value = found.get((one.bucket, one.thread_id), Digest(0, 0))
            found[one.bucket, one.thread_id] = Digest(amount + 1, value ^ one.stamp)
    return found


def _settings(job: Job) -> Settings:
    """Return what holds for the session of a job. Raises ModelFailed if it is of another type."""
    model, system = (job.settings.get(name) for name in ("model", "system"))
    if not all(one is None or isinstance(one, str) for one in (model, system)):
        raise ModelFailed("The settings of the job can't be read.")
    return Settings(model=model, system=system)
