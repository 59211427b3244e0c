"""Use cases for projects: defaults for the sessions that are created in them, and which sessions are in them.

A session copies the defaults of its project when it is created. Changing them later changes no session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..errors import NoSuchSession
from ..model import Filters, Project, ProjectSummary, Session, Settings
from ..rules import names
from ..rules.policy import checked
from ..rules.recall_from import PROJECT
from ..store import projects as store
from ..store import recall_sources
from .desk import Desk


class Projects:
    """The projects of a log."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = store.Projects(desk.log)

    # -- finding -------------------------------------------------------

    def find(self, name: str) -> Project | None:
        """Return the project of that name, or None."""
        return self._store.project(name)

    def get(self, name: str, *, to_use: bool = False, origin: str = "") -> Project:
        """Return the project of that name. Raises NoSuchSession, suggesting a similar name if there is one.

        If it is meant `to_use`, for a session, the error also says how to create it, and an unfit name is NameRefused.
        `origin` says in the error where the name is from, if it was not typed.
        """
        found = self.find(name)
        if found is None:
            near = names.near(name, self._store.names().values())
            hint = f"List projects with: {self._desk.command('project')}"
            if to_use:
                names.check_project(name)
                hint = f"Create it with: {self._desk.command('project', name, '--new')}"
            raise NoSuchSession(
                f"Project “{name}”{origin} not found.", f"Did you mean “{near}”? {hint}" if near else hint
            )
        return found

    def check(self, filters: Filters | None) -> None:
        """Raise NoSuchSession if filters name a project that doesn't exist."""
        if filters is not None and filters.project is not None and names.key(filters.project) != names.NO_PROJECT:
            self.get(filters.project)

    def names(self) -> Mapping[str, str]:
        """Return the names of all projects by their keys."""
        return self._store.names()

    def name_of(self, session: Session) -> str | None:
        """Return the name of a session's project, or None."""
        return store.name_of(self._desk.log, session) or None

    def list(self) -> Sequence[ProjectSummary]:
        """Return all projects by name, each with its number of sessions and their last use."""
        return self._store.summaries()

    def templates(self) -> Sequence[str]:
        """Return the templates that sessions were created from."""
        return store.templates(self._desk.log)

    # -- making and changing -------------------------------------------

    def create(self, name: str, settings: Settings | None = None, **limits: Any) -> Project:
        """Create a project. `limits` are its other fields, such as `budget_usd`.

        Raises NameRefused if the name breaks the rules or is taken, SessionError if a setting is invalid.
        """
        kept = names.check_project(name)
        new = checked(settings or Settings())  # before the log gets its tables
        self._desk.prepare()
        made = Project(names.key(kept), kept, self._desk.timestamp(), self._desk.settled(new), **limits)
        with self._desk.writing():
            self._store.add(made)
        return made

    def set(self, name: str, settings: Settings | None = None, **limits: Any) -> Project:
        """Change a project's defaults (None: keep them) and limits, for the sessions that are created from now on."""
        with self._changing(name) as found:
            new = None if settings is None else self._desk.settled(settings, found)
            changed = replace(found, settings=new or found.settings, **limits)
            self._store.change(changed)
        return changed

    def rename(self, name: str, to: str) -> Project:
        """Rename a project. Raises NameRefused if the new name breaks the rules or is taken."""
        kept = names.check_project(to)
        with self._changing(name) as found:
            self._store.rename(found.key, kept)
            recall_sources.renamed(self._desk.log, PROJECT, found.key, kept)
        return replace(found, key=names.key(kept), name=kept)

    def delete(self, name: str) -> int:
        """Delete a project. Its sessions stay as they are, without a project; return their number."""
        with self._changing(name) as found:
            return self._store.remove(found.key)

    @contextmanager
    def _changing(self, name: str) -> Iterator[Project]:
        """Hold one transaction to change a project. An unknown name changes nothing, not even the tables."""
        self.get(name)
        self._desk.prepare()
        with self._desk.writing():
            yield self.get(name)  # another process may have changed it in the meantime

    # -- its sessions --------------------------------------------------

    def move(self, session_name: str, project_name: str | None) -> Session:
        """Put a session into a project, or into none. Its settings stay as they are."""
        session = self._desk.session(session_name)
        if project_name is not None:
            self.get(project_name, to_use=True)
        self._desk.prepare()
        with self._desk.writing():
            key = self.get(project_name).key if project_name is not None else None
            self._store.move(session.thread_id, key)
        return replace(session, project=key)

    def set_template(self, session_name: str, template: str | None) -> Session:
        """Remember the template that a session's settings are from, or none."""
        session = self._desk.session(session_name)
        self._desk.prepare()
        with self._desk.writing():
            self._store.set_template(session.thread_id, template)
        return replace(session, template=template)
