"""What is kept of prompts and replies, wherever it is: in turns, in attempts, in recovery files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.drill.health import copied

_TURNS = """
select coalesce(s.prompt, ''), coalesce(s.response, '') from turns t join turn_search s on s.turn_id = t.id
where t.thread_id in (select thread_id from memory_sessions)
"""
_ATTEMPTS = "select prompt, partial from memory_attempts where answered_by is null"


@dataclass(frozen=True)
class Kept:
    """One prompt and what is there of its reply."""

    place: Literal["turn", "attempt", "file"]
    prompt: str
    reply: str


def kept(log: Path, files: Iterable[Path] = ()) -> list[Kept]:
    """Return all that is kept in a log, and in recovery files. An unreadable log holds nothing."""
    found: list[Kept] = []
    with suppress(sqlite3.Error, OSError), copied(log) as copy, closing(sqlite3.connect(copy)) as db:
        db.text_factory = lambda data: data.decode("utf-8", "replace")
        with suppress(sqlite3.Error):
            found += [Kept("attempt", *row) for row in db.execute(_ATTEMPTS)]
        found += [Kept("turn", *row) for row in db.execute(_TURNS)]
    for path in files:
        with suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(path.read_text("utf-8"))
            found.append(Kept("file", str(data["prompt"]), str(data["reply"])))
    return found


def recovery_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that hold replies which could not be logged."""
    with suppress(OSError):
        yield from sorted(folder.glob("*unsaved-replies*/*"))
