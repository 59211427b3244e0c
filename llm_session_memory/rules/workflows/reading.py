"""Read a workflow from the nodes of its file, and find every value that the format doesn't allow. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...model.workflows import Input, Step, TemplateSource, Workflow
from ..names import near
from .fields import INPUT, STEP, TOP, Field
from .nodes import Mistake, Node

RESERVED = (*("steps", "item", "index", "loop", "range", "dict", "namespace", "self", "true", "false", "none"),)
"""Names that mean something else in templates, so that no input can have them."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_MOST_TRIES = 100
_LONGEST = 86_400.0


class WorkflowReader:
    """Reads one file's nodes. `mistakes` collects what is wrong. `model` stands for the file's own."""

    def __init__(self, model: str | None = None) -> None:
        self._model = TemplateSource(model, 0) if model is not None else None
        self.mistakes: list[Mistake] = []

    def workflow(self, root: Node | None, name: str) -> Workflow:
        """Return the workflow, as far as it can be read. `name` is that of the file."""
        if root is None or not root.mapping:
            hint = "A workflow begins with its steps, for example: steps: {first: {prompt: Hello}}"
            self._mistake("This is not a workflow.", hint, root.line if root else 0)
            return Workflow(name, {})
        found = self._fields(root, TOP, "The file")
        values = {field: self._value(node, TOP[field], field) for field, (_, node) in found.items()}
        if "steps" not in found:
            self._mistake("The file has no steps.", "Add them under: steps:", root.line)
        elif not found["steps"][1].value:
            self._mistake("The file has no steps.", "Add a step under: steps:", found["steps"][1].line)
        if "name" in values and values["name"] is not None:
            name = str(values["name"]).strip() or name
        steps = values.get("steps") or {}
        defaults = {field: values[field] for field in STEP if values.get(field) is not None}
        if self._model is not None:
            defaults["model"] = self._model
        return Workflow(
            name,
            {step: self._step(step, key, node, defaults) for step, (key, node) in steps.items()},
            values.get("inputs") or {},
            values.get("output"),
            values.get("description") or "",
        )

    # -- mappings --------------------------------------------------------------

    def _mistake(self, message: str, hint: str, line: int) -> None:
        self.mistakes.append(Mistake(message, hint, line))

    def _fields(self, node: Node, known: Mapping[str, Field], whose: str) -> dict[str, tuple[Node, Node]]:
        """Return the fields of a mapping that are known, as key and value."""
        found = {}
        for name, key, value in self._pairs(node, whose):
            if name in known:
                found[name] = (key, value)
            else:
                alike = near(name, known)
                hint = f"Did you mean “{alike}”?" if alike else f"The fields are: {', '.join(known)}."
                self._mistake(f"{whose} can't have a field “{name}”.", hint, key.line)
        return found

    def _pairs(self, node: Node, whose: str) -> Iterator[tuple[str, Node, Node]]:
        """Yield name, key and value of each pair of a mapping. A name that comes twice is a mistake."""
        seen = set()
        for key, value in node.value:
            name = key.value if isinstance(key.value, str) else str(key.plain())
            if name in seen:
                self._mistake(f"{whose} has “{name}” twice.", "Leave out one of them.", key.line)
                continue
            seen.add(name)
            yield name, key, value

    def _named(self, node: Node, what: str) -> dict[str, tuple[Node, Node]]:
        """Return a mapping whose keys are names of inputs or steps."""
        if not node.mapping:
            self._mistake(f"“{what}” must be a mapping of names, but is {node.kind}.", "", node.line)
            return {}
        found = {}
        for name, key, value in self._pairs(node, f"“{what}”"):
            if not _NAME.fullmatch(name):
                hint = "Use letters, digits and “_”; begin with a letter."
                self._mistake(f"“{name}” can't be the name of one of the {what}.", hint, key.line)
            elif what == "inputs" and name.lower() in RESERVED:
                self._mistake(f"An input can't be called “{name}”: templates use that name.", "Rename it.", key.line)
            else:
                found[name] = (key, value)
        return found

    def _inputs(self, node: Node) -> dict[str, Input]:
        return {name: self._input(name, key, value) for name, (key, value) in self._named(node, "inputs").items()}

    def _input(self, name: str, key: Node, node: Node) -> Input:
        if node.value is None:
            return Input(name, key.line)
        if not node.mapping:
            hint = f"Write: {name}: {{default: …}}"
            self._mistake(f"Input “{name}” must be a mapping or empty, but is {node.kind}.", hint, node.line)
            return Input(name, key.line)
        found = self._fields(node, INPUT, f"Input “{name}”")
        values = {
            field: self._value(value, INPUT[field], f"inputs.{name}.{field}") for field, (_, value) in found.items()
        }
        return Input(
            name,
            key.line,
            values.get("type") or "text",
            values.get("default"),
            values.get("choices") or (),
            values.get("description") or "",
        )

    def _step(self, name: str, key: Node, node: Node, defaults: Mapping[str, Any]) -> Step:
        """Return a step. `defaults` are the file's own values for fields that the step doesn't have."""
        whose = f"Step “{name}”"
        if not node.mapping:
            self._mistake(f"{whose} must be a mapping, but is {node.kind}.", "It needs at least: prompt: …", node.line)
            return Step(name, key.line)
        found = self._fields(node, STEP, whose)
        shell = "shell" in found
        self._fitting(whose, found, key.line)
        values = {field: self._value(value, STEP[field], f"{name}.{field}") for field, (_, value) in found.items()}
        for field, value in defaults.items():
            if not (shell and STEP[field].kind == "prompt"):
                values[field] = (
                    {**value, **(values.get(field) or {})} if field == "options" else values.get(field, value)
                )
        given = {field: value for field, value in values.items() if value is not None}
        many = given.pop("schema_multi", None)
        if many is not None:
            given.update(schema=many, many=True)
        return Step(name, key.line, "shell" if shell else "prompt", **given)

    def _fitting(self, whose: str, found: Mapping[str, Any], line: int) -> None:
        """Check that the fields of a step fit together."""
        shell = "shell" in found
        for field, (key, _) in found.items():
            if shell and STEP[field].kind == "prompt":
                self._mistake(
                    f"{whose} runs a command, so it can't have “{field}”.", "Leave out one of them.", key.line
                )
            elif not shell and STEP[field].kind == "shell":
                self._mistake(f"{whose} runs no command, so it can't have “{field}”.", "Leave it out.", key.line)
        if not shell and not {"prompt", "template"} & found.keys():
            self._mistake(f"{whose} has no prompt.", "Add: prompt: … or: shell: …", line)
        if "schema" in found and "schema_multi" in found:
            self._mistake(
                f"{whose} has two schemas.", "Leave out schema or schema_multi.", found["schema_multi"][0].line
            )
        if "params" in found and "template" not in found:
            hint = "To put values into the prompt, use {{ … }}."
            self._mistake(f"{whose} has params, but no llm template.", hint, found["params"][0].line)

    # -- values ----------------------------------------------------------------

    def _value(self, node: Node, field: Field, which: str) -> Any:
        """Return the value of a field, or None if it is wrong. `which` names the field."""
        takes: Mapping[str, Callable[[], Any]] = {
            "any": node.plain,
            "inputs": lambda: self._inputs(node),
            "steps": lambda: self._named(node, "steps"),
            "text": lambda: self._text(node, which),
            "template": lambda: self._source(node, which),
            "expression": lambda: self._source(node, which),
            "texts": lambda: self._several(node, which, self._text),
            "templates": lambda: self._several(node, which, self._source),
            "choice": lambda: self._choice(node, field.choices, which),
            "count": lambda: self._number(node, which, seconds=False),
            "seconds": lambda: self._number(node, which, seconds=True),
            "templates by name": lambda: self._by_name(node, which, options=False),
            "options": lambda: self._by_name(node, which, options=True),
            "schema": lambda: self._schema(node, which),
            "list or expression": lambda: node.plain() if node.is_list else self._source(node, which),
        }
        return takes[field.takes]()

    @staticmethod
    def _several(node: Node, which: str, read: Callable[[Node, str], Any]) -> tuple[Any, ...]:
        """Return the values of a list; a single value counts as a list of one."""
        parts = node.value if node.is_list else (node,)
        return tuple(one for part in parts if (one := read(part, which)) is not None)

    def _text(self, node: Node, which: str) -> str | None:
        if isinstance(node.value, str) and node.value.strip():
            return node.value
        if isinstance(node.value, str):
            self._mistake(f"“{which}” must be a text, but is empty.", "Leave it out, or give it one.", node.line)
            return None
        hint = "Put it in quotes."
        if node.mapping and any(key.mapping for key, _ in node.value):  # {{ … }} without quotes
            hint = "Put a text that begins with {{ in quotes."
        self._mistake(f"“{which}” must be a text, but is {node.kind}.", hint, node.line)
        return None

    def _source(self, node: Node, which: str) -> TemplateSource | None:
        text = self._text(node, which)
        return TemplateSource(text, node.text_line) if text is not None else None

    def _choice(self, node: Node, choices: tuple[str, ...], which: str) -> str | None:
        if node.value in choices and isinstance(node.value, str):
            return node.value
        self._mistake(f"“{which}” must be one of: {', '.join(choices)}.", "", node.line)
        return None

    def _number(self, node: Node, which: str, *, seconds: bool) -> float | None:
        number, most = node.value, _LONGEST if seconds else _MOST_TRIES
        kind = (int, float) if seconds else (int,)
        if (
            isinstance(number, kind)
            and not isinstance(number, bool)
            and 0 <= number <= most
            and (number or not seconds)
        ):
            return number
        least = "more than 0" if seconds else "0 or more"
        self._mistake(f"“{which}” must be a number: {least}, at most {most:,g}.", "", node.line)
        return None

    def _by_name(self, node: Node, which: str, *, options: bool) -> dict[str, Any] | None:
        if not node.mapping:
            self._mistake(f"“{which}” must be a mapping of names, but is {node.kind}.", "", node.line)
            return None
        found: dict[str, Any] = {}
        for name, _, value in self._pairs(node, f"“{which}”"):
            if isinstance(value.value, str):
                found[name] = TemplateSource(value.value, value.text_line)
            elif options:
                found[name] = value.plain()
            elif value.value is None or isinstance(value.value, tuple):
                self._mistake(f"“{which}.{name}” must be a text, but is {value.kind}.", "", value.line)
            else:
                found[name] = TemplateSource(
                    str(value.value).lower() if isinstance(value.value, bool) else str(value.value), value.line
                )
        return found

    def _schema(self, node: Node, which: str) -> Any:
        if node.mapping:
            return node.plain()
        hint = "Write llm's short syntax (name, age int) or a JSON schema as a mapping."
        if isinstance(node.value, str) and node.value.strip():
            return node.value
        self._mistake(f"“{which}” must be a schema, but is {node.kind}.", hint, node.line)
        return None
