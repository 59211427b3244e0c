"""`llm sessions remote add`: a server or folder, with its password in llm's keys."""

from __future__ import annotations

import os
from dataclasses import replace

import click

from ..llm_seam.models import log_path
from ..memory import Memory
from ..model.remotes import RemoteSettings
from ..rules.addresses import parted
from .common import COMPLETING, echo, session_command


@session_command("add", short_help="Add a remote")
@click.argument("name")
@click.argument("address", required=False)
@click.option(
    "--exclude-tag", "tags", multiple=True, metavar="TAG", help="Never send sessions with this tag (repeat for several)"
)
@click.option(
    "--project", metavar="NAME", shell_complete=COMPLETING["project"], help="Only send the sessions of this project"
)
@click.option("--person", metavar="WHO", help="Who writes there [the person of `remote machine`]")
@click.option("--schema", metavar="NAME", help="The schema of a PostgreSQL database to use")
@click.option("--redact", is_flag=True, help="Replace what looks like a key or a password in what is sent")
@click.option("--key", metavar="ALIAS", help="The key in llm's keys with the password, or with the whole address")
@click.option("--replace", "anew", is_flag=True, help="Replace the remote of this name")
def add_command(
    name: str,
    address: str | None,
    tags: tuple[str, ...],
    project: str | None,
    person: str | None,
    schema: str | None,
    redact: bool,
    key: str | None,
    anew: bool,
    database: str | None,
) -> None:
    """Add a remote. ADDRESS begins with postgresql:// or mongodb://; anything else is the path of a folder.

    A password is never kept in the log. If ADDRESS has one, it is moved to llm's keys. But what you type stays in your
    shell's history, so it is better to store it first with `llm keys set`, and to name that key with --key. The
    environment variable LLM_REMOTE_NAME (LLM_REMOTE_TEAM for “team”) can also hold the password or the whole address.

    \b
        llm sessions remote add drive /mnt/drive/llm
        llm sessions remote add team postgresql://ada@db.example/llm?sslmode=verify-full --key team
        llm sessions remote add notes mongodb://ada@db.example/llm --exclude-tag private
    """
    settings = RemoteSettings(name, "", key, person, project, tags, schema, redact)
    secret = None
    if address is None:
        settings = replace(settings, address=parted(_kept_address(name, key)).address)
    else:
        found = parted(address)
        secret = address if found.others else found.password
        settings = replace(settings, address=found.address)
        _check_key(key, secret)
    with Memory(log_path(database), create=True, typed=database) as memory:
        memory.desk.prepare()
        with memory.writing():  # nothing stays if the password can't be stored
            kept = memory.remotes.add(settings, anew=anew)
            if secret is not None:
                kept = memory.remotes.add(replace(kept, secret=_stored(kept, secret)), anew=True)
        testing = memory.desk.command("remote", "test", kept.name)
    echo(f"Added remote “{kept.name}”: {kept.address}")
    if secret is not None:
        stays = "What you typed is also in your shell's history."
        echo(f"The password is in llm's keys as “{kept.secret}”, not in the log. {stays}", err=True)
    echo(f"Test it with: {testing}", err=True)


def _kept_address(name: str, key: str | None) -> str:
    """Return the address that the environment or a key has. Raises UsageError if there is none."""
    from ..llm_seam import keys
    from ..remotes.opening import variable

    given = os.environ.get(variable(name), "").strip() or (keys.key(key) if key is not None else "")
    if "://" not in given:
        raise click.UsageError("Give the ADDRESS of the remote, or a --key that has the whole address.")
    return given


def _check_key(key: str | None, secret: str | None) -> None:
    """Raise an error if there is no such key, or a password beside it."""
    if key is None:
        return
    if secret is not None:
        raise click.UsageError("Give the password in the address or with --key, not both.")
    from ..llm_seam import keys

    keys.key(key)


def _stored(remote: RemoteSettings, secret: str) -> str:
    from ..llm_seam import keys

    return keys.keep(f"remote-{remote.name}", secret)
