"""`llm sessions set`, `rename`, `name`, `pin`, `unpin`: change a session's settings, name and pins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click

from ..errors import NoSuchSession, SessionError
from ..llm_seam.models import embedding_model_of, log_path, model_of, session_model, valid_options
from ..llm_seam.tables import named
from ..memory import Memory
from ..model import POLICIES, THINK, Settings
from ..rules.policy import parsed_policy
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import echo, opened, session_argument, session_command

_DEFAULT = "default"

_WIDTH = 80
"""How many characters of a fact's key or value are shown."""


@session_command("set", short_help="Change a session's settings")
@session_argument()
@click.option("-m", "--model", "model_id", help="Model")
@click.option("-s", "--system", help="System prompt (empty: remove it)")
@click.option("-o", "--option", "options", type=(str, str), multiple=True, help="Model option (empty value: remove it)")
@click.option("--max-context-tokens", metavar="N", help=f"Budget in tokens, or “{_DEFAULT}”")
@click.option("--memory", "policy", help=f"Policy: {', '.join(POLICIES)}, summary,recall, or “{_DEFAULT}”")
@click.option(
    "--recall-share",
    metavar="S",
    help=f"Share of each request that recalled excerpts may use, between 0 and 1, or “{_DEFAULT}”",
)
@click.option("--recall-model", metavar="MODEL", help=f"Embedding model for recall, “none”, or “{_DEFAULT}” (llm's)")
@click.option("--summary-model", metavar="MODEL", help=f"Model that makes summaries, or “{_DEFAULT}” (the session's)")
@click.option(
    "--think",
    type=click.Choice([*THINK, _DEFAULT]),
    help=f"Whether <think> text in earlier replies is sent again, or “{_DEFAULT}” ({THINK[0]})",
)
@click.option(
    "--meta",
    type=(str, str),
    multiple=True,
    metavar="KEY VALUE",
    help="Fact to find the session by (empty value: remove it)",
)
def set_command(  # noqa: PLR0913  one parameter an option
    name: str,
    model_id: str | None,
    system: str | None,
    options: tuple[tuple[str, str], ...],
    max_context_tokens: str | None,
    policy: str | None,
    recall_share: str | None,
    recall_model: str | None,
    summary_model: str | None,
    think: str | None,
    meta: tuple[tuple[str, str], ...],
    database: str | None,
) -> None:
    """Change the settings that a session's next prompts use. Without options, show them.

    \b
        llm sessions set work --model llama3 -o num_ctx 8192
        llm sessions set work --max-context-tokens default
        llm sessions set work --meta client harbour
    """
    with opened(database) as memory:
        session = memory.sessions.get(name)
        settings = session.settings
        if model_id is not None:
            settings = replace(settings, model=model_of(model_id).model_id)
        if system is not None:
            settings = replace(settings, system=system or None)
        if options:
            settings = replace(settings, options=_merged(settings, options))
        if max_context_tokens is not None:
            settings = replace(settings, max_context_tokens=_budget(max_context_tokens))
        if policy is not None:
            settings = replace(settings, memory=None if policy == _DEFAULT else parsed_policy(policy))
        settings = _memory_settings(settings, recall_share, recall_model, summary_model)
        if think is not None:
            settings = replace(settings, think=None if think == _DEFAULT else think)
        facts = {key: value or None for key, value in meta}
        if facts or settings != session.settings:
            settings = memory.sessions.set(name, settings, facts).settings
        _print(session.name, settings)
        for key, value in memory.notes.facts(name).items():
            echo(f"meta     {one_line(key, _WIDTH)}={one_line(value, _WIDTH)}")


def _memory_settings(
    settings: Settings, recall_share: str | None, recall_model: str | None, summary_model: str | None
) -> Settings:
    """Return settings with the given values for recall and summaries."""
    if recall_share is not None:
        settings = replace(settings, recall_share=_share(recall_share))
    if recall_model is not None:
        known = recall_model in (_DEFAULT, "none")
        settings = replace(settings, recall_model=None if recall_model == _DEFAULT else recall_model)
        if not known:
            settings = replace(settings, recall_model=embedding_model_of(recall_model).model_id)
    if summary_model is not None:
        id_ = None if summary_model == _DEFAULT else model_of(summary_model).model_id
        settings = replace(settings, summary_model=id_)
    return settings


def _share(text: str) -> float | None:
    if text == _DEFAULT:
        return None
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise SessionError(f"“{text}” is not a valid share.", f"Give a number between 0 and 1, or “{_DEFAULT}”.")
    return share


def _merged(settings: Settings, options: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    merged = {**settings.options, **dict(options)}
    model = model_of(settings.model) if settings.model else None
    return valid_options(model, {key: value for key, value in merged.items() if value != ""})


def _budget(text: str) -> int | None:
    if text == _DEFAULT:
        return None
    try:
        return int(text.replace(",", "").replace("_", ""))
    except ValueError:
        raise SessionError(f"“{text}” is not a number of tokens.", f"Give a number, or “{_DEFAULT}”.") from None


def _print(name: str, settings: Settings) -> None:
    options = " ".join(f"{key}={value}" for key, value in settings.options.items())
    for label, value in (
        ("session", name),
        ("model", settings.model or "llm's default"),
        ("system", settings.system or "none"),
        ("options", options or "none"),
        (
            "budget",
            f"{settings.max_context_tokens:,} tokens"
            if settings.max_context_tokens
            else "64,000 tokens, or what fits the context window",
        ),
        ("memory", settings.memory or POLICIES[0]),
        *_of_memory(settings),
    ):
        echo(f"{label:<8} {value}")


def _of_memory(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield a line for each setting of recall and summaries that is not the default."""
    if settings.recall_share is not None:
        yield "recall", f"at most {settings.recall_share:g} of a request"
    if settings.recall_model is not None:
        model = settings.recall_model
        yield "recall", "by words only" if model == "none" else f"by words, and by meaning with {model}"
    if settings.summary_model is not None:
        yield "summary", f"made by {settings.summary_model}"
    if settings.think is not None:
        yield "think", "sent again" if settings.think == "keep" else "not sent again"


@session_command("rename", short_help="Rename a session")
@session_argument()
@click.argument("new_name")
def rename_command(name: str, new_name: str, database: str | None) -> None:
    """Rename a session.

    \b
        llm sessions rename work bridge
    """
    with opened(database) as memory:
        before = memory.sessions.get(name).name
        echo(f"Renamed “{before}” to “{memory.sessions.rename(name, new_name).name}”.")


@session_command("name", short_help="Name an existing conversation")
@click.argument("conversation_id")
@click.argument("name")
def name_command(conversation_id: str, name: str, database: str | None) -> None:
    """Give an existing conversation a name, which makes it a session.

    Find its id with: llm logs list --short

    \b
        llm sessions name 01kaz3g5t2qhx7p0a8v9w4m6cd work
    """
    path = log_path(database)
    if not path.exists():
        hint = "If the log is elsewhere, give its path with -d."
        raise NoSuchSession(f"Conversation {conversation_id} not found: there is no log at {path} yet.", hint)
    with Memory(path, typed=database) as memory:
        session = named(memory, conversation_id, name)
        count = memory.sessions.exchange_count(session)
    many = counted(count, "exchange")
    echo(f"Conversation {conversation_id} is now the session “{session.name}” ({many}).")


@session_command("pin", short_help="Always send an exchange")
@session_argument()
@click.argument("number", type=click.IntRange(min=1))
def pin_command(name: str, number: int, database: str | None) -> None:
    """Always send exchange NUMBER of a session, right after the system prompt.

    \b
        llm sessions pin work 3
    """
    with opened(database) as memory:
        session = memory.sessions.get(name)
        memory.sessions.pin(name, number, session_model(session))
        _print_pins(memory, session.name)


@session_command("unpin", short_help="Unpin an exchange")
@session_argument()
@click.argument("number", type=click.IntRange(min=1))
def unpin_command(name: str, number: int, database: str | None) -> None:
    """Unpin exchange NUMBER of a session, so that it is sent or left out like any other.

    \b
        llm sessions unpin work 3
    """
    with opened(database) as memory:
        session = memory.sessions.get(name)
        memory.sessions.unpin(name, number)
        _print_pins(memory, session.name)


def _print_pins(memory: Memory, name: str) -> None:
    pinned = ", ".join(f"#{number}" for number in memory.sessions.pinned(name))
    echo(f"Pinned in “{name}”: {pinned or 'nothing'}.")
