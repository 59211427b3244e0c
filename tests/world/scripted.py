"""A scripted model: it answers from a list and remembers what it was sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import llm
from typing_extensions import Self

Reply = str | BaseException | Callable[[Any], str]


@dataclass
class Script:
    """Replies in order, the last one again and again; and what was seen, one list of messages a call.

    `count` turns a text into the tokens that the model reports; without it the model reports none, as some do.
    """

    replies: list[Reply] = field(default_factory=lambda: ["Noted."])
    count: Callable[[str], int] | None = None
    seen: list[list[Any]] = field(default_factory=list)
    previous: list[list[tuple[str, str]]] = field(default_factory=list)
    systems: list[str] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)

    def texts(self, call: int = -1) -> list[tuple[str, str]]:
        """Return role and text of the messages of one call."""
        return [(m.role, "".join(getattr(part, "text", "") for part in m.parts)) for m in self.seen[call]]

    def answer(self, prompt: Any, conversation: Any) -> str:
        """Record a call and return its reply, or raise it."""
        number = len(self.seen)
        self.seen.append(list(prompt.messages))
        self.systems.append(prompt.system)
        self.options.append(dict(prompt.options))
        earlier = conversation.responses if conversation else []
        self.previous.append([(r.prompt.prompt, "".join(r._chunks)) for r in earlier])
        reply = self.replies[min(number, len(self.replies) - 1)]
        if isinstance(reply, BaseException):
            raise reply
        return reply(prompt) if callable(reply) else reply

    def usage(self, prompt: Any, reply: str) -> dict[str, int | None]:
        """Return the counts that the model reports: the whole request plus 4 tokens per message, and the reply."""
        if self.count is None:
            return {"input": None, "output": None}
        texts = ["".join(getattr(part, "text", "") for part in m.parts) for m in prompt.messages]
        return {"input": sum(self.count(text) + 4 for text in texts), "output": self.count(reply)}


class ScriptedModel(llm.Model):
    """The model, as llm sees it; it streams its reply word by word."""

    can_stream = True
    supports_tools = True
    supports_schema = True
    attachment_types = {"image/png", "text/plain"}  # noqa: RUF012  as llm declares it

    class Options(llm.Options):
        """Two options, to test that they are carried over."""

        num_predict: int | None = None
        mood: str | None = None

    def __init__(self, model_id: str, script: Script) -> None:
        self.model_id = model_id
        self.script = script

    def execute(self, prompt: llm.Prompt, stream: bool, response: Any, conversation: Any) -> Iterator[str]:
        """Yield the reply; for an exception after some words, the script has a Broken."""
        reply = self.script.answer(prompt, conversation)
        yield from _words(reply)
        response.set_usage(**self.script.usage(prompt, reply))


class AsyncScriptedModel(llm.AsyncModel):
    """The same model for --async, sharing the script."""

    can_stream = True
    supports_tools = True
    supports_schema = True
    attachment_types = {"image/png", "text/plain"}  # noqa: RUF012  as llm declares it
    Options = ScriptedModel.Options  # type: ignore[assignment]

    def __init__(self, model_id: str, script: Script) -> None:
        self.model_id = model_id
        self.script = script

    async def execute(
        self, prompt: llm.Prompt, stream: bool, response: Any, conversation: Any
    ) -> AsyncGenerator[str, None]:
        """Yield the reply."""
        reply = self.script.answer(prompt, conversation)
        for word in _words(reply):
            yield word
        response.set_usage(**self.script.usage(prompt, reply))


def _words(reply: str) -> Iterator[str]:
    words = reply.split(" ")
    for number, word in enumerate(words):
        yield word if number == 0 else f" {word}"
        if isinstance(reply, Broken) and number + 1 >= reply.after:
            raise reply.error


class Broken(str):  # noqa: SLOT000  carries its error
    """A reply that breaks off with an error after some words."""

    after: int
    error: BaseException

    def __new__(cls, text: str, after: int, error: BaseException) -> Self:
        """Make a reply."""
        made = super().__new__(cls, text)
        made.after, made.error = after, error
        return made


class ScriptedPlugin:
    """Registers the scripted model with llm as `scripted`, and as `ollama/prefixed` to test prefixes."""

    def __init__(self, script: Script) -> None:
        self.script = script

    @llm.hookimpl
    def register_models(self, register: Callable[..., None]) -> None:
        """Register the models."""
        for model_id in ("scripted", "other", "ollama/prefixed"):
            register(ScriptedModel(model_id, self.script), AsyncScriptedModel(model_id, self.script))
