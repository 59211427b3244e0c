"""The file of sealed sessions: what is in it, how it is written, and how it is read into a temporary database.

It is an age file of JSON lines: a header, then for each table a line with its columns and one line for each row, then
where recalled excerpts are from, then the number of rows. A file may come from anyone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from ..llm_seam.tables import migrated
from ..rules.records import SEALED
from ..services.encryption import Unlocking, opened
from ..store import Log, sealing
from ..store.sealing import EXCERPTS, Sealed
from ..store.staging import OURS, Staging
from .lines import FileRefused

VERSION = 1
"""The version of the format. An older plugin refuses a newer one."""

_BATCH = 500

_OTHER_COPY = "Use another copy of the file."
_UNCHANGED = "Nothing was changed."


def write(log: Log, records: Sequence[Sealed], stream: IO[str]) -> str:
    """Write all rows about the chosen sessions, and return their digest."""
    sessions = [{**asdict(one), "sha256": None} for one in records]
    header = {"format": SEALED, "version": VERSION, "sessions": sessions, "llm": sealing.shape(log)}
    stream.write(_dumped(header) + "\n")
    digest = SealDigest(log, stream.write)
    found = sealing.excerpts(log)
    if found:
        columns = ["turn_id", "rank", "exchange", "turn", "side", "part", "from_turn_id"]
        stream.write(_dumped({"table": EXCERPTS, "columns": columns}) + "\n")
        stream.writelines(_dumped(row) + "\n" for row in found)
    stream.write(_dumped({"rows": digest.rows + len(found)}) + "\n")
    return digest.value


class SealDigest:
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


@contextmanager
def staged(path: Path, file: Path, unlock: Unlocking) -> Iterator[tuple[Staging, list[Sealed]]]:
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
            raise FileRefused(f"{self._where} is not a sealed session.", hint, _UNCHANGED)
        if header.get("version") != VERSION:
            hint = "Update the plugin: llm install -U llm-session-memory"
            raise FileRefused(f"{self._where} was sealed by a newer version of the plugin.", hint, _UNCHANGED)
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
            raise FileRefused(f"{self._where} is incomplete.", _OTHER_COPY, _UNCHANGED)
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
        return FileRefused(f"Line {number:,} of {self._where} can't be read.", _OTHER_COPY, _UNCHANGED)


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
