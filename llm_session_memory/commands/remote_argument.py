"""The argument that names a remote, and what a remote is called in sentences."""

from __future__ import annotations

from typing import Any

import click

from ..errors import NoSuchSession
from ..llm_seam.models import known_remotes, log_path
from ..model.remotes import RemoteSettings
from ..rules.addresses import kind_of
from .common import F, completing

KINDS = {"postgres": "PostgreSQL", "mongodb": "MongoDB", "folder": "folder"}


complete_remote = completing(known_remotes)


def remote_argument(function: F) -> F:
    """Give a command the argument that names a remote. Without it, the only remote of the log is meant."""
    decorate: Any = click.argument("remote", required=False, shell_complete=complete_remote)
    return decorate(function)  # type: ignore[no-any-return]


def check_log(database: str | None) -> None:
    """Raise NoSuchSession if there is no log yet, and so no remote."""
    path = log_path(database)
    if not path.exists():
        with_d = f" -d {database}" if database else ""
        hint = f"Add a remote first: llm sessions remote add{with_d} NAME ADDRESS"
        raise NoSuchSession(f"There is no log at {path} yet.", hint)


def remote_option(function: F) -> F:
    """Give a command the option to ask a remote instead of the log."""
    decorate: Any = click.option(
        "--remote", metavar="NAME", shell_complete=complete_remote, help="Ask this PostgreSQL remote, not the log"
    )
    return decorate(function)  # type: ignore[no-any-return]


def kind(settings: RemoteSettings) -> str:
    """Return what a remote is, in a word."""
    return KINDS[kind_of(settings.address)]
