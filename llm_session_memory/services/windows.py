"""Find out a model's real context window. Ask Ollama for llm-ollama's models, and other local servers for theirs.

`rules.windows` decides which of the known windows a request counts on.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from ..model import Window, WindowFacts
from ..model.frozen import dataclass
from ..rules.windows import Choices, choices, fresh, merged, positive, recent, said_in_an_error

if TYPE_CHECKING:
    from ..rules.local_servers import Address

ASK_SECONDS = 1.0


@dataclass(frozen=True)
class KnownWindows:
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


_HERE = frozenset(
    "llm_gguf llm_mlx llm_gpt4all llm_llama_cpp llm_llamafile llm_mlc llm_echo llm_sentence_transformers".split()
)
"""Plugins whose models run in this process or on this computer."""


def stays_here(model: Any) -> bool:
    """Return whether what is sent to a model stays on this computer or in its private network."""
    if is_ollama(model):
        from ..rules.local_servers import is_local as is_near  # a hosted model doesn't need this import

        host = os.environ.get("OLLAMA_HOST") or "127.0.0.1"
        host = urlparse(host if "//" in host else f"//{host}").hostname or host
        return not is_hosted(model) and is_near(host)
    return address_of(model) is not None or type(model).__module__.split(".")[0] in _HERE


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
) -> KnownWindows:
    """Return the context windows of an llm model object under these options; wait at most 1 s for a server."""
    if not is_ollama(model):
        return _elsewhere(model, remembered, now)
    hosted, wanted = is_hosted(model), positive(options.get("num_ctx"))
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
        return KnownWindows(Choices((Window(facts.trained, source),)), news)
    return KnownWindows(choices(wanted, facts, now(), silence=silence), news)


def _elsewhere(model: Any, remembered: WindowFacts | None, now: Callable[[], datetime]) -> KnownWindows:
    """Return the context window of a model that is not llm-ollama's: as a local server says, or an error said."""
    address = address_of(model)
    if address is None:
        named = remembered if remembered and remembered.loaded and not remembered.server else None
        window = said_in_an_error(named) if named else Window(None, "not known for this model")
        return KnownWindows(Choices((window,)))
    from ..rules import local_servers as rules

    facts, news, silence = remembered or WindowFacts(), None, ""
    if not recent(facts.asked_utc, now()):
        answer = _ask_there(model, address)
        if answer is None:
            silence = f"{facts.server or rules.OTHER} did not answer within {ASK_SECONDS:g} s"
        else:
            facts = news = rules.known(facts, answer, now().isoformat())
    return KnownWindows(Choices((rules.window(facts, now(), silence=silence),)), news)


def address_of(model: Any) -> Address | None:
    """Return the address of the local server that a model of OpenAI's interface points at, or None."""
    base = getattr(model, "api_base", None)
    if not base:
        return None
    from ..rules.local_servers import address  # a hosted model doesn't need this import

    return address(base)


def is_local(model: Any) -> bool:
    """Return whether a model's server can be asked for its windows, and its counts tell whether it cut a request."""
    return is_ollama(model) or address_of(model) is not None


def _enough(facts: WindowFacts, now: datetime, *, chosen: bool) -> bool:
    """Return whether the server need not be asked. `chosen`: what it has loaded doesn't matter."""
    if facts.trained is not None and (chosen or (facts.configured and recent(facts.asked_utc, now))):
        return True
    return not chosen and fresh(facts, now)


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


def loaded_by(model: Any, known: WindowFacts | None, now: Callable[[], datetime]) -> WindowFacts | None:
    """Return what is known after a request made a local server load its model, or None if that is nothing new."""
    address = address_of(model)
    if address is None or known is None:
        return None
    from ..rules import local_servers as rules

    answer = _ask_there(model, address) if rules.is_unsure(known, now()) else None
    return rules.known(known, answer, now().isoformat(), usual=True) if answer and answer.loaded else None


def seen_now(model: Any) -> WindowFacts | None:
    """Ask a model's server how it has loaded the model. Return None if it is silent, or no server to ask."""
    if is_ollama(model):
        return ask(model.ollama_name)
    address = address_of(model)
    return _ask_there(model, address) if address is not None else None


def _ask_there(model: Any, address: Address) -> WindowFacts | None:
    from .local_servers import question

    return _in_time(question(model, address))


def usual_now(model: Any, known: WindowFacts, now: Callable[[], datetime]) -> WindowFacts | None:
    """Return what is known after a request without num_ctx made the server load the model; None if it is silent."""
    answer = ask(model.ollama_name, briefly=known.trained is not None)
    if answer is None or answer.loaded is None:
        return None
    at = now().isoformat()
    return replace(merged(known, answer, at), usual=answer.loaded, usual_utc=at)


def ask(name: str, *, briefly: bool = False) -> WindowFacts | None:
    """Ask the user's Ollama server about a model (`briefly`: only how it is loaded). Return None if it is silent."""
    return _in_time(lambda answers: _ask(name, answers, briefly=briefly))


def _in_time(work: Callable[[list[WindowFacts]], None]) -> WindowFacts | None:
    """Return the last of the answers that `work` collects within 1 s, or None. Any error ends it with those it has."""
    answers: list[WindowFacts] = []

    def run() -> None:
        # httpx, pydantic, ollama, http.client: a server may fail in any way, and it costs only the answer
        with contextlib.suppress(Exception):
            work(answers)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(ASK_SECONDS)
    return answers[-1] if answers else None


def _ask(name: str, answers: list[WindowFacts], *, briefly: bool) -> None:
    """Put the server's answers into `answers`, the fuller one last."""
    from llm_ollama.auth import get_client

    client = get_client()
    loaded = next((m.context_length for m in client.ps().models if _same(m.model or m.name, name)), None)
    answers.append(WindowFacts(loaded=positive(loaded)))
    if briefly:
        return
    shown = client.show(name)
    trained = next((v for k, v in (shown.modelinfo or {}).items() if k.endswith(".context_length")), None)
    answers.append(WindowFacts(positive(loaded), _num_ctx(shown.parameters), positive(trained)))


def _same(seen: str | None, name: str) -> bool:
    def full(text: str) -> str:
        return text if ":" in text.rsplit("/", 1)[-1] else f"{text}:latest"

    return seen is not None and full(seen) == full(name)


def _num_ctx(parameters: str | None) -> int | None:
    """Return num_ctx from a Modelfile's parameters, which have a name and a value per line."""
    for line in (parameters or "").splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "num_ctx":  # noqa: PLR2004  name and value
            return positive(words[1])
    return None
