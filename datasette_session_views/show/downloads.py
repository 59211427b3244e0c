"""Download a session as a file: the same file as from `llm sessions export`, limited to what the visitor may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from llm_session_memory.reader.files.gathering import Gathering
from llm_session_memory.reader.files.writing import pieces
from llm_session_memory.reader.seen import SeenLog
from llm_session_memory.reader.source import Source


@dataclass(frozen=True)
class Form:
    """A download format: its name and its content type."""

    format: str
    content_type: str


FORMS = {
    "md": Form("markdown", "text/markdown; charset=utf-8"),
    "jsonl": Form("jsonl", "application/x-ndjson; charset=utf-8"),
    "html": Form("html", "text/html; charset=utf-8"),
}
"""The formats by file extension."""


def download(source: Source, thread_id: str, ending: str, first: int | None, last: int | None) -> str:
    """Return a thread as a file: all of it, or the exchanges `first` to `last`.

    Attachments that the log has only a path for are not read, because those files belong to the server, not the
    visitor.
    """
    gathering = Gathering(SeenLog(source), thread_id, first, last, files=False)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return "".join(text for text, _ in pieces(gathering, FORMS[ending].format, now))
