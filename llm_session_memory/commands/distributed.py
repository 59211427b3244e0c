"""`llm sessions worker`, and what `batch --on` and `job` do about jobs that other machines work on."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import RemoteFailed, SessionError
from ..llm_seam.models import log_path
from ..memory import Memory
from ..model.jobs import Item, Job
from ..rules.money import exact
from ..rules.words import counted
from .common import echo, progress_line, session_command
from .ending import ending_in_order
from .job_options import DEFAULT_JOBS, MOST_JOBS, dollars
from .job_text import progress, workers_at
from .working import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..remotes.distributed.board import Board
    from ..remotes.distributed.places import Place
    from ..remotes.distributed.worker import State, Worker

_DEAD_AFTER = 30


@session_command("worker", short_help="Ask the prompts of jobs that other machines made")
@click.argument("remote")
@click.option(
    "-m", "--model", "models", multiple=True, metavar="MODEL", help="Ask only this model (repeat for several)"
)
@click.option(
    *("-T", "--tool", "tools"),
    multiple=True,
    metavar="NAME",
    help="Let models call this tool here (repeat for several)",
)
@click.option(
    *("-j", "--jobs"),
    type=click.IntRange(1, MOST_JOBS),
    default=DEFAULT_JOBS,
    metavar="N",
    help=f"Prompts to ask at the same time [{DEFAULT_JOBS}]",
)
@click.option(
    "--max-cost", metavar="DOLLARS", callback=dollars, help="End before this worker spends more than this, such as 5"
)
@click.option("--requests-a-minute", type=click.IntRange(min=1), metavar="N", help="Send at most N requests a minute")
@click.option(
    "--tokens-a-minute",
    type=click.IntRange(min=1),
    metavar="N",
    help="Send and receive at most about N tokens a minute",
)
@click.option(
    "--dead-after",
    type=click.IntRange(min=1),
    default=_DEAD_AFTER,
    metavar="SECONDS",
    help=f"Take over the prompts of workers that were silent for so long [{_DEAD_AFTER}]",
)
@click.option("--until-done", is_flag=True, help="End when nothing is left to ask, instead of waiting for more")
@click.option("--schema", metavar="NAME", help="Schema of the database [llm_sessions]")
@ending_in_order()
def worker_command(  # noqa: PLR0913  one parameter an option
    remote: str,
    models: tuple[str, ...],
    tools: tuple[str, ...],
    jobs: int,
    max_cost: float | str | None,
    requests_a_minute: int | None,
    tokens_a_minute: int | None,
    dead_after: int,
    until_done: bool,  # noqa: FBT001  a flag
    schema: str | None,
    database: str | None,
) -> None:
    """Ask the prompts of jobs on REMOTE, a postgresql:// address or the name of a remote, until Ctrl-C.

    Start one on each machine that is to help. Whoever can write to that database decides what is asked, and you pay for
    it: limit a worker with -m and --max-cost. It never reads files, fragments or templates for others, and runs no
    tools but those that you allow. Answers go to the database, not into this machine's log.

    \b
        llm sessions worker postgresql://ada@db.example/llm
        llm sessions worker team -m llama3 -j 2 --until-done
        llm sessions worker team -m gpt-4o-mini --max-cost 5
    """
    from ..remotes.distributed.worker import Limits, Rules

    rules = Rules(
        jobs=jobs,
        models=frozenset(models) or None,
        tools=frozenset(tools),
        limits=Limits(requests_a_minute, tokens_a_minute),
        max_cost=max_cost if isinstance(max_cost, float) else None,
        dead_after=float(dead_after),
        until_done=until_done,
    )
    with _any_log(database) as memory:
        from ..remotes.distributed.places import place

        found, machine = place(memory, remote, schema), memory.remotes.machine()
    _work(found, rules, machine.name, machine.person)


def _work(found: Place, rules: Any, machine: str, person: str) -> None:
    """Run a worker until it ends, and print what it did."""
    from ..remotes.distributed.engine import Engine
    from ..remotes.distributed.sending import prepare
    from ..remotes.distributed.worker import Logs, Worker
    from ..store.private_copy import private_folder

    with contextlib.closing(found.board(worker=True)) as board, private_folder() as place:
        if not board.is_prepared():
            prepare(board)
        worker = Worker(board, Logs(place, machine, person), rules, lambda text: echo(text, err=True))
        engine = Engine(board.connect, board.remote.server.schema, board.owner, worker.run, worker.room)
        what = ", ".join(sorted(rules.models)) if rules.models else "any model that llm has here"
        echo(f"Worker on {board.remote.place}: asks {what}. End it with Ctrl-C.", err=True)
        hurried = _watched(worker, engine, machine)
        board.gone()
        said = f"Answered {counted(worker.answered, 'prompt')}"
        echo(f"{said}, {exact(worker.gate.spent)}." if worker.gate.spent else f"{said}.")
    if hurried:  # threads that wait for a model would keep the process alive
        sys.stdout.flush()
        os._exit(INTERRUPTED)
    engine.close()


def _watched(worker: Worker, engine: Any, machine: str) -> bool:
    """Let a worker work. The first Ctrl-C lets it end in order; after the second, return True."""
    with progress_line("prompt") as line:

        def shown(now: State) -> None:
            ending = ", ending; Ctrl-C again ends at once" if now.stopping else ""
            spent = f", {exact(now.spent)}" if now.spent else ""
            line.say(f"{now.answered:,} answered, {now.asking:,} being asked{spent}{ending}")

        while True:
            try:
                worker.work(engine, machine, shown)
            except (KeyboardInterrupt, SystemExit):
                if worker.stopping:
                    worker.hurry()
                    return True
                worker.stop()
            else:
                return False


@contextlib.contextmanager
def _any_log(database: str | None) -> Iterator[Memory]:
    """Open the log, or an empty one if there is none: a worker needs only the name of this machine."""
    path = log_path(database)
    if path.exists():
        with Memory(path, typed=database) as memory:
            yield memory
        return
    with (
        tempfile.TemporaryDirectory(prefix="llm-worker-") as folder,
        Memory(Path(folder) / "logs.db", create=True, typed=database) as memory,
    ):
        yield memory


# -- for batch -------------------------------------------------------------


def begin_on(  # noqa: PLR0913  what a job is made of, and where it goes
    memory: Memory, given: str, settings: dict[str, Any], items: Iterable[Item], stem: str, max_cost: float | None
) -> None:
    """Keep a job here, give it to the workers at a place, and print how to go on.

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
            send(board, memory, job, memory.jobs.items(job))
        except BaseException:
            session = memory.sessions.of_thread(job.thread_id) if new and job.thread_id else None
            memory.jobs.delete(job)
            if session is not None:
                memory.sessions.remove_empty(session.name)
            raise
        where = board.remote.place
    _say_sent(memory, job, found, where)


def _say_sent(memory: Memory, job: Job, found: Place, where: str) -> None:
    total = sum(job.counts.values())
    echo(f"Job “{job.name}”: {counted(total, 'prompt')} {'waits' if total == 1 else 'wait'} for workers at {where}.")
    named = found.remote or found.kept["address"]
    steps = {"On each machine that is to help": memory.desk.command("worker", named)}
    if not found.remote:
        steps["To bring the answers home, name the remote"] = memory.desk.command("remote", "add", "NAME", named)
    steps["Bring the answers home"] = memory.desk.command("pull", found.remote or "NAME")
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
    """Let other machines go on with a job. With `failed`, what failed is asked again; `changed` may have a `max_cost`.

    Raises SessionError.
    """
    from ..remotes.distributed.sending import heard as asked
    from ..remotes.distributed.sending import prepare, send

    with _board(memory, job) as board:
        prepare(board)
        if board.job(job.id) is None:  # the command that made the job was killed before it sent it
            send(board, memory, job, memory.jobs.items(job))
        now = asked(board, memory, job)
        if failed and not now.counts.get("failed"):
            return memory.jobs.retry_failed(now)  # it says what is wrong
        board.resume(job.id, failed=failed, **changed)
        now = asked(board, memory, job)
        if not (now.counts.get("waiting") or now.counts.get("running")):
            raise SessionError(f"Nothing of job “{job.name}” is left to ask.")
        echo(f"Job “{job.name}”: {progress(now)}. It goes on at {board.remote.place}.")
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
        raise SessionError(f"Workers ask the prompts of job “{job.name}”.", f"Start one here: {worker}")


@contextlib.contextmanager
def _board(memory: Memory, job: Job) -> Iterator[Board]:
    """Open the place where other machines work on a job. Raises SessionError."""
    from ..remotes.distributed.places import of_job

    found = of_job(memory, job)
    if found is None:
        raise RemoteFailed(f"It is not known where job “{job.name}” is.")
    with contextlib.closing(found.board()) as board:
        yield board
