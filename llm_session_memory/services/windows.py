"""Find out a model's real context window. For llm-ollama's models, ask the server; for others, nothing is known.

`rules.windows` decides which of the known windows a request counts on.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlparse

from ..model import Window, WindowFacts
from ..model.frozen import dataclass
from ..rules.windows import Choices, choices, fresh, recent

ASK_SECONDS = 1.0


@dataclass(frozen=True)
class Asked:
    """The windows to choose from, and what the server said that is worth remembering (None if it said nothing)."""

    choices: Choices
    news: WindowFacts | None = None

    @property
    def window(self) -> Window:
        """The preferred window."""
        return self.choices.windows[0]


def is_ollama(model: Any) -> bool:
    """Return whether an llm model object is one of llm-ollama's, without importing that plugin."""
    return type(model).__module__.split(".")[0] == "llm_ollama"


def is_hosted(model: Any) -> bool:
    """Return whether a model of llm-ollama runs in Ollama's cloud, which has no num_ctx and gives the whole window."""
    tag = model.ollama_name.rsplit("/", 1)[-1].partition(":")[2]
    host = os.environ.get("OLLAMA_HOST") or ""
    return tag == "cloud" or tag.endswith("-cloud") or (urlparse(host).hostname or host) == "ollama.com"


def takes_num_ctx(model: Any) -> bool:
    """Return whether a request to this model can name its context window."""
    return is_ollama(model) and not is_hosted(model)


def sends_reasoning(model: Any) -> bool:
    """Return whether the reasoning of earlier replies is sent to this model again. llm-ollama leaves it out."""
    return not is_ollama(model)


def window_of(
    model: Any,
    options: dict[str, Any],
    remembered: WindowFacts | None,
    now: Callable[[], datetime],
) -> Asked:
    """Return the context windows of an llm model object under these options; wait at most 1 s for a server."""
    if not is_ollama(model):
        return Asked(Choices((Window(None, "not known for this model"),)))
    hosted, wanted = is_hosted(model), _positive(options.get("num_ctx"))
    facts, news, silence = remembered, None, ""
    if facts is None or not _enough(facts, now(), chosen=wanted is not None or hosted):
        answer = ask(model.ollama_name)
        if answer is None:
            silence = f"Ollama did not answer within {ASK_SECONDS:g} s"
        else:
            facts = news = merged(facts or WindowFacts(), answer, now().isoformat())
    facts = facts or WindowFacts()
    if hosted:
        source = "the most the model was trained for" if facts.trained else "not known for this model"
        return Asked(Choices((Window(facts.trained, source),)), news)
    return Asked(choices(wanted, facts, now(), silence=silence), news)


def _enough(facts: WindowFacts, now: datetime, *, chosen: bool) -> bool:
    """Return whether the server need not be asked. `chosen`: what it has loaded doesn't matter."""
    if facts.trained is not None and (chosen or (facts.configured and recent(facts.asked_utc, now))):
        return True
    return not chosen and fresh(facts, now)


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


def loaded_as_usual(model: Any, known: WindowFacts, now: Callable[[], datetime]) -> WindowFacts | None:
    """Let the server load a model as for a request without num_ctx, and return what is known then.

    This takes as long as loading takes, which the next request would have waited for. Returns None if it fails.
    """
    try:
        from llm_ollama.auth import get_client

        get_client().chat(model=model.ollama_name, messages=[])  # Ollama's way to load a model in advance
    except Exception:  # noqa: BLE001  the request itself will meet the same trouble, and its error is shown
        return None
    return usual_now(model, known, now)


def usual_now(model: Any, known: WindowFacts, now: Callable[[], datetime]) -> WindowFacts | None:
    """Return what is known after a request without num_ctx made the server load the model; None if it is silent."""
    answer = ask(model.ollama_name, briefly=known.trained is not None)
    if answer is None or answer.loaded is None:
        return None
    at = now().isoformat()
    return replace(merged(known, answer, at), usual=answer.loaded, usual_utc=at)


def ask(name: str, *, briefly: bool = False) -> WindowFacts | None:
    """Ask the user's Ollama server about a model (`briefly`: only how it is loaded). Return None if it is silent."""
    answers: list[WindowFacts] = []
    worker = threading.Thread(target=_ask, args=(name, answers, briefly), daemon=True)
    worker.start()
    worker.join(ASK_SECONDS)
    return answers[-1] if answers else None


def _ask(name: str, answers: list[WindowFacts], briefly: bool) -> None:  # noqa: FBT001  a thread's arguments
    """Put the server's answers into `answers`, the fuller one last. Any error counts as no answer."""
    try:
        from llm_ollama.auth import get_client

        client = get_client()
        loaded = next((m.context_length for m in client.ps().models if _same(m.model or m.name, name)), None)
        answers.append(WindowFacts(loaded=_positive(loaded)))
        if briefly:
            return
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
