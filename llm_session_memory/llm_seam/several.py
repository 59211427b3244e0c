"""Ask several models the same prompt by llm's own `llm prompt`, so that all its options mean the same.

Each model answers in a session of its own. What the command would print is handed over piece by piece.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource
from llm import cli as llm_cli

from ..errors import SessionError
from ..model import Session
from ..rules.safe_text import plain
from ..services.bundle import Services
from ..store import owned_file
from . import received
from .command import run
from .models import log_path, model_of
from .options import ours
from .tables import migrated

RELIED_ON = {
    "cli": "display_stream_events",
    "options of prompt": """
        prompt system model_id database queries show_model_options options no_log log hide_reasoning _continue
        conversation_id save async_ usage json_output
        """,
}
"""The parts of llm that this module relies on (see `shape`)."""

_NOT_HERE = frozenset(
    """
    model_id queries show_model_options no_log log hide_reasoning _continue conversation_id save async_ usage
    json_output session new_session fork_at project
    """.split()
)
"""The options of `llm prompt` that say which model or conversation it is, or what becomes of the answer."""


def parameters() -> list[click.Parameter]:
    """Return the argument and the options of `llm prompt` that a comparison takes too."""
    prompt = llm_cli.cli.commands["prompt"]
    return [one for one in prompt.params if one.name not in _NOT_HERE]


def models_of(names: Sequence[str]) -> dict[str, Any]:
    """Return llm's models by their ids. Raises SessionError if one is unknown, or named twice."""
    found: dict[str, Any] = {}
    for name in names:
        model = model_of(name)
        if model.model_id in found:
            raise SessionError(
                f"The model “{model.model_id}” is named twice.", "Name each once; -n N asks each of them N times."
            )
        found[model.model_id] = model
    return found


def shared_options(models: Mapping[str, Any], typed: Sequence[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Return which of the options that were typed each model is given: those that it knows.

    Raises SessionError if none knows an option.
    """
    known = {model: set(getattr(one.Options, "model_fields", {})) for model, one in models.items()}
    for name, _ in typed:
        if not any(name in names for names in known.values()):
            raise SessionError(
                f"None of these models has an option “{name}”.", "List a model's options with: llm -m MODEL --options"
            )
    return {model: [(name, value) for name, value in typed if name in names] for model, names in known.items()}


def piped() -> str:
    """Return what was piped to the command, or nothing if its input is a terminal."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    with received.standard_input():
        return sys.stdin.read()


@contextlib.contextmanager
def opened(database: str | None) -> Iterator[Services]:
    """Open the log to ask in, with llm's tables; it is made if there is none."""
    path = log_path(database)
    owned_file(path)
    with Services.open(path, typed=database) as services:
        if not services.desk.log.columns("turns"):
            migrated(services.desk.log)
        yield services


@dataclass(frozen=True)
class Asking:
    """What all models are asked: the parameters of `llm prompt`, and the text that was piped."""

    ctx: click.Context
    given: Mapping[str, Any]
    piped: str

    def ask(
        self, session: Session, model: str, options: Sequence[tuple[str, str]], on_text: Callable[[str], None]
    ) -> str:
        """Ask one model in its session. Returns the whole text of the answer; the log has it too.

        `on_text` is called with each piece that the command would print. Raises ClickException if the call fails; the
        prompt is then kept in the session.
        """
        command = llm_cli.cli.commands["prompt"]
        sink = _Sink(on_text)
        with command.make_context("prompt", [], parent=self.ctx) as sub:
            for name in ("session", "model_id"):
                sub.set_parameter_source(name, ParameterSource.COMMANDLINE)
            mine = {name: self.given.get(name) for name in ours()}
            mine.update(session=session.name, new_session=False)
            values = {name: value for name, value in sub.params.items() if name not in mine}
            values.update({name: value for name, value in self.given.items() if name in values})
            values.update(model_id=model, options=tuple(options))
            with _own_streams(self.piped, sink), _without_reasoning():
                run(getattr(command.callback, "__wrapped__"), values, mine)  # noqa: B009  set by functools.wraps
        return sink.getvalue().removesuffix("\n")


class _Sink(io.StringIO):
    """Standard output that hands each piece over."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        super().__init__()
        self._on_text = on_text

    def write(self, text: str, /) -> int:
        count = super().write(text)
        self._on_text(text)
        return count


class _Terminal(io.TextIOBase):
    """A terminal's input, for questions. A command must not set how it is decoded, because votes were read from it."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        number: int = self._stream.fileno()
        return number

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # as TextIOWrapper has it
        line: str = self._stream.readline(size)
        return line


@contextlib.contextmanager
def _own_streams(text: str, sink: _Sink) -> Iterator[None]:
    """Let the command read the piped text, each time from its beginning. A terminal stays, for questions."""
    before = sys.stdin
    sys.stdin = _Terminal(before) if before is not None and before.isatty() else io.StringIO(text)
    try:
        with contextlib.redirect_stdout(sink):
            yield
    finally:
        sys.stdin = before


@contextlib.contextmanager
def _without_reasoning() -> Iterator[None]:
    """Let llm show the text of an answer alone: its reasoning would come between the columns."""
    original = llm_cli.display_stream_events

    def display(events: Any, **parameters: Any) -> None:
        del parameters
        for event in events:
            if event.type == "text":
                sys.stdout.write(plain(event.chunk))

    llm_cli.display_stream_events = display
    try:
        yield
    finally:
        llm_cli.display_stream_events = original
