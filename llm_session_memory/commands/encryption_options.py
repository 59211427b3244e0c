"""The options of commands that write or read encrypted files: keys, and the passphrase."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import SessionError
from .common import F

if TYPE_CHECKING:
    from ..services.encryption import Locking, Unlocking

_LONGEST = 65_536
"""The most bytes that are read of a file descriptor, and more than any passphrase has."""

_RECIPIENT = "Encrypt for the holder of this key: age1…, an SSH public key, or a file of them (repeat for several)"
_IDENTITY = "Decrypt with the age or SSH secret key in this file (repeat for several)"
_DESCRIPTOR = "Read the passphrase from this file descriptor, up to the end of the line [ask on the terminal]"


@dataclass(frozen=True)
class Passphrase:
    """Where a passphrase comes from: a file descriptor, or the terminal. It is read once."""

    descriptor: int | None = None

    def new(self) -> str:
        """Return the passphrase of something new; the terminal asks twice. Raises SessionError."""
        return self._given("Passphrase", twice=True)

    def of(self, what: str) -> str:
        """Return the passphrase of something that is encrypted. Raises SessionError."""
        return self._given(f"Passphrase of {what}", twice=False)

    def _given(self, question: str, *, twice: bool) -> str:
        if self.descriptor is not None:
            return _line(self.descriptor)
        if not _has_terminal():
            hint = "Give it with --passphrase-fd, or use a key (-r to encrypt, -i to decrypt)."
            raise SessionError("There is no terminal on which to ask for the passphrase.", hint)
        from ..rules.safe_text import one_line

        asked: str = click.prompt(
            one_line(question, 100), hide_input=True, confirmation_prompt="Once more" if twice else False, err=True
        )
        return asked


@dataclass(frozen=True)
class Encrypting:
    """What a person said of how something is encrypted."""

    recipients: tuple[str, ...]
    passphrase: Passphrase

    def lock(self) -> Locking:
        """Return who can read what is written. Asks for a passphrase if no key was given. Raises SessionError."""
        from ..services.encryption import locking

        return locking(self.recipients, self.passphrase.new)


def encryption_options() -> Callable[[F], F]:
    """Return a decorator for `--encrypt`, `-r` and `--passphrase-fd`.

    The command gets `encrypt`, which is None unless one of them was given.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def gathered(
            *args: Any,
            encrypt: bool,
            recipients: tuple[str, ...],
            passphrase_fd: int | None,
            **parameters: Any,
        ) -> Any:
            if recipients and passphrase_fd is not None:
                raise click.UsageError("Give keys with -r, or a passphrase with --passphrase-fd, not both.")
            wanted = encrypt or recipients or passphrase_fd is not None
            given = Encrypting(recipients, Passphrase(passphrase_fd)) if wanted else None
            return function(*args, encrypt=given, **parameters)

        options = [
            click.option("--encrypt", is_flag=True, help="Encrypt, in the age format, with a passphrase or for keys"),
            _recipient_option(),
            _descriptor_option(),
        ]
        decorated: F = _with(gathered, options)
        return decorated

    return decorate


def check_plain_name(name: str, encrypt: Encrypting | None) -> None:
    """Refuse to write plain text into a file that is named like an encrypted one. Raises click.UsageError."""
    if encrypt is None and name.lower().endswith(".age"):
        from ..rules.safe_text import one_line

        message = f"{one_line(name, 200)} is the name of an encrypted file."
        raise click.UsageError(f"{message} Encrypt it with --encrypt or -r KEY, or choose a name without .age.")


def sealing_options() -> Callable[[F], F]:
    """Return a decorator for `-r`, `-i` and `--passphrase-fd`, of a command that reads again what it has encrypted.

    The command gets `keys`, a function that returns how it locks and unlocks, and asks for a passphrase if need be.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def gathered(
            *args: Any, recipients: tuple[str, ...], identities: tuple[str, ...], passphrase_fd: int | None, **more: Any
        ) -> Any:
            if bool(recipients) != bool(identities):
                raise click.UsageError("A key needs both halves: -r to encrypt, and -i to compare what was encrypted.")
            passphrase = Passphrase(passphrase_fd)
            return function(*args, keys=functools.partial(_both, recipients, identities, passphrase), **more)

        decorated: F = _with(gathered, [_recipient_option(), _identity_option(), _descriptor_option()])
        return decorated

    return decorate


def _both(
    recipients: tuple[str, ...], identities: tuple[str, ...], passphrase: Passphrase
) -> tuple[Locking, Unlocking]:
    from ..services.encryption import Unlocking

    lock = Encrypting(recipients, passphrase).lock()
    said = lock.passphrase
    return lock, _unlocking(identities, passphrase) if said is None else Unlocking(passphrase=lambda _: said)


def decryption_options() -> Callable[[F], F]:
    """Return a decorator for `-i` and `--passphrase-fd`, of a command that reads files that may be encrypted.

    The command gets `unlock`, for `services.encryption.decrypted` and `opened`.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def gathered(*args: Any, identities: tuple[str, ...], passphrase_fd: int | None, **parameters: Any) -> Any:
            return function(*args, unlock=_unlocking(identities, Passphrase(passphrase_fd)), **parameters)

        decorated: F = _with(gathered, [_identity_option(), _descriptor_option()])
        return decorated

    return decorate


def check_binary_output() -> None:
    """Raise SessionError if standard output is a terminal, which can't show what is encrypted."""
    if sys.stdout.isatty():
        raise SessionError("Encrypted output can't be shown on a terminal.", "Give a file, or redirect the output.")


def _unlocking(identities: tuple[str, ...], passphrase: Passphrase) -> Unlocking:
    from ..services.encryption import Unlocking

    return Unlocking(tuple(map(Path, identities)), passphrase.of)


def _recipient_option() -> Callable[[F], F]:
    names = ("-r", "--recipient", "recipients")
    decorate: Callable[[F], F] = click.option(*names, multiple=True, metavar="KEY", help=_RECIPIENT)
    return decorate


def _identity_option() -> Callable[[F], F]:
    names = ("-i", "--identity", "identities")
    decorate: Callable[[F], F] = click.option(*names, multiple=True, metavar="FILE", help=_IDENTITY)
    return decorate


def _descriptor_option() -> Callable[[F], F]:
    kind = click.IntRange(min=0)
    decorate: Callable[[F], F] = click.option("--passphrase-fd", type=kind, metavar="N", help=_DESCRIPTOR)
    return decorate


def _with(function: Any, options: list[Callable[[Any], Any]]) -> Any:
    for option in reversed(options):
        function = option(function)
    return function


def _line(descriptor: int) -> str:
    """Return the first line of a file descriptor. Raises SessionError."""
    data = bytearray()
    try:
        while b"\n" not in data and len(data) <= _LONGEST:
            piece = os.read(descriptor, 1)  # no more: what follows may be another's
            if not piece:
                break
            data += piece
    except OSError as error:
        message = f"The passphrase can't be read from file descriptor {descriptor}: {error.strerror or error}."
        raise SessionError(message, "Open it in the shell, such as: --passphrase-fd 3 3< FILE") from error
    return bytes(data).rstrip(b"\r\n").decode("utf-8", "surrogateescape")


def _has_terminal() -> bool:
    """Return whether somebody can be asked, also while standard input is a file."""
    if sys.stdin.isatty():
        return True
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR | getattr(os, "O_NOCTTY", 0)))
        return True
    return False
