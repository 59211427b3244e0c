"""Ctrl-C, `kill`, and a terminal that closes, at each moment of a prompt."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.drill.answers import SHORT, WORDS
from tests.drill.fault import fault
from tests.drill.world import Asked, World

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def _name(world: World) -> str:
    return SIGNALS[world.number % 3]


@fault("signal before the first word", "SIGINT, SIGTERM, SIGHUP while the server is silent", times=6)
def before(world: World) -> None:
    asked = world.ask("-m", "hang-before")
    world.until_arrived(asked)
    time.sleep(world.random.uniform(0, 0.3))
    asked.running.signal(_name(world))
    asked.must_keep = True


@fault("signal at the first word", "SIGINT, SIGTERM, SIGHUP", times=6)
def first_word(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(0)
    asked.running.signal(_name(world))


@fault("signal in a reply", "SIGINT, SIGTERM, SIGHUP at a random word", times=12)
def random_word(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(world.random.randrange(WORDS))
    asked.running.signal(_name(world))


@fault("signal at the last word", "SIGINT, SIGTERM, SIGHUP between the last word and the commit", times=24)
def last_word(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(WORDS - 1)
    time.sleep(world.random.uniform(0, 0.15))
    asked.running.signal(_name(world))
    asked.at_least = WORDS


@fault("signal, --no-stream", "SIGINT, SIGTERM, SIGHUP at a random moment", times=12)
def not_streaming(world: World) -> None:
    asked = world.ask("-m", "late", "--no-stream")
    world.until_arrived(asked)
    time.sleep(world.random.uniform(0, 3.5))
    asked.running.signal(_name(world))


@contextmanager
def _waiting(world: World, *options: str) -> Iterator[Asked]:
    """Prompt, and lock the log when the first word is there; the whole reply then waits for the log."""
    asked = world.ask(*options)
    asked.running.until_word(0)
    with world.locked():
        asked.running.until_word(WORDS - 1)
        asked.at_least = WORDS
        yield asked
        asked.running.end()


@fault(
    "signal while a reply waits for a locked log", "SIGINT, SIGTERM, SIGHUP after the last word, log locked", times=9
)
def waiting(world: World) -> None:
    with _waiting(world, "-m", "slow") as asked:
        time.sleep(world.random.uniform(0, 3))
        asked.running.signal(_name(world))


@fault("Ctrl-C three times", "three SIGINTs within a second, while a whole reply waits for a locked log", times=6)
def thrice(world: World) -> None:
    with _waiting(world, "-m", "slow") as asked:
        for _ in range(3):
            time.sleep(world.random.uniform(0, 0.4))
            asked.running.signal("SIGINT")


@fault("Ctrl-C, then kill", "SIGINT at the last word, then SIGTERM at once", times=6)
def two_kinds(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(WORDS - 1)
    asked.at_least = WORDS
    asked.running.signal("SIGINT")
    time.sleep(world.random.uniform(0, 0.02))
    asked.running.signal("SIGTERM")


@fault("signal in `llm chat`", "SIGINT, SIGTERM, SIGHUP in the second of two prompts", times=6)
def chat(world: World) -> None:
    first, second = world.chat("-m", "slow", prompts=2)
    first.running.until(lambda: f"{second.tag}-3 " in first.running.out, "the second reply")
    first.running.signal(_name(world))
    first.at_least = WORDS


@fault("signal in a tool's loop", "SIGINT, SIGTERM, SIGHUP in the reply after a tool call", times=6)
def tools(world: World) -> None:
    asked = world.ask("-m", "tools", "-T", "llm_version")
    asked.running.until_word(3)
    asked.running.signal(_name(world))


@fault(
    "signal, start-up",
    "SIGINT, SIGTERM, SIGHUP in the first 1.5 seconds; a traceback of Python's imports is Python's",
    times=12,
)
def start_up(world: World) -> None:
    world.forks = False
    asked = world.ask("-m", "slow")
    time.sleep(world.random.uniform(0.05, 1.5))
    asked.running.signal(_name(world))
    done = asked.running.end()
    if not re.search(r"click/core\.py", done.err) and not world.arrived(asked.tag):
        world.accepted = "Python's own, before llm runs"


@fault("SIGQUIT", "kill -QUIT at the last word", times=2)
def quit_(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(WORDS - 1)
    asked.running.signal("SIGQUIT")


@fault("SIGPIPE", "kill -PIPE at a random word", times=2)
def pipe(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(world.random.randrange(SHORT))
    asked.running.signal("SIGPIPE")


@fault("suspended", "SIGSTOP for two seconds in a reply, then SIGCONT (Ctrl-Z and fg)", times=2)
def suspended(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(3)
    asked.running.signal("SIGSTOP")
    time.sleep(2)
    asked.running.signal("SIGCONT")
    asked.at_least = WORDS
