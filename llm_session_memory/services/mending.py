"""`check --fix`: mend what a check found, as far as nothing is lost by it, after a backup."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from ..errors import LogUnusable, SessionError
from ..model.checking import Checked, Mended
from ..store import mending
from ..store.log import Log, sentence
from ..store.private_copy import copy_pages
from .checking import check
from .findings import salvage

Say = Callable[[str], None]


def fix(path: Path, now: datetime, say: Say) -> Mended:
    """Check a log, mend what can be mended, and check it again. Without anything to mend, nothing is written.

    The log is copied to a file beside it before. All changes are made in one transaction, but tables that are missing
    are made before.

    Raises:
        SessionError: The pages of the file are damaged, so that writing to it could do more harm.
        LogUnusable: The log can't be used or written, or the backup can't be.
    """
    before = check(path, say)
    if any(one.area == "pages" and one.level == "wrong" and one.mend is None for one in before.findings):
        raise SessionError(f"The log {path} is damaged, so nothing was changed in it.", salvage(path))
    if not before.mendable:
        return Mended((), None, before)
    log = Log.open(path)
    try:
        backup = back_up(log, now, say, "fix")
        say("Mending")
        done = _mend(log, before)
    finally:
        log.close()
    return Mended(tuple(done), str(backup), check(path, say))


def _mend(log: Log, found: Checked) -> list[str]:
    wanted = [one.mend for one in found.mendable if one.mend]
    done = []
    if "tables" in wanted:
        log.migrate()
        done.append("The tables that were lost were made again, empty.")
    with log.writing():
        done += [mending.mend(log, one) for one in mending.in_order([one for one in wanted if one != "tables"])]
    return done


def back_up(log: Log, now: datetime, say: Say, before: str) -> Path:
    """Copy the log to a file beside it that only its owner can read, and return its path. Raises LogUnusable.

    `before` says in the name of the file what comes next.
    """
    stamp = now.strftime("%Y-%m-%d-%H%M%S")
    place = log.path.resolve()
    place = place.with_name(f"{place.stem}-before-{before}-{stamp}.db")
    try:
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        message = f"The backup {place} can't be written: {error.strerror or error}."
        raise LogUnusable(message, "Nothing was changed. Make the folder of the log writable.") from error
    try:
        with closing(sqlite3.connect(place)) as copy:
            copy_pages(log, copy, lambda part, all_: say(f"Backing up: {100 * part // max(all_, 1)} %"))
    except sqlite3.Error as error:
        place.unlink(missing_ok=True)
        raise sentence(error, place) from error
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    return place
