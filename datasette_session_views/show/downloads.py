"""A session as a file to download: the same file as `llm sessions export` writes, as far as the visitor may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from llm_session_memory.reader.files.gathering import Gathering
from llm_session_memory.reader.files.writing import pieces
from llm_session_memory.reader.seen import SeenLog
from llm_session_memory.reader.source import Source


@dataclass(frozen=True)
class Form:
    """A form that a session is downloaded in: its name, and its type for a browser."""

    format: str
    content_type: str


FORMS = {
    "md": Form("markdown", "text/markdown; charset=utf-8"),
    "jsonl": Form("jsonl", "application/x-ndjson; charset=utf-8"),
    "html": Form("html", "text/html; charset=utf-8"),
}
"""The forms by the ending of the file."""


def download(source: Source, thread_id: str, ending: str, first: int | None, last: int | None) -> str:
    """Return a thread as a file: all of it, or its exchanges from a number to a number.

    Of attached files whose path alone is in the log nothing is read: they are on the server, and not the visitor's.
    """
    gathering = Gathering(SeenLog(source), thread_id, first, last, files=False)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return "".join(text for text, _ in pieces(gathering, FORMS[ending].format, now))
