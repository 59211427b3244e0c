"""Whether the installed llm is built as the seam relies on: each point with a sentence.

Checked when a session is used. If llm has changed shape, llm keeps working and only sessions answer with an error.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import SeamBroken

_PROMPT_PARAMETERS = [
    "prompt",
    "system",
    "model_id",
    "database",
    "attachments",
    "attachment_types",
    "tools",
    "python_tools",
    "options",
    "schema_input",
    "fragments",
    "system_fragments",
    "no_log",
    "log",
    "_continue",
    "conversation_id",
    "save",
    "async_",
]
_CHAT_PARAMETERS = [
    "system",
    "model_id",
    "_continue",
    "conversation_id",
    "options",
    "database",
    "tools",
    "python_tools",
]
_METHOD_PARAMETERS = [
    "fragments",
    "attachments",
    "system",
    "system_fragments",
    "messages",
    "tools",
    "schema",
    "options",
]


def problems() -> Iterator[str]:
    """Yield a sentence for each point in which llm is not what the seam relies on."""
    import llm
    from llm import cli, logs, models, parts, utils

    for name, parameters in (("prompt", _PROMPT_PARAMETERS), ("chat", _CHAT_PARAMETERS)):
        command = cli.cli.commands.get(name)
        if command is None:
            yield f"llm has no command “{name}”."
            continue
        there = {parameter.name for parameter in command.params}
        yield from (f"`llm {name}` has no parameter “{missing}”." for missing in parameters if missing not in there)
    yield from _lacks(cli, "load_conversation", ("conversation_id", "async_", "database"))
    yield from (
        f"{owner.__name__}.{method} is not what it was: {sentence}"
        for owner in (models.Conversation, models.AsyncConversation)
        for method in ("prompt", "chain")
        for sentence in _lacks(owner, method, _METHOD_PARAMETERS)
    )
    for owner, attributes in (
        (models.Response, ("log_to_db", "on_done", "_messages_now", "to_dict", "from_dict")),
        (models.AsyncResponse, ("log_to_db", "to_sync_response", "_to_sync_response")),
        (models.ChainResponse, ("responses", "log_to_db")),
        (models.AsyncChainResponse, ("responses", "log_to_db")),
        (models.Conversation, ("_record_response", "_build_full_chain")),
        (models.AsyncConversation, ("_build_full_chain",)),
        (models, ("_wrap_tools", "_combine_system")),
        (utils, ("monotonic_ulid",)),
        (logs.LogStore, ("ensure_chain",)),
        (parts.Part, ("from_dict", "to_dict")),
        (llm, ("get_model", "get_async_model", "get_default_model", "user_dir", "UnknownModelError")),
    ):
        name = getattr(owner, "__name__", str(owner))
        yield from (f"{name} has no “{missing}”." for missing in attributes if not hasattr(owner, missing))


def _lacks(owner: Any, name: str, parameters: Any) -> Iterator[str]:
    found: Callable[..., Any] | None = getattr(owner, name, None)
    if found is None:
        yield f"there is no “{name}”."
        return
    there = inspect.signature(found).parameters
    yield from (f"{name} takes no “{missing}”." for missing in parameters if missing not in there)


def check() -> None:
    """Raise SeamBroken where llm is not what the seam relies on."""
    found = next(problems(), None)
    if found:
        from importlib.metadata import version

        message = f"This llm ({version('llm')}) is built differently from what sessions rely on: {found}"
        raise SeamBroken(message, "llm works without --session. Try: llm install -U llm-session-memory")
