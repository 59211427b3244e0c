"""The `session:` fragment loader: a session, or some of its exchanges, as text to put before a prompt.

llm -f session:work "Write the minutes"
llm -f session:work:12-20 "What was decided here?"
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import llm

from ..errors import NoSuchSession
from ..memory import Memory
from ..model import Exchange, Session
from ..rules.thinking import exchange_without_thinking
from .in_use import log_in_use

PREFIX = "session"

_RANGE = re.compile(r"(?P<name>.+):(?P<first>[0-9]{1,9})(?P<dash>-(?P<last>[0-9]{1,9})?)?", re.DOTALL)

_AS_TEXT = "Earlier conversation, session {name}:"


def load(argument: str) -> llm.Fragment:
    """Return exchanges of a session as a fragment. `argument` is the text after `session:`."""
    with Memory(log_in_use()) as memory:
        session, first, last = _parsed(memory, argument)
        total = memory.sessions.exchange_count(session)
        end = min(last or total, total)
        if not 1 <= first <= end:
            raise _no_exchanges(session, first, last, total)
        exchanges = [*map(exchange_without_thinking, memory.sessions.exchanges(session.name, first, end))]
        return llm.Fragment(as_text(session.name, exchanges), f"{PREFIX}:{session.name}:{first}-{end}")


def _no_exchanges(session: Session, first: int, last: int | None, total: int) -> NoSuchSession:
    if not total:
        return NoSuchSession(f"Session “{session.name}” has no exchanges yet.")
    asked = f"from #{first} on" if last is None else f"#{first}" if first == last else f"#{first} to #{last}"
    return NoSuchSession(f"Session “{session.name}” has no exchanges {asked}.", f"It has {total:,}, numbered from 1.")


def _parsed(memory: Memory, argument: str) -> tuple[Session, int, int | None]:
    """Return the session, and the first and last number asked for (None: to the newest).

    A name may itself end like a range, so the whole argument is tried as a name first. llm reports the errors.
    """
    found = _RANGE.fullmatch(argument)
    if found is None or memory.sessions.find(argument):
        return memory.sessions.get(argument), 1, None
    first = int(found["first"])
    if not found["dash"]:
        return memory.sessions.get(found["name"]), first, first
    return memory.sessions.get(found["name"]), first, int(found["last"]) if found["last"] else None


def as_text(name: str, exchanges: Sequence[Exchange]) -> str:
    """Return exchanges as plain text for a model to read: number, day, speaker, text.

    Such a text is left out of the exchanges' own prompts. Otherwise each week's minutes would contain those of all
    earlier weeks, and double in size every time.
    """
    blocks = [_AS_TEXT.format(name=name)]
    for exchange in exchanges:
        blocks.append(f"#{exchange.number}, {exchange.turns[0].datetime_utc[:10]}")
        said = {"User": _typed(exchange), "Assistant": exchange.reply}
        blocks.extend(f"{who}: {text}" for who, text in said.items() if text.strip())
    blocks.append("End of the earlier conversation.")
    return "\n\n".join(blocks)


def _typed(exchange: Exchange) -> str:
    """Return an exchange's prompt, with only the name of any session's text that was put before it."""
    text = exchange.prompt
    beginning = _AS_TEXT.partition("{")[0]
    for part in (part for message in exchange.turns[0].input for part in message.parts):
        for fragment in part.fragments:
            if fragment.startswith(beginning):
                text = text.replace(fragment, f"[{fragment.partition(':')[0]}]")
    return text
