"""The kinds of remotes that the contract is held against: each gives new, empty places to open."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

from llm_session_memory.model.remotes import Remote

Opener: TypeAlias = Callable[[], Remote]
"""Opens one place; each call is another connection, as from another machine."""

Kind: TypeAlias = Callable[[], Opener]
"""Makes a new, empty place and prepares it."""

KINDS: dict[str, Callable[[Path], AbstractContextManager[Kind]]] = {}
"""By name. Whoever builds another kind adds it here: a function that starts its server, if it has one, once a run."""
