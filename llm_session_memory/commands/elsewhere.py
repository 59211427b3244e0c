"""What `batch --on` and the commands of `job` do about jobs that other machines work on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import RemoteFailed, SessionError
from ..memory import Memory
from ..model.deleting import Target
from ..model.jobs import Item, Job
from ..rules.words import counted
from .common import echo
from .job_text import progress, workers_at

if TYPE_CHECKING:
    from ..remotes.distributed.places import JobPlace
    from ..remotes.postgres.job_board import Board


def begin_on(
    memory: Memory, given: str, settings: dict[str, Any], items: Iterable[Item], stem: str, max_cost: float | None
) -> None:
    """Keep a job here, give it to the workers at a place, and print how to continue.

    Raises SessionError if that is not possible; then nothing of it is kept.
    """
    from ..llm_seam.batching import begin
    from ..llm_seam.handed_on import items_of, settings_of
    from ..remotes.distributed.places import place
    from ..remotes.distributed.sending import send

    found = place(memory, given)
    _check_session(memory, settings.get("as"))
    new = settings.get("as") is None or memory.sessions.find(settings["as"]) is None
    whole = settings_of(memory, settings) | {"on": found.kept}
    with contextlib.closing(found.board()) as board:
        board.remote.condition()
        job = begin(memory, whole, items_of(memory, items), stem, max_cost=max_cost)
        try:
            send(board, memory, job, memory.jobs.items(job), found.settings)
        except BaseException:
            session = memory.sessions.of_thread(job.thread_id) if new and job.thread_id else None
            memory.jobs.delete(job)
            if session is not None and not memory.sessions.remove_empty(session.name):
                memory.deletion.delete([Target(session.thread_id)])  # it may be on the remote already
            raise
        where = board.remote.place
    _say_sent(memory, job, found, where)


def _say_sent(memory: Memory, job: Job, found: JobPlace, where: str) -> None:
    total = sum(job.counts.values())
    echo(f"Job “{job.name}”: {counted(total, 'prompt')} {'waits' if total == 1 else 'wait'} for workers at {where}.")
    named = found.remote or found.kept["address"]
    steps = {"On each machine that should help": memory.desk.command("worker", named)}
    if not found.remote:
        steps["To fetch the answers, add it as a remote"] = memory.desk.command("remote", "add", "NAME", named)
    steps["Fetch the answers"] = memory.desk.command("pull", found.remote or "NAME")
    steps["See how far it is"] = memory.desk.command("job", "show", job.name)
    for what, command in steps.items():
        echo(f"{what}: {command}", err=True)


def _check_session(memory: Memory, name: str | None) -> None:
    session = memory.sessions.find(name) if name else None
    if session is not None and session.private:
        raise SessionError(f"Session “{session.name}” is private, so it stays on this machine.", "Choose another one.")


# -- for job ---------------------------------------------------------------


def is_elsewhere(job: Job) -> bool:
    """Return whether other machines work on a job."""
    return bool(job.settings.get("on"))


def heard(memory: Memory, jobs: list[Job]) -> list[Job]:
    """Return jobs as they are now: those that other machines work on are asked for there.

    A remote that doesn't answer is asked once; its jobs are as they were last, and a message says so.
    """
    from ..remotes.distributed.sending import heard as asked

    failed = set[str]()

    def now(job: Job) -> Job:
        where = str(job.settings.get("on"))
        is_left = job.state not in ("done", "cancelled") or job.counts.get("running")
        if not is_elsewhere(job) or not is_left or where in failed:
            return job
        try:
            with _board(memory, job) as board:
                return asked(board, memory, job)
        except SessionError as error:
            echo(f"Job “{job.name}” may be further: {error}", err=True)
            failed.add(where)
            return job

    return [*map(now, jobs)]


def cancelled(memory: Memory, job: Job) -> Job:
    """Cancel a job that other machines work on. Raises SessionError if it has ended."""
    from ..remotes.distributed.sending import heard as asked

    with _board(memory, job) as board:
        if asked(board, memory, job).state in ("done", "cancelled"):
            return memory.jobs.cancel(job)  # it says what is wrong
        board.cancel(job.id)
        return asked(board, memory, job)


def resumed(memory: Memory, job: Job, changed: Mapping[str, float | None], *, failed: bool = False) -> Job:
    """Let other machines continue a job. With `failed`, what failed is asked again; `changed` may have a `max_cost`.

    Raises SessionError.
    """
    from ..remotes.distributed.places import of_job
    from ..remotes.distributed.sending import heard as asked
    from ..remotes.distributed.sending import prepare, send

    with _board(memory, job) as board:
        prepare(board)
        if board.job(job.id) is None:  # the command that made the job was killed before it sent it
            found = of_job(memory, job)
            assert found is not None
            send(board, memory, job, memory.jobs.items(job), found.settings)
        now = asked(board, memory, job)
        if failed and not now.counts.get("failed"):
            return memory.jobs.retry_failed(now)  # it says what is wrong
        board.resume(job.id, failed=failed, **changed)
        now = asked(board, memory, job)
        if not (now.counts.get("waiting") or now.counts.get("running")):
            raise SessionError(f"Job “{job.name}” has nothing left to ask.")
        echo(f"Job “{job.name}”: {progress(now)}. It continues at {board.remote.place}.")
        return now


def deleted_there(memory: Memory, job: Job) -> None:
    """Delete a job where other machines work on it. Raises SessionError if they do now."""
    from ..remotes.distributed.sending import heard as asked

    with _board(memory, job) as board:
        if not board.is_prepared() or board.job(job.id) is None:
            return
        if asked(board, memory, job).counts.get("running"):
            stop = memory.desk.command("job", "cancel", job.name)
            raise SessionError(f"Workers are asking prompts of job “{job.name}”.", f"Cancel the job first: {stop}")
        board.delete(job.id)


def refuse_working(memory: Memory, job: Job) -> None:
    """Raise SessionError if other machines work on a job, so that this command can't."""
    if is_elsewhere(job):
        worker = memory.desk.command("worker", str(workers_at(job)))
        raise SessionError(f"Only workers can run job “{job.name}”.", f"Start one here: {worker}")


@contextlib.contextmanager
def _board(memory: Memory, job: Job) -> Iterator[Board]:
    """Open the place where other machines work on a job. Raises SessionError."""
    from ..remotes.distributed.places import of_job

    found = of_job(memory, job)
    if found is None:
        raise RemoteFailed(f"The log doesn't know which remote job “{job.name}” is on.")
    with contextlib.closing(found.board()) as board:
        yield board
