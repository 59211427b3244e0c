"""The database of qv-session-manager, which keeps the conversations of qv-ollama-sdk.

    conversations(id, title, model_name, created_at, updated_at, metadata)
    messages(id, conversation_id, role, content, created_at, metadata)

Format: https://github.com/quantyverse/qv-session-manager (0.3). The oldest databases have no model_name.
Times are local ones, without a zone.
"""

from __future__ import annotations

from collections.abc import Iterator

from .moments import of_this_zone
from .source import SourceFile
from .sqlite_tables import Tables, database, read
from .values import ForeignConversation, Losses

_TABLES = Tables("messages", "conversation_id", "conversations", "id")
_CONVERSATIONS = frozenset(("id", "title", "created_at", "updated_at", "metadata"))
_MESSAGES = frozenset(("id", "conversation_id", "role", "content", "created_at", "metadata"))


class QvSessionManager:
    """The format."""

    source = "qv-session-manager"
    title = "qv-session-manager's database"
    may_repeat = False

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a database has the tables of qv-session-manager, with exactly their columns."""
        if not source.is_sqlite:
            return False
        with database(source) as other:
            found = other.tables()
        kept = frozenset(found.get("conversations", ())) - {"model_name"}
        return kept == _CONVERSATIONS and frozenset(found.get("messages", ())) == _MESSAGES

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Yield the conversations of a file. Raises FileRefused if it can't be read."""
        with database(source) as other:
            yield from read(other, _TABLES, losses, of_this_zone)


FORMAT = QvSessionManager()
