"""Which other programs have a file open, on systems that tell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROCESSES = Path("/proc")
"""Linux's files about processes. Other systems have none, so nothing is found there."""


@dataclass(frozen=True)
class Program:
    """A process that has a file open, and whether it may write to it."""

    pid: int
    name: str
    writes: bool

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


def programs(path: Path) -> list[Program]:
    """Return the other processes that have a file open, as far as this user may know."""
    try:
        file = path.stat()
        pids = [int(one.name) for one in _PROCESSES.iterdir() if one.name.isdigit()]
    except OSError:
        return []
    found = []
    for pid in pids:
        ways = [] if pid == os.getpid() else list(_opened(pid, file))
        if ways:
            found.append(Program(pid, _name(pid), any(ways)))
    return found


def _opened(pid: int, file: os.stat_result) -> Iterator[bool]:
    """Yield whether it may write, for each time that a process has a file open."""
    with suppress(OSError):
        for one in os.scandir(_PROCESSES / str(pid) / "fd"):  # a Path for each of thousands would take long
            with suppress(OSError):
                if os.path.samestat(one.stat(), file):
                    yield _writes(pid, one.name)


def _writes(pid: int, descriptor: str) -> bool:
    with suppress(OSError, ValueError, IndexError):
        lines = (_PROCESSES / str(pid) / "fdinfo" / descriptor).read_text("ascii", "replace").splitlines()
        flags = next(int(line.split()[1], 8) for line in lines if line.startswith("flags:"))
        return flags & os.O_ACCMODE != os.O_RDONLY
    return True


def _name(pid: int) -> str:
    with suppress(OSError):
        return (_PROCESSES / str(pid) / "comm").read_text("utf-8", "replace").strip()
    return "a program"
