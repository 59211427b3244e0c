"""Processes that are killed, or fail, at one of their writes to the log: strace injects it."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from tests.drill.answers import SHORT
from tests.drill.fault import fault
from tests.drill.world import Asked, World

CALLS = ("pwrite64", "fdatasync", "unlink")
"""How SQLite writes pages, makes them safe, and ends a transaction."""

_COUNTING = threading.Lock()
_COUNTED: dict[tuple[str, ...], Counter[str]] = {}


def _counts(world: World, *options: str) -> Counter[str]:
    """Return how often a prompt makes each call, measured once."""
    with _COUNTING:
        if options not in _COUNTED:
            notes = world.folder / "calls"
            _traced(world, f"trace={','.join(CALLS)}", notes, *options).running.end()
            world.asked.clear()
            _COUNTED[options] = Counter(name for name in CALLS for line in _lines(notes) if f"{name}(" in line)
    return _COUNTED[options]


def _lines(notes: Path) -> list[str]:
    return notes.read_text("utf-8", "replace").splitlines()


def _traced(world: World, what: str, notes: Path, *options: str) -> Asked:
    return world.ask(*options, before=("strace", "-f", "-qq", "-o", str(notes), "-e", what))


def _at(world: World, call: str, effect: str, *, from_then_on: bool = False) -> Asked:
    """Prompt with something injected at a random one of a kind of call."""
    number = world.random.randint(1, max(1, _counts(world, "-m", "llama3")[call]))
    when = f"{number}{'+' if from_then_on else ''}"
    asked = _traced(world, f"inject={call}:{effect}:when={when}", world.folder / "notes", "-m", "llama3")
    asked.running.command += f"  [{call} {when}: {effect}]"
    asked.running.end()
    return asked


@fault(
    "kill -9 at a write",
    "SIGKILL at the n-th `pwrite64`, `fdatasync` or `unlink` of a prompt",
    times=90,
    needs=("strace",),
)
def killed(world: World) -> None:
    _at(world, CALLS[world.number % 3], "signal=SIGKILL")


@fault(
    "kill -9 at a write of the first prompt",
    "the same, with the tables still to be made",
    times=45,
    needs=("strace",),
    empty=True,
)
def killed_first(world: World) -> None:
    call = CALLS[world.number % 3]
    number = int(world.random.triangular(1, 400 if call == "pwrite64" else 80, 1))
    what = f"inject={call}:signal=SIGKILL:when={number}"
    _traced(world, what, world.folder / "notes", "-m", "llama3").running.end()


@fault("signal at a write", "SIGINT, SIGTERM or SIGHUP at the n-th write of a prompt", times=45, needs=("strace",))
def signalled(world: World) -> None:
    name = ("SIGINT", "SIGTERM", "SIGHUP")[world.number // 3 % 3]
    asked = _at(world, CALLS[world.number % 3], f"signal={name}")
    asked.running.signalled = 1
    asked.at_least = SHORT if world.arrived(asked.tag) and asked.running.printed(None, asked.tag) else 0


@fault(
    "disk full at a write",
    "ENOSPC from the n-th `pwrite64` of a prompt and all later ones",
    times=40,
    needs=("strace",),
)
def full(world: World) -> None:
    _at(world, "pwrite64", "error=ENOSPC", from_then_on=True)


@fault("disk error at a write", "EIO at the n-th `pwrite64` or `fdatasync` of a prompt", times=40, needs=("strace",))
def broken(world: World) -> None:
    _at(world, CALLS[world.number % 2], "error=EIO")


@fault("disk error at a read", "EIO at the n-th `pread64` of a prompt", times=40, needs=("strace",))
def unreadable(world: World) -> None:
    number = int(world.random.triangular(1, 120, 10))
    notes = world.folder / "notes"
    asked = _traced(world, f"inject=pread64:error=EIO:when={number}", notes, "-m", "llama3")
    asked.running.command += f"  [pread64 {number}: EIO]"
    asked.running.end()
