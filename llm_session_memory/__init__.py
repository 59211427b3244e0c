"""The llm plugin: named sessions with a token budget, on top of llm's own log.

Contains only hook implementations. They import what they need when they are called, because llm imports this module
every time it starts. It does not import llm, so the package's values and its Python API can be used without llm.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pluggy import HookimplMarker

if TYPE_CHECKING:
    from collections.abc import Callable

    import click
    import llm

    from .memory import Memory

__all__ = ["Memory"]

hookimpl = HookimplMarker("llm")
"""llm's own `llm.hookimpl`."""


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `--session` to llm's own commands, `llm sessions`, and `llm compare` unless there is such a command."""
    from .commands import compare, sessions
    from .llm_seam.options import install

    install(cli)
    cli.add_command(sessions)
    if "compare" not in cli.commands:
        cli.add_command(compare)


@hookimpl
def register_models(register: Callable[..., None]) -> None:
    """Register the demo's model while the demo runs."""
    if os.environ.get("LLM_SESSIONS_DEMO"):
        from .llm_seam.demo import AsyncDemoModel, DemoModel

        register(DemoModel(), AsyncDemoModel())


@hookimpl
def register_embedding_models(register: Callable[..., None]) -> None:
    """Register the embedding model of the extra `meaning`, if that is installed; llm asks when it looks one up."""
    from .llm_seam.embedder import offer

    offer(register)


@hookimpl
def register_tools(register: Callable[..., None]) -> None:
    """Register the toolbox `SessionMemory`; llm asks for it on every prompt."""
    from .tools.toolbox import SessionMemory

    register(SessionMemory)


@hookimpl
def register_fragment_loaders(register: Callable[..., None]) -> None:
    """Register the loader of `session:NAME` fragments; llm asks for it when a fragment's name has a colon."""
    register("session", _session_fragment)


def _session_fragment(argument: str) -> llm.Fragment:
    """Load a session or some of its exchanges: session:NAME, session:NAME:12 or session:NAME:12-20."""
    from .tools.fragments import load

    return load(argument)


def __getattr__(name: str) -> type[Memory]:
    """Return `Memory`, imported when a program asks for it."""
    if name != "Memory":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .memory import Memory

    return Memory
