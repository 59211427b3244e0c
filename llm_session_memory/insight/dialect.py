"""Canned queries in PostgreSQL's words: the same text with SQLite's functions, order of nulls and parameters replaced.

The queries are written once, in SQL that SQLite reads. PostgreSQL differs in a few words, which are replaced piece by
piece: names of functions get the prefix `sqlite_` (they are in a remote's schema, see remotes/postgres/sql), nulls come
first as in SQLite, `is` compares, and decimals are no exact numbers. All else stays as it is written, comments too.
What can't be said like this has a file of its own in queries/postgres.

The order of nulls: https://www.sqlite.org/lang_select.html#the_order_by_clause and
https://www.postgresql.org/docs/current/queries-order.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

_PIECE = re.compile(
    r"""
    (?P<blank>\s+|--[^\n]*)
    |(?P<text>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<parameter>:[a-z_]+)
    |(?P<decimal>\d+\.\d+)
    |(?P<number>\d+)
    |(?P<word>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<sign>\|\||<>|<=|>=|.)
    """,
    re.VERBOSE | re.DOTALL,
)

_FUNCTIONS = (
    *("sum", "avg", "round", "substr", "instr", "length", "lower", "date", "datetime", "strftime", "julianday"),
    *("json_valid", "json_extract", "json_each", "json_tree"),
)
"""Functions that PostgreSQL lacks or reads otherwise."""

_NAMES = {name: f"sqlite_{name}" for name in _FUNCTIONS} | {"char": "chr", "trim": "btrim"}
"""What functions are called in PostgreSQL."""

_OF_TWO = {"max": "sqlite_larger", "min": "sqlite_smaller"}
"""Aggregates that are functions of two values in SQLite, if they are given two."""

_CASTS = {"integer": "sqlite_integer", "text": "text"}

_OF_TIME = frozenset({"date", "datetime", "strftime", "julianday"})

_ENDS = frozenset({"limit", "rows", "range", "groups", "union", "offset"})
"""Words after which the terms of an order are over."""

_NEVER_NULL = frozenset({"id", "turn_id"})
"""Keys, by themselves as the term of an order: they are never null, and an index gives their order as it is."""


class SqlPiece(str):
    """A piece of SQL, and what kind of piece it is."""

    __slots__ = ("kind",)
    kind: str

    @classmethod
    def of(cls, text: str, kind: str = "word") -> SqlPiece:
        """Return a piece of a kind."""
        made = cls(text)
        made.kind = kind
        return made


def postgres(sql: str, parameter: Callable[[str], str]) -> str:
    """Return a query of the catalogue for PostgreSQL. The word SCHEMA stands for SQLite's `main`.

    Args:
        sql: The query, for SQLite.
        parameter: Returns what stands for the parameter of a name.
    """
    return "".join(_translated(list(_pieces(sql)), parameter))


def bound(sql: str, parameter: Callable[[str], str]) -> str:
    """Return a query that is written for PostgreSQL with its parameters replaced, and nothing else."""
    return "".join(parameter(piece[1:]) if piece.kind == "parameter" else piece for piece in _pieces(sql))


def _pieces(sql: str) -> Iterator[SqlPiece]:
    for found in _PIECE.finditer(sql):
        kind = found.lastgroup or "sign"
        before = sql[found.start() - 1 : found.start()]
        if kind == "parameter" and before == ":":  # a cast
            kind = "sign"
        yield SqlPiece.of(found.group(), kind)


def _translated(pieces: Sequence[SqlPiece], parameter: Callable[[str], str]) -> list[SqlPiece]:
    """Return pieces in PostgreSQL's words."""
    out: list[SqlPiece] = []
    at = 0
    while at < len(pieces):
        made, at = _next(pieces, at, parameter)
        out += made
    return out


def _next(pieces: Sequence[SqlPiece], at: int, parameter: Callable[[str], str]) -> tuple[list[SqlPiece], int]:
    """Return what stands at a place, in PostgreSQL's words, and where it ends."""
    piece = pieces[at]
    word = piece.lower() if piece.kind == "word" else ""
    following = pieces[at + 1 : at + 3]
    if word and following[:1] == ["("]:
        end = _closing(pieces, at + 1)
        made = _call(word, pieces[at + 2 : end], parameter)
        if made is not None:
            return made, end + 1
    if word == "order":
        end = _end_of_order(pieces, at)
        return _ordered(pieces[at:end], parameter), end
    if word == "is":
        return _compared(pieces, at)
    if word == "main" and following[:1] == ["."]:
        return [SqlPiece.of("SCHEMA")], at + 1
    if word == "rowid" and following == [",", " "]:
        return [], at + 3
    return [_single(piece, parameter)], at + 1


def _single(piece: SqlPiece, parameter: Callable[[str], str]) -> SqlPiece:
    if piece.kind == "parameter":
        return SqlPiece.of(parameter(piece[1:]), "parameter")
    if piece.kind == "decimal":  # else it is exact, and what is counted with it
        return SqlPiece.of(f"{piece}::float8", "decimal")
    return piece


def _call(name: str, inside: Sequence[SqlPiece], parameter: Callable[[str], str]) -> list[SqlPiece] | None:
    """Return a call of a function in PostgreSQL's words, or None if it is the same there."""
    if name == "cast":
        return _cast(inside, parameter)
    if name == "group_concat":
        return _joined(inside, parameter)
    if name == "session_key":
        given = "".join(inside).strip()
        return [SqlPiece.of(parameter(f"{given[1:]}_key"), "parameter")]
    called = _OF_TWO[name] if name in _OF_TWO and len(_parts(inside)) > 1 else _NAMES.get(name, "")
    if not called:
        return None
    made = [SqlPiece.of(called), SqlPiece.of("(", "sign"), *_translated(inside, parameter), SqlPiece.of(")", "sign")]
    if name in _OF_TIME and not _of_a_row(inside):  # worked out once, not for each row
        return [SqlPiece.of("(select "), *made, SqlPiece.of(")", "sign")]
    return made


def _cast(inside: Sequence[SqlPiece], parameter: Callable[[str], str]) -> list[SqlPiece]:
    """Return a cast: to an integer, SQLite reads the number that a text begins with, and takes any other for 0."""
    words = [at for at, piece in enumerate(inside) if piece.lower() == "as"]
    kind = "".join(inside[words[-1] + 1 :]).strip().lower()
    if kind not in _CASTS:
        message = f"cast to {kind}"
        raise ValueError(message)
    value = _translated(inside[: words[-1] - 1], parameter)
    return [SqlPiece.of(_CASTS[kind]), SqlPiece.of("(", "sign"), *value, SqlPiece.of(")", "sign")]


def _joined(inside: Sequence[SqlPiece], parameter: Callable[[str], str]) -> list[SqlPiece]:
    """Return texts joined by commas, in their order; SQLite's is that in which the query reads them."""
    made = _translated(inside, parameter)
    value = "".join(made)
    bare = value.strip().removeprefix("distinct").strip()
    return [SqlPiece.of("string_agg"), SqlPiece.of(f"({value}, ',' order by {bare})", "sign")]


def _compared(pieces: Sequence[SqlPiece], at: int) -> tuple[list[SqlPiece], int]:
    """Return `is` or `is not` for any two values, and where it ends."""
    following = [
        (place, piece.lower()) for place, piece in enumerate(pieces[at + 1 :], at + 1) if piece.kind != "blank"
    ]
    negated = following[0][1] == "not"
    place, value = following[1 if negated else 0]
    if value == "null":
        return [pieces[at]], at + 1
    said = "is distinct from " if negated else "is not distinct from "
    return [SqlPiece.of(said)], place


def _ordered(pieces: Sequence[SqlPiece], parameter: Callable[[str], str]) -> list[SqlPiece]:
    """Return an `order by` with nulls before all other values, or after them if it descends."""
    out: list[SqlPiece] = list(pieces[:3])  # order, blank, by
    parts = _parts(pieces[3:])
    for place, part in enumerate(parts):
        said = list(part)
        after: list[SqlPiece] = []
        while said and said[-1].kind == "blank":
            after.insert(0, said.pop())
        words = [piece.lower() for piece in said if piece.kind != "blank"]
        direction = words[-1] if words[-1] in ("asc", "desc") else "asc"
        key = [word for word in words if word not in ("asc", "desc")]
        nulls = (
            "" if key[0] in _NEVER_NULL and len(key) == 1 else " nulls last" if direction == "desc" else " nulls first"
        )
        out += [*_translated(said, parameter), SqlPiece.of(nulls, "word"), *after]
        if place < len(parts) - 1:
            out.append(SqlPiece.of(",", "sign"))
    return out


def _end_of_order(pieces: Sequence[SqlPiece], at: int) -> int:
    depth = 0
    for place in range(at, len(pieces)):
        piece = pieces[place]
        depth += (piece == "(") - (piece == ")")
        if depth < 0 or (depth == 0 and piece.lower() in _ENDS):
            return place
    return len(pieces)


def _closing(pieces: Sequence[SqlPiece], at: int) -> int:
    """Return where the bracket that opens at a place is closed."""
    depth = 0
    for place in range(at, len(pieces)):
        depth += (pieces[place] == "(") - (pieces[place] == ")")
        if not depth:
            return place
    message = "a bracket is not closed"
    raise ValueError(message)


def _parts(pieces: Sequence[SqlPiece]) -> list[list[SqlPiece]]:
    """Return pieces between the commas that are in no brackets."""
    parts: list[list[SqlPiece]] = [[]]
    depth = 0
    for piece in pieces:
        depth += (piece == "(") - (piece == ")")
        if piece == "," and not depth:
            parts.append([])
        else:
            parts[-1].append(piece)
    return parts


def _of_a_row(pieces: Sequence[SqlPiece]) -> bool:
    """Return whether an expression names a column."""
    return any(
        piece.kind == "word" and pieces[place + 1 : place + 2] != ["("] and piece.lower() not in ("as", *_CASTS)
        for place, piece in enumerate(pieces)
    )
