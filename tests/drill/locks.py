"""Other programs that hold the log."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing

from tests.drill.answers import SHORT, WORDS
from tests.drill.fault import fault
from tests.drill.world import World


@fault("locked 3 s, before a prompt", "another program in `BEGIN EXCLUSIVE`")
def short_before(world: World) -> None:
    with world.locked():
        asked = world.ask("-m", "llama3")
        time.sleep(3)
    asked.running.end()
    asked.at_least, asked.must_keep = SHORT, True
    world.expect(asked.running.code == 0, f"fails though the lock was short: {asked.running.err.strip()}")


@fault("locked 3 s, during a reply", "`BEGIN EXCLUSIVE` from a random word on", times=3)
def short_during(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(world.random.randrange(WORDS))
    with world.locked():
        time.sleep(3)
    asked.running.end()
    asked.at_least = WORDS
    world.expect(asked.running.code == 0, f"fails though the lock was short: {asked.running.err.strip()}")


@fault("locked for long, before a prompt", "`BEGIN EXCLUSIVE` until the prompt gives up; and `llm sessions`")
def long_before(world: World) -> None:
    with world.locked():
        asked = world.ask("-m", "llama3")
        world.real("sessions")
        asked.running.end()


@fault("locked for long, during a reply", "`BEGIN EXCLUSIVE` from the first word until the prompt gives up", times=2)
def long_during(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(0)
    with world.locked():
        asked.running.end()
    asked.at_least = WORDS


@fault("locked for long, chat", "`BEGIN EXCLUSIVE` in the first of two prompts of `llm chat`, until it gives up")
def long_chat(world: World) -> None:
    first, second = world.chat("-m", "slow", prompts=2)
    first.running.until(lambda: f"{first.tag}-1 " in first.running.out, "the first reply")
    with world.locked():
        first.running.end()
    first.at_least = WORDS
    del second


@fault("a reader that never ends", "another program in a read transaction, from the first word on")
def reader(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(0)
    with world.locked("shared"):
        asked.running.end()
    asked.at_least = WORDS


@fault("a busy writer", "another program that writes 40 times a second")
def busy(world: World) -> None:
    over = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(world.log, isolation_level=None, timeout=30)) as other:
            other.execute("create table if not exists elsewhere (at text)")
            while not over.wait(0.02):
                other.execute("insert into elsewhere values ('now')")

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(3):
        asked = world.ask("-m", "llama3")
        asked.running.end()
        asked.at_least = SHORT
        world.expect(asked.running.code == 0, f"fails beside a busy writer: {asked.running.err.strip()}")
    over.set()
    writer.join()
