"""The contents of one prompt, fixed before it is sent. Its record and, if it fails, its attempt are based on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ..model import Session, Settings
from ..model.frozen import dataclass


@dataclass(frozen=True)
class Asked:
    """One prompt in a session.

    Attributes:
        session: The session; None until a new session is created, just before the call.
        said: The settings given for this prompt alone, with the model and model options that it is sent with.
        inputs: Its fragments, attachments and schema.
        tools: The tool parameters given to llm's command.
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
