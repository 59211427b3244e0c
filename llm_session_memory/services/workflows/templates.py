"""Templates and expressions of workflows: Jinja in a sandbox, in which an unknown name is an error.

What models answered reaches a template only as a value. It is never read as a template itself.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import Any

from ...errors import SessionError
from ...model.workflows import TemplateSource
from .bounds import check_call, check_operation, check_width, joined

WORKFLOWS = "llm-session-memory[workflows]"


class TemplateFailed(SessionError):
    """A template that can't be read or filled. `line` is the line of the file."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Mention:
    """A place in a template that mentions something: a name, and the path that follows it, as in `steps.facts.json`."""

    name: str
    path: tuple[str | int, ...]
    line: int


def check_installed() -> None:
    """Raise SessionError if Jinja isn't installed."""
    if importlib.util.find_spec("jinja2") is None:
        raise SessionError("Workflows need the package Jinja2.", f"Install it with: llm install '{WORKFLOWS}'")


@cache
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Environment(ImmutableSandboxedEnvironment):
        """A sandbox in which `.items` of a JSON object is its property, if it has one, and not its method."""

        intercepted_binops = frozenset(["*", "**", "%"])

        def getattr(self, obj: Any, attribute: str) -> Any:
            if isinstance(obj, Mapping) and attribute in obj:
                return obj[attribute]
            return super().getattr(obj, attribute)

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            """Calculate, unless the result would fill the memory."""
            check_operation(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def call(self, context: Any, called: Any, /, *args: Any, **kwargs: Any) -> Any:
            """Call a function or a method, unless the result would fill the memory."""
            check_call(called, args)
            return super().call(context, called, *args, **kwargs)

    made = Environment(undefined=StrictUndefined, keep_trailing_newline=False, trim_blocks=True, lstrip_blocks=True)
    made.globals = {name: made.globals[name] for name in ("range", "dict", "namespace")}
    made.filters["tojson"] = _tojson  # Jinja's own is for HTML
    made.filters["center"] = _centered
    made.filters["basename"] = lambda path: PurePath(path).name
    return made


def _centered(text: Any, width: int = 80) -> str:
    check_width(width)
    return str(text).center(width)


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def mentions(source: TemplateSource, *, expression: bool) -> list[Mention]:
    """Return what a template mentions from outside itself. Raises TemplateFailed if it isn't a template."""
    from jinja2 import TemplateError

    try:
        return [Mention(one.name, one.path, source.line + one.line - 1) for one in _mentions(source.text, expression)]
    except TemplateFailed as error:
        raise TemplateFailed(error.message, line=source.line + error.line - 1) from error
    except TemplateError as error:
        line = source.line + (getattr(error, "lineno", 1) or 1) - 1
        said = str(error.message or error).rstrip(".")
        what = "expression" if expression else "template"
        raise TemplateFailed(f"This {what} can't be read: {said}.", line=line) from error
    except (RecursionError, SyntaxError, MemoryError) as error:  # of Python, which Jinja makes of a template
        raise TemplateFailed("This template is nested too deeply.", line=source.line) from error


@cache
def _mentions(text: str, expression: bool) -> tuple[Mention, ...]:  # noqa: FBT001  cached by both
    """Return what a template mentions, with lines from 1. A file is read several times, its templates only once."""
    from jinja2 import meta, nodes

    tree = _environment().parse(f"{{{{ ({text}) }}}}" if expression else text)
    if expression:  # this also finds unknown filters and tests
        _expression(text)
    else:
        _template(text)
    for loading in (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends):
        for found in tree.find_all(loading):
            raise TemplateFailed("A template can't include others.", line=found.lineno)
    outside = meta.find_undeclared_variables(tree)
    return tuple(Mention(name, path, line) for name, path, line in _chains(tree) if name in outside)


def _chains(node: Any) -> Iterator[tuple[str, tuple[str | int, ...], int]]:
    """Yield the names in a template, each with the constant path that follows it, and its line."""
    from jinja2 import nodes

    path: list[str | int] = []
    here = node
    while isinstance(here, nodes.Getattr | nodes.Getitem):
        if isinstance(here, nodes.Getattr):
            path.append(here.attr)
        elif isinstance(here.arg, nodes.Const) and isinstance(here.arg.value, str | int):
            path.append(here.arg.value)
        else:  # what follows depends on a value
            path.clear()
            yield from _chains(here.arg)
        here = here.node
    if isinstance(here, nodes.Name) and here.ctx == "load":
        yield here.name, tuple(reversed(path)), here.lineno
        return
    for child in here.iter_child_nodes():
        yield from _chains(child)


def filled(source: TemplateSource, values: Mapping[str, Any]) -> str:
    """Return a template filled with values. Raises TemplateFailed."""
    return str(_run(source, lambda: joined(_template(source.text).generate(values))))


def evaluated(source: TemplateSource, values: Mapping[str, Any]) -> Any:
    """Return the value of an expression. Raises TemplateFailed."""
    from jinja2 import Undefined

    def run() -> Any:
        value = _expression(source.text)(values)
        if isinstance(value, Undefined):
            str(value)  # raises, with its reason
        return value

    return _run(source, run)


@cache
def _template(text: str) -> Any:
    return _environment().from_string(text)


@cache
def _expression(text: str) -> Any:
    return _environment().compile_expression(text, undefined_to_none=False)


def _run(source: TemplateSource, run: Any) -> Any:
    """Run a template. Whatever goes wrong within it is a mistake of the file, or of what a model answered."""
    try:
        return run()
    except SessionError:
        raise
    except Exception as error:  # a template can call methods of values, which raise anything
        said = str(error).rstrip(".") or type(error).__name__
        raise TemplateFailed(f"The template could not be filled: {said}.", line=_line_of(error, source)) from error


def _line_of(error: BaseException, source: TemplateSource) -> int:
    """Return the line of the file in which a template failed."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return source.line + line - 1
