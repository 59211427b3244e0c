"""The index of a folder: which records, parts and lines count. It follows the folder: only new records are read."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from ...model.remotes import Document
from ..about import CALLS, about, moment
from ..plain_texts import packed
from ..shapes import WrongShapeError
from . import database, lines, records
from .database import rows, statement
from .disk import PARTS, RECORDS, Disk
from .lines import At, DigestLine
from .records import WriteRecord

LONGEST_LINE = 1_400_000_000
"""Bytes of the longest line: SQLite's longest value as base64."""

_TRIES = 5

_REMEMBERED = "-90 days"


class _ChangedError(Exception):
    """A file that was listed is gone: another machine is writing. The folder is listed again."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class _UnfitError(Exception):
    """The index has records that the folder does not have: it is of an earlier state or of another folder."""


class Index:
    """An open index. `connection` is in no transaction except while it is refreshed or the folder is written to."""

    def __init__(self, disk: Disk, path: Path | None, folder: str) -> None:
        self._disk, self._path, self._folder = disk, path, folder
        self.connection = database.opened(path, folder)

    def refresh(self) -> None:
        """Read the records that are new, with their parts. Raises RemoteFailed if something is damaged or missing."""
        tries, rebuilt = 0, False
        while True:
            tries += 1
            try:
                self._follow()
            except _ChangedError as error:
                if tries >= _TRIES:
                    raise self._disk.damaged(error.name, "it is missing") from error
            except (_UnfitError, sqlite3.DatabaseError) as error:
                if tries >= 2 and not rebuilt:  # noqa: PLR2004  # a folder that changes is listed again first
                    self._rebuild()
                    rebuilt = True
                elif tries >= _TRIES:
                    with database.in_sentences(self._path):
                        raise sqlite3.DatabaseError(str(error)) from error
            else:
                return

    def close(self) -> None:
        """Close it."""
        self.connection.close()

    def heads(self) -> list[str]:
        """Return the names of the records that no other one had seen: one, or several after writes at the same time."""
        return [name for (name,) in rows(self.connection, statement("heads"))]

    @property
    def forked(self) -> bool:
        """Whether two machines wrote at the same time, and nobody since."""
        return len(self.heads()) > 1

    def last_number(self) -> int:
        """Return the number of the newest record, or 0."""
        ((name,),) = rows(self.connection, "select max(name) from records")
        found = records.NAME.fullmatch(name or "")
        return int(found[1]) if found else 0

    def _rebuild(self) -> None:
        self.connection.close()
        with suppress(OSError):
            database.throw_away(self._path)
        self.connection = database.opened(self._path, self._folder)

    def _follow(self) -> None:
        listed = {name for name in self._disk.names(RECORDS) if records.NAME.fullmatch(name)}
        if listed == self._known():
            return
        self.connection.execute("begin immediate")
        try:
            self._apply(listed)
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    def _known(self) -> set[str]:
        return {name for (name,) in rows(self.connection, "select name from records where not replaced")}

    def _apply(self, listed: set[str]) -> None:
        known = self._known()
        ignored = {name for (name,) in rows(self.connection, "select name from records where replaced")}
        new = [self._record(name) for name in sorted(listed - known - ignored)]
        replaced = {name for record in new for name in record.replaces}
        if known - listed - replaced:
            raise _UnfitError
        mark = "insert into records values (?, '[]', 1) on conflict do update set replaced = 1, after_json = '[]'"
        self.connection.executemany(mark, [(name,) for name in replaced])
        new = [record for record in new if record.name not in replaced]
        for record in new:
            after = json.dumps(record.after)
            self.connection.execute("insert into records values (?, ?, 0)", (record.name, after))
            self._take_away(record)
        for record in new:
            for added in record.adds:
                self._add(added)
            if record.replaces:
                self.forget(record.time[:10])
        self.settle()

    def _record(self, name: str) -> WriteRecord:
        where = f"{RECORDS}/{name}"
        try:
            return records.read(name, self._disk.read(where))
        except FileNotFoundError as error:
            raise _ChangedError(where) from error
        except records.NewerVersionError as error:
            raise self._disk.newer(where) from error
        except WrongShapeError as error:
            raise self._disk.damaged(where, str(error)) from error

    def _take_away(self, record: WriteRecord) -> None:
        """Drop the parts that a record drops, and remember what it removed."""
        for name, day in record.drops.items():
            self.drop(name, day)
        for one in record.removed:
            self.mark_removed(one)

    def drop(self, name: str, day: str) -> None:
        """Drop a part and all of its lines."""
        self.connection.execute(statement("drop_part"), (name, day))
        ((part,),) = rows(self.connection, "select id from parts where name = ?", name)
        for sql in (
            "insert or ignore into touched select kind, key from lines where part = ?",
            "delete from refs where line in (select id from lines where part = ?)",
            "delete from lines where part = ?",
        ):
            self.connection.execute(sql, (part,))

    def forget(self, day: str) -> None:
        """Forget what was dropped or removed long before a day: every write from before then has been seen by now."""
        for sql in (
            "delete from parts where not added and dropped < date(?, ?)",
            "delete from removed where day < date(?, ?)",
        ):
            self.connection.execute(sql, (day, _REMEMBERED))

    def mark_removed(self, one: records.Removed) -> None:
        """Remember that a document was removed, unless a later write removed it too."""
        values = (one.kind, one.key, one.number, one.token, one.day)
        self.connection.execute(statement("mark_removed"), values)
        self.touch([(one.kind, one.key)])

    def touch(self, keys: Iterable[tuple[str, str]]) -> None:
        """Remember keys whose winners have to be found again."""
        self.connection.executemany("insert or ignore into touched values (?, ?)", keys)

    def _add(self, added: records.Added) -> None:
        if rows(self.connection, "select 1 from parts where name = ?", added.part):  # added already, or dropped
            return
        part = self.new_part(added.part, added.size, added.sha256)
        name, at, digest = f"{PARTS}/{added.part}", 0, hashlib.sha256()
        try:
            file = self._disk.open(name)
        except FileNotFoundError as error:
            raise _ChangedError(name) from error
        with file, self._disk.sentences(name):
            while line := file.readline(LONGEST_LINE + 1):
                if len(line) > LONGEST_LINE:
                    raise self._disk.damaged(name, "it has a line that is too long")
                digest.update(line)
                try:
                    found, when = lines.read(line)
                except WrongShapeError as error:
                    raise self._disk.damaged(name, f"{error}, at byte {at}") from error
                self.touch([self.add_line(part, at, len(line), found, when, wins=False)])
                at += len(line)
        if (at, digest.hexdigest()) != (added.size, added.sha256):
            raise self._disk.damaged(name, "it is not what was written, or not all of it is there yet")

    def new_part(self, name: str, size: int = 0, sha256: str = "") -> int:
        """Add a part, and return its number."""
        add = "insert into parts (name, class, size, sha256, added) values (?, ?, ?, ?, 1)"
        return self.connection.execute(add, (name, records.class_of(name), size, sha256)).lastrowid or 0

    def add_line(  # noqa: PLR0913  # a row
        self, part: int, start: int, length: int, found: Document | DigestLine, at: At, *, wins: bool
    ) -> tuple[str, str]:
        """Add a line of a part, and return the kind and key of what it holds."""
        if isinstance(found, DigestLine):
            bucket, thread = packed(found.bucket), packed(found.thread_id)
            kind, key = "digest", digest_key(found.bucket, found.thread_id)
            more: tuple[object, ...] = (thread, bucket, found.digest.value, found.digest.amount, "", "", None)
            refs: Collection[str] = ()
        else:
            kind, key, refs = found.kind, packed(found.key), set(found.refs)
            sender = (packed(found.machine), packed(found.person))
            more = (packed(found.thread_id), packed(found.bucket), found.stamp, found.place, *sender, _about(found))
        values = (part, start, length, at.number, at.token, int(wins), kind, key, *more)
        line = self.connection.execute(statement("add_line"), values).lastrowid
        self.connection.executemany("insert into refs values (?, ?)", [(packed_ref(ref), line) for ref in refs])
        return kind, key

    def settle(self) -> None:
        """Find the winners of all keys that were touched."""
        forked = self.forked
        if forked:
            self.connection.execute("insert or ignore into touched select kind, key from lines where not wins")
        self.connection.execute(statement("winners"))
        if forked:
            self.connection.execute(statement("unheld"))
        self.connection.execute("delete from touched")


def digest_key(bucket: str, thread: str) -> str:
    """Return the key of a digest."""
    return json.dumps([packed(bucket), packed(thread)])


def packed_ref(ref: str) -> str:
    """Return a ref with its key as the index has it."""
    kind, _, key = ref.partition(" ")
    return f"{packed(kind)} {packed(key)}"


def _about(document: Document) -> str | None:
    """Return what the list of conversations needs of a document."""
    if document.kind in CALLS:
        return packed(moment(document))
    if document.kind != "thread":
        return None
    name, project, tags = about(document)
    return json.dumps([packed(name), packed(project), [packed(tag) for tag in tags]])
