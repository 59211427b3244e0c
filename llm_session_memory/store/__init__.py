"""The only part of this package that speaks SQL.

`Log` opens the file and turns SQLite's errors into sentences; `history` reads what llm logged, by llm's documented
tables; `sessions` and `keeping` read and write our own tables, `index` and `finding` are the full-text index. Nothing
here decides anything.
"""

from __future__ import annotations

from .index import Index
from .keeping import Kept
from .log import Log, owned_file
from .sessions import Store
from .vectors import Vectors

__all__ = ["Index", "Kept", "Log", "Store", "Vectors", "owned_file"]
