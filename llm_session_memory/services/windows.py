"""What window a model really has. For models of llm-ollama the server is asked; of others nothing is known.

The order, as Ollama itself decides: the `num_ctx` of the request; else what the server has allocated (`/api/ps`); else
the Modelfile's `num_ctx` (`/api/show`); else what was allocated when the model was last seen loaded; else 4,096. In
each case the training context is the most.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..model import Window, WindowFacts

ASSUMED = 4_096
"""Ollama's own default on a machine without a large GPU."""

ASK_SECONDS = 1.0
REMEMBERED = timedelta(minutes=5)


@dataclass(frozen=True)
class Asked:
    """A window, and the facts worth remembering where the server was asked (None where it was not, or kept silent)."""

    window: Window
    news: WindowFacts | None = None


def is_ollama(model: Any) -> bool:
    """Say whether an llm model object is one of llm-ollama's, without importing that plugin."""
    return type(model).__module__.split(".")[0] == "llm_ollama"


def sends_reasoning(model: Any) -> bool:
    """Say whether the reasoning of earlier replies is sent to this model again. llm-ollama leaves it out."""
    return not is_ollama(model)


def window_of(
    model: Any,
    options: dict[str, Any],
    remembered: WindowFacts | None,
    now: Callable[[], datetime],
) -> Asked:
    """Return the window of an llm model object under these options; asks an Ollama server for 1 s at most."""
    if not is_ollama(model):
        return Asked(Window(None, "not known for this model"))
    facts, news, silent = remembered, None, False
    wanted = _positive(options.get("num_ctx"))
    enough = facts is not None and (
        (wanted is not None and facts.trained is not None)
        or (facts.loaded_utc == facts.asked_utc and _fresh(facts.asked_utc, now()))
    )
    if not enough:
        answer = ask(model.ollama_name)
        silent = answer is None
        if answer is not None:
            asked_at = now().isoformat()
            loaded_utc = asked_at if answer.loaded else (facts.loaded_utc if facts else "")
            loaded = answer.loaded or (facts.loaded if facts else None)
            if answer.trained is None and facts:  # /api/ps answered in time, /api/show did not
                answer = replace(answer, configured=facts.configured, trained=facts.trained)
            news = replace(answer, asked_utc=asked_at, loaded=loaded, loaded_utc=loaded_utc)
            facts = news
    return Asked(_decide(wanted, facts or WindowFacts(), silent=silent), news)


def _decide(wanted: int | None, facts: WindowFacts, *, silent: bool) -> Window:
    silence = f"Ollama did not answer within {ASK_SECONDS:g} s"
    if wanted is not None:
        found, source = wanted, "num_ctx, as set"
    elif facts.loaded and facts.loaded_utc == facts.asked_utc and not silent:
        found, source = facts.loaded, "asked of Ollama, as loaded"
    elif facts.configured:
        found, source = facts.configured, "num_ctx of the Modelfile"
    elif facts.loaded:
        found, source = facts.loaded, f"as loaded on {facts.loaded_utc[:10]}" + (f"; {silence}" if silent else "")
    else:
        found, source = (
            ASSUMED,
            f"assumed: {silence}" if silent else "assumed: Ollama's default, the model is not loaded",
        )
    if facts.trained and facts.trained < found:
        return Window(facts.trained, "the most the model was trained for")
    return Window(found, source)


def ask(name: str) -> WindowFacts | None:
    """Ask the user's Ollama server about a model; None where it does not answer in time."""
    answers: list[WindowFacts] = []
    worker = threading.Thread(target=_ask, args=(name, answers), daemon=True)
    worker.start()
    worker.join(ASK_SECONDS)
    return answers[-1] if answers else None


def _ask(name: str, answers: list[WindowFacts]) -> None:
    """Put what the server says into `answers`, the fuller answer last; whatever goes wrong means: no answer."""
    try:
        from llm_ollama.auth import get_client

        client = get_client()
        loaded = next((m.context_length for m in client.ps().models if _same(m.model or m.name, name)), None)
        answers.append(WindowFacts(loaded=_positive(loaded)))
        shown = client.show(name)
        trained = next((v for k, v in (shown.modelinfo or {}).items() if k.endswith(".context_length")), None)
        answers.append(WindowFacts(_positive(loaded), _num_ctx(shown.parameters), _positive(trained)))
    except Exception:  # noqa: BLE001  httpx, pydantic, ollama: a server may fail in any way, and it costs only the answer
        return


def _same(seen: str | None, name: str) -> bool:
    def full(text: str) -> str:
        return text if ":" in text.rsplit("/", 1)[-1] else f"{text}:latest"

    return seen is not None and full(seen) == full(name)


def _num_ctx(parameters: str | None) -> int | None:
    """Return num_ctx from the text of a Modelfile's parameters: one a line, name and value."""
    for line in (parameters or "").splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "num_ctx":  # noqa: PLR2004  name and value
            return _positive(words[1])
    return None


def _positive(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if number > 0 else None


def _fresh(asked_utc: str, now: datetime) -> bool:
    try:
        return timedelta(0) <= now - datetime.fromisoformat(asked_utc) < REMEMBERED
    except ValueError:
        return False
