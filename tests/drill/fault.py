"""What a fault is, the list of all of them, and what a machine must have for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.drill.world import World

Inject = Callable[[World], None]


@dataclass(frozen=True)
class Fault:
    """A kind of fault. `inject` does it to a world; `cases` says how many runs differ, `times` how many are wanted.

    Faults whose moment is random are worth many runs. Others are run once for each case.
    """

    name: str
    how: str
    inject: Inject
    times: int
    needs: tuple[str, ...]
    empty: bool


FAULTS: list[Fault] = []
"""All faults, in the order of the table."""


def fault(
    name: str, how: str, *, times: int = 1, needs: tuple[str, ...] = (), empty: bool = False
) -> Callable[[Inject], Inject]:
    """List a function as a fault. With `empty`, its world has no log yet."""

    def listed(inject: Inject) -> Inject:
        FAULTS.append(Fault(name, how, inject, times, needs, empty))
        return inject

    return listed


@cache
def missing(need: str) -> str:
    """Return what is missing on this machine, or nothing if the need is met."""
    if need == "root":
        return "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "no root"
    if need == "tmpfs":
        return missing("root") or ("" if _mounts() else "no tmpfs")
    if need == "strace":
        return "" if _traces() else "no strace"
    if need == "full device":
        return "" if Path("/dev/full").exists() else "no /dev/full"
    return "" if shutil.which(need) else f"no {need}"


def _mounts() -> bool:
    """Return whether a small disk can be mounted; in many containers not even root may."""
    if shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        mount = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "drill", folder], check=False, capture_output=True
        )
        if mount.returncode == 0:
            subprocess.run(["umount", folder], check=True)
    return mount.returncode == 0


def _traces() -> bool:
    """Return whether strace is there, may trace, and can inject."""
    if shutil.which("strace") is None:
        return False
    command = ["strace", "-f", "-o", os.devnull, "-e", "inject=unlink:signal=SIGKILL:when=99", "true"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
