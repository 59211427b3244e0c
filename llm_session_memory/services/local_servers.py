"""Ask a local server with OpenAI's interface for a model's context window.

llm's own models point at one if `api_base` in extra-openai-models.yaml does, and so do the models of plugins that are
made of them. A server on the internet is never asked. `rules.local_servers` reads the answers.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import quote

from ..model import WindowFacts
from ..rules import local_servers as rules
from ..rules.local_servers import Address

_MOST = 4_000_000
"""Bytes of an answer that are read at most."""

_PATIENCE = 2.0
"""Seconds after which a connection is given up. Nobody waits that long; it only ends the thread."""


def question(model: Any, address: Address) -> Callable[[list[WindowFacts]], None]:
    """Return what asks a server about a model and collects the answer. Without `server` it is of no known kind."""
    name, headers = str(getattr(model, "model_name", None) or model.model_id), _headers(model)

    def ask(answers: list[WindowFacts]) -> None:
        kind = HTTPSConnection if address.secure else HTTPConnection
        with contextlib.closing(kind(address.host, address.port, timeout=_PATIENCE)) as connection:
            answers.append(_facts(_Server(connection, address, headers), name))

    return ask


def _headers(model: Any) -> dict[str, str]:
    """Return the headers that llm sends with a prompt: the model's own, and its key if it has one."""
    headers = {"Accept": "application/json"}
    with contextlib.suppress(Exception):  # a model without its key; the prompt says so
        key = model.get_key() if model.needs_key else None
        if key:
            headers["Authorization"] = f"Bearer {key}"
    own = getattr(model, "headers", None)
    return {**headers, **own} if isinstance(own, Mapping) else headers


class _Server:
    """A connection to a server, for a few questions. An answer that is not JSON, or an error, is None."""

    def __init__(self, connection: HTTPConnection, address: Address, headers: Mapping[str, str]) -> None:
        self._connection, self._address, self._headers = connection, address, headers

    def models(self) -> Any:
        return self._answer("GET", f"{self._address.base}/models")

    def get(self, path: str) -> Any:
        return self._answer("GET", f"{self._address.root}{path}")

    def post(self, path: str, body: Any) -> Any:
        return self._answer("POST", f"{self._address.root}{path}", json.dumps(body))

    def _answer(self, method: str, path: str, body: str | None = None) -> Any:
        more = {"Content-Type": "application/json"} if body else {}
        self._connection.request(method, path, body, {**self._headers, **more})
        response = self._connection.getresponse()
        text = response.read(_MOST)
        if not response.isclosed():
            self._connection.close()
        if response.status != 200:  # noqa: PLR2004  OK
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None


def _facts(server: _Server, name: str) -> WindowFacts:
    """Return what a server says of a model. One that doesn't say what it is, is asked as each kind is."""
    seen = rules.listed(server.models(), name)
    if seen.server is not None and seen.server in _OWN_WAYS:
        return _OWN_WAYS[seen.server](server, name) or WindowFacts(server=seen.server)
    if seen.window and seen.server != rules.LLAMA_CPP:
        return WindowFacts(seen.window, server=seen.server or rules.OTHER)
    window = rules.props(server.get(f"/props?model={quote(name, safe='')}&autoload=false")) or seen.window
    if window or seen.server:
        return WindowFacts(window, trained=seen.trained, server=seen.server or rules.LLAMA_CPP)
    if rules.is_ollama(server.get("/api/version")):
        return _ollama(server, name)
    return _lm_studio(server, name) or WindowFacts()


def _lm_studio(server: _Server, name: str) -> WindowFacts | None:
    return rules.lm_studio(server.get("/api/v0/models"), name)


def _kobold(server: _Server, name: str) -> WindowFacts:
    del name  # it has one model
    return WindowFacts(rules.kobold(server.get("/api/extra/true_max_context_length")), server=rules.KOBOLD_CPP)


def _ollama(server: _Server, name: str) -> WindowFacts:
    return rules.ollama(server.get("/api/ps"), server.post("/api/show", {"model": name}), name)


_OWN_WAYS: Mapping[str, Callable[[_Server, str], WindowFacts | None]] = {
    rules.LM_STUDIO: _lm_studio,
    rules.KOBOLD_CPP: _kobold,
    rules.OLLAMA: _ollama,
}
"""How a server is asked that has its own interface beside OpenAI's."""
