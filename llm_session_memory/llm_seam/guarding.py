"""The guard of a session: says so, and asks on a terminal, before a secret is sent to a model that is not local."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from ..errors import SessionError
from ..model import Message
from ..rules.safe_text import plain
from ..rules.secrets import masked, matches, texts_in
from ..services.secret_rules import more
from ..services.windows import stays_here

_MOST = 4_000_000
"""Larger files are not looked through; they would delay the prompt."""

_SHOWN = 3
"""How many secrets are named in one message."""


class Guard:
    """The guard of one session during a command. What a person has agreed to is not asked about again."""

    def __init__(self, say: Callable[[str], None], off: str, *, asks: bool) -> None:
        """Make a guard.

        Args:
            say: Shows a message.
            off: The command that turns the guard off.
            asks: Whether there is somebody to ask: not for a program.
        """
        self._say, self._off, self._asks = say, off, asks
        self._agreed: set[str] = set()

    def check(self, name: str, model: Any, texts: Iterable[str]) -> None:
        """Look for secrets in texts that are about to be sent. Raises SessionError if the person says no."""
        if stays_here(model):
            return
        found: dict[str, str] = {}
        for text in texts:
            for one in matches(text, more=more()):
                found.setdefault(text[one.start : one.end], one.kind)
        new = {value: kind for value, kind in found.items() if value not in self._agreed}
        if not new:
            return
        shown = [f"{kind} {masked(value)}" for value, kind in new.items()]
        rest = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        what = "what look like secrets" if len(shown) > 1 else "what looks like a secret"
        self._say(
            f"session {name}: this prompt has {what}: {', '.join(shown[:_SHOWN])}{rest}."
            f" The model {model.model_id} is not local."
        )
        if self._asks and sys.stdin.isatty() and not click.confirm(plain("Send it?"), err=True):
            raise SessionError("The prompt was not sent.", f"To send such prompts without a question: {self._off}")
        self._agreed.update(new)


def texts_of_prompt(prompt: str | None, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that a prompt brings: itself, its system prompt, fragments, and attachments that are texts."""
    yield prompt or ""
    yield from map(str, filter(None, (parameters.get("system"), *(parameters.get("system_fragments") or ()))))
    yield from map(str, parameters.get("fragments") or ())
    for attachment in parameters.get("attachments") or ():
        yield _decoded(_content(attachment))


def texts_of_messages(messages: Iterable[Message]) -> Iterator[str]:
    """Yield the texts of messages: what was said, arguments and results of tools, attachments that are texts."""
    for message in messages:
        for part in message.parts:
            yield from texts_in(dict(part.data))
            for attachment in part.attachments:
                yield _decoded(attachment.content or b"")


def _content(attachment: Any) -> bytes:
    if attachment.content is not None:
        return bytes(attachment.content)
    with suppress(OSError):
        if attachment.path and Path(attachment.path).stat().st_size <= _MOST:
            return Path(attachment.path).read_bytes()
    return b""


def _decoded(content: bytes) -> str:
    """Return bytes as text, or nothing if they are none."""
    if b"\x00" in content[:1_000]:
        return ""
    with suppress(UnicodeDecodeError):
        return content.decode("utf-8")
    return ""
