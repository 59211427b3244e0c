"""Between a file's turns and llm's responses: what its writer logs, and what it made shorter when it logged it.

Beside the seam the only room of the house that relies on llm's internals: on those that `check` looks for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import llm
from condense_json import UncondenseError, uncondense_json
from llm import logs, models, parts

from ..errors import SeamBroken
from ..llm_seam.convert import to_llm
from ..model import Attachment, Message, Part, Turn
from ..store import details
from .records import ToolRecord, TurnRecord

Kept = Callable[[Attachment], Attachment]
"""Returns an attachment as it is to be kept."""


_RELIED_ON = (
    (logs.LogStore, ("log", "ensure_thread")),
    (logs, ("resolve_payload", "_needs_model_replacements", "_model_json_replacements")),
    (models, ("_conversation_name", "_combine_system")),
    (models.Response, ("_messages_now", "duration_ms", "datetime_utc")),
)


def check() -> None:
    """Raise SeamBroken where llm has not what is relied on here."""
    for owner, names in _RELIED_ON:
        for name in names:
            if not hasattr(owner, name):
                message = f"This llm has no {owner.__name__}.{name}, which import and export rely on."
                raise SeamBroken(message, "Try: llm install -U llm-session-memory")


class OldModel(llm.Model):
    """Stands for the model of an imported turn, which need not be installed here."""

    supports_tools = True
    supports_schema = True

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id

    def execute(self, *arguments: Any, **parameters: Any) -> Any:
        """Never called: an imported turn is over."""
        raise NotImplementedError(arguments, parameters)


class OldResponse(models.Response):
    """A response that was over long ago, as llm's writer takes it."""

    def __init__(self, prompt: models.Prompt, model: OldModel, turn: TurnRecord, said: list[parts.Message]) -> None:
        super().__init__(prompt, model, stream=False)
        self._done = True
        self._turn = turn
        self._said = said
        self.resolved_model = turn.resolved_model
        self.input_tokens, self.output_tokens = turn.input_tokens, turn.output_tokens
        self.token_details = dict(turn.token_details) if turn.token_details else None
        self.response_json = turn.response_json

    def _messages_now(self) -> list[parts.Message]:
        return self._said

    def duration_ms(self) -> Any:
        """Return how long it took, None where nobody knows."""
        return self._turn.duration_ms

    def datetime_utc(self) -> str:
        """Return when it began, as text; empty where nobody knows, since llm splits it."""
        return self._turn.datetime_utc


def response_of(turn: TurnRecord, model: OldModel, system: str | None, kept: Kept) -> OldResponse:
    """Return a turn as a response that llm's writer logs; its request has the system prompt and the turn's own input.

    What else was sent with it is known to the log that it came from; its earlier exchanges are turns of their own.
    """
    head = [Message.of_text("system", system)] if system else []
    by_side: dict[str, list[str]] = {"prompt": [], "system": []}
    for side, source, content in turn.fragments:
        by_side[side].append(content if source is None else llm.Fragment(content, source))
    prompt = models.Prompt(
        None,
        model,
        messages=_messages([*head, *turn.input], kept),
        options=dict(turn.options or {}),
        fragments=by_side["prompt"],
        system_fragments=by_side["system"],
        schema=dict(turn.schema) if turn.schema else None,
        tool_results=_served(turn),
    )
    response = OldResponse(prompt, model, turn, _messages(turn.output, kept))
    prompt.tools = [_tool(tool) for tool in turn.tools]
    return response


# -- messages ------------------------------------------------------------


class _Attachment(llm.Attachment):
    """An attachment whose id is known: llm would read a file, or ask a server, to learn it."""

    def resolve_type(self) -> Any:
        """Return its type; None where nobody knows, without asking a server."""
        return self.type or (super().resolve_type() if self.content else None)  # type: ignore[no-untyped-call]


def _messages(messages: Sequence[Message], kept: Kept) -> list[parts.Message]:
    made = to_llm([_bare(message) for message in messages])
    for message, ours in zip(made, messages, strict=True):
        for part, our in zip(message.parts, ours.parts, strict=True):
            held = [_attachment(kept(attachment)) for attachment in our.attachments]
            if held and isinstance(part, parts.AttachmentPart):
                part.attachment = held[0]
            elif isinstance(part, parts.ToolResultPart):
                part.attachments = held
    return made


def _bare(message: Message) -> Message:
    return Message(message.role, tuple(Part(part.data) for part in message.parts), message.provider_metadata)


def _attachment(attachment: Attachment) -> llm.Attachment:
    made = _Attachment(attachment.type, attachment.path, attachment.url, attachment.content)
    made._id = attachment.id or None  # noqa: SLF001  as llm's own from_row does
    return made


# -- tools ---------------------------------------------------------------


class _Toolbox:
    """Stands for the toolbox behind a tool: its arguments are what is logged of it."""

    def __init__(self, arguments: Any) -> None:
        self._config = arguments

    def call(self) -> None:
        """Stand for the tool's implementation; never called."""


def _tool(tool: ToolRecord) -> Any:
    if tool.server_side is not None:
        named = {
            "name": tool.name,
            "plugin": tool.plugin,
            "input_schema": dict(tool.input_schema),
            "description": tool.description,
        }
        made = type(tool.server_side, (llm.ServerSideTool,), named)()
        made._config = tool.arguments  # noqa: SLF001
        return made
    behind = _Toolbox(tool.arguments).call if tool.arguments is not None else None
    return llm.Tool(tool.name, tool.description, dict(tool.input_schema), behind, tool.plugin)


def _served(turn: TurnRecord) -> list[models.ToolResult]:
    """Return the tool results that say which toolbox served a call."""
    served = turn.instances or {}
    return [
        models.ToolResult(
            name=str(part.data["name"]),
            output="",
            tool_call_id=part.data["tool_call_id"],
            instance=_Toolbox(served[part.data["tool_call_id"]]),  # type: ignore[arg-type]
        )
        for message in turn.input
        for part in message.parts
        if part.type == "tool_result" and served.get(str(part.data.get("tool_call_id"))) is not None
    ]


def is_server_side(tool: details.Tool) -> bool:
    """Say whether a logged tool was run by the model's server: llm keeps that in the tool's hash alone."""
    if tool.instance_name is None:
        return False
    ours = llm.Tool(tool.name, tool.description, dict(tool.input_schema), None, tool.plugin)
    return bool(ours.hash() != tool.hash)


# -- what llm made shorter -------------------------------------------------


def whole_system(more: details.Details) -> str | None:
    """Return a call's system prompt; an older llm kept its fragments apart."""
    if not more.old:
        return more.system
    fragments = [fragment.content for fragment in more.fragments if fragment.side == "system"]
    return models._combine_system(more.system, fragments) or None  # noqa: SLF001  llm's own rule


def raw_response(turn: Turn, more: details.Details) -> Any:
    """Return a call's raw response; None where what llm took out of it can't be put back, as llm logs shows it."""
    if more.response is None:
        return None
    try:
        if more.old:
            return uncondense_json(json.loads(more.response), more.replacements)
        needs_model = logs._needs_model_replacements(more.response)  # noqa: SLF001
        return logs.resolve_payload(
            more.response,
            to_llm(turn.output),
            [(tool.name, tool.description) for tool in more.tools],
            schema=more.schema,
            model_replacements=logs._model_json_replacements(turn.model) if needs_model else None,  # noqa: SLF001
        )
    except UncondenseError:
        return None
