"""What a step of a workflow asks: its templates filled, and llm's template, schema, fragments and options looked up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click
import llm
from llm import cli as llm_cli

from ..errors import SessionError
from ..model.workflows import Step, TemplateSource
from ..rules import names
from ..services.bundle import Services
from ..services.workflows.templates import filled, mentions
from ..store.file_at import file_at
from .asking import Question
from .models import Models, default_model, valid_options
from .templates import loaded
from .tool_results import tools_of

RELIED_ON = {
    "llm": "schema_dsl",
    "parameters of llm.schema_dsl": "schema_dsl multi",
    "cli": "_apply_template resolve_attachment resolve_fragments",
    "parameters of cli._apply_template": "template prompt params system",
    "parameters of cli.resolve_fragments": "db fragments",
}
"""The parts of llm that this module relies on (see `shape`)."""


@dataclass
class Lookups:
    """What the steps of a run look up in llm, each once: models and templates."""

    models: Models = field(default_factory=lambda: Models(async_=False))
    templates: dict[str, Any] = field(default_factory=dict)

    def model(self, name: str | None) -> Any:
        """Return a model by what the file calls it, or llm's default model. Raises SessionError."""
        return self.models.of(name or default_model())

    def template(self, name: str) -> Any:
        """Return a template of llm. Raises SessionError if it is unknown, or if it has functions."""
        if name not in self.templates:
            found = loaded(name)
            if found.functions:
                what = f"Template “{name}” has Python functions, which a workflow doesn't run."
                raise SessionError(what, "Instead, list tools of plugins under `tools` in it.")
            self.templates[name] = found
        return self.templates[name]


def schema_of(schema: Any, many: bool) -> Mapping[str, Any]:  # noqa: FBT001  as the checks call it
    """Return the JSON schema of a step's schema. Raises SessionError if it can't be read."""
    if not isinstance(schema, str):
        given = dict(schema)
        if not many:
            return given
        return {"type": "object", "properties": {"items": {"type": "array", "items": given}}, "required": ["items"]}
    try:
        found: Mapping[str, Any] = llm.schema_dsl(schema, multi=many)
    except Exception as error:  # whatever llm's parser raises
        raise SessionError(f"“{schema}” can't be read.", "Write: name, age int") from error
    return found


def model_name(step: Step, values: Mapping[str, Any], lookups: Lookups) -> str | None:
    """Return what a step calls its model, or None for llm's default model."""
    if step.model is not None:
        return filled(step.model, values).strip()
    of_template = lookups.template(step.template).model if step.template else None
    return str(of_template) if of_template else None


def question(services: Services, step: Step, values: Mapping[str, Any], lookups: Lookups) -> Question:
    """Return what a step asks, with all that it names in llm looked up.

    Raises SessionError if a template can't be filled, or if something that the step names doesn't exist.
    """
    prompt = filled(step.prompt, values) if step.prompt else None
    system = filled(step.system, values) if step.system else None
    options = {
        name: filled(one, values) if isinstance(one, TemplateSource) else one for name, one in step.options.items()
    }
    schema = schema_of(step.schema, step.many) if step.schema is not None else None
    fragments = [filled(one, values).strip() for one in step.fragments]
    attachments = [filled(one, values).strip() for one in step.attachments]
    tools: list[Any] = [*step.tools]
    if step.template:
        template = lookups.template(step.template)
        params = {name: filled(one, values) for name, one in step.params.items()}
        prompt, system = _applied(template, prompt, params, system)
        options = {**(template.options or {}), **options}
        schema = schema or template.schema_object
        fragments = [*(template.fragments or ()), *fragments]
        tools = [*(template.tools or ()), *tools]
        attachments = [*(template.attachments or ()), *attachments]
    return Question(
        prompt or "",
        system,
        [one for name in fragments if name for one in _fragments(services, name)],
        [_attachment(one) for one in attachments if one],
        options,
        schema,
        tools,
        "none" if step.session is None else "session",
    )


def _applied(
    template: Any, prompt: str | None, params: Mapping[str, str], system: str | None
) -> tuple[str, str | None]:
    """Return prompt and system prompt with llm's template, as its own command makes them."""
    try:
        made: tuple[str, str | None] = llm_cli._apply_template(template, prompt or "", dict(params), system)  # noqa: SLF001
    except (click.ClickException, ValueError) as error:
        message = error.message if isinstance(error, click.ClickException) else str(error)
        raise SessionError(
            f"Template “{template.name}”: {message.rstrip('.')}.", "Add the values as params."
        ) from error
    return made


def _fragments(services: Services, name: str) -> list[Any]:
    try:
        found: list[Any] = llm_cli.resolve_fragments(services.desk.log.database, [name])
    except Exception as error:  # not found, or whatever a plugin that loads fragments raises
        what = f"Fragment “{name}” can't be read: {str(error).rstrip('.')}."
        raise SessionError(what, "Give a file, a URL or an alias.") from error
    return found


def _attachment(place: str) -> Any:
    try:
        return llm_cli.resolve_attachment(place if place != "-" else "./-")  # llm would read standard input
    except Exception as error:  # a file that can't be read, an address that doesn't answer
        raise SessionError(f"Attachment “{place}” can't be read: {error}.", "Give a file or a URL.") from error


def check(services: Services | None, step: Step, values: Mapping[str, Any], lookups: Lookups) -> None:
    """Check what a prompt step names in llm, as far as it is known before any step has ended.

    `services` is None if there is no log yet. Fragments from the web and from plugins are not loaded.

    Raises SessionError if a model, an option, a template or a tool doesn't exist, or doesn't fit the others.
    """
    template = lookups.template(step.template) if step.template else None
    _check_files(services, step, values)
    if step.session is not None and is_known(step.session):
        names.check(filled(step.session, values).strip())
    if step.model is not None and not is_known(step.model):
        return
    model = lookups.model(model_name(step, values, lookups))
    given = {name: one for name, one in step.options.items() if not isinstance(one, TemplateSource) or is_known(one)}
    options = {name: filled(one, values) if isinstance(one, TemplateSource) else one for name, one in given.items()}
    valid_options(model, {**((template.options if template else None) or {}), **options})
    if (step.schema is not None or (template and template.schema_object)) and not model.supports_schema:
        raise SessionError(f"Model “{model.model_id}” does not support schemas.", "Choose another model.")
    if step.attachments and not model.attachment_types:
        raise SessionError(f"Model “{model.model_id}” does not take attachments.", "Choose another model.")
    tools = [*((template.tools if template else None) or ()), *step.tools]
    if tools:
        tools_of(model, tools, (), run=True)


def _check_files(services: Services | None, step: Step, values: Mapping[str, Any]) -> None:
    """Check that the fragments and attachments of a step that are known can be read."""
    for name in (filled(one, values).strip() for one in step.fragments if is_known(one)):
        if name and not _REMOTE.match(name) and not file_at(name):
            if services is None:
                raise SessionError(f"Fragment “{name}” was not found.", "Give a file, a URL or an alias.")
            _fragments(services, name)
    for place in (filled(one, values).strip() for one in step.attachments if is_known(one)):
        if place and "://" not in place:
            _attachment(place)


_REMOTE = re.compile(r"[A-Za-z][\w.+-]+:")
"""The beginning of an address, or of a fragment that a plugin loads."""


def is_known(source: TemplateSource) -> bool:
    """Return whether a template can be filled before any step has ended."""
    return not {one.name for one in mentions(source, expression=False)} & {"steps", "item", "index"}
