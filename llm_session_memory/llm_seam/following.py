"""Add what has come of a reply to its open attempt while it streams: a kill loses no more than a second of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from ..services.desk import Desk
from ..services.record import Record

RELIED_ON: dict[str, str] = {}
"""The parts of llm that this module relies on (see `shape`): none."""

SECONDS = 1.0
"""How long to wait before the first addition to the log, and between two."""

MOST = 20
"""The most additions to the log for one reply."""

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

    def end(self) -> None:
        """Stop: the reply is about to be logged, or its attempt to be kept."""
        self._ended.set()

    def run(self) -> None:
        """Add what has come, once a second."""
        kept, written = "", 0
        while written < MOST and not self._ended.wait(SECONDS):
            text = self._text()
            if text is None:
                return
            if len(text) > len(kept):
                with suppress(Exception):  # the end of the reply has defences of its own
                    self._write(text)
                    kept, written = text, written + 1

    def _write(self, text: str) -> None:
        with closing(Desk.open(self._log)) as desk, desk.log.patience(PATIENCE):
            Record(desk).add_partial(self._attempt_id, text)
