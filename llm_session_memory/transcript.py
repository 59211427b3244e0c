"""A session's transcript, as Markdown for people and as fields for programs.

Pure: values in, text out. What models and tools wrote is made safe to print; the log keeps it as it was.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .cuts import counts_all
from .model import Attempt, Exchange, Message, Part, Session
from .terminal import plain


@dataclass(frozen=True)
class Transcript:
    """What is shown of a session: some of its `total` exchanges, the attempts among them, the pinned numbers."""

    session: Session
    total: int
    exchanges: tuple[Exchange, ...]
    attempts: tuple[Attempt, ...]
    pinned: frozenset[int]
    retry: str = ""
    """The command that sends a failed prompt again."""


def as_markdown(transcript: Transcript) -> str:
    """Return a transcript as Markdown, attempts in their places."""
    session = transcript.session
    blocks = [f"# {plain(session.name)}", _facts(transcript)]
    if session.settings.system:
        blocks.append(f"**System prompt:** {plain(session.settings.system)}")
    entries: list[tuple[str, str]] = [
        (exchange.id, _exchange(exchange, pinned=exchange.number in transcript.pinned))
        for exchange in transcript.exchanges
    ]
    numbers = {turn.id: exchange.number for exchange in transcript.exchanges for turn in exchange.turns}
    entries += [(a.id, _attempt(a, transcript, numbers)) for a in transcript.attempts]
    return "\n\n".join([*blocks, *(text for _, text in sorted(entries))]) + "\n"


def _facts(transcript: Transcript) -> str:
    shown = len(transcript.exchanges)
    many = f"{transcript.total:,} exchange{'' if transcript.total == 1 else 's'}"
    if shown and shown < transcript.total:
        first, last = transcript.exchanges[0].number, transcript.exchanges[-1].number
        which = f"exchange {first:,}" if first == last else f"exchanges {first:,} to {last:,}"
        many = f"{which} of {transcript.total:,}"
    model = transcript.session.settings.model or "no model yet"
    return f"{many} · {plain(model)} · {transcript.session.thread_id}"


def _exchange(exchange: Exchange, *, pinned: bool) -> str:
    first, last = exchange.turns[0], exchange.turns[-1]
    facts = [_minute(first.datetime_utc), plain(first.model)]
    if last.input_tokens is not None or last.output_tokens is not None:
        facts.append(f"{last.input_tokens or 0:,} → {sum(t.output_tokens or 0 for t in exchange.turns):,} tokens")
    took = sum(turn.duration_ms or 0 for turn in exchange.turns)
    if took:
        facts.append(f"{took / 1000:.1f} s")
    if pinned:
        facts.append("pinned")
    if not all(counts_all(turn.cut) for turn in exchange.turns):
        facts.append("cut by the server")
    elif any(turn.cut for turn in exchange.turns):
        facts.append("reached the window")
    lines = [f"## #{exchange.number} · {' · '.join(fact for fact in facts if fact)}"]
    for turn in exchange.turns:
        lines.extend(_sources(turn.fragments))
        for message in (*turn.input, *turn.output):
            lines.extend(_message(message))
    return "\n\n".join(lines)


def _sources(fragments: tuple[str, ...]) -> Iterator[str]:
    if fragments:
        yield f"*Fragments: {', '.join(plain(source) for source in fragments)}*"


def _message(message: Message) -> Iterator[str]:
    who = {"user": "**You:**", "assistant": "**Model:**"}.get(message.role, f"**{message.role.capitalize()}:**")
    for part in message.parts:
        data = part.data
        match part.type:
            case "text":
                yield f"{who} {plain(str(data.get('text') or ''))}"
            case "reasoning":
                yield _quoted("Reasoning", str(data.get("text") or "")) if data.get("text") else "*Reasoning withheld*"
            case "tool_call":
                arguments = json.dumps(data.get("arguments") or {}, ensure_ascii=False)
                yield f"*Tool call* `{plain(str(data.get('name')))}` {_code(arguments)}"
            case "tool_result":
                yield _quoted(f"Result of `{plain(str(data.get('name')))}`", str(data.get("output") or ""))
            case _:
                pass
        yield from _attachments(part)


def _attachments(part: Part) -> Iterator[str]:
    for attachment in part.attachments:
        where = attachment.url or attachment.path or f"{attachment.id[:12]}, kept in the log"
        yield f"*Attachment: {plain(attachment.type or 'unknown type')}, {plain(where)}*"


def _quoted(title: str, text: str) -> str:
    body = "\n".join(f"> {line}" for line in plain(text).split("\n"))
    return f"*{title}:*\n\n{body}"


def _code(text: str) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence}{plain(text)}{fence}"


def _attempt(attempt: Attempt, transcript: Transcript, numbers: dict[str, int]) -> str:
    lines = [f"## Not answered · {_minute(attempt.datetime_utc)} · {plain(attempt.model)}"]
    if attempt.answered_by:
        number = numbers.get(attempt.answered_by)
        later = f"by exchange #{number}" if number else "later"
        lines[0] += f" · answered {later}"
    lines.append(f"**You:** {plain(attempt.prompt)}")
    if attempt.partial:
        lines.append(f"**Model, before it broke off:** {plain(attempt.partial)}")
    lines.append(f"*Failed: {plain(attempt.error)}*")
    if not attempt.answered_by:
        again = _code(transcript.retry or shlex.join(["llm", "sessions", "retry", transcript.session.name]))
        lines.append(f"*Send it again with:* {again}")
    return "\n\n".join(lines)


def _minute(utc: str) -> str:
    return utc[:16].replace("T", " ") + " UTC" if utc else ""


def as_fields(transcript: Transcript) -> dict[str, Any]:
    """Return a transcript as plain values, texts as they are."""
    session = transcript.session
    return {
        "name": session.name,
        "thread_id": session.thread_id,
        "model": session.settings.model,
        "system": session.settings.system,
        "options": dict(session.settings.options),
        "exchanges_in_all": transcript.total,
        "exchanges": [
            {
                "number": exchange.number,
                "id": exchange.id,
                "pinned": exchange.number in transcript.pinned,
                "prompt": exchange.prompt,
                "reply": exchange.reply,
                "turns": [
                    {
                        "id": turn.id,
                        "model": turn.model,
                        "datetime_utc": turn.datetime_utc,
                        "duration_ms": turn.duration_ms,
                        "input_tokens": turn.input_tokens,
                        "output_tokens": turn.output_tokens,
                        "cut": turn.cut,
                        "messages": [_wire(message) for message in (*turn.input, *turn.output)],
                    }
                    for turn in exchange.turns
                ],
            }
            for exchange in transcript.exchanges
        ],
        "attempts": [
            {
                "id": attempt.id,
                "prompt": attempt.prompt,
                "partial": attempt.partial,
                "error": attempt.error,
                "model": attempt.model,
                "datetime_utc": attempt.datetime_utc,
                "answered_by": attempt.answered_by,
            }
            for attempt in transcript.attempts
        ],
    }


def _wire(message: Message) -> dict[str, Any]:
    return {
        "role": message.role,
        "parts": [
            {**part.data, **({"attachments": [a.id for a in part.attachments]} if part.attachments else {})}
            for part in message.parts
        ],
    }
