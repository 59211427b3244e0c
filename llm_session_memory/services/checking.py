"""Check a log: whether everything in it is as it should be, and what to do if not. Changes nothing."""

from __future__ import annotations

import operator
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import LogUnusable, SessionError
from ..model.checking import Checked, Finding, LogFacts
from ..rules.names import key
from ..rules.policy import checked
from ..store import checks, invariants, log_facts
from ..store.check_hashes import hashes
from ..store.log import Log, sentence
from ..store.private_copy import private_copy
from ..store.schema import lost, lost_parts
from ..store.sessions import settings_of
from . import findings

Say = Callable[[str], None]
"""Called with what is being done."""


def check(path: Path, say: Say) -> Checked:
    """Check a log, on a private copy, so that others can write to it meanwhile.

    Raises:
        LogUnusable: There is no log, it isn't a database, it stays locked, or there is no room for the copy. A damaged
            file is a finding.
    """
    log = Log.open(path)
    try:
        journal = log_facts.journal_mode(log)

        def copied(done: int, total: int) -> None:
            say(f"Copying the log{percent(done, total)}")

        with private_copy(log, 2, copied) as connections:
            return _Check(path, journal, connections, say).run()
    except sqlite3.Error as error:
        return _unreadable(path, sentence(error, path))
    except LogUnusable as error:
        return _unreadable(path, error)
    finally:
        log.close()


def percent(done: int, total: int) -> str:
    """Return how much is done as it stands after what is being done, or nothing if that isn't known."""
    return f": {100 * done // total}%" if total else ""


def _unreadable(path: Path, error: LogUnusable) -> Checked:
    """Return the result for a file that is too damaged for SQLite to read at all. Raises all other errors."""
    if "damaged" not in error.message:
        raise error
    facts = LogFacts(log_facts.size_of(path), mode=log_facts.mode_of(path))
    return Checked((Finding("pages", "wrong", error.message, error.hint),), ("pages",), facts)


class _Check:
    """One check of a copy. What SQLite checks by itself runs in a thread beside the rest, on its own connection."""

    def __init__(self, path: Path, journal: str, connections: list[sqlite3.Connection], say: Say) -> None:
        from sqlite_utils import Database

        self.path = path
        self._journal = journal
        self._sqlite, mine = connections
        mine.text_factory = operator.methodcaller("decode", "utf-8", "surrogateescape")  # bytes may be damaged
        self._log = Log(Database(mine, execute_plugins=False), path)
        self._say = say

    def run(self) -> Checked:
        beside = _Beside(self._by_sqlite, self._sqlite)
        try:
            mine = self._by_us()
        except LogUnusable as error:  # damaged pages: SQLite's own check has more to say about them
            said = beside.result()
            pages = [one for one in said if one.area == "pages"]
            found = said if pages else [Finding("pages", "wrong", error.message, error.hint), *said]
            facts = LogFacts(
                log_facts.size_of(self.path), journal_mode=self._journal, mode=log_facts.mode_of(self.path)
            )
            return Checked(tuple(found), findings.AREAS[:3], facts)
        except BaseException:
            beside.stop()
            raise
        self._say("Checking the pages")
        found = [*beside.result(), *mine]
        facts = log_facts.facts(self._log, self.path, self._journal)
        found += findings.about_the_file(facts)
        return Checked(tuple(sorted(found, key=lambda one: findings.AREAS.index(one.area))), findings.AREAS, facts)

    # -- in a thread ---------------------------------------------------

    def _by_sqlite(self) -> list[Finding]:
        db = self._sqlite
        found = findings.about_pages(checks.pages(db), self.path)
        if any(one.area == "pages" and one.level == "wrong" for one in found):
            return found
        found += findings.about_full_text([*checks.full_text(db)])
        return found

    # -- here ----------------------------------------------------------

    def _by_us(self) -> list[Finding]:
        return [*self._shape(), *self._hashes(), *self._references(), *self._invariants(), *self._settings()]

    def _shape(self) -> Iterator[Finding]:
        try:
            self._log.check_shape()
        except LogUnusable as error:
            yield findings.about_shape(error.message, error.hint)
        if self._log.columns("turns") and not log_facts.migrated_by_llm(self._log):
            yield findings.about_llms_record(self.path)
        if self._log.columns("memory_sessions"):
            pending = log_facts.pending(self._log)
            yield from findings.about_lost(lost(self._log.database), pending=bool(pending))
            yield from findings.about_pending(pending)
            if not pending:
                yield from findings.about_lost_parts(lost_parts(self._log.database))

    def _hashes(self) -> list[Finding]:
        found = hashes(self._log, lambda done, total: self._say(f"Hashing messages{percent(done, total)}"))
        return [*findings.about_hashes(found)]

    def _references(self) -> list[Finding]:
        self._say("Checking references")
        with self._log.sentences():
            return findings.about_references(checks.references(self._log.database.conn))

    def _invariants(self) -> Iterator[Finding]:
        self._say("Checking what belongs to sessions")
        for one in invariants.broken(self._log):
            about = one.invariant
            yield findings.about_invariant(
                about.name, about.rule, one.rows, one.examples, mend=about.mend, harmless=about.harmless
            )

    def _settings(self) -> Iterator[Finding]:
        for table, row in log_facts.settings(self._log):
            yield from self._settings_of(table, row)
        for name, value in log_facts.log_settings(self._log):
            yield from findings.about_log_setting(name, value)

    def _settings_of(self, table: str, row: dict[str, Any]) -> Iterator[Finding]:
        whose = f"{'session' if table == 'memory_sessions' else 'project'} “{row['name']}”"
        if key(str(row["name"])) != row["name_key"]:
            yield findings.about_name(table, whose)
        try:
            checked(settings_of(row))
        except SessionError as error:
            yield findings.about_settings(whose, error.message, error.hint)
        except (ValueError, TypeError, AttributeError, KeyError):
            yield findings.about_settings(whose, "it can't be read.", "")


class _Beside:
    """Something that runs in a thread, on a connection of its own."""

    def __init__(self, work: Callable[[], list[Finding]], connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._found: list[Finding] = []
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], list[Finding]]) -> None:
        try:
            self._found = work()
        except Exception as error:  # noqa: BLE001  raised again in `result`
            self._error = error

    def result(self) -> list[Finding]:
        """Wait for its end and return what it found. Raises what it raised."""
        try:
            self._thread.join()
        except BaseException:
            self.stop()
            raise
        if self._error:
            raise self._error
        return self._found

    def stop(self) -> None:
        """Stop it, and wait until it has."""
        self._connection.interrupt()
        self._thread.join()
