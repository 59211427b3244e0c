"""Find out a model's real context window. For llm-ollama's models, ask the server; for others, nothing is known.

In Ollama's own order: the request's `num_ctx`; else what the server has allocated (`/api/ps`); else the Modelfile's
`num_ctx` (`/api/show`); else what was allocated when the model was last seen loaded; else 4,096. The model's training
context is always the upper limit.
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
    """A context window, and what the server said that is worth remembering (None if it was not asked or silent)."""

    window: Window
    news: WindowFacts | None = None


def is_ollama(model: Any) -> bool:
    """Return whether an llm model object is one of llm-ollama's, without importing that plugin."""
    return type(model).__module__.split(".")[0] == "llm_ollama"


def sends_reasoning(model: Any) -> bool:
    """Return whether the reasoning of earlier replies is sent to this model again. llm-ollama leaves it out."""
    return not is_ollama(model)


def window_of(
    model: Any,
    options: dict[str, Any],
    remembered: WindowFacts | None,
    now: Callable[[], datetime],
) -> Asked:
    """Return the context window of an llm model object under these options; wait at most 1 s for a server."""
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
        found, source = wanted, "set with num_ctx"
    elif facts.loaded and facts.loaded_utc == facts.asked_utc and not silent:
        found, source = facts.loaded, "reported by Ollama for the loaded model"
    elif facts.configured:
        found, source = facts.configured, "num_ctx in the Modelfile"
    elif facts.loaded:
        found, source = facts.loaded, f"as last loaded on {facts.loaded_utc[:10]}" + (f"; {silence}" if silent else "")
    else:
        found, source = (
            ASSUMED,
            f"assumed: {silence}" if silent else "assumed: Ollama's default, because the model is not loaded",
        )
    if facts.trained and facts.trained < found:
        return Window(facts.trained, "the most the model was trained for")
    return Window(found, source)


def ask(name: str) -> WindowFacts | None:
    """Ask the user's Ollama server about a model. Return None if it doesn't answer in time."""
    answers: list[WindowFacts] = []
    worker = threading.Thread(target=_ask, args=(name, answers), daemon=True)
    worker.start()
    worker.join(ASK_SECONDS)
    return answers[-1] if answers else None


def _ask(name: str, answers: list[WindowFacts]) -> None:
    """Put the server's answers into `answers`, the fuller one last. Any error counts as no answer."""
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
    """Return num_ctx from a Modelfile's parameters, which have a name and a value per line."""
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
