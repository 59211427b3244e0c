"""A sign of life while a remote is being written to, so that others know a lock's holder from one that was killed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from ..errors import RemoteFailed


class Heartbeat:
    """Calls a function every few seconds, in a thread of its own, until it is left. A context manager.

    Whatever the function raises is ignored: a lock that was lost shows when the write is to count.
    """

    def __init__(self, beat: Callable[[], object], seconds: float) -> None:
        self._beat, self._seconds = beat, seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            with suppress(OSError, RemoteFailed):
                self._beat()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
