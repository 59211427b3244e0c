"""The tables that sessions write, and the only SQL that writes.

`Log` opens the file and turns SQLite's errors into sentences. `history`, `details` and `attachments` read what llm
logged, through its documented tables. `Sessions`, `Requests` (what was sent, and why), `Notes` and `Ratings` read and
write our own tables. `Index` and `Vectors` are the full-text index and the embeddings; `finder` searches them. Nothing
here makes decisions.
"""

from __future__ import annotations

from .index import Index
from .log import Log, owned_file
from .notes import Notes
from .ratings import Ratings
from .requests import Requests
from .sessions import Sessions
from .vectors import Vectors

__all__ = ["Index", "Log", "Notes", "Ratings", "Requests", "Sessions", "Vectors", "owned_file"]
