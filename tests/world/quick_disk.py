"""Temporary files in memory, if the system has room for them there.

SQLite waits for the disk after each commit, and a run of all tests makes tens of thousands of commits. No test needs a
real disk: whatever a process wrote survives the process, which is all that tests can kill.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
"""Linux's file system in memory."""

ROOM = 2 * 1024**3
"""Free bytes that it must have; a run of all tests needs less than a fifth of them."""


def chosen(folder: Path = MEMORY, room: int = ROOM) -> str:
    """Return the folder for the temporary files of this process and of those that it starts.

    It is the usual one if TMPDIR names one, or if no file system in memory can be written to and has room.
    """
    if "TMPDIR" in os.environ or not os.access(folder, os.W_OK) or shutil.disk_usage(folder).free < room:
        return tempfile.gettempdir()
    tempfile.tempdir = str(folder)
    return tempfile.tempdir
