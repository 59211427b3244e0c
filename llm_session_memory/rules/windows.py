"""Which context window a request to Ollama counts on, given what is known about the model.

Pure. Ollama gives a request the `num_ctx` that it names; else the Modelfile's; else the server's own default, whatever
another client had loaded. It loads the model again if that differs from what is loaded. So a request names the window
that it counts on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..model import Window, WindowFacts
from ..model.frozen import dataclass

ASSUMED = 4_096
"""Ollama's own default on a machine without a large GPU."""

SMALL = 1_024
"""A request of at most this many tokens fits in any usual default, so it can be sent without num_ctx to learn it."""

REMEMBERED = timedelta(minutes=5)
"""How long the server's answer about a loaded model holds."""

TRUSTED = timedelta(days=1)
"""How long the server's default is taken for granted. It changes only when the server is started again."""


_MOST = 2**31 - 1
"""The largest window that llama.cpp, and so Ollama, can count."""


@dataclass(frozen=True)
class Choices:
    """The windows that a request may count on, in the order of preference. Each is larger than the one before.

    `loaded` is the window with which the model is loaded, or None. `unsure`: what the server gives a request without
    num_ctx is not known, or not for sure, and it can be asked.
    """

    windows: tuple[Window, ...]
    loaded: int | None = None
    unsure: bool = False

    @property
    def reloads(self) -> bool:
        """Whether the last of the windows makes the server load the model, so that finding out its default is free."""
        return self.loaded is None or self.windows[-1].tokens != self.loaded


def fresh(facts: WindowFacts, now: datetime) -> bool:
    """Return whether the facts say how the model is loaded now."""
    return bool(facts.loaded) and facts.loaded_utc == facts.asked_utc and recent(facts.asked_utc, now)


def recent(moment: str, now: datetime, most: timedelta = REMEMBERED) -> bool:
    """Return whether a stored time is at most this long ago."""
    try:
        return timedelta(0) <= now - datetime.fromisoformat(moment) < most
    except ValueError:
        return False


def choices(wanted: int | None, facts: WindowFacts, now: datetime, *, silence: str = "") -> Choices:
    """Return the windows that a request may count on.

    What is loaded now is preferred, because it costs nothing. If another client wanted it smaller than what a request
    without num_ctx gets, that follows: it is for requests that don't fit in what is loaded.

    Args:
        wanted: the num_ctx of the session or of this prompt
        facts: what is known about the model
        now: the current time
        silence: says that the server did not answer, if it didn't
    """
    if wanted is not None:
        return Choices((_capped(wanted, "set with num_ctx", facts, named=False),))
    if facts.configured:
        return Choices((_capped(facts.configured, "num_ctx in the Modelfile", facts),))
    loaded = facts.loaded if fresh(facts, now) and not silence else None
    default, source = _default(facts, loaded, silence)
    unsure = not silence and not recent(facts.usual_utc, now, TRUSTED)
    if loaded is None:
        return Choices((_capped(default, source, facts),), None, unsure)
    found = [_capped(loaded, "reported by Ollama for the loaded model", facts)]
    larger = _capped(default, f"{source}; the model is loaded with only {loaded:,}", facts)
    if (larger.tokens or 0) > loaded:
        found.append(larger)
    return Choices(tuple(found), loaded, unsure)


def _default(facts: WindowFacts, loaded: int | None, silence: str) -> tuple[int, str]:
    """Return the window that a request without num_ctx gets, as far as we know, and the source of that figure."""
    if facts.usual:
        return facts.usual, f"what Ollama gave without num_ctx on {facts.usual_utc[:10]}"
    if silence and facts.loaded:
        return facts.loaded, f"as last loaded on {facts.loaded_utc[:10]}; {silence}"
    if silence:
        return ASSUMED, f"assumed: {silence}"
    return ASSUMED, f"assumed: Ollama's default{'' if loaded else ', because the model is not loaded'}"


def _capped(tokens: int, source: str, facts: WindowFacts, *, named: bool = True) -> Window:
    """Return a window within what the model was trained for."""
    if facts.trained and facts.trained < tokens:
        tokens, source = facts.trained, "the most the model was trained for"
    return Window(tokens, source, tokens if named else None)


def merged(known: WindowFacts, answer: WindowFacts, asked_utc: str) -> WindowFacts:
    """Return what is known after a server's answer."""
    if answer.trained is None:  # it was not asked for, or it did not come in time
        answer = replace(answer, configured=known.configured, trained=known.trained)
    loaded_utc = asked_utc if answer.loaded else known.loaded_utc
    return replace(
        answer,
        asked_utc=asked_utc,
        loaded=answer.loaded or known.loaded,
        loaded_utc=loaded_utc,
        usual=known.usual,
        usual_utc=known.usual_utc,
    )


def said_in_an_error(facts: WindowFacts) -> Window:
    """Return the window that a server named in an error, if it can't be asked."""
    return Window(facts.loaded, f"as its server's error said on {facts.loaded_utc[:10]}")


def positive(value: Any) -> int | None:
    """Return a number of tokens that a server or a person gave, or None if it can't be one."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number <= _MOST else None
