"""Seal sessions: encrypt all rows about them into a file, compare, and erase them from the log; and bring them back.

Unlike an export, the file (see sealed_file) has everything, so that a session comes back with the same ids. No plain
text of it is ever in a file: what is compared, and what comes back, is in a temporary database of SQLite.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import LogUnusable, NameRefused, SessionError
from ..llm_seam.tables import migrated
from ..memory import Memory
from ..model import Deleted, Session, Target
from ..rules import names
from ..rules.file_names import file_names
from ..services.encryption import ENDING, Locking, Unlocking
from ..services.file_parts import sync_folder, synced
from ..store import Log, Sessions, check_file, sealing
from ..store.deletion_family import related
from ..store.index import Index
from ..store.sealing import Sealed
from ..store.staging import Staging
from ..store.tombstones import dig_up_all
from .sealed_file import SealDigest, staged, write
from .whole_file import whole_file


@dataclass(frozen=True)
class SealedGroup:
    """Sessions that go into one file, because they share exchanges; usually one."""

    sessions: tuple[Session, ...]
    path: Path

    @property
    def threads(self) -> tuple[str, ...]:
        """The ids of their conversations."""
        return tuple(one.thread_id for one in self.sessions)


def groups(memory: Memory, chosen: Sequence[Session], folder: Path | None = None) -> list[SealedGroup]:
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
        made.append(SealedGroup(tuple(family_), path))
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
    group: SealedGroup,
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
        written = write(log, records, stream)

    def within() -> None:
        """Check that nobody wrote to the sessions since the first row was read, and keep the records."""
        if sealing.version(log) != version:
            sealing.choose(log, group.threads)
            if SealDigest(log).value != written:
                message = "Something was written to the session while it was being sealed."
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


def _check_gone(memory: Memory, group: SealedGroup, done: Deleted) -> None:
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


def _compare(log: Log, group: SealedGroup, unlock: Unlocking, written: str) -> None:
    """Read the file back into a temporary database, and compare all rows. Raises SessionError."""
    with staged(log.path, group.path, unlock) as (staging, _):
        sealing.choose(staging.log, group.threads)
        if SealDigest(staging.log).value != written:
            message = f"{group.path.name} does not match the log."
            raise SessionError(message, "Run: llm sessions check", "Nothing was deleted.")


def _kept_for_good(path: Path) -> None:
    """Wait until a file is on the disk, so that a power cut after the deletion finds it there."""
    with suppress(OSError), path.open("rb+") as stream:
        synced(stream)
    sync_folder(path.parent)


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
    with staged(path, file, unlock) as (staging, records):
        if name is not None:
            _renamed(staging, records, name)
        with Memory(path, create=True) as memory:
            return _back(memory, staging, records, file)


def _renamed(staging: Staging, records: Sequence[Sealed], name: str) -> None:
    if len(records) > 1:
        raise SessionError(f"The file has {len(records):,} sessions, and --as names only one.", "Leave out --as.")
    with staging.log.writing():
        Sessions(staging.log).rename(records[0].thread_id, names.check(name))


def _back(memory: Memory, staging: Staging, records: Sequence[Sealed], file: Path) -> Unsealed:
    log = memory.desk.log
    migrated(log)
    memory.desk.prepare()
    threads = [one.thread_id for one in records]
    if sealing.present(log, threads):
        raise SessionError(f"The sessions of {file.name} are in the log already.", outcome="Nothing was changed.")
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


def _digest_of(path: Path) -> str:
    made = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            made.update(block)
    return made.hexdigest()
