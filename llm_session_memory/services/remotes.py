"""Use cases for remotes: which servers and folders a log knows, and what the log is called there."""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..errors import NameRefused, NoSuchSession, SessionError
from ..model.remotes import Machine, RemoteSettings
from ..rules import names, ulids
from ..rules.addresses import FOLDER, POSTGRES, kind_of, parted
from ..rules.limits import checked_tag
from ..rules.safe_text import one_line
from ..store import remotes as store
from .desk import Desk

_SCHEMA = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")
_LONGEST = 60
"""The most characters of the name of a machine that is taken from the system, because sessions are called after it."""


class Remotes:
    """The remotes of a log, by name. Nothing here connects to one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = store.Remotes(desk.log)

    def list(self) -> Sequence[RemoteSettings]:
        """Return all remotes by name."""
        return self._store.all()

    def names(self) -> Sequence[str]:
        """Return the names of all remotes."""
        return [one.name for one in self._store.all()]

    def get(self, name: str) -> RemoteSettings:
        """Return the remote of that name. Raises NoSuchSession, suggesting a similar name if there is one."""
        found = self._store.remote(name)
        if found is None:
            known = self.names()
            near = names.near(name, known)
            hint = f"List remotes with: {self._desk.command('remote', 'list')}" if known else self._adding()
            raise NoSuchSession(f"Remote “{name}” not found.", f"Did you mean “{near}”? {hint}" if near else hint)
        return found

    def chosen(self, name: str | None) -> RemoteSettings:
        """Return the remote of that name, or without one the only remote. Raises NoSuchSession, SessionError."""
        if name is not None:
            return self.get(name)
        known = self._store.all()
        if not known:
            raise NoSuchSession("This log has no remotes yet.", self._adding())
        if len(known) > 1:
            said = ", ".join(f"“{one.name}”" for one in known)
            raise SessionError("This log has several remotes.", f"Name one of: {said}.")
        return known[0]

    def add(self, remote: RemoteSettings, *, anew: bool = False) -> RemoteSettings:
        """Add a remote, and return it as it is kept. Its address must not have a password.

        Args:
            remote: What to keep. The path of a folder is made absolute.
            anew: Replace the remote of this name. The log still knows which conversations were pushed there.

        Raises:
            NameRefused: The name breaks the rules or is taken.
            RemoteFailed: The address is of no kind that is known.
            SessionError: Something else can't be kept; nothing was changed.
        """
        kept = self._checked(remote)
        self._desk.prepare()
        with self._desk.writing():
            before = self._store.remote(kept.name)
            if before is not None and not anew:
                hint = f"Choose another name, or replace it with --replace. Look at it with: {self._showing(before)}"
                raise NameRefused(f"Remote “{before.name}” already exists.", hint)
            if before is not None:
                kept = replace(kept, created_utc=before.created_utc)
            self._store.put(kept)
        return kept

    def remove(self, name: str) -> RemoteSettings:
        """Forget a remote, and return it. What it has stays there. Raises NoSuchSession."""
        found = self.get(name)
        with self._desk.writing():
            self._store.remove(found.name)
        return found

    def machine(self) -> Machine:
        """Return what this log is called on remotes. If it has no name yet: what `name_machine` would call it."""
        return self._store.machine() or Machine(self._new_id(), _name_of_this(), _user())

    def name_machine(self, name: str | None = None, person: str | None = None) -> Machine:
        """Say what this machine is called on remotes, and whose log this is. None leaves it as it is.

        Without either, the log is named after this computer and its user, if it has no name yet.

        Raises NameRefused if a name breaks the rules.
        """
        name = None if name is None else names.check(name, "machine")
        person = None if person is None else checked_person(person)
        self._desk.prepare()
        with self._desk.writing():
            now = self.machine()
            machine = replace(now, name=name or now.name, person=person or now.person)
            if machine != self._store.machine():
                self._store.put_machine(machine, self._desk.timestamp())
        return machine

    def _checked(self, remote: RemoteSettings) -> RemoteSettings:
        kind = kind_of(remote.address)
        address = remote.address
        if kind == FOLDER:
            address = _absolute(address)
        elif parted(address) != (address.strip(), None, False):
            raise SessionError(
                "An address in the log can't have a password.", "Keep it in llm's keys: llm keys set NAME"
            )
        if remote.schema is not None and kind != POSTGRES:
            raise SessionError("Only PostgreSQL has schemas.", "Leave out --schema.")
        if remote.schema is not None and not _SCHEMA.fullmatch(remote.schema):
            message = f"“{one_line(remote.schema, _LONGEST)}” can't be the name of a schema."
            raise SessionError(message, "Use small letters, digits and _. It can't begin with a digit or with pg_.")
        return replace(
            remote,
            name=names.check(remote.name, "remote"),
            address=address.strip() if kind != FOLDER else address,
            person=None if remote.person is None else checked_person(remote.person),
            project=None if remote.project is None else names.check_project(remote.project),
            exclude_tags=tuple(dict.fromkeys(map(checked_tag, remote.exclude_tags))),
            created_utc=self._desk.timestamp(),
        )

    def _new_id(self) -> str:
        return ulids.after(ulids.at(self._desk.now()).ljust(ulids.LENGTH, "0"))

    def _adding(self) -> str:
        return f"Add one with: {self._desk.command('remote', 'add')} NAME ADDRESS"

    def _showing(self, remote: RemoteSettings) -> str:
        return self._desk.command("remote", "show", remote.name)


def _absolute(path: str) -> str:
    with suppress(RuntimeError):  # a user without a home
        if path.isprintable():
            return os.path.abspath(Path(path).expanduser())  # noqa: PTH100  resolve() would follow links
    raise SessionError("The folder's path can't be used.", "Give another one.")


def checked_person(name: str) -> str:
    """Return the name of a person in its stored form. Raises NameRefused with the rule that it breaks."""
    return names.check(name, "person's")


def _name_of_this() -> str:
    """Return this computer's name without its domain, or a word instead."""
    with suppress(OSError, NameRefused):
        return names.check(socket.gethostname().partition(".")[0][:_LONGEST], "machine")
    return "machine"


def _user() -> str:
    """Return the name of who uses this computer, or a word instead."""
    with suppress(OSError, KeyError, ImportError, NameRefused):
        return checked_person(getpass.getuser()[:_LONGEST])
    return "someone"
