"""The machine that makes a job: it gives the job to the remote, and asks there how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...errors import SessionError
from ...llm_seam.asked_here import documents
from ...model.jobs import Item, Job
from ...model.remotes import Document
from ..postgres.job_board import Board
from . import engine
from .keeping import digests

if TYPE_CHECKING:
    from ...memory import Memory


def prepare(board: Board) -> None:
    """Make all tables that are not there yet: the remote's, those of jobs, and DBOS's. Raises RemoteFailed."""
    board.remote.prepare()
    board.prepare()
    with board.remote.server.sentences():
        engine.make_tables(board.connect, board.remote.server.schema)


def send(board: Board, memory: Memory, job: Job, items: Iterable[Item]) -> None:
    """Give a job to the remote with the session of its answers, all or nothing. Raises RemoteFailed."""
    machine = memory.remotes.name_machine()
    prepare(board)
    made: list[Document] = []
    if job.thread_id is not None and not [*board.remote.listed([job.thread_id])]:
        made = documents(memory, job.thread_id, machine.name, machine.person)
    with board.writing() as writing:
        writing.put(made)
        board.count(digests(made))
        queues = board.add(job, items, machine.name, machine.person)
        board.enqueue(job.id)
    with board.remote.server.sentences():
        engine.add_queues(board.connect, board.remote.server.schema, queues)


def heard(board: Board, memory: Memory, job: Job) -> Job:
    """Take over how far a job is, and return it as it is then.

    Raises RemoteFailed, and SessionError if the job is not on the remote any more.
    """
    there = board.job(job.id) if board.is_prepared() else None
    if there is None:
        hint = f"Delete it here too: {memory.desk.command('job', 'delete', job.name)}"
        raise SessionError(f"Job “{job.name}” is not at {board.remote.place} any more.", hint)
    return memory.jobs.heard(there, board.items(job.id))
