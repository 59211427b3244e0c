"""`llm sessions worker`: ask the prompts of jobs that other machines made."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import RemoteFailed
from ..llm_seam.models import log_path
from ..memory import Memory
from ..rules.money import exact
from ..rules.words import counted
from .common import echo, progress_line, session_command
from .ending import ending_in_order
from .job_options import DEFAULT_JOBS, MOST_JOBS, dollars
from .working import INTERRUPTED

if TYPE_CHECKING:
    from ..remotes.distributed.places import JobPlace
    from ..remotes.distributed.worker import Worker, WorkerState

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
    "--max-cost", metavar="DOLLARS", callback=dollars, help="Stop before this worker spends more than this, such as 5"
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
    help=f"Take over the prompts of workers that have been silent this long [{_DEAD_AFTER}]",
)
@click.option("--until-done", is_flag=True, help="End when nothing is left to ask, instead of waiting for more")
@click.option("--schema", metavar="NAME", help="Schema of the database [llm_sessions]")
@ending_in_order()
def worker_command(
    remote: str,
    models: tuple[str, ...],
    tools: tuple[str, ...],
    jobs: int,
    max_cost: float | str | None,
    requests_a_minute: int | None,
    tokens_a_minute: int | None,
    dead_after: int,
    until_done: bool,
    schema: str | None,
    database: str | None,
) -> None:
    """Ask the prompts of jobs on REMOTE, a postgresql:// address or the name of a remote, until Ctrl-C.

    Start one on each machine that is to help. Whoever can write to that database decides what is asked, and you pay for
    it: limit a worker with -m and --max-cost. It never reads files, fragments or templates for others, and runs only
    the tools that you allow. Answers go to the database, not into this machine's log.

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


def _work(found: JobPlace, rules: Any, machine: str, person: str) -> None:
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
        try:
            hurried = _watched(worker, engine, machine)
        finally:
            with contextlib.suppress(RemoteFailed):  # others find out that it is gone
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

        def told(text: str) -> None:
            line.end()
            echo(text, err=True)

        def shown(now: WorkerState) -> None:
            ending = ", stopping; Ctrl-C again stops at once" if now.stopping else ""
            spent = f", {exact(now.spent)}" if now.spent else ""
            line.say(f"{now.answered:,} answered, {now.asking:,} being asked{spent}{ending}")

        worker.tell = told
        while True:
            try:
                worker.work(engine, machine, shown)
            except (KeyboardInterrupt, SystemExit):  # noqa: PERF203  it runs until then
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
