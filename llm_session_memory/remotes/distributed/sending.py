"""The machine that makes a job: it gives the job to the remote, and asks there how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...errors import SessionError
from ...llm_seam.asked_here import thread_made
from ...model.jobs import Item, Job
from ...model.remotes import RemoteSettings
from ...model.syncing import SyncScope
from ...services.syncing import Syncing
from ..postgres.job_board import Board
from . import engine

if TYPE_CHECKING:
    from ...memory import Memory


def prepare(board: Board) -> None:
    """Make all tables that are not there yet: the remote's, those of jobs, and DBOS's. Raises RemoteFailed."""
    board.remote.prepare()
    board.prepare()
    with board.remote.server.sentences():
        engine.make_tables(board.connect, board.remote.server.schema)


def send(board: Board, memory: Memory, job: Job, items: Iterable[Item], settings: RemoteSettings) -> None:
    """Push the session of a job's answers to the remote, and give it the job.

    Raises:
        SessionError: The session is held back from this remote.
        RemoteFailed: The remote can't be reached, or refuses something.
    """
    machine = memory.remotes.name_machine()
    prepare(board)
    session = memory.sessions.of_thread(job.thread_id) if job.thread_id is not None else None
    if session is not None:
        syncing, scope = Syncing(memory.desk, board.remote, settings, machine), SyncScope(session=session.name)
        syncing.push(scope, dry_run=True)  # it may be held back; then nothing is changed
        thread_made(memory, session.thread_id, session.name)
        syncing.push(scope)
    with board.writing():
        queues = board.add(job, items, machine.name, machine.person)
        board.enqueue(job.id)
    with board.remote.server.sentences():
        engine.add_queues(board.connect, board.remote.server.schema, queues)


def heard(board: Board, memory: Memory, job: Job) -> Job:
    """Copy a job's progress from the remote, and return the job as it is then.

    Raises RemoteFailed, and SessionError if the job is not on the remote any more.
    """
    there = board.job(job.id) if board.is_prepared() else None
    if there is None:
        hint = f"Delete it here too: {memory.desk.command('job', 'delete', job.name)}"
        raise SessionError(f"Job “{job.name}” is not at {board.remote.place} any more.", hint)
    return memory.jobs.heard(there, board.items(job.id))
