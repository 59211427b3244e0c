"""What one prompt asks for, settled before it is sent: its record and what is kept of it if it fails rest on that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model import Session, Settings


@dataclass(frozen=True)
class Asked:
    """One prompt in a session.

    `session` is None until a new session is made, just before the call. `said` is what was asked for this prompt alone,
    with the model and the model options that it is sent with. `inputs` are its fragments, attachments and schema,
    `tools` what llm's command was given for tools.
    """

    session: Session | None
    prompt: str
    said: Settings
    inputs: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The model's id."""
        return self.said.model or ""
