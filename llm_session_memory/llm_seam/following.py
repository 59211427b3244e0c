"""Add what has come of a reply to its open attempt while it streams: a kill loses no more than a second of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from ..services.desk import Desk
from ..services.record import Record
from ..store.attempts import overflow

RELIED_ON: dict[str, str] = {}
"""The parts of llm that this module relies on (see `shape`): none."""

SECONDS = 1.0
"""How long to wait before the first addition to the log, and between two."""

MOST = 20
"""The most additions to the log for one reply. What comes later is added to a file beside the log."""

PATIENCE = 0.25
"""How many seconds an addition waits for a locked log. The next one has its text too."""


class Following(threading.Thread):
    """Follows one reply in a thread of its own, so that the stream never waits for the log.

    `text` returns what has come, or None if nobody reads the reply any more.
    """

    def __init__(self, log: Path, attempt_id: str, text: Callable[[], str | None]) -> None:
        super().__init__(daemon=True)
        self._log = log
        self._attempt_id = attempt_id
        self._text = text
        self._ended = threading.Event()
        self._overflow: Path | None = None
        self._beside = 0

    def end(self) -> None:
        """Stop: the reply is about to be logged, or its attempt to be kept."""
        self._ended.set()

    def done(self) -> None:
        """Remove the file beside the log: the log has everything."""
        self.end()
        if self._overflow is not None:
            self.join(1)
            with suppress(OSError):
                self._overflow.unlink(missing_ok=True)

    def run(self) -> None:
        """Add what has come, once a second."""
        kept, written = "", 0
        while not self._ended.wait(SECONDS):
            text = self._text()
            if text is None:
                return
            if len(text) > len(kept):
                with suppress(Exception):  # the end of the reply has defences of its own
                    if written < MOST:
                        self._write(text)
                        written += 1
                    else:
                        self._append(text)
                    kept = text

    def _write(self, text: str) -> None:
        with closing(Desk.open(self._log)) as desk, desk.log.patience(PATIENCE):
            Record(desk).add_partial(self._attempt_id, text)

    def _append(self, text: str) -> None:
        """Write the whole text into the file beside the log, or only what is new."""
        if self._overflow is None:
            self._overflow = overflow(self._log, self._attempt_id)
            self._overflow.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._overflow.touch(mode=0o600)
        with self._overflow.open("a", encoding="utf-8", newline="") as file:
            file.write(text[self._beside :])
        self._beside = len(text)
