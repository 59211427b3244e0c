"""SQLite files with a table of sessions and one of messages, as many small tools have them, by the names of columns.

    sessions(id, title, model, created_at, ...), messages(session_id, role, content, input_tokens, cost, ...)

The tables may have other names (conversations, chats, ...), and their columns too (see columns). A file with messages
alone, each with the id of its session, is read as well. A row may also be an exchange (prompt, reply).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

from ...reader.other_databases import DatabaseRefused, OtherDatabase, opened
from ...rules.safe_text import one_line
from ..lines import FileRefused
from .chats import SaidMessage, begun, exchanges, key_of
from .columns import OF_SESSIONS, TOOL, Columns, facts, model_in, plain_name, said_of, several, words
from .moments import moment
from .source import SourceFile
from .values import ForeignConversation, Losses

_MESSAGES = (
    *("messages", "message", "chat_messages", "conversation_messages", "session_messages", "chat_message"),
    *("exchanges", "turns", "history", "chat_history", "responses", "interactions"),
)
_EMPTY = ("", "{}", "[]", "null")

_NOTHING_SAID = frozenset(("alembic_version", "schema_migrations", "migrations", "schema_version", "db_version"))
"""Tables that only say how a database was made."""

_LLM = "_llm_migrations"
"""A table that every log of llm has."""

_SESSIONS = (
    *("sessions", "session", "conversations", "conversation", "chats", "chat", "threads", "thread"),
    *("chat_sessions", "chat_session", "conversation_sessions"),
)


@dataclass(frozen=True)
class Tables:
    """Where a database keeps its messages and its sessions.

    Attributes:
        link: The column of the messages that names their session.
        sessions: The table of sessions, or None.
        key: The column of the sessions that `link` refers to.
    """

    messages: str
    link: str
    sessions: str | None
    key: str | None


def tables_of(tables: Mapping[str, tuple[str, ...]]) -> Tables | None:
    """Return where a database keeps its messages, or None if it has no such table, given its tables' columns."""
    by_name = {name.lower(): name for name in tables}
    for name in filter(by_name.__contains__, _MESSAGES):
        messages = by_name[name]
        columns = Columns.of(tables[messages])
        link = next((one for one, meaning in columns.names.items() if meaning == "session"), None)
        if link is not None and (columns.has_messages or columns.has_exchanges):
            sessions = next((by_name[one] for one in _SESSIONS if one in by_name and by_name[one] != messages), None)
            key = _key(tables[sessions], link) if sessions else None
            return Tables(messages, link, sessions if key else None, key)
    return None


def _key(columns: tuple[str, ...], link: str) -> str | None:
    """Return the column of a table of sessions that a column of messages refers to."""
    names = {plain_name(one): one for one in columns}
    return next((names[one] for one in (plain_name(link), "id", "session_id", "uuid") if one in names), None)


class SQLiteTables:
    """The format."""

    source = "sqlite"
    title = "a SQLite file with sessions and messages"
    may_repeat = False

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a database has a table of messages, each with its session, who speaks, and what is said.

        Raises FileRefused for a log of llm, because `merge` takes more of it.
        """
        if not source.is_sqlite:
            return False
        with database(source) as other:
            found = other.tables()
        if _LLM in found:
            hint = "To merge it into yours: llm sessions merge FILE"
            raise FileRefused(f"{source.name} is a log of llm.", hint)
        return tables_of(found) is not None

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Yield the conversations of a file. Raises FileRefused if it can't be read."""
        with database(source) as other:
            found = tables_of(other.tables())
            if found is None:
                raise FileRefused(
                    f"{source.name} has no table of messages.", "Check that it is the file that you meant."
                )
            yield from read(other, found, losses)


FORMAT = SQLiteTables()


@contextmanager
def database(source: SourceFile) -> Iterator[OtherDatabase]:
    """Open a database. Raises FileRefused if it can't be opened or, later, read."""
    try:
        with opened(source.path) as other:
            yield other
    except DatabaseRefused as error:
        raise FileRefused(error.message, error.hint) from error


def read(
    other: OtherDatabase, tables: Tables, losses: Losses, when: Callable[[object], object] = lambda time: time
) -> Iterator[ForeignConversation]:
    """Yield the conversations in the tables of a database. `when` returns a time in the form in which it is read."""
    sessions: dict[str, Mapping[str, Any]] = {}
    if tables.sessions and tables.key:
        sessions = {words(row[tables.key]): row for row in other.rows(tables.sessions)}
    columns = Columns.of(other.tables()[tables.messages])
    order = [tables.link, *_order(other, tables, columns)]
    rows = other.rows(tables.messages, order)
    for id_, some in groupby(rows, lambda row: words(row[tables.link])):
        made = _conversation(id_, some, columns, tables, sessions.pop(id_, {}), losses, when)
        if made is not None:
            yield made
    for name, count in other.beside([tables.messages, *filter(None, [tables.sessions])]).items():
        if plain_name(name) not in _NOTHING_SAID:
            losses.add(f"a row of the table {one_line(name, 40)}", "the file", count)
    if sessions:
        losses.add(
            f"a row of the table {one_line(str(tables.sessions), 40)} without messages",
            f"{one_line(str(tables.key), 40)} {one_line(next(iter(sessions)), 40)}",
            len(sessions),
        )


def _order(other: OtherDatabase, tables: Tables, columns: Columns) -> list[str]:
    """Return the columns that order the messages of a session: a number, else a time unless rows are numbered."""
    number = [name for name, meaning in columns.names.items() if meaning == "order"]
    if number or other.has_whole_key(tables.messages):
        return number
    return [name for name, meaning in columns.names.items() if meaning == "at"]


def _conversation(  # noqa: PLR0913  what a conversation is made of
    id_: str,
    rows: Iterator[Mapping[str, Any]],
    columns: Columns,
    tables: Tables,
    session: Mapping[str, Any],
    losses: Losses,
    when: Callable[[object], object],
) -> ForeignConversation | None:
    place = f"{one_line(tables.link, 40)} {one_line(id_, 40)}"
    of_table = f" of the table {one_line(tables.messages, 40)}"
    head = _session(session, tables, place, losses)

    def messages() -> Iterator[SaidMessage]:
        for row in rows:
            values = columns.read(row, of_table, place, losses)
            for name in OF_SESSIONS:
                kept = words(values.get(name)).strip()
                if kept not in _EMPTY and {*facts(kept)} != {TOOL}:
                    losses.add(f"the column {name}{of_table}", place)
            yield from said_of({**values, "at": when(values.get("at"))}, place, losses)

    begins, rest = begun(messages())
    made = exchanges(rest, place, losses, grows=True)
    first = next(made, None)
    if first is None:
        return None
    title = words(head.get("title")).strip() or None
    return ForeignConversation(
        key=key_of(id_, first),
        exchanges=chain([first], made),
        name=title,
        created_utc=moment(when(head.get("at"))) or first.turns[0].datetime_utc,
        model=model_in(head) or first.turns[0].model,
        system=begins or words(head.get("system")) or None,
        tags=several(head.get("tags")),
        meta=facts(head.get("metadata")),
        project=words(head.get("project")) or None,
    )


_KNOWN_OF_SESSIONS = frozenset(("session", "id", "title", "at", "model", "system", *OF_SESSIONS))
_IDLE = frozenset(
    ("updated_at", "last_used", "last_used_at", "modified_at", "updated", "message_count", "last_message_at")
)
"""The columns of sessions that say only what their messages say."""


def _session(row: Mapping[str, Any], tables: Tables, place: str, losses: Losses) -> dict[str, Any]:
    """Return a row of a table of sessions by meanings. What is in other columns is counted as a loss."""
    names = Columns.of(row).names
    for column, value in row.items():
        known = names.get(column) in _KNOWN_OF_SESSIONS or plain_name(column) in _IDLE or column == tables.key
        if not known and value not in (None, ""):
            losses.add(f"the column {one_line(column, 40)} of the table {one_line(str(tables.sessions), 40)}", place)
    return {meaning: row[name] for name, meaning in names.items() if meaning in _KNOWN_OF_SESSIONS}
