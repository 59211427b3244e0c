"""The prompt in progress belongs to its own thread or task."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from llm_session_memory.services import current


def _current(session: str) -> current.Current:
    return current.Current(Path("logs.db"), session, "scripted", 4_000)


def _name() -> str | None:
    found = current.held()
    return found.session if found else None


def test_two_threads_each_hold_their_own_prompt() -> None:
    """Prompts in two threads at once don't overwrite each other."""
    both = Barrier(2, timeout=10)

    def prompt(session: str) -> str | None:
        current.hold(_current(session))
        both.wait()
        return _name()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(prompt, ["work", "paint"])) == ["work", "paint"]


def test_two_tasks_each_hold_their_own_prompt() -> None:
    """Prompts in two asynchronous tasks don't overwrite each other, and the code they call sees the right one."""

    async def prompt(session: str) -> str | None:
        current.hold(_current(session))
        await asyncio.sleep(0)
        return await asyncio.to_thread(_name)

    async def both() -> list[str | None]:
        return list(await asyncio.gather(prompt("work"), prompt("paint")))

    assert contextvars.copy_context().run(asyncio.run, both()) == ["work", "paint"]


def test_nothing_is_held_after_a_prompt_ends() -> None:
    """When no prompt is in progress, nothing is held."""
    current.hold(_current("work"))
    current.hold(None)
    assert current.held() is None
