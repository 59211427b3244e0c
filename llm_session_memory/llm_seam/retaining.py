"""Delete old conversations after a prompt, if the log is set so; imported only then."""

from __future__ import annotations

from ..services.bundle import Services
from ..services.retention import is_due
from ..store import conversations
from .template_fragments import hashes

RELIED_ON: dict[str, str] = {}
"""The parts of llm that this module relies on (see `shape`): none."""


def deleted_old(services: Services, next_utc: str, thread_id: str, turn_id: str) -> str | None:
    """Delete what is old, unless it is too early for that; return a sentence for the person, or None.

    `thread_id` has just been used, and `turn_id` is the first turn that was logged in it.
    """
    if not is_due(next_utc, services.desk.now()):
        return None
    kept = conversations.fragment_numbers(services.desk.log, hashes())
    return services.retention.run(thread_id, turn_id, kept)
