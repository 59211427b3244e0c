"""CSV with named columns: a message in each row (role, content), or an exchange (prompt, reply).

Other columns that are read: the session, its title, time, model, tokens, duration, cost, rating and some more, by many
names (see columns). Without a column of sessions, the file is one conversation. Format: RFC 4180, with “,”, “;”, “|” or
tabs between the columns. What `llm sessions export --format csv` wrote can be read again.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import groupby

from ...reader.files.spreadsheet import COLUMNS, uncelled
from ..csv_rows import column_names, rows
from ..lines import FileRefused
from .chats import SaidMessage, begun, exchanges, key_of
from .columns import OF_SESSIONS, Columns, facts, said_of, several, words
from .source import SourceFile
from .values import ForeignConversation, ForeignExchange, Losses

_Row = dict[str, str]

_ENDINGS = (".csv", ".tsv")
_OWN_TEXTS = ("session", "prompt", "reply", "model", "reason", "bookmark", "datetime_utc", "id")
"""The columns in which our own table marks what a spreadsheet would take for a formula."""


class Table:
    """The format."""

    source = "csv"
    title = "CSV with named columns"
    may_repeat = False

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file's first row names the columns of messages or of exchanges.

        Raises FileRefused for a file whose name says that it is a table, because no other kind is asked after this one.
        """
        if not source.may_be_text or source.head.lstrip()[:1] in (b"{", b"["):
            return False
        try:
            found = Columns.of(column_names(source.head))
        except csv.Error:
            return False
        known = found.has_messages or found.has_exchanges
        if not known and source.path.suffix.lower() in _ENDINGS:
            hint = "Name the columns prompt and reply, or role and content."
            raise FileRefused(f"Line 1 of {source.name} does not name the columns of a conversation.", hint)
        return known

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Yield the conversations of a file. Raises FileRefused, with the line, for what is not CSV."""
        for found in _sessions(source):
            made = _conversation(found, source, losses)
            if made is not None:
                yield made


FORMAT = Table()


# -- rows ------------------------------------------------------------------


def _rows(source: SourceFile) -> Iterator[tuple[str, _Row]]:
    """Yield the place and the values of each row that is not empty. Raises FileRefused."""
    ours = tuple(column_names(source.head)) == COLUMNS
    for line, row in rows(source.open(), source.head, source.name):
        own = {name: uncelled(row[name]) if name in _OWN_TEXTS else row[name] for name in row} if ours else row
        yield f"Line {line:,} of {source.name}", own


def _sessions(source: SourceFile) -> Iterator[list[tuple[str, _Row]]]:
    """Yield the rows of each session. If they are not together in the file, all rows are held in memory."""

    def session(row: tuple[str, _Row]) -> str:
        return row[1].get(column or "", "")

    first = next(_rows(source), None)
    names = Columns.of(first[1]).names if first else {}
    column = next((name for name, meaning in names.items() if meaning == "session"), None)
    if column is None:
        column = next((name for name, meaning in names.items() if meaning == "title"), None)
    if column is None or _is_together(session(row) for row in _rows(source)):
        yield from ([*found] for _, found in groupby(_rows(source), session))
        return
    kept: dict[str, list[tuple[str, _Row]]] = {}
    for row in _rows(source):
        kept.setdefault(session(row), []).append(row)
    yield from kept.values()


def _is_together(sessions: Iterator[str]) -> bool:
    seen: set[str] = set()
    for session, _ in groupby(sessions):
        if session in seen:
            return False
        seen.add(session)
    return True


# -- conversations -----------------------------------------------------------


def _conversation(lines: list[tuple[str, _Row]], source: SourceFile, losses: Losses) -> ForeignConversation | None:
    place, first = lines[0]
    columns = Columns.of(first)
    head = columns.read(first, "", place, Losses())
    made: list[SaidMessage] = []
    system = ""
    for where, values in lines:
        row = columns.read(values, "", where, losses)
        for name in OF_SESSIONS:
            if row.get(name) and row[name] != head.get(name):
                losses.add(f"the {name} of a single row", where)
        for said in said_of(row, where, losses):
            if said.role != "system" or said.text != system:
                made.append(said)
            system = said.text if said.role == "system" else system
    begins, rest = begun(made)
    found: list[ForeignExchange] = [*exchanges(rest, place, losses, grows=True)]
    if not found:
        return None
    return ForeignConversation(
        key=key_of(head.get("session"), found[0]),
        exchanges=found,
        name=head.get("title") or head.get("session") or source.stem,
        created_utc=next((one.at for one in made if one.at), ""),
        model=next((one.model for one in reversed(made) if one.model), None),
        system=begins or words(head.get("system")) or None,
        tags=several(head.get("tags")),
        meta=facts(head.get("metadata")),
        project=head.get("project") or None,
    )
