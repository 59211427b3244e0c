"""Create the session of a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import NameRefused
from ..model import Session, Settings
from ..rules.names import mistyped
from ..services.bundle import Services

RELIED_ON = {
    "an instance of models.Conversation": "id",
    "an instance of models.AsyncConversation": "id",
}
"""The parts of llm that this module relies on (see `shape`)."""


@dataclass(frozen=True)
class Wanted:
    """A session to create with the next prompt: its name (None generates one) and the session that it starts over."""

    name: str | None
    over: Session | None = None


def created(services: Services, place: Wanted, conversation: Any, settings: Settings) -> tuple[Session, str]:
    """Create a session on a conversation's thread; return it and what to report.

    If another process has created it since we looked, the conversation continues in that one.
    """
    model = f" with {settings.model}" if settings.model else ""
    if place.over is not None:
        made, retired = services.sessions.start_over(place.over, conversation.id, settings)
        return made, f"started over{model}; the old one is now {retired}"
    existing = services.sessions.names()
    try:
        made = services.sessions.create(place.name, conversation.id, settings)
    except NameRefused:
        found = services.sessions.find(place.name) if place.name is not None else None
        if found is None:
            raise
        conversation.id = found.thread_id
        return found, ""
    alike = mistyped(made.name, existing)
    doubt = f" (did you mean {alike}?)" if alike and place.name is not None else ""
    return made, f"created{model}{doubt}"
