"""The fragments that llm's templates name by hash, so that a deletion leaves them."""

from __future__ import annotations

import re
from contextlib import suppress

RELIED_ON = {"llm": "user_dir"}
"""The parts of llm that this module relies on (see `shape`)."""

_HASH = re.compile(r"\b[0-9a-f]{64}\b")


def hashes() -> frozenset[str]:
    """Return all that looks like a fragment's hash in the files of llm's templates. Templates are not interpreted."""
    import llm

    found: set[str] = set()
    for path in (llm.user_dir() / "templates").glob("*.yaml"):
        with suppress(OSError):  # nobody can use such a template either
            found.update(_HASH.findall(path.read_text("utf-8", "replace")))
    return frozenset(found)
