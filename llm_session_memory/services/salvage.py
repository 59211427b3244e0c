"""Save what can be read of a damaged log into a new one, which is whole. The damaged file is only read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..errors import LogUnusable, SessionError
from ..model.checking import Checked
from ..store import mending
from ..store.damaged_file import DamagedFile
from ..store.log import Log, owned_file
from ..store.salvage_messages import Mender
from ..store.salvage_rest import (
    dropped_deleted,
    dropped_references,
    mark_changed,
    mended_values,
    restored_conversations,
    restored_turns,
    without_triggers,
)
from ..store.salvaging import Saved, salvage_tables
from .checking import check

Say = Callable[[str], None]

_MOST_CHECKS = 3
"""How often the new log is checked and repaired: deleting rows may leave others without theirs."""


@dataclass(frozen=True)
class Salvaged:
    """What was saved, by table, and what was lost.

    Attributes:
        tables: What was read of each table, and what could not be.
        whole: Messages that were lost, at least in part, and are again as they were.
        partly: Messages that lack something; `[lost: …]` marks the place.
        turns: Turns that were rebuilt from llm's search table.
        conversations: Conversations that were lost and whose turns are there.
        references: References to lost rows that were dropped.
        pages: The pages of the file, by its size.
        cut_off: The pages that are missing at its end.
        checked: What a check of the new log found.
    """

    tables: tuple[Saved, ...]
    whole: int
    partly: int
    turns: int
    conversations: int
    references: int
    pages: int
    cut_off: int
    checked: Checked


def salvage(path: Path, to: Path, make_tables: Callable[[Log], None], now: datetime, say: Say) -> Salvaged:
    """Save what can be read of a damaged log into a new file, which only its owner can read.

    Args:
        path: The damaged log. It is only read. Nobody should write to it meanwhile.
        to: The new log. It appears when it is whole.
        make_tables: Makes llm's tables in a log.
        now: The time.
        say: Called with what is being done.

    Raises:
        LogUnusable: The damaged file can't be read at all, or the new one can't be written.
        SessionError: There is a file already where the new one should be, or nothing could be saved.
    """
    if to.exists():
        raise SessionError(f"The file {to} already exists.", "Choose another name with --to.")
    if not to.parent.is_dir():
        raise SessionError(f"There is no folder {to.parent}.", "Choose another name with --to.")
    try:
        file = DamagedFile(path)
    except OSError as error:
        raise LogUnusable(f"The file {path} can't be read: {error.strerror or error}.", "Check its name.") from error
    unfinished = to.with_name(f".{to.name}.unfinished-{os.getpid()}")
    try:
        owned_file(unfinished)
        found = _made(file, unfinished, make_tables, now, say)
        if not any(one.rows for one in found.tables):
            raise SessionError(f"Nothing could be saved: no row can be read in {path}.", "Restore a backup.")
        unfinished.replace(to)
    finally:
        file.close()
        for end in ("", "-journal", "-wal", "-shm"):
            unfinished.with_name(unfinished.name + end).unlink(missing_ok=True)
    return found


def _made(file: DamagedFile, to: Path, make_tables: Callable[[Log], None], now: datetime, say: Say) -> Salvaged:
    new = Log.open(to)
    try:
        make_tables(new)
        new.migrate()
        with new.writing():
            finish = without_triggers(new)
            tables = salvage_tables(file, new, say)
            if not file.knows_free:
                dropped_deleted(new)
            say("Making lost messages again")
            turns = restored_turns(new)
            conversations = restored_conversations(new)
            mender = Mender(new)
            mender.mend()
            references = dropped_references(new)
            mended_values(new)
            mark_changed(new, mender.changed, now.isoformat())
            say("Rebuilding the indexes")
            finish()
        checked = _mended(new, to, say)
    finally:
        new.close()
    lost = (mender.whole, mender.partly, turns, conversations, references)
    return Salvaged(tuple(tables), *lost, file.pages, file.cut_off, checked)


def _mended(new: Log, path: Path, say: Say) -> Checked:
    """Check the new log, and delete those of our rows whose turn or session was lost. Return the last check."""
    checked = check(path, say)
    for _ in range(_MOST_CHECKS):
        mends = [one.mend for one in checked.findings if one.mend and one.mend not in ("tables", "parts")]
        if not mends:
            break
        with new.writing():
            for one in mending.in_order(mends):
                mending.mend(new, one)
        checked = check(path, say)
    return checked
