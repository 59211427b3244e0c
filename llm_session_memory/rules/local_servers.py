"""The context windows of local servers with OpenAI's interface, read from what they answer.

Pure. `services.local_servers` asks the servers. The fields are those that the servers document: llama.cpp's
tools/server/README.md, LM Studio's REST API, vLLM's model list, KoboldCpp's `/api/extra`, and Ollama's API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from ..model import Window, WindowFacts
from ..model.frozen import dataclass
from .windows import TRUSTED, choices, fresh, merged, positive, recent, said_in_an_error

LLAMA_CPP = "llama.cpp's server"
LM_STUDIO = "LM Studio"
VLLM = "vLLM"
KOBOLD_CPP = "KoboldCpp"
OLLAMA = "Ollama"
OTHER = "its server"

_OWNERS = {
    "llamacpp": LLAMA_CPP,
    "organization_owner": LM_STUDIO,
    "vllm": VLLM,
    "koboldcpp": KOBOLD_CPP,
    "library": OLLAMA,
}
"""What each server says owns its models, in the list of its models."""

_NAMES = (".localhost", ".local", ".lan", ".internal", ".home", ".home.arpa")
"""Endings of names that are never on the internet (RFC 6761, 6762, 8375, and common routers)."""

_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
"""An address written as one number: it may be on the internet, as 134744072 is, and hardly anybody writes one."""


@dataclass(frozen=True)
class Address:
    """Where a server is: `host` and `port` to connect to, and the path before `/v1/models` and before its own API."""

    host: str
    port: int
    secure: bool
    base: str
    root: str


def address(api_base: object) -> Address | None:
    """Return the address of a server on this computer or in a private network, or None: no other is ever asked."""
    if not isinstance(api_base, str):
        return None
    try:
        parts = urlsplit(api_base)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or not is_local(host):
        return None
    secure = parts.scheme == "https"
    base = parts.path.rstrip("/")
    return Address(host, port or (443 if secure else 80), secure, base, base.removesuffix("/v1"))


def is_local(host: str) -> bool:
    """Return whether a host is this computer or in a private network, judged by its name, without looking it up."""
    from ipaddress import ip_address

    try:
        return not ip_address(host.partition("%")[0]).is_global
    except ValueError:
        name = host.rstrip(".").lower()
        return ("." not in name and not _NUMBER.fullmatch(name)) or name.endswith(_NAMES)


# -- answers -----------------------------------------------------------


@dataclass(frozen=True)
class ListedModel:
    """A model in a server's list: the server, and the windows that the list itself has."""

    server: str | None
    window: int | None = None
    trained: int | None = None


def listed(answer: Any, name: str) -> ListedModel:
    """Return what a server's list of models (`GET /v1/models`) says of a model.

    A server that has one model ignores the name that it is asked for, and calls it what it likes.
    """
    rows = _rows(answer, "data")
    row = _named(rows, name) or (rows[0] if len(rows) == 1 else {})
    meta = _mapping(row.get("meta"))
    server = _OWNERS.get(str((row or (rows[0] if rows else {})).get("owned_by")))
    trained = positive(meta.get("n_ctx_train"))
    if server is None and trained:
        server = LLAMA_CPP
    given = (row.get("max_model_len"), row.get("context_length"), row.get("context_window"), meta.get("n_ctx"))
    return ListedModel(server, next((window for window in map(positive, given) if window), None), trained)


def props(answer: Any) -> int | None:
    """Return the window of one slot from llama.cpp's `GET /props`."""
    settings = _mapping(_mapping(answer).get("default_generation_settings"))
    return positive(settings.get("n_ctx")) or positive(_mapping(settings.get("params")).get("n_ctx"))


def lm_studio(answer: Any, name: str) -> WindowFacts | None:
    """Return a model's windows from LM Studio's `GET /api/v0/models`, or None if that is not an answer of LM Studio's.

    A name that it doesn't have means the model that is loaded, if that is the only one.
    """
    rows = [row for row in _rows(answer, "data") if "max_context_length" in row]
    if not rows:
        return None
    loaded = [row for row in rows if row.get("state") == "loaded" and row.get("type") != "embeddings"]
    row = _named(rows, name) or (loaded[0] if len(loaded) == 1 else {})
    window = positive(row.get("loaded_context_length")) if row.get("state") == "loaded" else None
    return WindowFacts(window, trained=positive(row.get("max_context_length")), server=LM_STUDIO)


def kobold(answer: Any) -> int | None:
    """Return the window from KoboldCpp's `GET /api/extra/true_max_context_length`."""
    return positive(_mapping(answer).get("value"))


def is_ollama(answer: Any) -> bool:
    """Return whether this is what Ollama answers to `GET /api/version`."""
    return "version" in _mapping(answer)


def ollama(running: Any, shown: Any, name: str) -> WindowFacts:
    """Return a model's windows from Ollama's `GET /api/ps` and `POST /api/show`."""
    row = next((row for row in _rows(running, "models") if _full(row.get("model")) == _full(name)), {})
    info = _mapping(_mapping(shown).get("model_info"))
    trained = next((value for key, value in info.items() if key.endswith(".context_length")), None)
    configured = re.search(r"^num_ctx\s+(\d+)\s*$", str(_mapping(shown).get("parameters") or ""), re.MULTILINE)
    return WindowFacts(
        positive(row.get("context_length")), positive(configured and configured[1]), positive(trained), server=OLLAMA
    )


def _full(name: object) -> str:
    text = str(name)
    return text if ":" in text.rsplit("/", 1)[-1] else f"{text}:latest"


def _named(rows: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next((row for row in rows if name in (row.get("id"), row.get("root"), row.get("model"))), {})


def _rows(answer: Any, key: str) -> list[Mapping[str, Any]]:
    found = _mapping(answer).get(key)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


# -- what is known -----------------------------------------------------


def known(before: WindowFacts, answer: WindowFacts, asked_utc: str, *, usual: bool = False) -> WindowFacts:
    """Return what is known after a server's answer. What another kind of server said before is forgotten.

    `usual`: the model was loaded for a request of ours, so an Ollama server has given what it gives without num_ctx.
    """
    found = merged(before if before.server == answer.server else WindowFacts(), answer, asked_utc)
    return replace(found, usual=answer.loaded, usual_utc=asked_utc) if usual and found.server == OLLAMA else found


def is_unsure(facts: WindowFacts, now: datetime) -> bool:
    """Return whether the server can say more, now that it has loaded the model for a request."""
    if facts.server == OLLAMA:
        return not recent(facts.usual_utc, now, TRUSTED)
    return bool(facts.server) and not fresh(facts, now)


# -- the window that a request counts on -------------------------------


def window(facts: WindowFacts, now: datetime, *, silence: str = "") -> Window:
    """Return the window that a request to a local server counts on. It can't name one.

    Args:
        facts: what is known about the model
        now: the current time
        silence: says that the server did not answer, if it didn't
    """
    if facts.server == OLLAMA:
        return _of_ollama(facts, now, silence)
    if facts.loaded and not facts.server:
        return said_in_an_error(facts)
    if facts.loaded and not silence and fresh(facts, now):
        return Window(facts.loaded, f"reported by {facts.server}")
    if facts.loaded:
        return Window(facts.loaded, f"as {facts.server} last loaded it, on {facts.loaded_utc[:10]}{_also(silence)}")
    if facts.trained:
        return Window(facts.trained, f"the most the model was trained for; {facts.server} has not loaded it")
    return Window(None, f"not known for this model{f': {silence}' if silence else ''}")


def _also(silence: str) -> str:
    return f"; {silence}" if silence else ""


def _of_ollama(facts: WindowFacts, now: datetime, silence: str) -> Window:
    """Return the window of a request to Ollama that names none: not what another program may have loaded."""
    asleep = WindowFacts(None, facts.configured, facts.trained, usual=facts.usual, usual_utc=facts.usual_utc)
    last = choices(None, asleep, now, silence=silence).windows[-1]
    source = last.source.partition(", because")[0]
    return Window(last.tokens, source)
