"""A machine that logs and syncs again and again, in a process of its own beside others.

It is apart from its test, so that these processes don't import all that the test does.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from llm_session_memory.remotes.postgres.remote import PostgresRemote
from tests.world.machines import EVERYTHING, Machine, Place

COMMON = "01k00000000000000000000000"
"""A conversation that all machines go on with."""


def machine(folder: Path, address: str, number: int) -> Machine:
    """Return a machine that keeps its conversations on a server. No two have the same minutes."""
    place = Place(folder)
    place._minutes = 10_000 * (number + 1)
    one = place.machine(f"machine{number}", f"person{number}")
    one.remote = PostgresRemote(address)
    return one


def work(folder: Path, address: str, number: int, rounds: int) -> None:
    """Log exchanges in a session of its own and in one that all have, and sync, again and again."""
    one = machine(folder, address, number)
    with closing(one.remote):
        for count in range(rounds):
            prompt = f"{count} of {number}"
            if count:
                one.go_on(f"session{number}", f"Own {prompt}")
            else:
                one.new(f"session{number}", f"Own {prompt}")
            one.say(COMMON, f"Common {prompt}")
            one.note(f"session{number}", f"Note {prompt}")
            one.sync(EVERYTHING)
