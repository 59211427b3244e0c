"""Send a failed prompt again, and add a reply that could not be logged to its session."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import click
import llm
from click.core import ParameterSource
from llm import cli as llm_cli
from llm import models

from ..errors import NoSuchSession, SessionError
from ..model import Attempt
from ..rules.safe_text import without_halves
from ..services.bundle import Services
from .attempts import said_of
from .command import run
from .models import log_path, model_of
from .options import ours

RELIED_ON = {
    "llm": "Conversation",
    "options of prompt": "prompt",
    "models.Response": "from_dict log_to_db",
    "an instance of models.Response": "_end _start _start_utcnow conversation id",
}
"""The parts of llm that this module relies on (see `shape`)."""

_CHECK = "Check its name: it is in the message of the prompt that could not be logged."
_UNCHANGED = "Nothing was changed."


class _NoInput(io.StringIO):
    """An empty standard input that claims to be a terminal, so that llm does not wait for it."""

    def isatty(self) -> bool:
        return True


def retry(  # noqa: PLR0913  what a command line says, each on its own
    ctx: click.Context, name: str, database: str | None, *, model: str | None, no_stream: bool, over_budget: bool
) -> None:
    """Send a session's newest failed prompt again, as `llm prompt` would, to the same model or another.

    Another model gets only the options that it knows.
    """
    with Services.open(log_path(database), typed=database) as memory:
        kept = memory.record.open_attempt(name)
        session = memory.sessions.get(name)
    command = llm_cli.cli.commands["prompt"]
    request, said = kept.request, said_of(kept)
    if model is not None:
        known = getattr(model_of(model).Options, "model_fields", {})
        options = {name: value for name, value in said.options.items() if name in known}
        said = replace(said, model=model, options=options)
    if request.get("imported_functions"):
        click.echo("The prompt's Python functions were imported from a file, so they are not run.", err=True)
    with command.make_context("prompt", [], parent=ctx) as sub:
        sub.set_parameter_source("session", ParameterSource.COMMANDLINE)
        sub.set_parameter_source("model_id", ParameterSource.COMMANDLINE)
        values = sub.params | {
            "prompt": kept.prompt,
            "database": database,
            "system": said.system,
            "model_id": said.model,
            "tools": tuple(request.get("tools") or ()),
            "python_tools": tuple(request.get("functions") or ()),
            "options": tuple(said.options.items()),
            "no_stream": no_stream,
        }
        mine = {"session": session.name, "new_session": False, "retrying": kept, "send_anyway": True}
        mine["over_budget"] = over_budget
        for name_ in ours():
            mine.setdefault(name_, getattr(said, name_, None))
            values.pop(name_, None)
        stdin, sys.stdin = sys.stdin, _NoInput()
        try:
            run(getattr(command.callback, "__wrapped__"), values, mine)  # noqa: B009  set by functools.wraps
        finally:
            sys.stdin = stdin


def recover(path: Path, database: str | None) -> tuple[str, int]:
    """Add unlogged replies, or else the prompt, to their session. Return its name and how many there were."""
    thread_id, data, attempt = _read(path)
    with Services.open(log_path(database)) as memory:
        session = memory.sessions.of_thread(thread_id)
        if session is None:
            raise NoSuchSession(
                f"The session for {path} is not in {memory.path}.",
                "If it belongs to another log, name that log with -d.",
            )
        memory.desk.prepare()
        with memory.writing():
            if attempt is not None and not data:
                memory.record.keep_attempt(attempt)
            for item in data:
                if memory.record.is_logged(item.get("id", "")):
                    continue
                model = model_of(item["model"])
                response = models.Response.from_dict(cast("Any", item), model=model)
                _restore_times(response, item)
                response.id = memory.record.next_id(thread_id, response.id)
                response.conversation = llm.Conversation(model=model, id=thread_id)
                origin = memory.record.origin(thread_id)
                if origin is not None:
                    from .forks import begin

                    begin(memory.desk, thread_id, origin, attempt.prompt if attempt else "")
                response.log_to_db(memory.desk.log.database)
            if attempt is not None and data:
                memory.record.withdraw(attempt.id)
    path.unlink()
    return session.name, len(data) or 1


def _read(path: Path) -> tuple[str, list[dict[str, Any]], Attempt | None]:
    """Return the contents of a file: the thread, its replies as llm's data, and the prompt as an attempt."""
    try:
        kept = _storable(json.loads(path.read_text("utf-8")))
        attempt = Attempt(**kept["attempt"]) if kept.get("attempt") else None
        data: list[dict[str, Any]] = kept["responses"]
        thread_id = str(kept["thread_id"])
    except RecursionError:
        raise SessionError(
            f"{path} can't be read as a kept reply: it is nested too deeply.", _CHECK, _UNCHANGED
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SessionError(f"{path} can't be read as a kept reply: {_why(error)}.", _CHECK, _UNCHANGED) from error
    if not (data or attempt):
        raise SessionError(f"{path} contains neither a reply nor a prompt.", _CHECK, _UNCHANGED)
    return thread_id, data, attempt


def _why(error: Exception) -> str:
    """Return why a file can't be read, in words that say something about the file."""
    if isinstance(error, KeyError):
        return f"it has no “{error.args[0]}”"
    if isinstance(error, OSError):
        return f"{error.strerror or error}"
    return "it is not JSON" if isinstance(error, ValueError) else "it is JSON of another kind"


def _storable(value: Any) -> Any:
    """Return JSON data without lone surrogates, which can't be stored."""
    if isinstance(value, str):
        return without_halves(value)
    if isinstance(value, dict):
        return {key: _storable(one) for key, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list) else value


def _restore_times(response: Any, item: dict[str, Any]) -> None:
    if item.get("datetime_utc"):
        response._start_utcnow = datetime.fromisoformat(item["datetime_utc"])  # noqa: SLF001
    response._start, response._end = 0.0, (item.get("duration_ms") or 0) / 1000  # noqa: SLF001
