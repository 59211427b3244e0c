"""The tools that a prompt of a job is sent with: run, or answered with the results that were recorded earlier."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
import llm
from llm import cli as llm_cli
from llm import models

from ..errors import SessionError
from ..model import Attachment
from ..model.frozen import dataclass
from . import convert

RELIED_ON = {
    "cli": "_gather_tools",
    "parameters of cli._gather_tools": "tool_specs python_tools model",
    "llm": "Tool ToolOutput",
    "models": "_wrap_tools",
    "an instance of llm.Tool": "description implementation input_schema name plugin",
}
"""The parts of llm that this module relies on (see `shape`)."""

NOT_RUN = "This tool was not run: tools are not run in this session, and there is no recorded result of this call."
"""The result of a call that was not recorded, if tools are not run."""


@dataclass(frozen=True)
class RecordedResult:
    """The recorded result of a tool call."""

    name: str
    arguments: Mapping[str, Any]
    output: str
    attachments: tuple[Attachment, ...] = ()


def tools_of(model: Any, given: Sequence[Any], recorded: Iterable[RecordedResult], *, run: bool) -> list[Any]:
    """Return the tools to offer to a model.

    Args:
        model: the llm model object
        given: llm's tools, toolboxes and functions, or names as for `llm -T`
        recorded: results of calls; the same call gets them one after the other, and then the last one again
        run: whether the tools are run; otherwise each has an implementation that only looks up recorded results, and
            tools that a model's server runs are not offered

    Raises:
        SessionError: llm has no such tool.
    """
    names = [one for one in given if isinstance(one, str)]
    try:
        found = llm_cli._gather_tools(names, [], model=model) if names else []  # noqa: SLF001  what `llm -T` does
    except click.ClickException as error:
        raise SessionError(error.message, "List tools with: llm tools") from error
    except Exception as error:  # a toolbox may refuse its arguments in any way
        raise SessionError(f"The tools {', '.join(names)} can't be made: {error}.", "Check their arguments.") from error
    tools = [*(one for one in given if not isinstance(one, str)), *found]
    if run:
        return tools
    results = _by_call(recorded)
    wrapped = models._wrap_tools(tools)  # noqa: SLF001  functions, toolboxes and tools alike, as the prompt does
    return [replace(one, implementation=_recorded(one.name, results)) for one in wrapped if isinstance(one, llm.Tool)]


def recorded_tools(rows: Iterable[Mapping[str, Any]], recorded: Iterable[RecordedResult]) -> list[Any]:
    """Return tools as a turn offered them, given as rows of llm's tables, that look up recorded results.

    Tools that a model's server runs are not among them: the log has no definition of those.
    """
    results = _by_call(recorded)
    return [
        llm.Tool(
            row["name"],
            row["description"],
            json.loads(row["input_schema"] or "{}"),
            _recorded(row["name"], results),
            row["plugin"],
        )
        for row in rows
        if row["plugin"] or not row["instance_name"]
    ]


def _by_call(recorded: Iterable[RecordedResult]) -> dict[str, list[RecordedResult]]:
    found: dict[str, list[RecordedResult]] = {}
    for one in recorded:
        found.setdefault(_call(one.name, one.arguments), []).append(one)
    return found


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    return json.dumps([name, arguments], sort_keys=True, default=str)


def _recorded(name: str, results: dict[str, list[RecordedResult]]) -> Callable[..., Any]:
    """Return an implementation of a tool that gives recorded results."""

    def implementation(**arguments: Any) -> Any:
        left = results.get(_call(name, arguments))
        if not left:
            return NOT_RUN
        one = left.pop(0) if len(left) > 1 else left[0]
        attachments = [convert.attachment_of(held) for held in one.attachments]
        return llm.ToolOutput(one.output, attachments) if attachments else one.output

    return implementation
