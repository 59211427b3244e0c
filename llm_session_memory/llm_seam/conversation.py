"""What `llm prompt` and `llm chat` are handed in place of llm's own conversation: it decides what is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from llm import models

if TYPE_CHECKING:
    from .prompting import Run

_TAKEN = "prompt fragments attachments system system_fragments messages tools schema options"

RELIED_ON = {
    "models": "AsyncChainResponse AsyncConversation AsyncResponse ChainResponse Conversation Response",
    "models.Response": "log_to_db",
    "models.AsyncResponse": "_to_sync_response",
    "models.ChainResponse": "log_to_db responses",
    "models.AsyncChainResponse": "log_to_db responses",
    "an instance of models.ChainResponse": "_responses",
    "an instance of models.AsyncChainResponse": "_responses",
    "parameters of models.Conversation.prompt": _TAKEN,
    "parameters of models.Conversation.chain": _TAKEN,
    "parameters of models.AsyncConversation.prompt": _TAKEN,
    "parameters of models.AsyncConversation.chain": _TAKEN,
}
"""What of llm is relied on here (see `shape`)."""


class SessionResponse(models.Response):
    """A response that is logged together with the reason for what was sent."""

    session_run: Run

    def log_to_db(self, db: Any) -> None:
        """Log this response through llm's own writer, and why it was sent what it was sent, in one transaction."""
        self.session_run.log(db, [self])


class AsyncSessionResponse(models.AsyncResponse):
    """The same for --async: logged as its synchronous copy, like every asynchronous response."""

    session_run: Run

    def _to_sync_response(self) -> models.Response:
        copied = super()._to_sync_response()
        copied.__class__ = SessionResponse
        copied.session_run = self.session_run  # type: ignore[attr-defined]  # it is a SessionResponse now
        return copied


class SessionChain(models.ChainResponse):
    """A tool loop each of whose requests is kept within the budget."""

    session_run: Run

    def responses(self) -> Iterator[models.Response]:
        """Yield the loop's responses, each bounded before it is sent."""
        for response in super().responses():
            self.session_run.round(response)
            yield response

    def log_to_db(self, db: Any) -> None:
        """Log all responses of the loop in one transaction."""
        self.session_run.log(db, self._responses)


class AsyncSessionChain(models.AsyncChainResponse):
    """The same for --async."""

    session_run: Run

    async def responses(self) -> AsyncIterator[models.AsyncResponse]:
        """Yield the loop's responses, each bounded before it is sent."""
        async for response in super().responses():
            self.session_run.round(response)
            yield response

    def log_to_db(self, db: Any) -> None:
        """Log all responses of the loop in one transaction."""
        self.session_run.log(db, self._responses)


class SessionConversation(models.Conversation):
    """A conversation in a session."""

    session_run: Run

    def prompt(self, prompt: str | None = None, **parameters: Any) -> models.Response:
        """Send a prompt with the context that the session's policy chooses."""
        text, parameters = self.session_run.compose(self, prompt, parameters)
        response = super().prompt(text, **parameters)
        response.__class__ = SessionResponse
        self.session_run.round(response)
        return response

    def chain(self, prompt: str | None = None, **parameters: Any) -> models.ChainResponse:
        """The same for a prompt with tools."""
        text, parameters = self.session_run.compose(self, prompt, parameters)
        chain = super().chain(text, **parameters)
        chain.__class__ = SessionChain
        chain.session_run = self.session_run  # type: ignore[attr-defined]  # it is a SessionChain now
        return chain


class AsyncSessionConversation(models.AsyncConversation):
    """The same for --async."""

    session_run: Run

    def prompt(self, prompt: str | None = None, **parameters: Any) -> models.AsyncResponse:
        """Send a prompt with the context that the session's policy chooses."""
        text, parameters = self.session_run.compose(self, prompt, parameters)
        response = super().prompt(text, **parameters)
        response.__class__ = AsyncSessionResponse
        self.session_run.round(response)
        return response

    def chain(self, prompt: str | None = None, **parameters: Any) -> models.AsyncChainResponse:
        """The same for a prompt with tools."""
        text, parameters = self.session_run.compose(self, prompt, parameters)
        chain = super().chain(text, **parameters)
        chain.__class__ = AsyncSessionChain
        chain.session_run = self.session_run  # type: ignore[attr-defined]  # it is an AsyncSessionChain now
        return chain
