"""The fragment loader `session:`: a session, or some exchanges of it, as text to put before a prompt.

llm -f session:work "Write the minutes"
llm -f session:work:12-20 "What was decided here?"
"""

from __future__ import annotations

import re

import llm

from ..errors import NoSuchSession
from ..interchange.markdown import as_text
from ..memory import Memory
from ..model import Session
from ..services.current import log_in_use

PREFIX = "session"

_RANGE = re.compile(r"(?P<name>.+):(?P<first>[0-9]{1,9})(?P<dash>-(?P<last>[0-9]{1,9})?)?", re.DOTALL)


def load(argument: str) -> llm.Fragment:
    """Return exchanges of a session as a fragment. `argument` is what follows `session:`."""
    with Memory(log_in_use()) as memory:
        session, first, last = _parsed(memory, argument)
        total = memory.exchange_count(session)
        end = min(last or total, total)
        if not 1 <= first <= end:
            raise _no_exchanges(session, first, last, total)
        exchanges = memory.exchanges(session.name, first, end)
        return llm.Fragment(as_text(session.name, exchanges), f"{PREFIX}:{session.name}:{first}-{end}")


def _no_exchanges(session: Session, first: int, last: int | None, total: int) -> NoSuchSession:
    if not total:
        return NoSuchSession(f"Session “{session.name}” has no exchanges yet.")
    asked = f"from #{first} on" if last is None else f"#{first}" if first == last else f"#{first} to #{last}"
    return NoSuchSession(f"Session “{session.name}” has no exchanges {asked}.", f"It has {total:,}, numbered from 1.")


def _parsed(memory: Memory, argument: str) -> tuple[Session, int, int | None]:
    """Return the session, and the first and last number asked for (None: to the newest).

    A name may itself end like a range, so the whole argument is tried as a name first. llm tells the person the errors.
    """
    found = _RANGE.fullmatch(argument)
    if found is None or memory.find(argument):
        return memory.session(argument), 1, None
    first = int(found["first"])
    if not found["dash"]:
        return memory.session(found["name"]), first, first
    return memory.session(found["name"]), first, int(found["last"]) if found["last"] else None
