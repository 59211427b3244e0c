"""Files in the age format, for backups and exports: encrypted and decrypted in streams of any length.

`Locking` says who can read what is written, `Unlocking` how something is read. `encrypted` and `decrypted` are context
managers that give a stream of bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..errors import SessionError
from ..rules import age_format
from ..rules.age_format import AgeHeader, NotAge, is_age
from . import age_keys, age_passphrase, age_recipients

__all__ = ["ENDING", "Locking", "Unlocking", "decrypted", "encrypted", "is_age", "locking", "opened", "revealed"]

ENDING = ".age"
"""How the names of encrypted files end."""

HEAD = 128
"""How many bytes `is_age` needs to see."""

_LONGEST_LINE = 65_536
"""How many bytes of a line of armor are read at once. Lines should have 64, but a file may have a single one."""

Ask = Callable[[str], str]
"""Returns the passphrase of what it is called with, such as “work.age”. It may raise SessionError."""


@dataclass(frozen=True)
class Locking:
    """Who can read what is encrypted: the holders of keys, or whoever knows the passphrase (one of the two)."""

    recipients: tuple[Any, ...] = ()
    passphrase: str | None = field(default=None, repr=False)
    work: int = age_passphrase.WORK


@dataclass(frozen=True)
class Unlocking:
    """How encrypted files are read: with the keys in these files, or with a passphrase that is asked for."""

    identities: tuple[Path, ...] = ()
    passphrase: Ask | None = None


def locking(recipients: Sequence[str], passphrase: Callable[[], str] | None = None) -> Locking:
    """Return who can read, from what a person gave. Without recipients, the passphrase is asked for.

    Raises SessionError if a recipient can't be used, if the passphrase is empty, or if pyrage is not installed.
    """
    age_keys.check_installed()
    if recipients:
        return Locking(age_keys.recipients(recipients))
    if passphrase is None:
        raise SessionError("Encryption needs a passphrase or a key.", "Give a recipient's key with -r.")
    return Locking(passphrase=_checked(passphrase()), work=age_passphrase.WORK)


@contextmanager
def encrypted(stream: IO[bytes], lock: Locking) -> Iterator[IO[bytes]]:
    """Give a stream that encrypts what is written to it into another one, which stays open.

    If the block raises, the file is not finished, so that nobody takes it for a whole one.
    """
    age_keys.check_installed()
    if lock.passphrase is None:
        with age_recipients.encrypting(stream, lock.recipients) as made:
            yield made
        return
    writer = age_passphrase.AgeWriter(stream, lock.passphrase, lock.work)
    yield writer  # type: ignore[misc]  # has all of a stream that writers use
    writer.finish()


@contextmanager
def decrypted(stream: IO[bytes], unlock: Unlocking, where: str) -> Iterator[IO[bytes]]:
    """Give a stream of what is in an age file, armored or not. `where` is what errors call the file.

    Bytes come before the file was read to its end: do nothing for good before this stream has ended without an error.
    Raises SessionError, also while it is read, if the file can't be decrypted, or is damaged or cut off.
    """
    age_keys.check_installed()
    with _sentences(where):
        plain, header, data = _begun(stream)
        if age_passphrase.needs_passphrase(header):
            if unlock.passphrase is None:
                raise SessionError(f"{where} is encrypted with a passphrase.", "Give it with --passphrase-fd.")
            passphrase = _checked(unlock.passphrase(where))
            made: Any = io.BufferedReader(_Told(age_passphrase.AgeReader(plain, header, passphrase), where))
        else:
            if not unlock.identities:
                hint = "Give the file with your secret key with -i, such as: -i key.txt"
                raise SessionError(f"{where} is encrypted for the holder of a key.", hint)
            keys = age_keys.identities(unlock.identities, _key_file(unlock))
            made = None
    if made is not None:
        yield made
        return
    with age_recipients.decrypting(_Rejoined(data, plain), keys) as found:  # type: ignore[arg-type]  # only read
        told = io.BufferedReader(_Told(found, where))
        told.peek(1)  # a wrong key is told before anything is done
        yield told


@contextmanager
def opened(path: Path, unlock: Unlocking) -> Iterator[IO[bytes]]:
    """Open a file that may be encrypted, and give a stream of its plain bytes.

    Raises SessionError if it can't be read or decrypted.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise SessionError(f"{path} can't be read: {error.strerror or error}.", "Choose another file.") from error
    with stream, revealed(stream, unlock, path.name) as plain:
        yield plain


@contextmanager
def revealed(stream: IO[bytes], unlock: Unlocking, where: str) -> Iterator[IO[bytes]]:
    """Give a stream as it is, or decrypted if an age file begins there; a pipe, too. It stays open.

    `where` is what errors call it. Raises SessionError if it can't be decrypted.
    """
    if stream.seekable():
        place = stream.tell()
        head = stream.read(HEAD)
        stream.seek(place)
        looked: Any = stream
    else:
        looked = io.BufferedReader(stream)
        head = looked.peek(HEAD)
    try:
        if is_age(head):
            with decrypted(looked, unlock, where) as plain:
                yield plain
        else:
            yield looked
    finally:
        if looked is not stream:
            looked.detach()


def _key_file(unlock: Unlocking) -> Callable[[bytes, str], bytes]:
    """Return what decrypts a file of keys that is itself encrypted with a passphrase."""

    def unlocked(data: bytes, where: str) -> bytes:
        with decrypted(io.BytesIO(data), Unlocking(passphrase=unlock.passphrase), where) as stream:
            return stream.read()

    return unlocked


def _checked(passphrase: str) -> str:
    if not passphrase:
        raise SessionError("The passphrase is empty.", "Give one of several words.")
    return passphrase


def _begun(stream: IO[bytes]) -> tuple[IO[bytes], AgeHeader, bytes]:
    """Return a stream without armor that is after the header, the header, and its bytes. Raises NotAge."""
    head = stream.read(HEAD)
    whole: Any = io.BufferedReader(_Rejoined(head, stream))
    if age_format.is_armored(head):
        whole = io.BufferedReader(_Dearmored(whole))
    data = b""
    while not age_format.header_length(data):
        line = whole.readline(age_format.LARGEST_HEADER)
        data += line
        if not line or len(data) > age_format.LARGEST_HEADER or not age_format.FIRST_LINE.startswith(data[:22]):
            raise NotAge("it is cut off" if not line else "it is not of version 1 of the format")
    return whole, age_format.parsed(data), data


class _Rejoined(io.RawIOBase):
    """A stream that begins with bytes that were already read of it."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._head[: len(view)] if self._head else self._stream.read(len(view))
        self._head = self._head[len(data) :]
        view[: len(data)] = data
        return len(data)


class _Dearmored(io.RawIOBase):
    """A stream of the bytes in an ASCII-armored file. Raises NotAge for anything but lines of base64."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines = iter(lambda: stream.readline(_LONGEST_LINE), b"")  # of a longer one, pieces of whole groups of 4
        self._data = b""
        self._ended = False
        next((line for line in self._lines if line.strip() == age_format.ARMOR), None)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._data and not self._ended:
            self._data = self._more()
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(self._data))
        view[:size] = self._data[:size]
        self._data = self._data[size:]
        return size

    def _more(self) -> bytes:
        import base64
        import binascii

        line = next(self._lines, b"").strip()
        if line == age_format.ARMOR_END:
            self._ended = True
            if any(rest.strip() for rest in self._lines):
                raise NotAge("there is text after its end")
            return b""
        try:
            data = base64.b64decode(line, validate=True)
        except binascii.Error as error:
            raise NotAge("it is damaged") from error
        if not data:
            raise NotAge("it is damaged or cut off")
        return data


class _Told(io.RawIOBase):
    """A stream whose errors are sentences about a file."""

    def __init__(self, stream: Any, where: str) -> None:
        self._stream, self._where = stream, where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _sentences(self._where):
            size: int = self._stream.readinto(buffer)
            return size


@contextmanager
def _sentences(where: str) -> Iterator[None]:
    import pyrage

    try:
        yield
    except NotAge as error:
        raise SessionError(f"{where} can't be decrypted: {error}.", "Use another copy of the file.") from error
    except age_passphrase.WrongPassphrase as error:
        raise SessionError(f"The passphrase does not open {where}.", "Try again.", "Nothing was changed.") from error
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            message = f"{where} is encrypted for other keys than yours."
            raise SessionError(message, "Give the file with the right secret key with -i.") from error
        raise SessionError(f"{where} can't be decrypted: {error}.", "Use another copy of the file.") from error
    except OSError as error:
        if error.strerror:
            raise SessionError(f"{where} can't be read: {error.strerror}.", "Use another copy of the file.") from error
        message = f"{where} can't be decrypted: it is damaged or cut off."
        raise SessionError(message, "Use another copy of the file.") from error
