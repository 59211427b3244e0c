"""Seal sessions: encrypt all rows about them into a file, compare, and erase them from the log; and bring them back.

A sealed file is an age file of JSON lines: a header, then for each table a line with its columns and one line for each
row, then where recalled excerpts are from, then the number of rows. Unlike an export it has everything, so that a
session comes back with the same ids. No plain text of it is ever in a file: what is compared, and what comes back, is
in a temporary database of SQLite.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from ..errors import LogUnusable, NameRefused, SessionError
from ..llm_seam.tables import migrated
from ..memory import Memory
from ..model import Deleted, Session, Target
from ..rules import names
from ..rules.file_names import file_names
from ..rules.records import SEALED
from ..services.encryption import ENDING, Locking, Unlocking, opened
from ..store import Log, Sessions, check_file, sealing
from ..store.deletion_family import related
from ..store.index import Index
from ..store.sealing import EXCERPTS, Sealed
from ..store.staging import OURS, Staging
from ..store.tombstones import dig_up_all
from .lines import FileRefused
from .whole_file import whole_file

VERSION = 1
"""The version of the format. An older plugin refuses a newer one."""

_BATCH = 500

_OTHER_COPY = "Use another copy of the file. Nothing was changed."


@dataclass(frozen=True)
class Group:
    """Sessions that go into one file, because they share exchanges; usually one."""

    sessions: tuple[Session, ...]
    path: Path

    @property
    def threads(self) -> tuple[str, ...]:
        """The ids of their conversations."""
        return tuple(one.thread_id for one in self.sessions)


def groups(memory: Memory, chosen: Sequence[Session], folder: Path | None = None) -> list[Group]:
    """Return what goes into which file, in a folder, or beside the log. No file that exists is named.

    Raises SessionError if a session shares exchanges with one that is not among these: they would stay readable.
    """
    log = memory.desk.log
    by_thread = {one.thread_id: one for one in chosen}
    families = related(log, by_thread)
    found: dict[object, list[Session]] = {}
    for one in by_thread.values():
        family = families.get(one.thread_id, frozenset({one.thread_id}))
        others = [_called(log, other) for other in sealing.present(log, family - by_thread.keys())]
        if others:
            together = [each.name for each in by_thread.values() if each.thread_id in family]
            hint = f"Seal them together: {memory.desk.command('seal', *together, *others)}"
            quoted = ", ".join(f"“{called}”" for called in others)
            raise SessionError(f"“{one.name}” shares exchanges with {quoted}, where they would stay.", hint)
        found.setdefault(family, []).append(one)
    where = folder or log.path.resolve().parent
    taken: set[Path] = set()
    made = []
    for family_ in found.values():
        path = _free(where / file_names([family_[0].name], f".sealed{ENDING}")[0], taken)
        taken.add(path)
        made.append(Group(tuple(family_), path))
    return made


def _called(log: Log, thread_id: str) -> str:
    """Return the name of the session of a conversation, or the conversation's id if it has none."""
    kept = Sessions(log).session_of_thread(thread_id)
    return kept.name if kept else thread_id


def _free(path: Path, taken: set[Path]) -> Path:
    """Return a path that no file has: this one, or with a number."""
    stem = path.name.removesuffix(f".sealed{ENDING}")
    number, found = 1, path
    while found in taken or os.path.lexists(found):
        number += 1
        found = path.with_name(f"{stem} ({number}).sealed{ENDING}")
    return found


def seal(  # noqa: PLR0913  one parameter an option
    memory: Memory,
    group: Group,
    lock: Locking,
    unlock: Unlocking,
    *,
    forget: bool = False,
    with_traces: bool = False,
    kept_fragments: Sequence[int] = (),
) -> Deleted:
    """Encrypt sessions into a file, read it back and compare, then delete them from the log; return what went.

    Call `memory.deletion.erase()` afterwards, so that none of their bytes are left in the log's file.

    Args:
        memory: The log.
        group: The sessions, and the file, which must not exist.
        lock: Who can read the file.
        unlock: How it is read again, to compare.
        forget: Keep no record in the log that they were sealed.
        with_traces: Also blank their texts in later requests of other sessions.
        kept_fragments: Numbers of fragments that stay in any case, such as those that templates name.

    Raises:
        SessionError: It can't be encrypted or read again, or someone wrote to a session meanwhile. Nothing was deleted.
        LogUnusable: The log can't be written.
    """
    log = memory.desk.log
    migrated(log)
    memory.desk.prepare()
    version = sealing.version(log)
    sealing.choose(log, group.threads)
    records = [_record(memory, one, group.path) for one in group.sessions]
    with whole_file(group.path, force=False, lock=lock) as stream:
        written = _write(log, records, stream)

    def within() -> None:
        """Check that nobody wrote to the sessions since the first row was read, and keep the records."""
        if sealing.version(log) != version:
            sealing.choose(log, group.threads)
            if _Digest(log).value != written:
                message = "Someone wrote to the session while it was sealed."
                raise SessionError(message, "Nothing was deleted, and the file was removed. Seal it again.")
        for one in () if forget else records:
            sealing.add(log, replace(one, sha256=digest))

    try:
        _kept_for_good(group.path)
        _compare(log, group, unlock, written)
        digest = _digest_of(group.path)
        targets = [Target(one) for one in group.threads]
        done = memory.deletion.delete(targets, with_traces=with_traces, kept_fragments=kept_fragments, within=within)
        _check_gone(memory, group, done)
    except BaseException:
        if sealing.present(log, group.threads):
            with suppress(OSError):
                group.path.unlink()
        raise
    return done


def _check_gone(memory: Memory, group: Group, done: Deleted) -> None:
    """Raise SessionError if the sessions are still in the log, because a prompt is sent in one of them just now."""
    if sealing.present(memory.desk.log, group.threads):
        with memory.writing():
            sealing.forget(memory.desk.log, group.threads)
        why = " ".join(f"{one.why} {one.hint}" for one in done.stays)
        raise SessionError(f"“{group.sessions[0].name}” can't be taken out of the log now.", why)


def _record(memory: Memory, session: Session, path: Path) -> Sealed:
    exchanges = memory.sessions.turn_ids(session.name)
    moments = sealing.moments(memory.desk.log, session.thread_id)
    now = memory.desk.timestamp()
    return Sealed(session.thread_id, session.name, str(path.resolve()), "", len(exchanges), *moments, now)


def _write(log: Log, records: Sequence[Sealed], stream: IO[str]) -> str:
    """Write all rows about the chosen sessions, and return their digest."""
    sessions = [{**asdict(one), "sha256": None} for one in records]
    header = {"format": SEALED, "version": VERSION, "sessions": sessions, "llm": sealing.shape(log)}
    stream.write(_dumped(header) + "\n")
    digest = _Digest(log, stream.write)
    found = sealing.excerpts(log)
    if found:
        columns = ["turn_id", "rank", "exchange", "turn", "side", "part", "from_turn_id"]
        stream.write(_dumped({"table": EXCERPTS, "columns": columns}) + "\n")
        stream.writelines(_dumped(row) + "\n" for row in found)
    stream.write(_dumped({"rows": digest.rows + len(found)}) + "\n")
    return digest.value


class _Digest:
    """The hash of all rows about the chosen sessions, as they are written."""

    def __init__(self, log: Log, write: Callable[[str], object] = lambda _: None) -> None:
        made = hashlib.sha256()
        self.rows = 0
        for table, columns, values in sealing.rows(log):
            begun = False
            for row in values:
                lines = [] if begun else [_dumped({"table": table, "columns": columns})]
                begun = True
                for line in (*lines, _dumped(row)):
                    write(line + "\n")
                    made.update(line.encode("utf-8"))
                self.rows += 1
        self.value = made.hexdigest()


def _compare(log: Log, group: Group, unlock: Unlocking, written: str) -> None:
    """Read the file back into a temporary database, and compare all rows. Raises SessionError."""
    with _staged(log.path, group.path, unlock) as (staging, _):
        sealing.choose(staging.log, group.threads)
        if _Digest(staging.log).value != written:
            message = f"What {group.path.name} holds is not what is in the log."
            raise SessionError(message, "Nothing was deleted. Run: llm sessions check")


def _kept_for_good(path: Path) -> None:
    """Wait until a file is on the disk, so that a power cut after the deletion finds it there."""
    for place in (path, path.parent):
        with suppress(OSError):  # Windows opens no folders
            descriptor = os.open(place, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


# -- back ------------------------------------------------------------------------


@dataclass(frozen=True)
class Unsealed:
    """What came back: the names of the sessions, and how many exchanges they have together."""

    names: tuple[str, ...]
    exchanges: int


def is_known(path: Path, file: Path) -> bool:
    """Return whether a log has a record that it sealed this very file."""
    if not path.exists():
        return False
    with Memory(path) as memory:
        known = {one.sha256 for one in sealing.sealed(memory.desk.log)}
        return bool(known) and _digest_of(file) in known


def unseal(path: Path, file: Path, unlock: Unlocking, name: str | None = None) -> Unsealed:
    """Bring sealed sessions back into a log, under the ids that they had. If there is no log yet, it is made.

    The file is left as it is. `name` is another name for the session, if there is only one.

    Raises:
        FileRefused: The file is not a sealed session, or it is damaged.
        NameRefused: A session of that name is in the log.
        LogUnusable: The log can't be written.
        SessionError: The file can't be decrypted, or its sessions are in the log already.
    """
    check_file(path)
    with _staged(path, file, unlock) as (staging, records):
        if name is not None:
            _renamed(staging, records, name)
        with Memory(path, create=True) as memory:
            return _back(memory, staging, records, file)


def _renamed(staging: Staging, records: Sequence[Sealed], name: str) -> None:
    if len(records) > 1:
        raise SessionError(f"The file has {len(records):,} sessions, and --as names only one.", "Leave --as out.")
    with staging.log.writing():
        Sessions(staging.log).rename(records[0].thread_id, names.check(name))


def _back(memory: Memory, staging: Staging, records: Sequence[Sealed], file: Path) -> Unsealed:
    log = memory.desk.log
    migrated(log)
    memory.desk.prepare()
    threads = [one.thread_id for one in records]
    if sealing.present(log, threads):
        raise SessionError(f"The sessions of {file.name} are in the log already.", "Nothing was changed.")
    try:
        staging.copy(log)
    except NameRefused as error:
        raise NameRefused(error.message, "Rename that one, or unseal under another name with --as.") from error
    with memory.writing():
        dig_up_all(log, staging.log)
        sealing.forget(log, threads)
    with suppress(LogUnusable):  # the index catches up later
        for thread_id in threads:
            Index(log).catch_up(thread_id)
        staging.link_excerpts()
    back = [one for one in map(Sessions(log).session_of_thread, threads) if one]
    return Unsealed(tuple(one.name for one in back), sum(map(memory.sessions.exchange_count, back)))


@contextmanager
def _staged(path: Path, file: Path, unlock: Unlocking) -> Iterator[tuple[Staging, list[Sealed]]]:
    """Give a temporary database with the sessions of a sealed file, which was read to its end, and their records."""
    staging = Staging(path)
    try:
        with opened(file, unlock) as stream:
            records = _Reading(stream, file.name).into(staging)
        yield staging, records
    finally:
        staging.close()


class _Reading:
    """Reads a sealed file. Its errors have the line."""

    def __init__(self, stream: IO[bytes], where: str) -> None:
        self._lines = enumerate(stream, 1)
        self._where = where
        self._count = 0
        self._number = 1
        self._ready = False

    def into(self, staging: Staging) -> list[Sealed]:
        """Write all rows into a database, and return the records of the sessions. Raises FileRefused."""
        _, header = next(self._values(), (1, None))
        if not isinstance(header, dict) or header.get("format") != SEALED:
            hint = "Import it with: llm sessions import FILE"
            raise FileRefused(f"{self._where} is not a sealed session.", hint)
        if header.get("version") != VERSION:
            hint = "Update the plugin: llm install -U llm-session-memory"
            raise FileRefused(f"{self._where} was sealed by a newer version of the plugin.", hint)
        try:
            records = [_sealed(one) for one in header["sessions"]]
            sealing.make_tables(staging, header["llm"])
            if not records:
                raise self._refused(self._number)
            rows = self._rows(staging)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise self._refused(self._number) from error
        if not self._ready:
            self._prepare(staging)
        if rows != self._count:
            raise FileRefused(f"{self._where} is not complete.", _OTHER_COPY)
        return records

    def _rows(self, staging: Staging) -> int | None:
        """Write the rows, and return how many there should be."""
        table, columns, batch = "", list[str](), list[list[Any]]()
        for number, value in self._values():
            if isinstance(value, list):
                if not table or len(value) != len(columns):
                    raise self._refused(number)
                batch.append([_loaded(one) for one in value])
                self._count += 1
            if batch and (not isinstance(value, list) or len(batch) == _BATCH):
                self._insert(staging, table, columns, batch)
                batch = []
            if isinstance(value, dict):
                if "rows" in value:
                    return int(value["rows"])
                table, columns = str(value["table"]), [str(name) for name in value["columns"]]
        return None

    def _insert(self, staging: Staging, table: str, columns: Sequence[str], batch: Sequence[Sequence[Any]]) -> None:
        if table in (*OURS, EXCERPTS) and not self._ready:
            self._prepare(staging)
        with staging.log.writing():
            sealing.insert(staging, table, columns, batch)

    def _prepare(self, staging: Staging) -> None:
        """Bring llm's tables up to date, now that their rows are there, and add ours."""
        self._ready = True
        migrated(staging.log)
        staging.prepare()

    def _values(self) -> Iterator[tuple[int, Any]]:
        for number, line in self._lines:
            self._number = number
            yield number, self._value(number, line)

    def _value(self, number: int, line: bytes) -> Any:
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == 1:
                return None  # no file of ours
            raise self._refused(number) from error

    def _refused(self, number: int) -> FileRefused:
        return FileRefused(f"Line {number:,} of {self._where} can't be read.", _OTHER_COPY)


def _sealed(said: dict[str, Any]) -> Sealed:
    """Return what a header says about a session. Raises TypeError if it is not as we write it."""
    found = Sealed(**{**said, "sha256": ""})
    if not isinstance(found.thread_id, str) or not isinstance(found.name, str):
        raise TypeError(found.thread_id)
    return found


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_encoded)


def _encoded(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode("ascii")}


def _loaded(value: Any) -> Any:
    return base64.b64decode(value["base64"], validate=True) if isinstance(value, dict) else value


def _digest_of(path: Path) -> str:
    made = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            made.update(block)
    return made.hexdigest()
