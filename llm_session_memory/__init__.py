"""The llm plugin: named sessions with a token budget, on top of llm's own log.

Hookimpls only; what they need is imported when it is used, since this module is imported at every start of llm.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import llm

if TYPE_CHECKING:
    from collections.abc import Callable

    import click


@llm.hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `--session` to llm's own commands, and `llm sessions`."""
    from .commands import sessions
    from .llm_seam.options import install

    install(cli)
    cli.add_command(sessions)


@llm.hookimpl
def register_models(register: Callable[..., None]) -> None:
    """Offer the demo's model while the demo runs."""
    if os.environ.get("LLM_SESSIONS_DEMO"):
        from .demo import DemoModel

        register(DemoModel())
