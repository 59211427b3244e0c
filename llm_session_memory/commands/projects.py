"""`llm sessions project`: list, show, create, change, rename and delete projects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
from tabulate import tabulate

from ..llm_seam.models import log_path
from ..memory import Memory
from ..model import Filters, Project, ProjectSummary, Settings
from ..rules import dates
from ..rules.money import exact
from ..rules.names import mistyped
from ..rules.safe_text import one_line
from ..rules.words import counted
from .budgets import budget_of, budget_option, warn
from .common import as_json, complete_project, echo, existing_log, local_time, opened, session_command
from .listing import print_table
from .settings_options import Changes, changed, settings_lines, settings_options

_SHOWN = 20
"""How many sessions of a project are listed."""

_WIDTH = 40
"""How many characters of a name or a model are shown."""


@session_command("project", short_help="List, show, create, change or delete projects")
@click.argument("name", required=False, shell_complete=complete_project)
@settings_options
@budget_option("all sessions of the project together")
@click.option("--new", is_flag=True, help="Create the project, even without any defaults")
@click.option("--rename", "new_name", metavar="NEW", help="Give the project another name")
@click.option("--delete", is_flag=True, help="Delete the project; its sessions stay, without a project")
@click.option("--list", "list_", is_flag=True, help="List all projects, as without NAME")
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def project_command(
    name: str | None,
    changes: Changes,
    budget_usd: str | None,
    new: bool,
    new_name: str | None,
    delete: bool,
    list_: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Set the defaults of a project, which new sessions in it begin with. Create the project if it doesn't exist.

    With only NAME, show the project and its sessions; without NAME, list all projects. A session copies the defaults
    when it is created, so changing them later changes no session. Use a project with --project or LLM_PROJECT.

    \b
        llm sessions project bridge --model llama3 --system "Be brief." --memory recall
        llm --session railing --project bridge "How high must a railing be?"
        llm sessions project bridge
        llm sessions set work --project bridge
    """
    asked = _Asked(changes, budget_usd, new_name, new=new)
    _check(name, asked, list_=list_, delete=delete)
    if name is None:
        _list(log_path(database), database, json_=json_)
    elif delete:
        with opened(database) as memory:
            project = memory.projects.get(name)
            count = memory.projects.delete(name)
            stays = f" Its {counted(count, 'session')} stay{'s' * (count == 1)}, without a project." if count else ""
            echo(f"Deleted project “{project.name}”.{stays}")
    else:
        with _opened(database, create=bool(asked)) as memory:
            project = asked.made(memory, name) if asked else memory.projects.get(name)
            if json_:
                as_json(_whole(memory, project))
            else:
                _show(memory, project, with_sessions=not asked)


@dataclass(frozen=True)
class _Asked:
    """What a person asked to change about a project."""

    changes: Changes
    budget_usd: str | None
    name: str | None
    new: bool

    def __bool__(self) -> bool:
        return bool(self.changes or self.budget_usd is not None or self.name is not None or self.new)

    def made(self, memory: Memory, name: str) -> Project:
        """Create or change a project, all of it or nothing, and say so."""
        before = memory.projects.find(name)
        if before is None and self.name is not None:
            memory.projects.get(name)  # raises the error
        settings = changed(before.settings if before else Settings(), self.changes)
        dollars = budget_of(self.budget_usd, before.budget_usd if before else None)
        if before is None or self.new:
            known = [*memory.projects.names().values()]
            made = memory.projects.create(name, settings, budget_usd=dollars)
            alike = mistyped(made.name, known)
            echo(f"Created project “{made.name}”{f' (did you mean “{alike}”?)' if alike else ''}.", err=True)
        else:
            made = self._changed(memory, before, settings, dollars)
        if self.budget_usd is not None and dollars is not None:
            warn(memory, settings.model)
        return made

    def _changed(self, memory: Memory, before: Project, settings: Settings, dollars: float | None) -> Project:
        memory.desk.prepare()
        made = before
        with memory.writing():
            if self.name is not None:
                made = memory.projects.rename(before.name, self.name)
            if (settings, dollars) != (before.settings, before.budget_usd):
                made = memory.projects.set(made.name, settings, budget_usd=dollars)
        if self.name is not None:
            echo(f"Renamed “{before.name}” to “{made.name}”.", err=True)
        count = len(memory.sessions.matching(Filters(project=made.name))) if settings != before.settings else 0
        if count:
            change = memory.desk.command("set", "--all-matching", "--with-project", made.name)
            keep = (
                f"Its {counted(count, 'session')} keep{'s' * (count == 1)} {'its' if count == 1 else 'their'} settings"
            )
            echo(f"{keep}. To change them too: {change} ...", err=True)
        return made


def _check(name: str | None, asked: _Asked, *, list_: bool, delete: bool) -> None:
    """Raise UsageError for options that contradict each other."""
    if name is None and (asked or delete):
        raise click.UsageError("Which project? Give its name.")
    if list_ and (name is not None):
        raise click.UsageError("--list lists all projects: omit the name.")
    if delete and asked:
        raise click.UsageError("--delete can't be combined with a change.")
    if asked.new and asked.name is not None:
        raise click.UsageError("--new and --rename can't be combined: --new creates a project.")


def _opened(database: str | None, *, create: bool) -> Memory:
    """Open the log. A project can be created before any session is, so `create` makes the log if it is missing."""
    return Memory(log_path(database), create=True, typed=database) if create else opened(database)


# -- output ------------------------------------------------------------------


def _list(path: Path, database: str | None, *, json_: bool) -> None:
    if database is not None:
        path = existing_log(database)  # a file that was named and is not there is a mistake
    found: list[ProjectSummary] = []
    if path.exists():
        with closing(Memory(path, typed=database)) as memory:
            found = [*memory.projects.list()]
    if json_:
        as_json([_fields(one) for one in found])
    elif not found:
        echo(f"No projects yet in {path}. Create one with: llm sessions project NAME --new", err=True)
    else:
        rows = [
            (
                one_line(one.project.name, _WIDTH),
                f"{one.sessions:,}",
                one_line(one.project.settings.model or "", _WIDTH),
                local_time(one.last_used_utc) if one.last_used_utc else "",
            )
            for one in found
        ]
        headers = ("project", "sessions", "model", "last used")
        align = ("left", "right", "left", "left")
        click.echo(tabulate(rows, headers=headers, tablefmt="plain", colalign=align, disable_numparse=True))


def _show(memory: Memory, project: Project, *, with_sessions: bool) -> None:
    for label, value in (("project", project.name), *settings_lines(project.settings), *_limits(memory, project)):
        echo(f"{label:<8} {value}")
    if not with_sessions:
        return
    echo("")
    filters = Filters(project=project.name)
    found = memory.sessions.list(_SHOWN + 1, filters=filters)
    if found:
        print_table(found[:_SHOWN], project=False)
    else:
        echo(f'No sessions. Create one with: llm --session NAME --project {project.name} "..."', err=True)
    if len(found) > _SHOWN:
        echo(f"More: {memory.desk.command('list', '--project', project.name, '-n', '0')}", err=True)


def _limits(memory: Memory, project: Project) -> Iterator[tuple[str, str]]:
    """Yield the limits that a project sets to its sessions, as labels with values."""
    if project.budget_usd is not None:
        spent = memory.costs.of_project(project.key)
        yield "cost", f"at most {exact(project.budget_usd)} for all sessions; so far {spent.words}"
    if project.retention_days == 0:
        yield "keeps", "conversations always"
    elif project.retention_days is not None:
        yield "keeps", f"conversations for {counted(project.retention_days, 'day')} after their last use"
    if project.auto_title:
        yield "titles", "after the third exchange"


def _fields(one: ProjectSummary) -> dict[str, Any]:
    return {
        "name": one.project.name,
        "sessions": one.sessions,
        "last_used_utc": dates.zoned(one.last_used_utc) if one.last_used_utc else None,
        "created_utc": dates.zoned(one.project.created_utc),
        **{setting.name: getattr(one.project.settings, setting.name) for setting in fields(Settings)},
        "budget_usd": one.project.budget_usd,
        "retention_days": one.project.retention_days,
        "auto_title": one.project.auto_title,
    }


def _whole(memory: Memory, project: Project) -> dict[str, Any]:
    """Return a project as a line of the list has it, with the names of its sessions."""
    (summary,) = (one for one in memory.projects.list() if one.project.key == project.key)
    sessions = memory.sessions.matching(Filters(project=project.name))
    return {**_fields(summary), "session_names": [session.name for session in sessions]}
