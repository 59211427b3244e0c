"""Download a session as a file: the same file as from `llm sessions export`, limited to what the visitor may see.

CSV, which `export` does not write, is a table of the exchanges for spreadsheets.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote

from llm_session_memory.reader import transcript as reader
from llm_session_memory.reader.figures import Figures
from llm_session_memory.reader.files.gathering import Gathering
from llm_session_memory.reader.files.writing import pieces
from llm_session_memory.reader.numbering import numbering
from llm_session_memory.reader.seen import SeenLog
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.threads import line
from llm_session_memory.reader.values import Exchange
from llm_session_memory.rules.file_names import file_names
from llm_session_memory.rules.safe_text import one_line, visible


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

COLUMNS = (
    "exchange",
    "id",
    "datetime_utc",
    "model",
    "prompt",
    "reply",
    "input_tokens",
    "output_tokens",
    "duration_ms",
    "cost_usd",
    "pinned",
    "rating",
    "reason",
    "bookmark",
)
"""The columns of a session as CSV."""

_CHUNK = 200
"""The number of exchanges read at a time."""

_LONGEST_NAME = 80
"""The most characters of a file's name without its ending."""

_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")
"""The beginnings that make a spreadsheet take a text for a formula. Some drop blanks; some read full-width signs."""


def download(source: Source, thread_id: str, ending: str, first: int | None, last: int | None) -> str:
    """Return a thread as a file: all of it, or the exchanges `first` to `last`.

    Attachments that the log has only a path for are not read, because those files belong to the server, not the
    visitor.
    """
    if ending == "csv":
        return _csv(source, thread_id, first, last)
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


def _csv(source: Source, thread_id: str, first: int | None, last: int | None) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    total = len(numbering(source, thread_id))
    end = min(last or total, total)
    for start in range(max(first or 1, 1), end + 1, _CHUNK):
        for exchange in reader.in_pieces(source, thread_id, start, min(start + _CHUNK - 1, end)):
            writer.writerow(_row(exchange))
    return out.getvalue()


def _row(exchange: Exchange) -> list[object]:
    return [
        exchange.number,
        cell(exchange.id),
        cell(exchange.calls[0].datetime_utc or ""),
        cell(", ".join(dict.fromkeys(call.model for call in exchange.calls))),
        cell("\n\n".join(_texts(exchange, "user"))),
        cell("\n\n".join(_texts(exchange, "assistant"))),
        exchange.input_tokens,
        exchange.output_tokens,
        exchange.duration_ms,
        None if exchange.cost is None else f"{exchange.cost:.6f}",
        "yes" if exchange.pinned else "",
        exchange.judged.mark,
        cell(exchange.judged.note),
        cell(exchange.judged.label),
    ]


def _texts(exchange: Exchange, role: str) -> Iterator[str]:
    """Yield what was said in a role, without reasoning, tool calls, fragments and excerpts."""
    for call in exchange.calls:
        for said in call.messages:
            if said.role == role:
                yield from (piece.text for piece in said.pieces if piece.kind == "text" and piece.text)


def cell(text: str) -> str:
    """Return a text for a cell, with hidden characters shown. A spreadsheet must not run what a model wrote."""
    shown = visible(text)
    return f"'{shown}" if _FORMULA.match(shown) else shown
