"""A folder that several machines keep the same conversations in: on a drive, a file server, or a synchronised one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from ...errors import RemoteFailed
from ...model.remotes import Condition, Digest, Document, Listed, Stamp, Writing
from ...rules.safe_text import one_line
from . import database, questions
from .cleaning import clean
from .committing import commit, counts
from .disk import PARTS, Disk
from .index import Index
from .lines import At
from .locking import Lock
from .parts import Parts
from .preparing import prepare, read_format
from .writing import FolderWriting

SERVER = "Folder"
_TRIES = 5
Answer = TypeVar("Answer")


class FolderRemote:
    """A folder as a remote.

    Args:
        folder: Where the conversations are kept.
        cache: The file of the index on this machine, which several processes may share; without one, the index is
            built in a temporary file that is gone at the end. It has names, tags and ids, and no other text.
        patience: How many seconds to wait for others who are writing.
    """

    def __init__(self, folder: Path, cache: Path | None = None, patience: float = 120.0) -> None:
        self._disk = Disk(Path(folder).expanduser().absolute())
        self._cache, self._patience = cache, patience
        self._opened: Index | None = None
        self._parts: Parts | None = None

    @property
    def place(self) -> str:
        """The folder's path."""
        return self._disk.where

    def condition(self) -> Condition:
        """Find out what is there. The drive's time is that of a file written for a moment."""
        began = time.monotonic()
        if not self._disk.folder.exists():
            self._check_parent()
            return Condition(SERVER, 0, os.access(self._disk.folder.parent, os.W_OK), None, time.monotonic() - began)
        if not self._disk.folder.is_dir():
            raise RemoteFailed(f"{self._disk.where} is not a folder.", "Give the path of a folder.")
        version = read_format(self._disk)
        try:
            now: float | None = self._disk.now()
        except RemoteFailed:
            now = None
        return Condition(SERVER, version.version if version else 0, now is not None, now, time.monotonic() - began)

    def prepare(self) -> None:
        """Make the folder and the file that identifies it, unless they exist."""
        self._check_parent()
        prepare(self._disk)

    def buckets(self) -> dict[str, Digest]:
        """Return the digest of each bucket."""
        return self._ask(lambda index: questions.bucket_digests(index.connection, forked=index.forked))

    def digests(self, buckets: Collection[str]) -> Iterator[tuple[str, str, Digest]]:
        """Yield the digests of some buckets."""
        return self._ask(lambda index: questions.digests(index.connection, buckets, forked=index.forked))

    def stamps(self, threads: Collection[str]) -> Iterator[Stamp]:
        """Yield the stamps of some threads."""
        return self._ask(lambda index: questions.stamps(index.connection, threads))

    def tombstones(self, buckets: Collection[str]) -> Iterator[Document]:
        """Yield the tombstones of some buckets."""
        return iter(self._ask(lambda index: questions.tombstones(index.connection, buckets, self._open_part)))

    def documents(self, kind: str, keys: Collection[str]) -> Iterator[Document]:
        """Yield documents. If a part is written again meanwhile, the rest is read from the new one."""
        left = set(keys)
        for tries in range(1, _TRIES + 1):
            index = self._fresh()
            try:
                for document in questions.documents(index.connection, kind, left, self._open_part):
                    left.discard(document.key)
                    yield document
            except FileNotFoundError as error:
                if tries == _TRIES:
                    raise self._missing(error) from error
            else:
                return

    def threads_with(self, turns: Collection[str]) -> dict[str, str]:
        """Return which of these turns and responses are there, with their threads."""
        return self._ask(lambda index: questions.threads_with(index.connection, turns))

    def listed(self, threads: Collection[str] | None = None) -> Iterator[Listed]:
        """Yield conversations."""
        return iter(self._ask(lambda index: [*questions.listed(index.connection, threads)]))

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Write, once nobody else does. Raises RemoteFailed if the lock is held for too long, or was lost."""
        index = self._fresh()
        lock = Lock(self._disk, self._patience)
        with lock.held():
            index.refresh()
            clean(self._disk, index, lock.dead)
            day = time.strftime("%Y-%m-%d", time.gmtime())
            at = At(index.last_number() + 1, lock.token)
            with database.in_sentences(self._cache):
                index.connection.execute("begin immediate")
            parts = self._parts = Parts(self._disk, index, lock.token, day)
            try:
                writing = FolderWriting(index, parts, at, day)
                with database.in_sentences(self._cache):
                    writing.heal()
                yield writing
                with database.in_sentences(self._cache):
                    commit(self._disk, index, parts, writing, lock)
            except BaseException:
                if not counts(self._disk, at):
                    parts.discard()
                raise
            finally:
                self._parts = None
                if index.connection.in_transaction:
                    index.connection.execute("rollback")

    def close(self) -> None:
        """Close the index."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _fresh(self) -> Index:
        """Return the index, brought up to date with the folder; within a write, as the write has it."""
        if self._parts is not None and self._opened is not None:
            return self._opened
        if self._opened is None:
            found = read_format(self._disk)
            if found is None or not found.version:
                raise _not_there(self._disk)
            self._opened = Index(self._disk, self._cache, found.id)
        self._opened.refresh()
        return self._opened

    def _ask(self, question: Callable[[Index], Answer]) -> Answer:
        """Ask the index. If a part is gone because another machine wrote it again, ask once more."""
        for tries in range(1, _TRIES + 1):
            index = self._fresh()
            try:
                with database.in_sentences(self._cache):
                    return question(index)
            except FileNotFoundError as error:
                if tries == _TRIES:
                    raise self._missing(error) from error
        raise AssertionError

    def _open_part(self, name: str) -> IO[bytes]:
        return self._disk.open(f"{PARTS}/{name}") if self._parts is None else self._parts.open(name)

    def _check_parent(self) -> None:
        """Raise RemoteFailed if the folder can't be made, because the folder that it should be in is missing."""
        parent = self._disk.folder.parent
        if not parent.is_dir():
            message = f"The folder {self._disk.where} does not exist, and neither does the folder that it should be in."
            raise RemoteFailed(message, f"Connect its drive, or create the folder {one_line(str(parent))}.")

    def _missing(self, error: FileNotFoundError) -> RemoteFailed:
        return self._disk.damaged(str(Path(str(error.filename)).relative_to(self._disk.folder)), "it is missing")


def _not_there(disk: Disk) -> RemoteFailed:
    return RemoteFailed(
        f"The folder {disk.where} has no conversations, or its drive is not connected.",
        "Connect the drive. If the folder is new, push to it once.",
    )
