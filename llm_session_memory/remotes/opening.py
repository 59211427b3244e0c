"""Open a remote: find its address and its password, connect, and keep both out of every message."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import RemoteFailed, SessionError
from ..llm_seam import keys
from ..model.remotes import Condition, Digest, Document, Listed, Remote, RemoteSettings, Stamp, Writing
from ..rules.addresses import FOLDER, MONGODB, POSTGRES, kind_of, parted, whole, without_secrets


class FoundAddress(NamedTuple):
    """The address to connect to, with its password, and where that or the password was found, in words or empty."""

    address: str
    source: str


def variable(name: str) -> str:
    """Return the environment variable for the address or the password of a remote: LLM_REMOTE_TEAM for “team”."""
    return "LLM_REMOTE_" + re.sub(r"\W", "_", name).upper()


def address_of(settings: RemoteSettings) -> FoundAddress:
    """Return a remote's address with its password. The environment comes before llm's keys. Raises SessionError."""
    given = os.environ.get(variable(settings.name), "").strip()
    if given:
        return FoundAddress(whole(settings.address, given), f"the environment variable {variable(settings.name)}")
    if settings.secret is not None:
        return FoundAddress(whole(settings.address, keys.key(settings.secret)), f"llm's key “{settings.secret}”")
    return FoundAddress(settings.address, "")


def open_remote(settings: RemoteSettings) -> Remote:
    """Return a remote that is ready to use. It connects when it is first asked something.

    Raises:
        SessionError: Its key is missing, or its address can't be used.
        RemoteFailed: A package is missing, or the kind of address is unknown. No message has a secret.
    """
    address = address_of(settings).address
    with discreet(address):
        return _Discreet(_made(settings, address), address)


def _made(settings: RemoteSettings, address: str) -> Remote:
    kind = kind_of(address)
    if kind == POSTGRES:
        from .postgres.remote import PostgresRemote

        return PostgresRemote(address, schema=settings.schema)
    if kind == MONGODB:
        from .mongodb import MongoRemote

        return MongoRemote(address)
    assert kind == FOLDER
    from .folder import FolderRemote

    return FolderRemote(Path(address), _cache(address))


def _cache(folder: str) -> Path | None:
    """Return the file for the index of a folder's remote, or None if no file can be made."""
    from ..llm_seam.models import cache_folder

    name = hashlib.sha256(folder.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    try:
        return cache_folder() / f"folder-{name}.db"
    except OSError:
        return None


@contextmanager
def discreet(address: str) -> Iterator[None]:
    """Take the secrets of an address out of all errors, and what the driver said about them too."""
    try:
        yield
    except SessionError as error:
        said = (error.message, error.hint, error.outcome)
        clean = tuple(without_secrets(text, [address]) for text in said)
        if not isinstance(error, RemoteFailed) and clean == said:
            raise
        error.message, error.hint, error.outcome = error.args = clean
        raise error from None
    except Exception as error:
        if parted(address).address == address or without_secrets(str(error), [address]) == str(error):
            raise
        message = f"The remote failed: {without_secrets(str(error), [address])}"
        raise RemoteFailed(message, "Look at it with: llm sessions remote test") from None


class _Discreet:
    """A remote without secrets in its errors."""

    def __init__(self, remote: Remote, address: str) -> None:
        self._remote = remote
        self._address = address

    @property
    def place(self) -> str:
        return without_secrets(self._remote.place, [self._address])

    def condition(self) -> Condition:
        with discreet(self._address):
            return self._remote.condition()

    def prepare(self) -> None:
        with discreet(self._address):
            self._remote.prepare()

    def buckets(self) -> dict[str, Digest]:
        with discreet(self._address):
            return self._remote.buckets()

    def digests(self, buckets: Collection[str]) -> Iterator[tuple[str, str, Digest]]:
        with discreet(self._address):
            yield from self._remote.digests(buckets)

    def stamps(self, threads: Collection[str]) -> Iterator[Stamp]:
        with discreet(self._address):
            yield from self._remote.stamps(threads)

    def tombstones(self, buckets: Collection[str]) -> Iterator[Document]:
        with discreet(self._address):
            yield from self._remote.tombstones(buckets)

    def documents(self, kind: str, keys: Collection[str]) -> Iterator[Document]:
        with discreet(self._address):
            yield from self._remote.documents(kind, keys)

    def threads_with(self, turns: Collection[str]) -> dict[str, str]:
        with discreet(self._address):
            return self._remote.threads_with(turns)

    def listed(self, threads: Collection[str] | None = None) -> Iterator[Listed]:
        with discreet(self._address):
            yield from self._remote.listed(threads)

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        with discreet(self._address), self._remote.writing() as writing:
            yield _DiscreetWriting(writing, self._address)

    def close(self) -> None:
        with discreet(self._address):
            self._remote.close()


class _DiscreetWriting:
    """A transaction without secrets in its errors."""

    def __init__(self, writing: Writing, address: str) -> None:
        self._writing = writing
        self._address = address

    def put(self, documents: Iterable[Document]) -> None:
        with discreet(self._address):
            self._writing.put(documents)

    def remove(self, kind: str, keys: Collection[str]) -> None:
        with discreet(self._address):
            self._writing.remove(kind, keys)

    def referred(self, refs: Collection[str]) -> set[str]:
        with discreet(self._address):
            return self._writing.referred(refs)

    def set_digests(self, digests: Mapping[tuple[str, str], Digest | None]) -> None:
        with discreet(self._address):
            self._writing.set_digests(digests)
