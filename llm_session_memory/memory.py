"""The Python API: the sessions of one log, for programs.

All figures are tokens unless said otherwise; all errors are of the family in `errors`.
"""

from __future__ import annotations

from pathlib import Path

from .services.bundle import Services
from .services.desk import Clock, Desk, now_utc


class Memory(Services):
    """The sessions of one log: `.sessions`, `.notes`, `.ratings`, `.requests`, `.record`, `.search(...)`.

    `Memory(path)` opens an existing log; it is a context manager. Reading never writes. Raises LogUnusable if the file
    is missing, locked for longer than 10 seconds, or not a log.
    """

    def __init__(self, path: str | Path, *, now: Clock = now_utc, typed: str | None = None) -> None:
        """Open a log. `typed` is the -d that a person gave, so that hints repeat it."""
        super().__init__(Desk.open(Path(path), now, typed))
