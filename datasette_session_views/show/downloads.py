"""Download a session as a file: the same file as from `llm sessions export`, limited to what the visitor may see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote

from llm_session_memory.reader.figures import Figures
from llm_session_memory.reader.files.gathering import Gathering
from llm_session_memory.reader.files.writing import pieces
from llm_session_memory.reader.seen import SeenLog
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.threads import line
from llm_session_memory.rules.file_names import file_names
from llm_session_memory.rules.safe_text import one_line


@dataclass(frozen=True)
class Form:
    """A download format: its name, its content type, and what the page says of it."""

    format: str
    content_type: str
    title: str
    about: str


FORMS = {
    "md": Form("markdown", "text/markdown; charset=utf-8", "Markdown", "to read and to edit"),
    "html": Form("html", "text/html; charset=utf-8", "HTML", "one page that needs no other files"),
    "jsonl": Form("jsonl", "application/x-ndjson; charset=utf-8", "JSONL", "everything, for llm sessions import"),
    "csv": Form("csv", "text/csv; charset=utf-8", "CSV", "a row for each exchange, for spreadsheets"),
}
"""The formats by file extension."""

_LONGEST_NAME = 80
"""The most characters of a file's name without its ending."""


def download(source: Source, thread_id: str, ending: str, first: int | None, last: int | None) -> str:
    """Return a thread as a file: all of it, or the exchanges `first` to `last`.

    Attachments that the log has only a path for are not read, because those files belong to the server, not the
    visitor.
    """
    gathering = Gathering(SeenLog(source), thread_id, first, last, files=False)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return "".join(text for text, _ in pieces(gathering, FORMS[ending].format, now))


def heading(source: Source, thread_id: str) -> str:
    """Return what a session is called, for the name of its file."""
    return line(source, thread_id, Figures()).heading


def file_name(heading: str, ending: str, first: int | None = None, last: int | None = None) -> str:
    """Return the name of a session's file, safe on every system: `work.md`, `work (7-8).md` for some exchanges."""
    some = "" if first is None and last is None else f" ({first or 1}-{'' if last is None else last})"
    if first is not None and first == last:
        some = f" ({first})"
    (safe,) = file_names([one_line(heading, _LONGEST_NAME).rstrip("….?! ")], f"{some}.{ending}")
    return safe


def disposition(name: str) -> str:
    """Return a Content-Disposition header that names a download, for browsers of any age (RFC 6266, RFC 8187)."""
    plain = re.sub(r"[^\w !#$&()+,.;@^`{}~-]", "_", name, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
