"""Translate between llm's messages and ours, and make the history for model plugins that don't read messages yet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import llm
from llm import models, parts

from ..model import POLICIES, Attachment, Message, Part, Settings
from ..rules import safe_text
from ..rules.tokens import base_of_data, base_of_tool
from ..services.seen_session import Request

_CHAIN = "prompt attachments tool_results explicit_messages fragments"

RELIED_ON = {
    "llm": "Attachment",
    "parts": "AttachmentPart Message Part TextPart ToolCallPart ToolResultPart",
    "parts.Part": "from_dict to_dict",
    "models": "AsyncResponse Prompt Response ToolCall ToolResult _wrap_tools",
    "parameters of models.Prompt": "prompt model system attachments tool_results messages",
    "parameters of models.Response": "prompt model stream conversation",
    "an instance of models.Prompt": "_explicit_messages tool_results",
    "an instance of models.Response": "_chunks _done _loaded_messages _tool_calls attachments conversation prompt",
    "an instance of models.AsyncResponse": "_chunks _done _loaded_messages _tool_calls attachments conversation prompt",
    "an instance of models.Conversation": "model responses tools",
    "an instance of models.AsyncConversation": "model responses tools",
    "parameters of models.Conversation._build_full_chain": _CHAIN,
    "parameters of models.AsyncConversation._build_full_chain": _CHAIN,
    "an instance of llm.Attachment": "_id content path type url",
    "an instance of models.ToolResult": "output",
}
"""The parts of llm that this module relies on (see `shape`)."""


def storable(chunk: Any) -> Any:
    """Return a chunk of a reply, text or event, without characters that can't be stored."""
    if isinstance(chunk, str):
        return safe_text.storable(chunk)
    if isinstance(getattr(chunk, "chunk", None), str):
        chunk.chunk = safe_text.storable(chunk.chunk)
    return chunk


def to_llm(messages: Iterable[Message]) -> list[parts.Message]:
    """Return our messages as llm's."""
    return [_message(message) for message in messages]


def _message(message: Message) -> parts.Message:
    metadata = dict(message.provider_metadata) if message.provider_metadata else None
    return parts.Message(message.role, [_part(part) for part in message.parts], metadata)


def _part(part: Part) -> parts.Part:
    made = parts.Part.from_dict(dict(part.data))  # type: ignore[arg-type]  # a wire dict, as it came from the log
    held = [attachment_of(attachment) for attachment in part.attachments]
    if isinstance(made, parts.AttachmentPart) and held:
        made.attachment = held[0]
    elif isinstance(made, parts.ToolResultPart):
        made.attachments = held
    return made


def attachment_of(attachment: Attachment) -> llm.Attachment:
    """Return an attachment of ours as llm's, with the id that it is stored under."""
    made = llm.Attachment(attachment.type, attachment.path, attachment.url, attachment.content)
    made._id = attachment.id or None  # noqa: SLF001  as llm's own from_row does: the bytes need not be hashed again
    return made


def from_llm(messages: Iterable[parts.Message]) -> tuple[Message, ...]:
    """Return llm's messages as ours; attachments that were never stored have no id yet."""
    return tuple(
        Message(message.role, tuple(_of_part(part) for part in message.parts), message.provider_metadata)
        for message in messages
    )


def _of_part(part: parts.Part) -> Part:
    held: list[Any] = list(getattr(part, "attachments", None) or [])
    if getattr(part, "attachment", None) is not None:
        held.append(part.attachment)  # type: ignore[attr-defined]  # an AttachmentPart
    bare = {"type": "attachment"} if isinstance(part, parts.AttachmentPart) else dict(_without_attachments(part))
    return Part(bare, tuple(Attachment("", item.type, item.path, item.url, item.content) for item in held))


def _without_attachments(part: parts.Part) -> dict[str, Any]:
    if isinstance(part, parts.ToolResultPart) and part.attachments:
        return dict(parts.ToolResultPart(part.name, part.output, part.tool_call_id).to_dict())
    return dict(part.to_dict())


def as_responses(chain: Sequence[parts.Message], conversation: Any, *, async_: bool) -> list[Any]:
    """Return a chain as the finished responses that a model plugin finds in `conversation.responses`.

    Plugins written for llm before 0.32 rebuild the history from these instead of reading `prompt.messages`.
    """
    system = chain[0].parts if chain and chain[0].role == "system" else []
    system_text = "".join(part.text for part in system if isinstance(part, parts.TextPart)) or None
    found: list[Any] = []
    asked: list[parts.Message] = []
    said: list[parts.Message] = []
    for message in [*chain[1 if system_text else 0 :], None]:
        if said and (message is None or message.role != "assistant"):
            found.append(_response(asked, said, system_text, conversation, async_=async_))
            asked, said = [], []
        if message is not None:
            (said if message.role == "assistant" else asked).append(message)
    return found


def _response(
    asked: list[parts.Message], said: list[parts.Message], system: str | None, conversation: Any, *, async_: bool
) -> Any:
    inputs = [part for message in asked for part in message.parts]
    outputs = [part for message in said for part in message.parts]
    attachments = [p.attachment for p in inputs if isinstance(p, parts.AttachmentPart) and p.attachment]
    prompt = models.Prompt(
        "\n".join(part.text for part in inputs if isinstance(part, parts.TextPart)),
        conversation.model,
        system=system,
        attachments=attachments,
        tool_results=[
            models.ToolResult(name=p.name, output=p.output, tool_call_id=p.tool_call_id)
            for p in inputs
            if isinstance(p, parts.ToolResultPart)
        ],
        messages=[message for message in asked if message.role == "user"],
    )
    kind = models.AsyncResponse if async_ else models.Response
    response: Any = kind(prompt, conversation.model, stream=False, conversation=conversation)
    response._done = True  # noqa: SLF001  as llm's own from_row does for responses read back from the log
    response._chunks = [part.text for part in outputs if isinstance(part, parts.TextPart)]  # noqa: SLF001
    response._loaded_messages = list(said)  # noqa: SLF001
    response._tool_calls = [  # noqa: SLF001
        models.ToolCall(name=p.name, arguments=p.arguments, tool_call_id=p.tool_call_id)
        for p in outputs
        if isinstance(p, parts.ToolCallPart) and not p.server_executed
    ]
    response.attachments = attachments
    return response


def send_instead(response: Any, chain: list[parts.Message], own: int) -> None:
    """Make a response in a tool loop send `chain`, whose last `own` messages are its input; for older plugins too."""
    response.prompt._explicit_messages = chain  # noqa: SLF001
    conversation = response.conversation
    asynchronous = isinstance(response, models.AsyncResponse)
    conversation.responses = as_responses(chain[:-own], conversation, async_=asynchronous)
    results = [part for message in chain[-own:] for part in message.parts if isinstance(part, parts.ToolResultPart)]
    for result, sent in zip(response.prompt.tool_results, results, strict=False):
        result.output = sent.output


def request_of(conversation: Any, settings: Settings, prompt: str | None, parameters: Mapping[str, Any]) -> Request:
    """Return a request before its history is chosen: its own input, tools and schema."""
    new = conversation._build_full_chain(  # noqa: SLF001  llm's own way to make a turn's input
        prompt=prompt,
        attachments=parameters.get("attachments"),
        tool_results=parameters.get("tool_results"),
        explicit_messages=[],
        fragments=parameters.get("fragments"),
    )
    schema = parameters.get("schema")
    return Request(
        model=settings.model or "",
        policy=settings.memory or POLICIES[0],
        system=settings.system,
        input=from_llm(new),
        tools=tuple(tool_weights(parameters.get("tools") or conversation.tools or [])),
        extra=base_of_data(schema) if isinstance(schema, dict) else 0.0,
        recall_share=settings.recall_share,
        think=settings.think,
        global_notes=settings.global_notes is not False,
        recall_fragments=settings.recall_fragments is not False,
        recall_from=settings.recall_from,
    )


def tool_specs(rows: Iterable[dict[str, Any]], model: Any) -> list[str]:
    """Return the values of `-T` that offer the tools of a thread's first turn again, as llm -c does."""
    server_side = {tool.__name__ for tool in model.supported_server_side_tools}
    found: list[str] = []
    seen: set[Any] = set()
    for row in rows:
        if row["plugin"] is None and row["instance_name"] not in server_side:
            continue
        if row["instance_id"] is None:
            found.append(row["name"])
        elif row["instance_id"] not in seen:
            seen.add(row["instance_id"])
            arguments = row["instance_arguments"]
            configured = arguments and json.loads(arguments)
            found.append(f"{row['instance_name']}({arguments})" if configured else row["instance_name"])
    return found


def tool_weights(tools: Iterable[Any]) -> list[tuple[str, float]]:
    """Return each tool's name and the base of its definition."""
    wrapped = models._wrap_tools(list(tools))  # noqa: SLF001  functions, toolboxes and tools alike, as the prompt does
    return [
        (tool.name, base_of_tool(tool.name, tool.description, getattr(tool, "input_schema", None))) for tool in wrapped
    ]
