"""Disks that are full, or fill up: a small disk in memory, mounted by root."""

from __future__ import annotations

from tests.drill.answers import WORDS
from tests.drill.fault import fault
from tests.drill.world import World, fill, grow

_READING: tuple[tuple[str, ...], ...] = (
    ("sessions",),
    ("sessions", "show", "work"),
    ("sessions", "context", "work", "next"),
    ("sessions", "search", "question"),
    ("sessions", "stats"),
    ("sessions", "query"),
)
_WRITING: tuple[tuple[str, ...], ...] = (
    ("sessions", "note", "work", "a note " * 250),
    ("sessions", "tag", "work", "a-tag"),
    ("sessions", "set", "work", "--system", "x" * 30_000),
    ("sessions", "rename", "work", "play"),
    ("sessions", "pin", "work", "1"),
    ("sessions", "rate", "work", "1", "up"),
    ("sessions", "bookmark", "work", "1", "here"),
)


@fault("disk full before a prompt", "2 MB tmpfs, 0 to 40 KB left", times=6, needs=("tmpfs",))
def before(world: World) -> None:
    disk = world.small_disk()
    world.move_home(disk)
    filler = fill(disk, world.random.choice((0, 4, 8, 16, 24, 40)) * 1024)
    world.ask("-m", "llama3").running.end()
    filler.unlink()


@fault("disk fills during a reply", "2 MB tmpfs, filled at the second word", times=6, needs=("tmpfs",))
def during(world: World) -> None:
    disk = world.small_disk()
    world.move_home(disk)
    asked = world.ask("-m", "slow")
    asked.running.until_word(1)
    filler = fill(disk)
    asked.running.end()
    asked.at_least = WORDS
    filler.unlink()


@fault("disk and TMPDIR fill during a reply", "both on one tmpfs, filled at the second word", times=3, needs=("tmpfs",))
def elsewhere(world: World) -> None:
    disk = world.small_disk()
    world.move_home(disk)
    world.temporary = disk / "tmp"
    world.temporary.mkdir()
    asked = world.ask("-m", "slow", env={"TMPDIR": str(world.temporary)})
    asked.running.until_word(1)
    filler = fill(disk)
    asked.running.end()
    asked.at_least = WORDS
    filler.unlink()


@fault(
    "disk fills over many prompts", "900 KB tmpfs, prompts until it is full; then it grows", times=2, needs=("tmpfs",)
)
def many(world: World) -> None:
    disk = world.small_disk("900k")
    world.move_home(disk)
    for _ in range(12):
        asked = world.ask("-m", "many-chunks" if world.number else "long")
        if asked.running.end().code:
            break
    grow(disk)


@fault("commands on a full disk", "2 MB tmpfs without a byte left; 13 commands", times=2, needs=("tmpfs",))
def commands(world: World) -> None:
    disk = world.small_disk()
    world.move_home(disk)
    world.llm("sessions", "search", "question")  # the index is made
    filler = fill(disk)
    run = world.llm if world.forks else world.real
    for arguments in _READING:
        done = run(*arguments)
        world.expect(done.code == 0, f"does not read on a full disk: {done.command}: {done.err.strip()}")
    for arguments in _WRITING:
        run(*arguments)
    run("sessions", "export", "work", str(disk / "out.jsonl"))
    run("sessions", "replay", "work", "--to", str(disk / "out.cast"))
    left = sorted(path.name for path in disk.iterdir() if path.name.startswith("out"))
    world.expect(not left, f"half a file was left: {left}")
    filler.unlink()
    if world.llm("sessions", "show", "work", remember=False).code:
        world.llm("sessions", "rename", "play", "work")
