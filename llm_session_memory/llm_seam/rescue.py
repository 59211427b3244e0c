"""Save a reply that can't be logged to a file beside the log, or else in the temporary folder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from ..model import Attempt
from .asked import Asked

RELIED_ON = {"models.Response": "duration_ms to_dict", "an instance of models.Response": "id"}
"""The parts of llm that this module relies on (see `shape`)."""


def rescued(log: Path, asked: Asked, attempt: Attempt, responses: Sequence[Any] = ()) -> Path | None:
    """Write a reply to a file that only its owner can read. Return its path, or None if no file can be written.

    `recover` logs `responses`, which are finished, as turns. Without responses it keeps the attempt.
    """
    kept = {
        "session": asked.session.name if asked.session else None,
        "thread_id": attempt.thread_id,
        "prompt": attempt.prompt,
        "reply": attempt.partial,
        "responses": [_as_data(response) for response in responses],
        "attempt": asdict(attempt),
    }
    text = json.dumps(kept, indent=2, default=str)
    for folder in (log.parent / "unsaved-replies", Path(tempfile.gettempdir()) / f"llm-unsaved-replies-{_user()}"):
        path = folder / f"{attempt.id}.json"
        with contextlib.suppress(OSError):
            _write(path, text)
            return path
    return None


def _as_data(response: Any) -> dict[str, Any]:
    return {**response.to_dict(), "duration_ms": response.duration_ms()}


def _write(path: Path, text: str) -> None:
    """Write a file completely or not at all. If its folder is missing, create one that only its owner can use."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        part.touch(mode=0o600)
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "me"


@contextlib.contextmanager
def signals_wait() -> Iterator[None]:
    """Delay Ctrl-C, `kill` and a closed terminal until the block is done, which takes a moment at most."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        came.append(number)

    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # not the main thread: only that one is interrupted
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                number = getattr(signal, name)
                before[number] = signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])
