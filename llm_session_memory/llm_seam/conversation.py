"""The conversation that `llm prompt` and `llm chat` use instead of llm's own, so that we decide what is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from llm import models

from . import convert

if TYPE_CHECKING:
    from .prompted import Prompted
    from .prompting import Prompting

_TAKEN = "prompt fragments attachments system system_fragments messages tools schema options"

RELIED_ON = {
    "models": "AsyncChainResponse AsyncConversation AsyncResponse ChainResponse Conversation Response",
    "models.Response": "__iter__ _process_chunk log_to_db stream_events",
    "models.AsyncResponse": "__anext__ _process_chunk _to_sync_response astream_events",
    "models.ChainResponse": "log_to_db responses",
    "models.AsyncChainResponse": "log_to_db responses",
    "an instance of models.ChainResponse": "_responses",
    "an instance of models.AsyncChainResponse": "_responses",
    "parameters of models.Conversation.prompt": _TAKEN,
    "parameters of models.Conversation.chain": _TAKEN,
    "parameters of models.AsyncConversation.prompt": _TAKEN,
    "parameters of models.AsyncConversation.chain": _TAKEN,
}
"""The parts of llm that this module relies on (see `shape`)."""


class SessionResponse(models.Response):
    """A response that is logged together with the reason for what was sent."""

    prompted: Prompted

    def _process_chunk(self, chunk: Any) -> Any:
        return super()._process_chunk(convert.storable(chunk))  # type: ignore[no-untyped-call]

    def __iter__(self) -> Iterator[str]:
        with self.prompted.reading(self):
            yield from super().__iter__()

    def stream_events(self) -> Iterator[Any]:
        """Yield the events of the response as the model produces them."""
        with self.prompted.reading(self):
            yield from super().stream_events()  # type: ignore[no-untyped-call]

    def log_to_db(self, db: Any) -> None:
        """Log this response through llm's own writer, with the reasons for its context, in one transaction."""
        self.prompted.log(db, [self])


class AsyncSessionResponse(models.AsyncResponse):
    """The same for asynchronous models. llm logs a synchronous copy of an asynchronous response; so do we."""

    prompted: Prompted

    def _process_chunk(self, chunk: Any) -> Any:
        return super()._process_chunk(convert.storable(chunk))  # type: ignore[no-untyped-call]

    async def __anext__(self) -> str:
        self.prompted.sending()
        try:
            return await super().__anext__()
        except StopAsyncIteration:
            self.prompted.read([self], chained=False)
            raise
        except BaseException as error:
            self.prompted.failed(error)
            raise

    async def astream_events(self) -> AsyncIterator[Any]:
        """Yield the events of the response as the model produces them."""
        with self.prompted.reading(self):
            async for event in super().astream_events():  # type: ignore[no-untyped-call]
                yield event

    def _to_sync_response(self) -> models.Response:
        copied = super()._to_sync_response()
        copied.__class__ = SessionResponse
        copied.prompted = self.prompted  # type: ignore[attr-defined]  # it is a SessionResponse now
        return copied


class SessionChain(models.ChainResponse):
    """A tool loop that keeps each request within the budget."""

    prompted: Prompted

    def responses(self) -> Iterator[models.Response]:
        """Yield the loop's responses, each bounded before it is sent."""
        with self.prompted.looping(self._responses):
            for response in super().responses():
                response.__class__ = SessionResponse
                self.prompted.call(response)
                yield response
                self.prompted.hold()

    def log_to_db(self, db: Any) -> None:
        """Log all responses of the loop in one transaction."""
        self.prompted.log(db, self._responses)


class AsyncSessionChain(models.AsyncChainResponse):
    """The same for asynchronous models."""

    prompted: Prompted

    async def responses(self) -> AsyncIterator[models.AsyncResponse]:
        """Yield the loop's responses, each bounded before it is sent."""
        with self.prompted.looping(self._responses):
            async for response in super().responses():
                response.__class__ = AsyncSessionResponse
                self.prompted.call(response)
                yield response
                self.prompted.hold()

    def log_to_db(self, db: Any) -> None:
        """Log all responses of the loop in one transaction."""
        self.prompted.log(db, self._responses)


class SessionConversation(models.Conversation):
    """A conversation in a session. `notices` has the messages that the command line would print."""

    prompting: Prompting
    notices: list[str]

    def prompt(self, prompt: str | None = None, **parameters: Any) -> models.Response:
        """Send a prompt with the context that the session's policy chooses."""
        made, text, parameters = self.prompting.compose(self, prompt, parameters)
        with made.making():
            response = super().prompt(text, **parameters)
            response.__class__ = SessionResponse
            made.call(response)
        return response

    def chain(self, prompt: str | None = None, **parameters: Any) -> models.ChainResponse:
        """The same for a prompt with tools."""
        made, text, parameters = self.prompting.compose(self, prompt, parameters)
        with made.making():
            chain = super().chain(text, **parameters)
        chain.__class__ = SessionChain
        chain.prompted = made  # type: ignore[attr-defined]  # it is a SessionChain now
        return chain


class AsyncSessionConversation(models.AsyncConversation):
    """The same for asynchronous models."""

    prompting: Prompting
    notices: list[str]

    def prompt(self, prompt: str | None = None, **parameters: Any) -> models.AsyncResponse:
        """Send a prompt with the context that the session's policy chooses."""
        made, text, parameters = self.prompting.compose(self, prompt, parameters)
        with made.making():
            response = super().prompt(text, **parameters)
            response.__class__ = AsyncSessionResponse
            made.call(response)
        return response

    def chain(self, prompt: str | None = None, **parameters: Any) -> models.AsyncChainResponse:
        """The same for a prompt with tools."""
        made, text, parameters = self.prompting.compose(self, prompt, parameters)
        with made.making():
            chain = super().chain(text, **parameters)
        chain.__class__ = AsyncSessionChain
        chain.prompted = made  # type: ignore[attr-defined]  # it is an AsyncSessionChain now
        return chain
