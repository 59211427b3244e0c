"""Log past turns through llm's own writer, and restore what that writer shortened.

For imports and exports: nothing is sent here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import llm
from condense_json import UncondenseError, uncondense_json
from llm import logs, models, parts

from ..model import Attachment, Message, Part, Turn
from ..store import Log, details
from ..store.log import steady
from .convert import to_llm
from .past import PastTool, PastTurn

Kept = Callable[[Attachment], Attachment]
"""Returns an attachment in the form in which it is stored."""

LONG = 1_000_000
"""How many characters of a prompt with its reply are long."""

RELIED_ON = {
    "llm": "Attachment Fragment Model ServerSideTool Tool",
    "logs": "LogStore TURN_SEARCH_INSERT_SQL resolve_payload _needs_model_replacements _model_json_replacements",
    "logs.LogStore": "log ensure_thread",
    "parameters of logs.LogStore.log": "response thread_id",
    "parameters of logs.LogStore.ensure_thread": "thread_id name",
    "parameters of logs.resolve_payload": "schema model_replacements",
    "models": "Prompt Response ToolResult _conversation_name",
    "models.Response": "_messages_now duration_ms datetime_utc",
    "parameters of models.Prompt": "messages options fragments system_fragments schema tool_results",
    "an instance of models.Response": "_done id resolved_model input_tokens output_tokens token_details response_json",
    "an instance of models.Prompt": "tools",
    "an instance of llm.Attachment": "_id type resolve_type",
    "an instance of llm.ServerSideTool": "_config",
    "an instance of llm.Toolbox": "_config",
    "an instance of llm.Tool": "hash",
}
"""The parts of llm that this module relies on (see `shape`)."""


class OldModel(llm.Model):
    """A placeholder for the model of an imported turn, which may not be installed here."""

    supports_tools = True
    supports_schema = True

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id

    def execute(self, *arguments: Any, **parameters: Any) -> Any:
        """Raise NotImplementedError; never called, because an imported turn is already complete."""
        raise NotImplementedError(arguments, parameters)


class OldResponse(models.Response):
    """A past response in the form that llm's writer expects."""

    def __init__(self, prompt: models.Prompt, model: OldModel, turn: PastTurn, said: list[parts.Message]) -> None:
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
        """Return the duration in milliseconds, or None if unknown."""
        return self._turn.duration_ms

    def datetime_utc(self) -> str:
        """Return the start time as text. If unknown, return an empty string, because llm splits the text."""
        return self._turn.datetime_utc


class Writer:
    """Logs past turns in one thread through llm's own writer, within one transaction."""

    def __init__(self, log: Log, thread_id: str) -> None:
        self.thread_id = thread_id
        logs.LogStore(log.database)  # brings llm's tables up to date
        self._store = logs.LogStore(steady(log.database))
        self._models: dict[str, OldModel] = {}
        self._long: tuple[str, str] | None = None
        self._write_long_search_rows()

    def begin(self, prompt: str) -> None:
        """Create the thread, with the name that llm gives to a conversation that begins with this prompt."""
        self._store.ensure_thread(self.thread_id, name=models._conversation_name(prompt))  # noqa: SLF001

    def add(self, turn: PastTurn, turn_id: str, model_id: str, system: str | None, kept: Kept) -> str:
        """Log a turn; return its id."""
        model = self._models.setdefault(model_id, OldModel(model_id))
        response = response_of(turn, model, system, kept)
        response.id = turn_id
        self._long = _long_texts(turn)
        try:
            return str(self._store.log(response, thread_id=self.thread_id))
        finally:
            self._long = None

    def _write_long_search_rows(self) -> None:
        """Write the search row of a long turn from its texts. llm composes it in SQL, in eight times their memory."""
        database = self._store.db
        run = database.execute

        def execute(sql: str, parameters: Any = None) -> Any:
            if self._long is None or sql != logs.TURN_SEARCH_INSERT_SQL:
                return run(sql, parameters)
            prompt, response = self._long
            return database["turn_search"].insert({**parameters, "prompt": prompt, "response": response})

        database.execute = execute


def _long_texts(turn: PastTurn) -> tuple[str, str] | None:
    """Return the prompt and the reply that llm makes searchable, if they are long and simple; otherwise None."""
    if turn.fragments or not turn.input or [message.role for message in turn.output] != ["assistant"]:
        return None
    asked, said = turn.input[-1], turn.output[0]
    prompt, response = (
        "".join(str(part.data["text"]) for part in message.parts if part.type == "text") for message in (asked, said)
    )
    if asked.role != "user":
        prompt = ""
    return (prompt, response) if len(prompt) + len(response) > LONG else None


def response_of(turn: PastTurn, model: OldModel, system: str | None, kept: Kept) -> OldResponse:
    """Return a turn as a response for llm's writer. Its request has the system prompt and the turn's own input.

    Earlier exchanges are left out because they are turns of their own. Only the original log knows which were sent.
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
    """An attachment whose id is known. To find the id, llm would read a file or ask a server."""

    def resolve_type(self) -> Any:
        """Return its type, or None if unknown, without asking a server."""
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
    """A placeholder for the toolbox behind a tool. Of a toolbox, llm logs the arguments."""

    def __init__(self, arguments: Any) -> None:
        self._config = arguments

    def call(self) -> None:
        """Do nothing: a placeholder for the tool's implementation, never called."""


def _tool(tool: PastTool) -> Any:
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


def _served(turn: PastTurn) -> list[models.ToolResult]:
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
    """Return whether the model's server ran a logged tool. llm records that only in the tool's hash."""
    if tool.instance_name is None:
        return False
    ours = llm.Tool(tool.name, tool.description, dict(tool.input_schema), None, tool.plugin)
    return bool(ours.hash() != tool.hash)


# -- what llm shortened ----------------------------------------------------


def raw_response(turn: Turn, more: details.Details) -> Any:
    """Return a call's raw response, or None if the parts that llm took out can't be restored."""
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
