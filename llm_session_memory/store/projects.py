"""Projects, and the sessions that are in them, that came from a template, or that are archived."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from ..errors import NameRefused
from ..model import Filters, Project, ProjectSummary, Session
from ..rules.names import NO_PROJECT, key
from .log import Log
from .schema import statement
from .sessions import SETTINGS_COLUMNS, columns_of, settings_of

_OWN = ("name_key", "name", "created_utc", "budget_usd", "retention_days", "auto_title")

_COLUMNS = (*_OWN, *SETTINGS_COLUMNS)

TEMPLATES = ", "
"""What separates the templates of a session that was created from several."""


def name_of(log: Log, session: Session | None) -> str:
    """Return the name of a session's project, or nothing."""
    if session is None or session.project is None:
        return ""
    found = Projects(log).project(session.project)
    return found.name if found else session.project


class Projects:
    """The projects of a log. Make every change inside `with log.writing()`."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def project(self, name: str) -> Project | None:
        """Return the project with this name or key, or None."""
        if not self._there():
            return None
        row = self.log.row("select * from memory_projects where name_key = :key", {"key": key(name)})
        return _project_of(row) if row else None

    def names(self) -> dict[str, str]:
        """Return the names of all projects by their keys, in order."""
        if not self._there():
            return {}
        return dict(self.log.tuples("select name_key, name from memory_projects order by name_key"))

    def summaries(self) -> list[ProjectSummary]:
        """Return all projects by name, each with its number of sessions and their last use."""
        if not self._there():
            return []
        rows = self.log.rows(statement("project_list"))
        return [ProjectSummary(_project_of(row), row["sessions"], row["last_used_utc"]) for row in rows]

    def add(self, project: Project) -> None:
        """Add a project. Raises NameRefused if the name is taken."""
        sql = f"insert into memory_projects ({', '.join(_COLUMNS)}) values ({', '.join(f':{c}' for c in _COLUMNS)})"  # noqa: S608  constants
        self._named(sql, _row(project), project.name)

    def change(self, project: Project) -> None:
        """Replace a project's defaults and limits."""
        changed = ", ".join(f"{column} = :{column}" for column in _COLUMNS if column not in ("name_key", "created_utc"))
        self.log.run(f"update memory_projects set {changed} where name_key = :name_key", _row(project))  # noqa: S608  constants

    def rename(self, old_key: str, name: str) -> None:
        """Rename a project, also in its sessions. Raises NameRefused if the name is taken."""
        given = {"old": old_key, "key": key(name), "name": name}
        self._named("update memory_projects set name_key = :key, name = :name where name_key = :old", given, name)
        self.log.run("update memory_sessions set project = :key where project = :old", given)

    def remove(self, name_key: str) -> int:
        """Delete a project. Its sessions stay, without a project; return their number."""
        given = {"key": name_key}
        count = self.log.value("select count(*) from memory_sessions where project = :key", given)
        self.log.run("update memory_sessions set project = null where project = :key", given)
        self.log.run("delete from memory_projects where name_key = :key", given)
        return int(count)

    def move(self, thread_id: str, name_key: str | None) -> None:
        """Put a session into a project, or into none."""
        sql = "update memory_sessions set project = :key where thread_id = :thread_id"
        self.log.run(sql, {"thread_id": thread_id, "key": name_key})

    def set_template(self, thread_id: str, template: str | None) -> None:
        """Remember the template that a session's settings are from, or none."""
        sql = "update memory_sessions set template = :template where thread_id = :thread_id"
        self.log.run(sql, {"thread_id": thread_id, "template": template})

    def _there(self) -> bool:
        return bool(self.log.columns("memory_projects"))

    def _named(self, sql: str, given: Mapping[str, Any], name: str) -> None:
        try:
            self.log.database.conn.execute(sql, dict(given))
        except sqlite3.IntegrityError as error:
            raise NameRefused(f"Project “{name}” already exists.", "Choose another name.") from error


def _row(project: Project) -> dict[str, Any]:
    own = {"name_key": project.key, "auto_title": int(project.auto_title)}
    return {**{name: getattr(project, name, None) for name in _OWN}, **own, **columns_of(project.settings)}


def _project_of(row: Mapping[str, Any]) -> Project:
    return Project(
        row["name_key"],
        row["name"],
        row["created_utc"],
        settings_of(row),
        row["budget_usd"],
        row["retention_days"],
        bool(row["auto_title"]),
    )


def threads(log: Log, asked: Filters) -> set[str] | None:
    """Return the threads of the project, template, archive and privacy asked for, or None if nothing is asked for."""
    visible_in = asked.visible_in if "private" in log.columns("memory_sessions") else None
    if visible_in is None and asked.project is None and asked.template is None and asked.archived is None:
        return None
    if "project" not in log.columns("memory_sessions"):  # it has not been used recently, so nothing is in a project
        nowhere = asked.project not in (None, NO_PROJECT) or asked.template is not None or asked.archived
        return set() if nowhere else None
    project = key(asked.project or "")
    given = {"project": None if project == NO_PROJECT else project, "template": asked.template, "between": TEMPLATES}
    given |= {"visible_in": visible_in}
    conditions = {
        "project is :project": asked.project is not None,
        "instr(:between || template || :between, :between || :template || :between)": asked.template is not None,
        f"archived_utc is {'not ' if asked.archived else ''}null": asked.archived is not None,
        "(private = 0 or thread_id = :visible_in)": visible_in is not None,
    }
    wanted = " and ".join(condition for condition, is_asked in conditions.items() if is_asked)
    rows = log.tuples(f"select thread_id from memory_sessions where {wanted}", given)  # noqa: S608  our own words
    return {thread_id for (thread_id,) in rows}


def templates(log: Log) -> list[str]:
    """Return the templates that sessions were created from."""
    if "template" not in log.columns("memory_sessions"):
        return []
    rows = log.tuples("select distinct template from memory_sessions where template is not null")
    return sorted({one for (several,) in rows for one in several.split(TEMPLATES)})
