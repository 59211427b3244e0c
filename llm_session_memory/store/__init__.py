"""The only part of this package that speaks SQL.

`Log` opens the file and turns SQLite's errors into sentences; `history` reads what llm logged, by llm's documented
tables; `sessions` reads and writes our own tables. Nothing here decides anything.
"""

from __future__ import annotations

from .log import Log, owned_file
from .sessions import Store

__all__ = ["Log", "Store", "owned_file"]
