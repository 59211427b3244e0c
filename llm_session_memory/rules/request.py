"""From a plan to the exact messages.

Pure: takes exchanges that were already read and returns values. Nothing here decides what is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from ..model import Exchange, Message, Part
from .blank import NO_REPLY, is_blank, without_blanks
from .policy import Plan
from .thinking import keeps
from .tokens import Measure

NO_RESULT = "[not run]"
"""Replaces the result of a tool call that never got one, because most models refuse a history with an open call."""


def front(system: str | None, pinned: Sequence[str], think: str | None = None) -> str:
    """Return a text that identifies everything sent before the newest exchanges; if it changes, a new block begins.

    So does a block whose replies are to be sent with or without thinking.
    """
    parts = "\x00".join([system or "", *pinned, *(["\x00keep"] if keeps(think) else [])])
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def system_text(
    system: str | None, notes: Sequence[str] = (), summary: str | None = None, everywhere: Sequence[str] = ()
) -> str | None:
    """Return the text of the system message: the system prompt, then notes and summary, which are always sent.

    `everywhere` are the notes for all sessions, which come before the session's own.
    """
    parts = [] if system is None or is_blank(system) else [system]
    if everywhere or notes or summary:
        from .fences import NOTES_FOR_ALL, fenced_notes, fenced_summary  # many prompts have none of them

    if everywhere:
        parts.append(fenced_notes(everywhere, NOTES_FOR_ALL))
    if notes:
        parts.append(fenced_notes(notes))
    if summary:
        parts.append(fenced_summary(summary))
    return "\n\n".join(parts) or None


def system_messages(system: str | None) -> tuple[Message, ...]:
    """Return the system message, or nothing if there is no text."""
    return () if system is None or is_blank(system) else (Message.of_text("system", system),)


def whole(exchange: Exchange) -> tuple[Message, ...]:
    """Return the messages of an exchange as they are sent again: none blank, each call with a result, a reply last."""
    messages = tuple(without_blanks(message) for message in exchange.messages if message.parts)
    unanswered = open_calls(messages)
    if unanswered:
        results = ({"type": "tool_result", "output": NO_RESULT, **call} for call in unanswered)
        messages = (*messages, Message("tool", tuple(Part(result) for result in results)))
    if not messages or messages[-1].role in ("user", "tool"):
        messages = (*messages, Message.of_text("assistant", NO_REPLY))
    return messages


def open_calls(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return the name and id of each call at the end without a result: the tool loop ended before it was run."""
    if not messages or messages[-1].role != "assistant":
        return []
    return [
        {name: part.data[name] for name in ("name", "tool_call_id") if part.data.get(name)}
        for part in messages[-1].parts
        if part.type == "tool_call" and not part.data.get("server_executed")
    ]


def messages_of(
    plan: Plan, system: str | None, exchanges: Mapping[str, Exchange], measure: Measure
) -> tuple[tuple[Message, ...], int] | None:
    """Return all messages before the new prompt, and the number of tokens that the cut stayed below its limit.

    `exchanges` are the exchanges named by the plan, by id. Returns None if the newest exchange can't be cut to what is
    left of the budget.
    """
    chosen = [*system_messages(system)]
    spared = 0
    for sized in plan.pinned:
        chosen.extend(whole(exchanges[sized.id]))
    for sized in plan.recent:
        sent = whole(exchanges[sized.id])
        if plan.clip is not None:
            from .clipping import clip  # few requests cut an exchange

            cut = clip(sent, plan.clip, measure)
            if cut is None:
                return None
            sent, spared = cut, plan.clip - measure.tokens(measure.base(cut))
        chosen.extend(sent)
    return tuple(chosen), spared


def fragments_in(chain: Iterable[Message]) -> list[str]:
    """Return the contents of the fragments that messages include, each once."""
    found: dict[str, None] = {}
    for message in chain:
        for part in message.parts:
            found.update(dict.fromkeys(_of(part)))
    return list(found)


def _of(part: Part) -> tuple[str, ...]:
    text = str(part.data.get("text") or "")
    return tuple(fragment for fragment in part.fragments if fragment and fragment in text)
