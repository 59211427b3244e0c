"""Templates of llm: what a session takes from those that its first prompt was given with -t."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import click
import llm
from llm import cli as llm_cli
from llm import models

from ..errors import SessionError
from ..model import Settings
from ..services.bundle import Services
from ..store.projects import TEMPLATES
from .models import Models, valid_options

RELIED_ON = {
    "cli": "LoadTemplateError load_template resolve_fragments FragmentNotFound",
    "parameters of cli.load_template": "name",
    "parameters of cli.resolve_fragments": "db fragments",
    "models": "_combine_system",
    "options of prompt": "template param",
    "options of chat": "template param",
    "llm.Template": "evaluate extract_vars MissingVariables",
    "parameters of llm.Template.evaluate": "input params",
}
"""The parts of llm that this module relies on (see `shape`)."""


class Given:
    """The templates that a command was given with -t, each loaded once, for llm's command too.

    llm reads a template from a file, a plugin or the web.
    """

    def __init__(self, typed: Any) -> None:
        self.names: tuple[str, ...] = (typed,) if isinstance(typed, str) else tuple(typed or ())
        self._load = llm_cli.load_template  # while llm's command runs, this object stands in for it
        self._loaded: dict[str, Any] = {}

    def load(self, name: str) -> Any:
        """Return a template. Raises llm's LoadTemplateError."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    @cached_property
    def _all(self) -> list[Any]:
        """The templates. Raises the error that llm's command would raise."""
        try:
            return [self.load(name) for name in self.names]
        except llm_cli.LoadTemplateError as error:
            raise click.ClickException(str(error)) from error

    @property
    def model(self) -> str | None:
        """The model that llm's command takes from the templates, unless one is typed."""
        return next((str(one.model) for one in self._all if one.model), None)

    @property
    def options(self) -> dict[str, Any]:
        """The model options of the templates; of several with the same option, llm takes the first."""
        found: dict[str, Any] = {}
        for one in self._all:
            found = {**(one.options or {}), **found}
        return found

    @property
    def remembered(self) -> str | None:
        """What a session remembers of them: their names."""
        return TEMPLATES.join(self.names) or None

    @property
    def system_has_input(self) -> bool:
        """Whether the system prompt contains the prompt, so that it is different for each."""
        first = next((one for one in self._all if one.system), None)
        return first is not None and "input" in _variables(first.system)


def loaded(name: str) -> Any:
    """Return a template. Raises SessionError if it is unknown or invalid."""
    try:
        return llm_cli.load_template(name)
    except llm_cli.LoadTemplateError as error:
        what = f"Template “{name}” could not be loaded: {str(error).rstrip('.')}."
        raise SessionError(what, "List templates with: llm templates list") from error


def settings_of(
    template: Any, before: Settings, params: Mapping[str, str], services: Services, known: Models
) -> Settings:
    """Return settings changed to what a template says about model, system prompt and options.

    `params` are values for the variables of its system prompt. Its fragments may be in the log. Raises SessionError if
    a value or a fragment is missing.
    """
    model = known.of(template.model).model_id if template.model else before.model
    system = _system(template, params, services) or before.system
    options = {**before.options, **(template.options or {})}
    if template.options:
        options = valid_options(known.of(model) if model else None, options)
    return replace(before, model=model, system=system, options=options)


def _system(template: Any, params: Mapping[str, str], services: Services) -> str | None:
    """Return the system prompt of a template, with its variables replaced and its fragments."""
    variables = _variables(template.system or "")
    if "input" in variables and "input" not in params:
        what = f"The system prompt of template “{template.name}” contains $input, which only a prompt has."
        raise SessionError(what, "Give the system prompt with -s instead.")
    missing = [one for one in variables if one not in {*params, *(template.defaults or {})}]
    if missing:
        what = f"The system prompt of template “{template.name}” has variables without a value: {', '.join(missing)}."
        raise SessionError(what, f"Give each a value: -p {missing[0]} VALUE")
    only_system = template.model_copy(update={"prompt": None})
    _, system = only_system.evaluate(params.get("input", ""), dict(params))
    try:
        fragments = llm_cli.resolve_fragments(services.desk.log.database, template.system_fragments or [])
    except llm_cli.FragmentNotFound as error:
        raise SessionError(
            f"A fragment of template “{template.name}” was not found: {error}.",
            "List fragments with: llm fragments list",
        ) from error
    return models._combine_system(system, fragments) or None  # noqa: SLF001


def _variables(text: str) -> list[str]:
    from string import Template

    return list(dict.fromkeys(llm.Template.extract_vars(Template(text))))
