"""Prompts without a complete answer: those that failed, and the open attempts of prompts that are being sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..model import Attempt
from .log import Log
from .running import runs, this_process

_OPEN = '{"process": '
"""The beginning of request_json while an attempt is open: then it says which process sends the prompt."""


def overflow(log: Path, id_: str) -> Path:
    """Return the file for a reply that goes on after the last addition to its open attempt. It has the whole text."""
    return log.parent / "unsaved-replies" / f"{id_}.txt"


class Attempts:
    """The attempts of a log. Make every change inside `with log.writing()`.

    An attempt is open from before its prompt is sent until the turn or the error is logged. If its process ends before
    that, the attempt stays, and its error is “interrupted”, as it was from the start.
    """

    def __init__(self, log: Log) -> None:
        self.log = log

    def of(self, thread_id: str) -> list[Attempt]:
        """Return the attempts of a thread, oldest first."""
        rows = self.log.rows("select * from memory_attempts where thread_id = :id order by id", {"id": thread_id})
        return [self._attempt(row) for row in rows]

    def unanswered(self) -> list[Attempt]:
        """Return the attempts of all threads that no turn has answered, oldest first."""
        rows = self.log.rows("select * from memory_attempts where answered_by is null order by datetime_utc, id")
        return [self._attempt(row) for row in rows]

    def in_progress(self) -> list[str]:
        """Return the ids of the attempts, of all threads, that are in progress."""
        rows = self.log.rows(
            "select id, request_json from memory_attempts where substr(request_json, 1, length(:open)) = :open",
            {"open": _OPEN},
        )
        return [row["id"] for row in rows if in_progress(row["request_json"])]

    def busy(self) -> frozenset[str]:
        """Return the threads in which a process is sending a prompt."""
        if not self.log.columns("memory_attempts"):
            return frozenset()
        rows = self.log.tuples(
            "select thread_id, request_json from memory_attempts where substr(request_json, 1, length(:open)) = :open",
            {"open": _OPEN},
        )
        return frozenset(thread_id for thread_id, request in rows if in_progress(request))

    def open(self, attempt: Attempt) -> None:
        """Store the attempt of a prompt that this process is about to send."""
        self._store(attempt, {"process": this_process(), **attempt.request})

    def add(self, attempt: Attempt) -> None:
        """Store an attempt that ended, in place of the open one with its id."""
        self._store(attempt, attempt.request)

    def _store(self, attempt: Attempt, request: Mapping[str, Any]) -> None:
        self.log.run(
            "insert or replace into memory_attempts values (:id, :thread_id, :model, :prompt, :error, :partial,"
            " :datetime_utc, :duration_ms, :request_json, :answered_by)",
            {
                "id": attempt.id,
                "thread_id": attempt.thread_id,
                "model": attempt.model,
                "prompt": attempt.prompt,
                "error": attempt.error,
                "partial": attempt.partial,
                "datetime_utc": attempt.datetime_utc,
                "duration_ms": attempt.duration_ms,
                "request_json": json.dumps(dict(request)),
                "answered_by": attempt.answered_by,
            },
        )

    def add_partial(self, id_: str, partial: str) -> None:
        """Store what has come of a reply, if its attempt is still open."""
        self.log.run(
            "update memory_attempts set partial = :partial where id = :id and length(partial) < length(:partial)"
            " and substr(request_json, 1, length(:open)) = :open",
            {"id": id_, "partial": partial, "open": _OPEN},
        )

    def interrupted(self, thread_id: str) -> list[Attempt]:
        """Return a thread's open attempts whose process has ended, oldest first."""
        rows = self.log.rows(
            "select * from memory_attempts where thread_id = :id and answered_by is null"
            " and substr(request_json, 1, length(:open)) = :open order by id",
            {"id": thread_id, "open": _OPEN},
        )
        return [attempt for attempt in map(self._attempt, rows) if not attempt.in_progress]

    def _attempt(self, row: Mapping[str, Any]) -> Attempt:
        """Return a row as an attempt. If its process was killed, the file beside the log may have more of the reply."""
        made = _attempt(row)
        if row["request_json"].startswith(_OPEN) and not made.in_progress:
            with suppress(OSError):
                came = overflow(self.log.path, made.id).read_text("utf-8", "replace")
                return replace(made, partial=max(made.partial, came, key=len))
        return made

    def close(self, ids: Iterable[str]) -> None:
        """Remove the files beside the log that attempts have, once the log has everything or they are gone."""
        for id_ in ids:
            with suppress(OSError):
                overflow(self.log.path, id_).unlink(missing_ok=True)

    def remove(self, ids: Iterable[str]) -> None:
        """Delete attempts."""
        self.log.many("delete from memory_attempts where id = :id", ({"id": id_} for id_ in ids))

    def answer(self, ids: Iterable[str], turn_id: str) -> None:
        """Record the turn that finally answered some attempts."""
        answers = ({"id": id_, "turn_id": turn_id} for id_ in ids)
        self.log.many("update memory_attempts set answered_by = :turn_id where id = :id", answers)


def in_progress(request_json: str | None) -> bool:
    """Return whether a column request_json is that of an attempt whose process still sends it."""
    if not request_json or not request_json.startswith(_OPEN):
        return False
    try:
        process = json.loads(request_json)["process"]
    except ValueError:
        return False
    return isinstance(process, dict) and runs(process)


def _attempt(row: Mapping[str, Any]) -> Attempt:
    values = {name: row[name] for name in row if name != "request_json"}
    request = json.loads(row["request_json"])
    process = request.pop("process", None)
    return Attempt(**values, request=request, in_progress=isinstance(process, dict) and runs(process))
