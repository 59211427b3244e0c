"""Check a workflow before anything is sent: names, order, templates, schemas and types, each mistake with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ...errors import SessionError
from ...model.workflows import Input, Step, TemplateSource, Workflow
from ...rules.names import near
from ...rules.workflows.fields import OF_STEP
from ...rules.workflows.nodes import Mistake, refused
from ...rules.workflows.order import cycle, unknown
from ...rules.workflows.reading import WorkflowReader
from ...rules.workflows.shapes import followed, kind_of
from . import templates
from .inputs import converted
from .templates import Mention, TemplateFailed
from .text import nodes

PIPED = "input"
"""The input that every workflow has: what is piped to its run."""

SchemaOf = Callable[[Any, bool], Mapping[str, Any]]
"""Returns the JSON schema of a step's schema, which may be in llm's short syntax; if True, that of a list of these."""

_ALWAYS = {"range", "dict", "namespace"}


def checked(text: str, where: str, name: str, schema_of: SchemaOf, model: str | None = None) -> Workflow:
    """Return the workflow of a file's text, with the needs that its templates imply.

    Args:
        text: The text of the file.
        where: The name of the file, for errors.
        name: The name of the workflow, if the file has none.
        schema_of: Makes JSON schemas.
        model: The model of the steps that name none, instead of the file's.

    Raises:
        WorkflowRefused: The file has mistakes. All of them are in the error.
        SessionError: Jinja is not installed.
    """
    templates.check_installed()
    reader = WorkflowReader(model)
    workflow = reader.workflow(nodes(text, where), name)
    checking = _Checking(workflow, schema_of)
    found = [*reader.mistakes, *checking.mistakes()]
    if found:
        raise refused(found, where)
    return replace(workflow, steps=checking.steps)


def uses_pipe(workflow: Workflow) -> bool:
    """Return whether a workflow uses what is piped to it, or `-p input`."""
    if PIPED in workflow.inputs:
        return True
    sources = [(source, False) for step in workflow.steps.values() for _, source in step.sources()]
    sources += [(source, True) for step in workflow.steps.values() for _, source in step.expressions()]
    sources += [(workflow.output, False)] if workflow.output else []
    return any(
        one.name == PIPED for source, expression in sources for one in templates.mentions(source, expression=expression)
    )


class _Checking:
    """The checks of one workflow. `steps` are its steps with all their needs."""

    def __init__(self, workflow: Workflow, schema_of: SchemaOf) -> None:
        self.workflow = workflow
        self.found: list[Mistake] = []
        self.schemas: dict[str, Mapping[str, Any]] = {}
        for step in workflow.steps.values():
            self._schema(step, schema_of)
        self.steps = {name: self._step(step) for name, step in workflow.steps.items()}

    def mistakes(self) -> list[Mistake]:
        """Return the mistakes."""
        if self.workflow.output is not None:
            self._source(None, "output", self.workflow.output, expression=False)
        for one in self.workflow.inputs.values():
            self._default(one)
        missing = unknown(self.steps)
        circle = None if missing else cycle(self.steps)
        return [*self.found, *missing, *([circle] if circle else [])]

    def _mistake(self, message: str, hint: str, line: int) -> None:
        self.found.append(Mistake(message, hint, line))

    def _default(self, one: Input) -> None:
        try:
            if one.default is not None:
                converted(one, one.default, look=False)
        except SessionError as error:
            self._mistake(error.message, error.hint, one.line)

    def _schema(self, step: Step, schema_of: SchemaOf) -> None:
        if step.schema is None:
            return
        try:
            self.schemas[step.name] = schema_of(step.schema, step.many)
        except SessionError as error:
            self._mistake(f"Step “{step.name}” has no valid schema: {error.message}", error.hint, step.line)

    def _step(self, step: Step) -> Step:
        """Return a step with the needs that its templates imply."""
        implied: list[str] = []
        for field, source in step.sources():
            implied += self._source(step, field, source, expression=False)
        for field, source in step.expressions():
            implied += self._source(step, field, source, expression=True)
        if step.shell is not None and ("{{" in step.shell or "{%" in step.shell):
            hint = "Pass values through stdin or env, so that no answer of a model can become a command."
            self._mistake(f"The command of step “{step.name}” can't have templates.", hint, step.line)
        known = [name for name in implied if name in self.workflow.steps]
        return replace(step, needs=tuple(dict.fromkeys([*step.needs, *known])))

    def _source(self, step: Step | None, field: str, source: TemplateSource, *, expression: bool) -> list[str]:
        """Check one template or expression, and return the steps that it mentions."""
        try:
            found = templates.mentions(source, expression=expression)
        except TemplateFailed as error:
            self._mistake(error.message, error.hint, error.line)
            return []
        for one in found:
            self._mention(step, field, one)
        if field == "for_each":
            self._list(step, source, found)
        return [str(one.path[0]) for one in found if one.name == "steps" and one.path]

    def _mention(self, step: Step | None, field: str, one: Mention) -> None:
        each = step is not None and step.for_each is not None and field != "for_each"
        if one.name == "steps":
            self._of_step(one)
        elif one.name in ("item", "index"):
            if not each:
                self._mistake(f"“{one.name}” has a value only in a step with for_each.", "", one.line)
        elif one.name not in self.workflow.inputs and one.name != PIPED and one.name not in _ALWAYS:
            alike = near(one.name, [*self.workflow.inputs, "steps", PIPED, *(("item", "index") if each else ())])
            hint = f"Did you mean “{alike}”?" if alike else "Add it under inputs:, or use steps.NAME.text."
            self._mistake(f"The template uses “{one.name}”, but there is no such input.", hint, one.line)

    def _of_step(self, one: Mention) -> None:
        """Check what a template uses of another step."""
        steps = self.workflow.steps
        if not one.path:
            self._mistake("“steps” alone has no value.", "Name a step: steps.NAME.text", one.line)
            return
        name = str(one.path[0])
        if name not in steps:
            alike = near(name, steps)
            hint = f"Did you mean “{alike}”?" if alike else f"The steps are: {', '.join(steps)}."
            self._mistake(f"The template uses step “{name}”, but there is no such step.", hint, one.line)
            return
        if len(one.path) == 1:
            return
        used, rest = one.path[1], one.path[2:]
        if used not in OF_STEP:
            hint = f"A step has: {', '.join(OF_STEP)}."
            self._mistake(f"The template uses “{used}” of step “{name}”, which it doesn't have.", hint, one.line)
        elif used == "results" and steps[name].for_each is None:
            self._mistake(
                f"Step “{name}” has no results, because it has no for_each.", f"Use steps.{name}.text.", one.line
            )
        elif used == "json" and steps[name].kind == "prompt":
            self._json(name, rest, one.line)

    def _json(self, name: str, path: tuple[str | int, ...], line: int) -> None:
        if self.workflow.steps[name].schema is None:
            hint = f"Add a schema to it, or use steps.{name}.text."
            self._mistake(f"Step “{name}” has no JSON, because it has no schema.", hint, line)
        elif shape := self._shape(name):
            _, why = followed(shape, path)
            if why:
                self._mistake(f"In the JSON of step “{name}”, {why}", "", line)

    def _shape(self, name: str) -> Mapping[str, Any] | None:
        """Return the schema of a step's `.json`, which is a list if it has for_each."""
        schema = self.schemas.get(name)
        if schema is None:  # even if there is no such step, which is reported separately
            return None
        return schema if self.workflow.steps[name].for_each is None else {"type": "array", "items": schema}

    def _list(self, step: Step | None, source: TemplateSource, found: list[Mention]) -> None:
        """Check that `for_each` leads to a list, if that can be known now."""
        if step is None or len(found) != 1:
            return
        one = found[0]
        if source.text.strip() != ".".join(map(str, (one.name, *one.path))):
            return
        kind = ""
        if one.name in self.workflow.inputs and not one.path:
            takes = self.workflow.inputs[one.name].type
            kind = {"text": "a text", "number": "a number", "boolean": "true or false", "file": "a file"}.get(takes, "")
        elif one.name == "steps" and one.path[1:2] == ("text",):
            kind = "a text"
        elif one.name == "steps" and one.path[1:2] == ("json",) and (shape := self._shape(str(one.path[0]))):
            kind = kind_of(followed(shape, one.path[2:])[0])
        if kind not in ("", "a list"):
            hint = "Give it an input of the type list or files, or a list in the JSON of a step."
            self._mistake(
                f"Step “{step.name}” repeats for each item of “{source.text.strip()}”, which is {kind}.", hint, one.line
            )
