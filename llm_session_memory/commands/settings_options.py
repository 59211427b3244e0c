"""The options that change settings, each once: for `set`, and for all other commands that take settings."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import click

from ..errors import SessionError
from ..llm_seam.models import NONE, Models, embedding_model_of, valid_options
from ..model import POLICIES, THINK, Settings
from ..rules.policy import parsed_policy
from ..rules.recall_from import ALL, SELF, normal
from .common import complete_sources

F = TypeVar("F", bound=Callable[..., Any])

Changes = Mapping[str, Any]
"""What was typed for some settings, by the setting's name."""

DEFAULT = "default"
"""The word that removes a setting."""


def settings_options(function: F) -> F:
    """Give a command an option for each setting. It gets what was typed as one argument, `changes`."""

    @functools.wraps(function)
    def gathered(*args: Any, **parameters: Any) -> Any:
        typed = {one.name: parameters.pop(one.name) for one in fields(Settings)}
        changes = {name: value for name, value in typed.items() if value not in (None, ())}
        return function(*args, changes=changes, **parameters)

    decorated: Any = gathered
    for one in reversed(fields(Settings)):
        option = _OPTIONS[one.name]
        decorated = click.option(one.name, *option.flags, **option.attributes)(decorated)
    made: F = decorated
    return made


def changed(settings: Settings, changes: Changes, models: Models | None = None) -> Settings:
    """Return settings with what was typed. Raises SessionError if a value is invalid or names no model.

    `models` keeps the models that were looked up, for a command that changes many settings.
    """
    models = models or Models(async_=False)
    for name, typed in changes.items():
        settings = replace(settings, **{name: _OPTIONS[name].read(settings, typed, models)})
    return settings


def settings_lines(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the settings as labels with values."""
    options = " ".join(f"{key}={value}" for key, value in settings.options.items())
    yield "model", settings.model or "llm's default"
    yield "system", settings.system or "none"
    yield "options", options or "none"
    most = settings.max_context_tokens
    yield "budget", f"{most:,} tokens" if most else "64,000 tokens, or what fits the context window"
    yield "memory", settings.memory or POLICIES[0]
    if settings.recall_share is not None:
        yield "recall", f"at most {settings.recall_share:g} of a request"
    if settings.recall_model is not None:
        model = settings.recall_model
        yield "recall", "by words only" if model == NONE else f"by words, and by meaning with {model}"
    if settings.recall_from is not None:
        beyond = "all other sessions" if settings.recall_from == ALL else settings.recall_from
        yield "recall", "from this session only" if settings.recall_from == SELF else f"also from {beyond}"
    if settings.summary_model is not None:
        yield "summary", f"made by {settings.summary_model}"
    if settings.think is not None:
        yield "think", "sent again" if settings.think == "keep" else "not sent again"
    if settings.recall_fragments is False:
        yield "recall", "not from fragments and attachments"
    if settings.global_notes is False:
        yield "notes", "those for all sessions are not sent"
    if settings.guard is not None:
        yield "guard", "asks before a secret is sent to a model that is not local" if settings.guard else "off"


@dataclass(frozen=True)
class _Option:
    """The option of one setting: its flags, click's other arguments, and how what was typed becomes a value."""

    flags: tuple[str, ...]
    read: Callable[[Settings, Any, Models], Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)


def _unless_default(read: Callable[[str], Any]) -> Callable[[Settings, str, Models], Any]:
    return lambda _settings, text, _models: None if text == DEFAULT else read(text)


def _model(_settings: Settings, text: str, models: Models) -> str | None:
    return None if text == DEFAULT else str(models.of(text).model_id)


def _recall_model(text: str) -> str:
    return text if text == NONE else str(embedding_model_of(text).model_id)


def _merged(settings: Settings, typed: tuple[tuple[str, str], ...], models: Models) -> dict[str, Any]:
    """Return the options with those that were typed; an empty value removes one."""
    merged = {**settings.options, **dict(typed)}
    model = models.of(settings.model) if settings.model else None
    return valid_options(model, {key: value for key, value in merged.items() if value != ""})


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise SessionError(f"“{text}” is not a valid share.", f"Give a number between 0 and 1, or “{DEFAULT}”.")
    return share


def _yes(text: str) -> bool:
    return text == "yes"


def _on(text: str) -> bool:
    return text == "on"


def _budget(text: str) -> int:
    try:
        return int(text.replace(",", "").replace("_", ""))
    except ValueError:
        raise SessionError(f"“{text}” is not a number of tokens.", f"Give a number, or “{DEFAULT}”.") from None


_OPTIONS = {
    "model": _Option(("-m", "--model"), _model, {"help": f"Model, or “{DEFAULT}” (llm's)"}),
    "system": _Option(
        ("-s", "--system"), lambda _settings, text, _models: text or None, {"help": "System prompt (empty: remove it)"}
    ),
    "options": _Option(
        ("-o", "--option"),
        _merged,
        {"type": (str, str), "multiple": True, "help": "Model option (empty value: remove it)"},
    ),
    "max_context_tokens": _Option(
        ("--max-context-tokens",),
        _unless_default(_budget),
        {"metavar": "N", "help": f"Budget in tokens, or “{DEFAULT}”"},
    ),
    "memory": _Option(
        ("--memory",),
        _unless_default(parsed_policy),
        {"metavar": "POLICY", "help": f"Policy: {', '.join(POLICIES)}, summary,recall, or “{DEFAULT}”"},
    ),
    "recall_share": _Option(
        ("--recall-share",),
        _unless_default(_share),
        {
            "metavar": "S",
            "help": f"Largest share of a request that excerpts may fill (0 to 1), or “{DEFAULT}”",
        },
    ),
    "recall_model": _Option(
        ("--recall-model",),
        _unless_default(_recall_model),
        {
            "metavar": "MODEL",
            "help": f"Embedding model for recall, “{NONE}”, or “{DEFAULT}” (llm's, or session-minilm)",
        },
    ),
    "summary_model": _Option(
        ("--summary-model",),
        _model,
        {"metavar": "MODEL", "help": f"Model that makes summaries, or “{DEFAULT}” (the session's)"},
    ),
    "think": _Option(
        ("--think",),
        _unless_default(str),
        {
            "type": click.Choice([*THINK, DEFAULT]),
            "help": f"Whether <think> text in earlier replies is sent again, or “{DEFAULT}” ({THINK[0]})",
        },
    ),
    "recall_fragments": _Option(
        ("--recall-fragments",),
        _unless_default(_yes),
        {
            "type": click.Choice(["yes", "no", DEFAULT]),
            "help": f"Whether recall uses fragments and text attachments of earlier prompts, or “{DEFAULT}” (yes)",
        },
    ),
    "global_notes": _Option(
        ("--global-notes/--no-global-notes",),
        lambda _settings, sent, _models: None if sent else False,
        {"default": None, "help": "Send the notes for all sessions [default], or don't"},
    ),
    "recall_from": _Option(
        ("--recall-from",),
        _unless_default(normal),
        {
            "metavar": "WHERE",
            "shell_complete": complete_sources,
            "help": f"Other sessions to recall from: names, tag:TAG or project:NAME, separated by commas; all; or "
            f"“{SELF}” (none)",
        },
    ),
    "guard": _Option(
        ("--guard",),
        _unless_default(_on),
        {
            "type": click.Choice(["on", "off", DEFAULT]),
            "help": "Warn, and ask on a terminal, before a secret is sent to a model that is not local, "
            f"or “{DEFAULT}” (off)",
        },
    ),
}
"""The option of each field of Settings."""
