"""`llm sessions set`, `rename`, `name`, `pin`, `unpin`: change a session's settings, name and pins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from ..errors import NoSuchSession
from ..llm_seam.models import Models, log_path, session_model
from ..llm_seam.tables import named
from ..memory import Memory
from ..model import Filters, Session
from ..rules.money import exact
from ..rules.safe_text import one_line
from ..rules.words import counted
from .budgets import budget_lines, budget_of, budget_option, warn
from .common import echo, opened, session_argument, session_command
from .selecting import dry_run_option, matching_options, names_argument, one_transaction, selection, summed_up
from .settings_options import Changes, changed, settings_lines, settings_options

_WIDTH = 80
"""How many characters of a fact's key or value are shown."""


@session_command("set", short_help="Change sessions' settings")
@names_argument()
@settings_options
@click.option(
    "--meta",
    type=(str, str),
    multiple=True,
    metavar="KEY VALUE",
    help="Fact to find the session by (empty value: remove it)",
)
@budget_option("it")
@matching_options(apart=("meta", "model", "project", "template"))
@dry_run_option()
def set_command(  # noqa: PLR0913  one parameter an option
    names: tuple[str, ...],
    changes: Changes,
    meta: tuple[tuple[str, str], ...],
    budget_usd: str | None,
    matching: Filters | None,
    dry_run: bool,  # noqa: FBT001  a flag
    database: str | None,
) -> None:
    """Change the settings that a session's next prompts use. Without options, show them.

    \b
        llm sessions set work --model llama3 -o num_ctx 8192
        llm sessions set work --max-context-tokens default
        llm sessions set work --budget-usd 2
        llm sessions set work play --meta client harbour
        llm sessions set --all-matching --with-model llama2 --model llama3 --dry-run
    """
    chosen, asked = selection(names, matching), _Asked(changes, dict(meta), budget_usd)
    with opened(database) as memory:
        if not asked or not (chosen.several or dry_run):
            for place, session in enumerate(chosen.sessions(memory)):
                echo("", nl=bool(place))
                asked.change(memory, session)
                _print(memory, session.name)
            asked.warn(memory)
            return
        with one_transaction(memory, dry_run=dry_run):
            found = [(session, _difference(memory, session.name, asked)) for session in chosen.sessions(memory)]
        asked.warn(memory)
    for session, difference in found:
        echo(f"{session.name}: {difference or 'no change'}")
    echo(summed_up(sum(bool(difference) for _, difference in found), len(found), dry_run=dry_run), err=True)


class _Asked:
    """The changes that a person asked for. Each model is looked up once, however many sessions there are."""

    def __init__(self, changes: Changes, facts: Mapping[str, str], budget_usd: str | None) -> None:
        self._changes = changes
        self._facts = {key: value or None for key, value in facts.items()}
        self._budget_usd = budget_usd
        self._models = Models(async_=False)
        self._budgeted: dict[str | None, None] = {}

    def __bool__(self) -> bool:
        return bool(self._changes or self._facts or self._budget_usd is not None)

    def change(self, memory: Memory, session: Session) -> None:
        """Change a session."""
        settings = changed(session.settings, self._changes, self._models)
        dollars = budget_of(self._budget_usd, session.budget_usd)
        with memory.writing():
            if self._facts or settings != session.settings:
                memory.sessions.set(session.name, settings, self._facts)
            if dollars != session.budget_usd:
                memory.costs.set_budget(session.name, dollars)
        if self._budget_usd is not None and dollars is not None:
            self._budgeted[settings.model] = None

    def warn(self, memory: Memory) -> None:
        """Say for which models a budget has no effect."""
        for model in self._budgeted:
            warn(memory, model)


def _print(memory: Memory, name: str) -> None:
    session = memory.sessions.get(name)
    lines = [*settings_lines(session.settings), *budget_lines(memory, session), *_facts(memory, name)]
    for label, value in (("session", session.name), *lines):
        echo(f"{label:<8} {value}")


def _facts(memory: Memory, name: str) -> Iterator[tuple[str, str]]:
    for key, value in memory.notes.facts(name).items():
        yield "meta", f"{one_line(key, _WIDTH)}={one_line(value, _WIDTH)}"


def _settable(memory: Memory, name: str) -> list[tuple[str, str]]:
    """Return all that `set` can change in a session, as labels with values."""
    session = memory.sessions.get(name)
    dollars = [] if session.budget_usd is None else [("may cost", exact(session.budget_usd))]
    return [*settings_lines(session.settings), *dollars, *_facts(memory, name)]


def _difference(memory: Memory, name: str, asked: _Asked) -> str:
    """Change a session, and return what is different: `model llama2 → llama3; meta none → client=harbour`."""
    before = _settable(memory, name)
    asked.change(memory, memory.sessions.get(name))
    after = _settable(memory, name)
    found = []
    for label in dict.fromkeys(label for label, _ in (*before, *after)):
        old, new = (
            ", ".join(one_line(value, _WIDTH) for one, value in these if one == label and (one, value) not in others)
            for these, others in ((before, after), (after, before))
        )
        if old or new:
            found.append(f"{label} {old or 'none'} → {new or 'none'}")
    return "; ".join(found)


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
