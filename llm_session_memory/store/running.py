"""Find out whether the process that sends a prompt still runs, so that its open attempt isn't called interrupted."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

LONGEST_PROMPT = 3600
"""How many seconds a prompt counts as in progress if its process can't be looked up, such as one of another machine."""

_STATE, _STARTED = 0, 19
"""The positions of a process's state and start time in Linux's stat file, after its name."""


def this_process() -> dict[str, Any]:
    """Return what identifies this process: host, id, start time in the system's ticks, and the time now in seconds."""
    return {"host": _host(), "pid": os.getpid(), "started": _started(os.getpid()), "at": round(time.time())}


def runs(process: Mapping[str, Any]) -> bool:
    """Return whether a process that `this_process` described still runs. A later one with its id is another."""
    pid, host = process.get("pid"), process.get("host")
    if not isinstance(pid, int) or pid <= 0:
        return False
    if host != _host() or sys.platform == "win32":  # there, os.kill would end the process
        at = process.get("at")
        return isinstance(at, (int, float)) and abs(time.time() - at) < LONGEST_PROMPT
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # another user's process
    except (OSError, OverflowError):
        return False
    stat = _stat(pid)
    if stat is None:
        return True
    started = process.get("started")
    return stat[_STATE] not in ("Z", "X") and started in (None, int(stat[_STARTED]))


def _host() -> str:
    return socket.gethostname()


def _started(pid: int) -> int | None:
    stat = _stat(pid)
    return int(stat[_STARTED]) if stat else None


def _stat(pid: int) -> list[str] | None:
    """Return what Linux says of a process, or None on other systems."""
    with suppress(OSError, ValueError, IndexError):
        found = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        int(found[_STARTED])
        return found
    return None
