"""Run llm in its own process in a tenth of the time: forked from a process that has loaded llm and run nothing.

Starting Python and llm takes a second, nearly all of it for imports. The effects of two processes on one log, and of a
signal or a broken stream on one process, are the same in a fork. Tests of how llm starts need `real_llm` instead. If a
system can't fork, or llm is to be loaded with other plugins, llm is started normally.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

LOADED = ("llm.cli", "llm_ollama", "llm_session_memory.llm_seam.command", "llm_session_memory.commands.reading")
"""The imports of the process that is forked."""

QUICKLY = ("tests.world.quick_forks",)
"""Its imports for tests: these too, and the shortcuts of the process that runs the tests."""

ROOT = Path(__file__).parents[2]

FORKS = "forkserver" in multiprocessing.get_all_start_methods()


class Running(Protocol):
    """The part of subprocess.Popen that tests need."""

    stdout: Any
    stderr: Any

    @property
    def returncode(self) -> int | None:
        """Its exit code, once it has ended."""

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002
        """Write, read to the end, and wait for the process."""

    def send_signal(self, number: int) -> None:
        """Send it a signal."""


def prepare(loaded: Sequence[str] = LOADED) -> None:
    """Start the process to fork, once. It keeps the current environment; each fork gets its own."""
    if FORKS:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(loaded))
        process = context.Process(target=_nothing)
        with _importable():
            process.start()
        process.join()


@contextmanager
def _importable() -> Iterator[None]:
    """Let a new Python find these tests: until 3.13, the process to fork has no path but its own (gh-117378)."""
    name, before = "PYTHONPATH", os.environ.get("PYTHONPATH")
    os.environ[name] = os.pathsep.join([str(ROOT), *([before] if before else [])])
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


def _nothing() -> None:
    """Do nothing; when this has run, the server has started."""


def forked(work: Callable[..., None], *arguments: Any) -> Any:
    """Start work in a process with this one's environment, without the cost of llm's imports; return the process.

    It prints nothing. If a system can't fork, Python is started normally.
    """
    context: Any = multiprocessing.get_context("forkserver" if FORKS else "spawn")
    process = context.Process(target=_quietly, args=(work, arguments, dict(os.environ)))
    process.start()
    return process


def _quietly(work: Callable[..., None], arguments: tuple[Any, ...], env: dict[str, str]) -> None:
    """In the new process: set up streams and environment, and work."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.environ.clear()
    os.environ.update(env)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    work(*arguments)


def started(arguments: Sequence[str], env: Mapping[str, str], cwd: Path, *, reads: bool = False) -> Running:
    """Start llm with these arguments; its streams are text pipes. Only if it `reads` does stdin have content."""
    if FORKS and "LLM_LOAD_PLUGINS" not in env:
        return _Forked(arguments, env, cwd, reads=reads)
    return subprocess.Popen(
        [sys.executable, "-m", "llm", *arguments],
        env=dict(env),
        cwd=cwd,
        encoding="utf-8",
        stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def in_terminal(arguments: Sequence[str], env: Mapping[str, str], cwd: Path) -> tuple[Any, int]:
    """Start llm in a terminal of its own; return the process, and the descriptor of what is typed and shown."""
    import pty

    ours, theirs = pty.openpty()
    context: Any = multiprocessing.get_context("forkserver")
    streams = tuple(Connection(os.dup(theirs)) for _ in range(3))
    process = context.Process(target=_run, args=(list(arguments), dict(env), str(cwd), streams))
    process.start()
    os.close(theirs)
    for stream in streams:
        stream.close()
    return process, ours


class _Forked:
    """A fork that runs one llm command."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], cwd: Path, *, reads: bool) -> None:
        context: Any = multiprocessing.get_context("forkserver")
        (its_in, our_in), (our_out, its_out), (our_err, its_err) = (context.Pipe(duplex=False) for _ in range(3))
        streams = (its_in, its_out, its_err)
        self._process = context.Process(target=_run, args=(list(arguments), dict(env), str(cwd), streams))
        self._process.start()
        for stream in streams:
            stream.close()
        self._stdin = _file(our_in, "w", errors="surrogateescape")  # tests of bytes that are no text write any
        if not reads:
            self._stdin.close()
        self.stdout: Any = _file(our_out, "r")
        self.stderr: Any = _file(our_err, "r")

    @property
    def returncode(self) -> int | None:
        """Its exit code, once it has ended."""
        code: int | None = self._process.exitcode
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self._process.pid, number)

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002
        """Write, read both streams to the end, and wait for the process."""
        with ThreadPoolExecutor(2) as readers:
            out, err = readers.submit(self.stdout.read), readers.submit(self.stderr.read)
            if not self._stdin.closed:
                with suppress(BrokenPipeError):  # the process may end before it reads everything
                    self._stdin.write(input or "")
                    self._stdin.flush()
                with suppress(BrokenPipeError):
                    self._stdin.close()
            said = out.result(timeout), err.result(timeout)
        self._process.join(timeout)
        self.stdout.close()
        self.stderr.close()
        return said


def _file(connection: Connection, mode: str, errors: str = "strict") -> Any:
    file = os.fdopen(os.dup(connection.fileno()), mode, encoding="utf-8", errors=errors)
    connection.close()
    return file


def _run(
    arguments: list[str], env: dict[str, str], cwd: str, streams: tuple[Connection, Connection, Connection]
) -> None:
    """In the fork: set up streams, environment and folder, and run llm."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, encoding="utf-8", closefd=False) for number in (1, 2))
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["llm", *arguments]
    from llm.cli import cli

    cli()
