"""The fields of a workflow's file: what each takes and means. Pure.

Errors, the JSON schema and the docs come from these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...model.workflows import StepKind

Takes = Literal[
    "text",
    "template",
    "expression",
    "templates",
    "texts",
    "templates by name",
    "options",
    "schema",
    "list or expression",
    "count",
    "seconds",
    "choice",
    "inputs",
    "steps",
    "any",
]
"""What the value of a field can be. A template is a text with `{{ … }}`; an expression is what stands between these."""


@dataclass(frozen=True)
class Field:
    """One field: what it takes, what it means, and the choices if it takes one of a few words.

    `kind` is that of the steps that can have it; None: all.
    """

    takes: Takes
    means: str
    choices: tuple[str, ...] = ()
    kind: StepKind | None = None


ON_ERROR = ("stop", "skip", "continue")

TYPES = ("text", "number", "boolean", "list", "json", "file", "files")

_DEFAULTS = {
    "model": Field("template", "The model that is asked; llm's default model otherwise.", kind="prompt"),
    "system": Field("template", "The system prompt.", kind="prompt"),
    "options": Field("options", "Model options by name; texts are templates.", kind="prompt"),
    "retry": Field("count", "How often a step is tried again if it fails."),
    "on_error": Field(
        "choice",
        "If the step fails: stop the run (the default), skip the steps that need it, or continue without its answer.",
        ON_ERROR,
    ),
}

TOP = {
    "name": Field("text", "The name of the workflow; runs are named after it. The file's name otherwise."),
    "description": Field("text", "What the workflow does, for people."),
    "inputs": Field("inputs", "The values that a run is given with -p, by name."),
    **_DEFAULTS,
    "steps": Field("steps", "The steps, by name."),
    "output": Field("template", "What a run prints at its end; the answers of its last steps otherwise."),
}
"""The fields of the file itself. Model, system prompt, options, retry and on_error hold for steps without their own."""

INPUT = {
    "type": Field("choice", "The type of the value; text otherwise. files takes paths or patterns (*.md).", TYPES),
    "default": Field("any", "The value if none is given."),
    "choices": Field("texts", "The only values that are allowed."),
    "description": Field("text", "What the value is, for people."),
}
"""The fields of an input."""

STEP = {
    "prompt": Field("template", "The prompt.", kind="prompt"),
    **_DEFAULTS,
    "template": Field("text", "A template of llm, which gets the prompt as its $input.", kind="prompt"),
    "params": Field("templates by name", "Values for the variables of llm's template.", kind="prompt"),
    "schema": Field(
        "schema", "A JSON schema, or llm's short syntax (name, age int). The answer is JSON.", kind="prompt"
    ),
    "schema_multi": Field("schema", "The same for a list of such objects, as .json.items.", kind="prompt"),
    "tools": Field("texts", "Tools that the model may call, by name.", kind="prompt"),
    "fragments": Field("templates", "Files, URLs or aliases whose text is put before the prompt.", kind="prompt"),
    "attachments": Field("templates", "Files or URLs that are attached to the prompt.", kind="prompt"),
    "session": Field(
        "template", "Another session to ask in, with its history; the run's own otherwise.", kind="prompt"
    ),
    "needs": Field("texts", "Steps that must end before this one. Steps that its templates mention count anyway."),
    "when": Field("expression", "The step runs only if this is true; it is skipped otherwise."),
    "for_each": Field("list or expression", "The step runs once for each item of this list, as item and index."),
    "shell": Field("text", "A command to run instead of a prompt, if --allow-shell is given.", kind="shell"),
    "stdin": Field("template", "What the command reads from standard input.", kind="shell"),
    "env": Field("templates by name", "Environment variables of the command.", kind="shell"),
    "timeout": Field("seconds", "The seconds that the command may take; 60 otherwise.", kind="shell"),
}
"""The fields of a step."""

OF_STEP = ("text", "json", "results", "item", "index", "error", "failed", "skipped", "model")
"""What templates can use of a step: `steps.NAME.text` and so on."""
