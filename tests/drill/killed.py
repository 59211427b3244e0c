"""Processes that are killed (kill -9), as by the kernel that is out of memory, at random moments."""

from __future__ import annotations

import time

from tests.drill.answers import WORDS
from tests.drill.fault import fault
from tests.drill.world import Asked, World

REPLY_SECONDS = WORDS / 10
"""How long a slow reply takes."""


def _killed_after(world: World, asked: Asked, most: float) -> None:
    time.sleep(world.random.uniform(0, most))
    asked.running.signal("SIGKILL")


@fault("kill -9, streaming", "SIGKILL at a random moment, up to a second after the last word", times=60)
def streaming(world: World) -> None:
    asked = world.ask("-m", "slow")
    world.until_arrived(asked)
    _killed_after(world, asked, REPLY_SECONDS + 1)


@fault("kill -9, last word", "SIGKILL between the last word and the commit", times=40)
def last_word(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(WORDS - 1)
    _killed_after(world, asked, 0.15)


@fault("kill -9, --no-stream", "SIGKILL at a random moment", times=20)
def not_streaming(world: World) -> None:
    asked = world.ask("-m", "late", "--no-stream")
    world.until_arrived(asked)
    _killed_after(world, asked, 4)


@fault("kill -9, start-up", "SIGKILL in the first 1.5 seconds", times=40)
def start_up(world: World) -> None:
    world.forks = False
    _killed_after(world, world.ask("-m", "slow"), 1.5)


@fault("kill -9, first prompt", "SIGKILL at a random moment of the very first prompt", times=20, empty=True)
def first_prompt(world: World) -> None:
    asked = world.ask("-m", "slow")
    world.until_arrived(asked)
    _killed_after(world, asked, REPLY_SECONDS + 0.5)


@fault("kill -9, chat", "SIGKILL at a random moment of the second of two prompts typed into `llm chat`", times=20)
def chat(world: World) -> None:
    first, second = world.chat("-m", "slow", prompts=2)
    first.running.until(lambda: world.arrived(second.tag), "the second request")
    _killed_after(world, second, REPLY_SECONDS + 0.5)
    first.at_least = WORDS


@fault("kill -9, tools", "SIGKILL at a random moment of the reply after a tool call", times=20)
def tools(world: World) -> None:
    asked = world.ask("-m", "tools", "-T", "llm_version")
    asked.running.until(lambda: len(world.server.chats) > 1, "the second request")
    _killed_after(world, asked, REPLY_SECONDS + 0.5)
