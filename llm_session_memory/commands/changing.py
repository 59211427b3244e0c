"""`llm sessions set`, `rename`, `name`, `pin`, `unpin`: change a session's settings, name and pins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from ..errors import NoSuchSession
from ..llm_seam.models import Models, log_path, session_model
from ..llm_seam.shape import check
from ..llm_seam.tables import named
from ..memory import Memory
from ..model import Filters, Session, Settings
from ..rules.money import exact
from ..rules.names import NO_PROJECT, key
from ..rules.safe_text import one_line
from ..rules.words import counted
from .budgets import budget_lines, budget_of, budget_option, warn
from .common import complete_project, echo, opened, session_argument, session_command
from .selecting import dry_run_option, matching_options, names_argument, one_transaction, selection, summed_up
from .settings_options import Changes, changed, settings_lines, settings_options

NO_TEMPLATE = "none"
"""The word for no template."""

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
@click.option(
    "--project",
    metavar="PROJECT",
    shell_complete=complete_project,
    help=f"Project to move it to, or “{NO_PROJECT}”; its settings stay as they are",
)
@click.option(
    "--template",
    metavar="TEMPLATE",
    help=f"llm template to take model, system prompt and options from, or “{NO_TEMPLATE}”",
)
@click.option(
    "-p", "--param", "params", type=(str, str), multiple=True, metavar="KEY VALUE", help="Value for --template"
)
@click.option(
    "--private",
    type=click.Choice(["yes", "no"]),
    help="Whether to keep it out of recall, and of models' searches, in other sessions",
)
@budget_option("it")
@matching_options(apart=("meta", "model", "project", "template"))
@dry_run_option()
def set_command(
    names: tuple[str, ...],
    changes: Changes,
    meta: tuple[tuple[str, str], ...],
    project: str | None,
    template: str | None,
    params: tuple[tuple[str, str], ...],
    private: str | None,
    budget_usd: str | None,
    matching: Filters | None,
    dry_run: bool,
    database: str | None,
) -> None:
    """Change the settings that a session's next prompts use. Without options, show them.

    \b
        llm sessions set work --model llama3 -o num_ctx 8192
        llm sessions set work --max-context-tokens default
        llm sessions set work --budget-usd 2
        llm sessions set work --project bridge
        llm sessions set work --recall-from play,tag:bridge
        llm sessions set diary --private yes
        llm sessions set work --template brief -p tone kind
        llm sessions set work play --meta client harbour
        llm sessions set --all-matching --with-model llama2 --model llama3 --dry-run
    """
    chosen, asked = (
        selection(names, matching),
        _Asked(changes, dict(meta), budget_usd, project, template, dict(params), private),
    )
    with opened(database) as memory:
        if not asked or not (chosen.several or dry_run):
            for place, session in enumerate(chosen.sessions(memory)):
                echo("", nl=bool(place))
                if asked:
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
    """The changes that a person asked for. Each model is looked up once, however many sessions there are.

    `params` are values for the variables of the template.
    """

    def __init__(
        self,
        changes: Changes,
        facts: Mapping[str, str],
        budget_usd: str | None,
        project: str | None,
        template: str | None,
        params: Mapping[str, str],
        private: str | None,
    ) -> None:
        if params and template is None:
            raise click.UsageError("-p is a value for a template: add --template NAME.")
        self._changes = changes
        self._facts = {name: value or None for name, value in facts.items()}
        self._budget_usd = budget_usd
        self._project = project
        self._template = template
        self._params = params
        self._private = private
        self._models = Models(async_=False)
        self._loaded: Any = None
        self._budgeted: dict[str | None, None] = {}

    def __bool__(self) -> bool:
        given = (self._budget_usd, self._project, self._template, self._private)
        return bool(self._changes or self._facts or any(one is not None for one in given))

    def change(self, memory: Memory, session: Session) -> None:
        """Change a session. What is typed comes before what its template says."""
        settings, template = self._of_template(memory, session)
        settings = changed(settings, self._changes, self._models)
        dollars = budget_of(self._budget_usd, session.budget_usd)
        memory.desk.prepare()
        with memory.writing():
            if self._facts or settings != session.settings:
                memory.sessions.set(session.name, settings, self._facts)
            if dollars != session.budget_usd:
                memory.costs.set_budget(session.name, dollars)
            if template != session.template:
                memory.projects.set_template(session.name, template)
            if self._private is not None:
                memory.sessions.set_private(session.name, private=self._private == "yes")
            if self._project is not None:
                memory.projects.move(session.name, None if key(self._project) == NO_PROJECT else self._project)
        if self._budget_usd is not None and dollars is not None:
            self._budgeted[settings.model] = None

    def _of_template(self, memory: Memory, session: Session) -> tuple[Settings, str | None]:
        """Return a session's settings with those of the template asked for, and the template to remember."""
        if self._template is None:
            return session.settings, session.template
        if self._template == NO_TEMPLATE:
            return session.settings, None
        check("templates")
        from ..llm_seam.templates import loaded, settings_of  # they import llm's command line

        self._loaded = self._loaded or loaded(self._template)  # once, because it may be on the web
        settings = settings_of(self._loaded, session.settings, self._params, memory, self._models)
        return settings, self._template

    def warn(self, memory: Memory) -> None:
        """Say for which models a budget has no effect."""
        for model in self._budgeted:
            warn(memory, model)


def _print(memory: Memory, name: str) -> None:
    session = memory.sessions.get(name)
    budgets = [*budget_lines(memory, session)]
    lines = [*settings_lines(session.settings), *_belongs(memory, session), *budgets, *_facts(memory, name)]
    for label, value in (("session", session.name), *lines):
        echo(f"{label:<8} {value}")


def _belongs(memory: Memory, session: Session) -> Iterator[tuple[str, str]]:
    """Yield the project of a session, whether it is private, and the template that its settings are from."""
    project = memory.projects.name_of(session)
    if project is not None:
        yield "project", project
    if session.private:
        yield "private", "yes: other sessions recall nothing from it"
    if session.template is not None:
        yield "template", one_line(session.template, _WIDTH)


def _facts(memory: Memory, name: str) -> Iterator[tuple[str, str]]:
    for name_, value in memory.notes.facts(name).items():
        yield "meta", f"{one_line(name_, _WIDTH)}={one_line(value, _WIDTH)}"


def _settable(memory: Memory, name: str) -> list[tuple[str, str]]:
    """Return all that `set` can change in a session, as labels with values."""
    session = memory.sessions.get(name)
    dollars = [] if session.budget_usd is None else [("may cost", exact(session.budget_usd))]
    return [*settings_lines(session.settings), *_belongs(memory, session), *dollars, *_facts(memory, name)]


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
