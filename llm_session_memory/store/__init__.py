"""The tables that sessions write, and the only SQL that writes.

`Log` opens the file and turns SQLite's errors into sentences. `history`, `details` and `attachments` read what llm
logged, through its documented tables. `Sessions`, `Requests` (what was sent, and why), `Notes` and `Ratings` read and
write our own tables. `index` and `vectors` hold the full-text index and the embeddings, which not every prompt needs;
`finder` searches them. Nothing here makes decisions.
"""

from __future__ import annotations

from .log import Log, check_file, owned_file
from .notes import Notes
from .requests import Requests
from .sessions import Sessions

__all__ = ["Log", "Notes", "Requests", "Sessions", "check_file", "owned_file"]
