"""Workflows as frozen values: the steps of a file, each a prompt or a command, and what each needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

from .frozen import dataclass

StepKind = Literal["prompt", "shell"]

OnError = Literal["stop", "skip", "continue"]
"""What happens if a step fails: the run stops, the steps that need it are skipped, or the run continues without it."""

InputType = Literal["text", "number", "boolean", "list", "json", "file", "files"]


@dataclass(frozen=True)
class TemplateSource:
    """A text of the file that is a template or an expression, and the line of the file in which the text begins."""

    text: str
    line: int


@dataclass(frozen=True)
class Input:
    """A value that a run is given with -p, and its type. `default` is None if it must be given."""

    name: str
    line: int
    type: InputType = "text"
    default: Any = None
    choices: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Step:
    """One step of a workflow.

    `needs` are the names of all steps that must end before it: those that the file lists, and those that its templates
    mention. `for_each` is an expression, or a list of values; the step then runs once for each. `schema` is llm's short
    syntax or a JSON schema. `retry` is how often it is tried again if it fails. `timeout` is in seconds.
    """

    name: str
    line: int
    kind: StepKind = "prompt"
    prompt: TemplateSource | None = None
    system: TemplateSource | None = None
    model: TemplateSource | None = None
    template: str | None = None
    params: Mapping[str, TemplateSource] = field(default_factory=dict)
    schema: str | Mapping[str, Any] | None = None
    many: bool = False
    tools: tuple[str, ...] = ()
    fragments: tuple[TemplateSource, ...] = ()
    attachments: tuple[TemplateSource, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    session: TemplateSource | None = None
    needs: tuple[str, ...] = ()
    when: TemplateSource | None = None
    for_each: TemplateSource | Sequence[Any] | None = None
    retry: int = 0
    on_error: OnError = "stop"
    shell: str | None = None
    stdin: TemplateSource | None = None
    env: Mapping[str, TemplateSource] = field(default_factory=dict)
    timeout: float = 60

    def sources(self) -> tuple[tuple[str, TemplateSource], ...]:
        """Return the step's templates, each with the name of its field. `when` and `for_each` are not templates."""
        one = {name: getattr(self, name) for name in ("prompt", "system", "model", "session", "stdin")}
        found = [(name, source) for name, source in one.items() if source is not None]
        for name in ("fragments", "attachments"):
            found += [(name, source) for source in getattr(self, name)]
        for name in ("params", "env", "options"):
            found += [(name, value) for value in getattr(self, name).values() if isinstance(value, TemplateSource)]
        return tuple(found)

    def expressions(self) -> tuple[tuple[str, TemplateSource], ...]:
        """Return the step's expressions, each with the name of its field."""
        found = (("when", self.when), ("for_each", self.for_each))
        return tuple((name, source) for name, source in found if isinstance(source, TemplateSource))


@dataclass(frozen=True)
class Workflow:
    """A workflow: its inputs and its steps by name, in the order of the file. `output` is what a run prints."""

    name: str
    steps: Mapping[str, Step]
    inputs: Mapping[str, Input] = field(default_factory=dict)
    output: TemplateSource | None = None
    description: str = ""
