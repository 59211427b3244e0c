"""`check --fix`: repair what a check found, if nothing is lost by it, after a backup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ..errors import SessionError
from ..model.checking import Checked, Mended
from ..store import mending
from ..store.log import Log
from ..store.schema import remake
from .backup import Backups
from .checking import check, percent
from .desk import Desk
from .findings import salvage

Say = Callable[[str], None]


def fix(path: Path, now: datetime, say: Say) -> Mended:
    """Check a log, repair what can be repaired, and check it again. Without anything to repair, nothing is written.

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
        done.append("The lost tables were recreated, empty.")
    with log.writing():
        if "parts" in wanted:
            remake(log.database, frozenset())
            done.append("The lost indexes and triggers of the plugin's tables were recreated.")
        others = [one for one in wanted if one not in ("tables", "parts")]
        done += [mending.mend(log, one) for one in mending.in_order(others)]
    return done


def back_up(log: Log, now: datetime, say: Say, before: str) -> Path:
    """Copy the log to a file beside it, and return its path. `before` says in its name what comes next.

    Raises SessionError if the copy can't be written, and LogUnusable. Nothing was changed then.
    """
    desk = Desk(log, lambda: now)
    return Backups(desk).beside(before, lambda what, done, total: say(f"{what} the backup{percent(done, total)}")).path
