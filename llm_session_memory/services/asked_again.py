"""Read an exchange as it was asked, so that it can be asked again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import SessionError
from ..model import Attachment, Exchange, Message
from ..model.frozen import dataclass
from ..rules.fences import is_ours, without_notes
from ..rules.ulids import is_imported
from ..store import Log, asked, history


@dataclass(frozen=True)
class Ran:
    """A call of a tool and its result, as they were recorded."""

    name: str
    arguments: Mapping[str, Any]
    output: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Again:
    """What an exchange was asked.

    Attributes:
        turn_id: Its first turn.
        prompt: The text that the person wrote, without its fragments.
        system: The system prompt that it was sent with, or None.
        fragments: The contents and sources of its fragments. With the recorded context also the excerpts that a session
            had put before the prompt.
        attachments: Its attachments.
        schema: The JSON schema that its answer had to follow.
        options: The model options that it was sent with, but not the context window that we named.
        tools: The tools that it was offered, as rows of llm's tables.
        ran: The calls of tools and their results.
        before: The messages before it, exactly as they were sent; None if they were not asked for.
    """

    turn_id: str
    prompt: str
    system: str | None = None
    fragments: tuple[tuple[str, str | None], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    schema: Mapping[str, Any] | None = None
    options: Mapping[str, Any] | None = None
    tools: Sequence[Mapping[str, Any]] = ()
    ran: tuple[Ran, ...] = ()
    before: tuple[Message, ...] | None = None


def asked_again(log: Log, number: int, turn_ids: Sequence[str], *, same_context: bool) -> Again:
    """Return what an exchange was asked, given its number and its turns.

    Raises SessionError if it is not in the log any more, or if its context is wanted and was not recorded.
    """
    found = history.exchanges(log, [(number, turn_ids)])
    if not found:
        raise SessionError(f"Exchange #{number} is not in the log any more.", "It was deleted in the meantime.")
    (exchange,) = found
    first = exchange.turns[0]
    person = [message for message in first.input if message.role == "user"]
    held = [part for message in person for part in message.parts if part.type == "attachment"]
    fragments = asked.fragments(log, first.id) or [(text, None) for text in _contents(person)]
    prompt, own = _apart(exchange.prompt, [one for one in fragments if not is_ours(one[1])])
    excerpts = [(text.removesuffix("\n"), source) for text, source in fragments if is_ours(source)]
    settings = history.settings_of(log, first.id)
    options = dict(settings.options)
    options.pop("num_ctx", None)
    return Again(
        turn_id=first.id,
        prompt=prompt,
        system=without_notes(settings.system) if settings.system else None,
        fragments=(*(excerpts if same_context else ()), *own),
        attachments=tuple(one for part in held for one in part.attachments),
        schema=_object(first.schema),
        options=options,
        tools=asked.tools(log, first.id),
        ran=tuple(_ran(exchange)),
        before=_before(log, number, first.id) if same_context else None,
    )


def check_recorded(log: Log, number: int, turn_id: str) -> None:
    """Raise SessionError if the context of an exchange is not in the log."""
    thread_id, by_session = asked.logged_in(log, turn_id)
    if thread_id is None or (is_imported(thread_id) and not by_session):
        why = "an older llm logged it" if thread_id is None else "it was imported"
        message = f"The context of exchange #{number} was not recorded, because {why}."
        raise SessionError(message, "Leave out --same-context: each prompt is then sent with the new answers.")


def _before(log: Log, number: int, turn_id: str) -> tuple[Message, ...]:
    check_recorded(log, number, turn_id)
    return asked.before(log, turn_id) or ()


def _contents(messages: Iterable[Message]) -> list[str]:
    """Return the contents of the fragments that messages include, for calls that an older llm logged."""
    return [text for message in messages for part in message.parts for text in part.fragments]


def _apart(text: str, fragments: Sequence[tuple[str, str | None]]) -> tuple[str, tuple[tuple[str, str | None], ...]]:
    """Return the prompt without its fragments, and these; or all of the text if it doesn't begin with them."""
    rest = text
    for content, _ in fragments:
        if not rest.startswith(content):
            return text, ()
        rest = rest[len(content) :].removeprefix("\n")
    return rest, tuple(fragments)


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _ran(exchange: Exchange) -> Iterable[Ran]:
    """Yield the calls of an exchange that have a result, in order."""
    calls: dict[str, Mapping[str, Any]] = {}
    for message in exchange.messages:
        for part in message.parts:
            id_ = str(part.data.get("tool_call_id") or part.data.get("name"))
            if part.type == "tool_call":
                arguments = part.data.get("arguments")
                calls[id_] = arguments if isinstance(arguments, dict) else {}
            elif part.type == "tool_result" and id_ in calls:
                output = str(part.data.get("output") or "")
                yield Ran(str(part.data.get("name") or ""), calls[id_], output, part.attachments)
