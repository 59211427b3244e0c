"""Run commands with broken standard streams, as a process has them, many in one process.

A `Walker` forks one process. For each command and each kind of output it copies the log, puts the broken streams in
place, runs llm, and flushes the streams as Python does when a process ends.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import sqlite3
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_session_memory.llm_seam import output

WORKING = "working"
NO_INPUT = "stdin closed"
ENCODINGS = ("ascii", "cp1252", "latin-1")
CAUSES = {
    **{how: tuple(f"{place} {how}" for place in ("stdout", "stderr", "both")) for how in ("pipe", "full", "closed")},
    "encoding": ENCODINGS,
}
"""The kinds of broken output, by what is wrong."""

KINDS = tuple(kind for kinds in CAUSES.values() for kind in kinds)
"""Everything that can be wrong with the output."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status, its output, a traceback if there was one, and what the log then has."""

    code: int | None
    out: bytes
    err: str
    trace: str
    rows: Mapping[str, int]


Runs = Mapping[str, Ended]
"""How a command ended, by the kind of output."""


class Walker:
    """A process that runs commands, each with some kinds of output. Each run starts with a copy of `files`."""

    def __init__(self, files: Path) -> None:
        context: Any = multiprocessing.get_context("forkserver")
        self._asked, theirs = context.Pipe()
        self._process = context.Process(target=_walk, args=(files, files.with_name("home"), theirs))
        self._process.start()
        theirs.close()

    def __enter__(self) -> Walker:  # noqa: PYI034  Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.close()
        self._process.join()

    def runs(self, command: tuple[str, ...], *kinds: str, reads_on: int = 10) -> Runs:
        """Return how a command ended. `reads_on` is how many seconds a reply is read after its pipe was closed."""
        self._asked.send((command, kinds, reads_on))
        found: Runs = self._asked.recv()
        return found


class Shared:
    """How commands ended, found out once for all the processes that run tests: the first to ask writes it to a file."""

    def __init__(self, walker: Walker, kinds: Mapping[tuple[str, ...], Sequence[str]], folder: Path) -> None:
        self._walker = walker
        self._kinds = kinds
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def __getitem__(self, asked: tuple[str, tuple[str, ...]]) -> Ended:
        kind, command = asked
        return self._runs(command)[kind]

    def _runs(self, command: tuple[str, ...]) -> Runs:
        file = self._folder / str([*self._kinds].index(command))
        if not file.exists():
            runs = self._walker.runs(command, *self._kinds[command])
            half = file.with_name(f"{file.name}.{os.getpid()}")
            half.write_bytes(pickle.dumps(runs))
            half.replace(file)
        found: Runs = pickle.loads(file.read_bytes())
        return found


def _walk(files: Path, folder: Path, asked: Any) -> None:
    os.environ |= {"LLM_USER_PATH": str(folder), "OLLAMA_HOST": "http://127.0.0.1:9", "LLM_RAISE_ERRORS": ""}
    rows = _Rows(files / "logs.db")
    with suppress(EOFError):
        while True:
            command, kinds, output.READS_ON = asked.recv()
            found = {}
            for kind in kinds:
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(files, folder)
                os.chdir(folder)
                found[kind] = _ended(command, kind, folder, rows)
            asked.send(found)


def _ended(command: tuple[str, ...], kind: str, folder: Path, rows: _Rows) -> Ended:
    place, _, how = kind.partition(" ")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _put(1, how if place in ("stdout", "both") else "", folder / "stdout")
    _put(2, how if place in ("stderr", "both") else "", folder / "stderr")
    if kind == NO_INPUT:
        os.close(0)
    sys.stdin = None if kind == NO_INPUT else os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = _stream(1, kind if kind in ENCODINGS else "utf-8", "strict")
    sys.stderr = _stream(2, kind if kind in ENCODINGS else "utf-8", "backslashreplace")
    code, trace = _run(command)
    trace += _flushed(sys.stdout) + _flushed(sys.stderr)
    out, err = ((folder / name).read_bytes() for name in ("stdout", "stderr"))
    return Ended(code, out, err.decode("utf-8", "replace"), trace, rows.of(folder / "logs.db"))


def _flushed(stream: Any) -> str:
    """Flush a stream as Python does at the end; return the traceback that it would print."""
    try:
        if stream is not None:
            stream.flush()
    except Exception:  # noqa: BLE001  of any kind
        return traceback.format_exc()
    return ""


def _put(number: int, how: str, file: Path) -> None:
    """Make a stream broken, or let it write to a file."""
    file.touch()
    if how == "closed":
        os.close(number)
        return
    if how == "pipe":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open("/dev/full" if how == "full" else file, os.O_WRONLY)
    os.dup2(writer, number)
    if writer != number:
        os.close(writer)


def _stream(number: int, encoding: str, errors: str) -> Any:
    """Return a stream as Python makes it at its start: None for one that is closed."""
    try:
        os.fstat(number)
    except OSError:
        return None
    return os.fdopen(number, "w", 1, encoding=encoding, errors=errors, closefd=False)


def _run(command: tuple[str, ...]) -> tuple[int | None, str]:
    from llm.cli import cli

    try:
        cli.main(list(command), "llm")
    except SystemExit as ended:
        return (ended.code if isinstance(ended.code, int) else 1 if ended.code else 0), ""
    except BaseException:  # noqa: BLE001  a person would see a traceback of any
        return None, traceback.format_exc()
    return 0, ""


class _Rows:
    """How many rows the tables of logs have. Most commands only read: then it is known already."""

    def __init__(self, log: Path) -> None:
        self._usual, self._rows = log.read_bytes(), _rows(log)

    def of(self, log: Path) -> dict[str, int]:
        """Return how many rows each table of a log has."""
        beside = log.with_name(f"{log.name}-wal")
        as_before = not beside.exists() and log.read_bytes() == self._usual
        return self._rows if as_before else _rows(log)


def _rows(log: Path) -> dict[str, int]:
    with closing(sqlite3.connect(log)) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        counted = " union all ".join(f"select '{name}', count(*) from \"{name}\"" for name in tables)
        return dict(connection.execute(counted))
