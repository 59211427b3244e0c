"""The only part of this package that speaks SQL.

`Log` opens the file and turns SQLite's errors into sentences; `history` reads what llm logged, by llm's documented
tables; `sessions`, `blocks`, `keeping` and `ratings` read and write our own tables, `index` and `finding` are the
full-text index. Nothing here decides anything.
"""

from __future__ import annotations

from .index import Index
from .log import Log, owned_file
from .notes import Kept
from .ratings import Ratings
from .requests import Blocks
from .sessions import Store
from .vectors import Vectors

__all__ = ["Blocks", "Index", "Kept", "Log", "Ratings", "Store", "Vectors", "owned_file"]
