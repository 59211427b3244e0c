"""`llm sessions set`, `rename`, `name`, `pin`, `unpin`: change a session's settings, name and pins."""

from __future__ import annotations

import click

from ..errors import NoSuchSession
from ..llm_seam.models import log_path, session_model
from ..llm_seam.tables import named
from ..memory import Memory
from ..rules.safe_text import one_line
from ..rules.words import counted
from .budgets import budget_lines, budget_of, budget_option, warn
from .common import echo, opened, session_argument, session_command
from .settings_options import Changes, changed, settings_lines, settings_options

_WIDTH = 80
"""How many characters of a fact's key or value are shown."""


@session_command("set", short_help="Change a session's settings")
@session_argument()
@settings_options
@click.option(
    "--meta",
    type=(str, str),
    multiple=True,
    metavar="KEY VALUE",
    help="Fact to find the session by (empty value: remove it)",
)
@budget_option("it")
def set_command(
    name: str, changes: Changes, meta: tuple[tuple[str, str], ...], budget_usd: str | None, database: str | None
) -> None:
    """Change the settings that a session's next prompts use. Without options, show them.

    \b
        llm sessions set work --model llama3 -o num_ctx 8192
        llm sessions set work --max-context-tokens default
        llm sessions set work --budget-usd 2
        llm sessions set work --meta client harbour
    """
    with opened(database) as memory:
        session = memory.sessions.get(name)
        settings = changed(session.settings, changes)
        facts = {key: value or None for key, value in meta}
        dollars = budget_of(budget_usd, session.budget_usd)
        with memory.writing():
            if facts or settings != session.settings:
                settings = memory.sessions.set(name, settings, facts).settings
            if dollars != session.budget_usd:
                session = memory.costs.set_budget(name, dollars)
        for label, value in (
            ("session", session.name),
            *settings_lines(settings),
            *budget_lines(memory, session),
        ):
            echo(f"{label:<8} {value}")
        if budget_usd is not None and dollars is not None:
            warn(memory, settings.model)
        for key, value in memory.notes.facts(name).items():
            echo(f"meta     {one_line(key, _WIDTH)}={one_line(value, _WIDTH)}")


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
