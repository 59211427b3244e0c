"""The lock of a folder: a file that only one process can create, which says who writes.

Its holder touches it every few seconds. If it was not touched for a minute by the drive's own clock, or its process on
this machine has ended, the lock is taken over. A holder that only slept finds out before its write counts.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ...errors import RemoteFailed
from ...rules.safe_text import one_line
from ...store.running import runs, this_process
from ..heartbeat import Heartbeat
from .disk import TEMPORARY, Disk

NAME = "lock"
DEAD_AFTER = 60.0
"""How many seconds a lock lasts if nobody touches it."""

BEAT = 10.0
_LOOK = 1.0
"""How many seconds pass before the drive is asked for its time again."""

_LARGEST = 10_000
_SHORTEST_WAIT, _LONGEST_WAIT = 0.02, 0.5


class Lock:
    """The lock of one write. `token` names the write; `dead` has those of killed writes whose lock was taken over."""

    def __init__(self, disk: Disk, patience: float) -> None:
        self.token = secrets.token_hex(10)
        self.dead: list[str] = []
        self._disk, self._patience = disk, patience
        self._next_look = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock. Raises RemoteFailed if somebody else holds it for longer than the patience lasts."""
        end, wait = time.monotonic() + self._patience, _SHORTEST_WAIT
        while not self._created():
            holder = self._contents()
            if holder is not None and self._is_dead(holder):
                self._take_away(holder)
            elif time.monotonic() > end:
                raise _busy(self._disk, _said(holder))
            else:
                time.sleep(wait)
                wait = min(wait * 1.5, _LONGEST_WAIT)
        try:
            with Heartbeat(lambda: os.utime(self._path), BEAT):
                yield
        finally:
            if self.is_ours():
                self._disk.remove(NAME)

    @property
    def _path(self) -> Path:
        return self._disk.folder / NAME

    def is_ours(self) -> bool:
        """Return whether the lock is still ours: nobody took it over while this process slept."""
        return _said(self._contents()).get("token") == self.token

    def _created(self) -> bool:
        holder = {**this_process(), "token": self.token, "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        try:
            number = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, self._disk.mode)
        except FileExistsError:
            return False
        except PermissionError as error:
            if os.name == "nt" and self._path.exists():  # one that is being removed
                return False
            raise self._disk.refused(error, NAME) from error
        except OSError as error:
            raise self._disk.refused(error, NAME) from error
        with self._disk.sentences(NAME), os.fdopen(number, "wb") as file:
            file.write(json.dumps(holder).encode())
        return True

    def _contents(self) -> bytes | None:
        """Return what the lock says, or None if there is none. It may be empty, if it is just being written."""
        try:
            return self._disk.read(NAME, _LARGEST)
        except FileNotFoundError:
            return None

    def _is_dead(self, contents: bytes) -> bool:
        holder = _said(contents)
        if os.name == "posix" and holder.get("host") == this_process()["host"] and not runs(holder):
            return True
        if time.monotonic() < self._next_look:
            return False
        self._next_look = time.monotonic() + _LOOK
        try:
            touched = self._path.stat().st_mtime
        except OSError:
            return False
        return self._disk.now() - touched > DEAD_AFTER

    def _take_away(self, contents: bytes) -> None:
        """Move a dead lock aside. If it was another's new lock by then, it is put back."""
        aside = f"{TEMPORARY}{secrets.token_hex(10)}-lock"
        with suppress(OSError):
            self._path.rename(self._disk.folder / aside)
            if self._disk.read(aside, _LARGEST) == contents:
                self.dead.append(str(_said(contents).get("token", "")))
            else:
                os.link(self._disk.folder / aside, self._path)
        self._disk.remove(aside)


def _said(contents: bytes | None) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        found = json.loads(contents or b"")
        if isinstance(found, dict):
            return found
    return {}


def _busy(disk: Disk, holder: dict[str, Any]) -> RemoteFailed:
    host, pid, since = (one_line(str(holder.get(name, "?")), 80) for name in ("host", "pid", "since"))
    return RemoteFailed(
        f"The folder {disk.where} is being written to by process {pid} on {host}, since {since}.",
        f"Try again later. A lock whose process has ended is ignored after {DEAD_AFTER:.0f} seconds.",
    )
