"""A stand-in for a model that llm doesn't know, for example because its server is gone."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import llm
from llm import models
from pydantic import ConfigDict

from ..errors import SessionError

RELIED_ON = {
    "llm": "Model Options",
    "models": "Conversation",
    "parameters of models.Conversation.prompt": "fragments attachments schema options",
    "parameters of models.Conversation.chain": "fragments attachments schema options",
}
"""The parts of llm that this module relies on (see `shape`)."""


class _Everything(set[str]):
    """The attachment types of a model that accepts everything."""

    def __contains__(self, kind: object) -> bool:
        return True


class Missing(llm.Model):
    """Stands in for a model that llm doesn't know, until llm's command has read the whole prompt."""

    is_missing = True
    can_stream = True
    supports_tools = True
    supports_schema = True

    class Options(llm.Options):
        """Any options: only the missing model knows which are valid."""

        model_config = ConfigDict(extra="allow")

    def __init__(self, model_id: str, error: SessionError) -> None:
        self.model_id = model_id
        self.error = error
        self.attachment_types = _Everything(["text/plain"])

    def execute(self, *arguments: Any, **parameters: Any) -> Any:
        """Raise the reason why the model is missing; nothing is ever sent to it."""
        del arguments, parameters
        raise self.error


def options_among(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model options of a prompt, which llm passes on among its parameters, or as `options`."""
    taken = (models.Conversation.prompt, models.Conversation.chain)
    known = {name for method in taken for name in inspect.signature(method).parameters}
    beside = {name: value for name, value in parameters.items() if name not in known}
    return {**(parameters.get("options") or {}), **beside}
