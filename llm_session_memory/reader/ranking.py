"""The values that the list can be sorted by, other than the last use."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import nlargest, nsmallest

from .cache import kept
from .entries import TEXTS, Sort
from .families import lengths
from .older import Older, older_log
from .source import Source

Value = float | str

_BETWEEN = "\x1f"
"""Between a text and an id in a key: a blank to Python, so no text has it."""

_LONGEST = 200
"""How many characters of a text count in sorting."""


def ranked(values: Mapping[str, Value], after: str | None, count: int, *, descending: bool) -> list[tuple[str, str]]:
    """Return (key, conversation) in the order of their values; conversations with the same value by their ids.

    Args:
        values: the value of each conversation: all numbers, or all texts.
        after: the key of the last one before these, or None.
        count: how many to return at most.
        descending: whether the greatest value comes first.
    """
    pairs = ((value, id_) for id_, value in values.items())
    last = _of_key(after, texts=isinstance(next(iter(values.values()), 0), str))
    if descending:
        found = nlargest(count, (pair for pair in pairs if last is None or pair < last))
    else:
        found = nsmallest(count, (pair for pair in pairs if last is None or pair > last))
    return [(f"{value}{_BETWEEN if isinstance(value, str) else ','}{id_}", id_) for value, id_ in found]


def _of_key(key: str | None, *, texts: bool) -> tuple[Value, str] | None:
    if not key:
        return None
    if texts:
        value, _, thread_id = key.partition(_BETWEEN)
        return value, thread_id
    number, _, thread_id = key.partition(",")
    try:
        return float(number), thread_id
    except ValueError:
        return None


def values(source: Source, by: Sort, *, descending: bool) -> Mapping[str, Value]:
    """Return the value of each conversation with a call, and of each session. Unknown costs come last either way."""
    if by in TEXTS:
        return kept(source, ("values", by), lambda: _texts(source, by), _weight)
    found = kept(source, ("values", by), lambda: _numbers(source, by), _weight)
    unknown = 0.0 if by != "cost" else -1.0 if descending else float("inf")
    return {id_: unknown if value is None else value for id_, value in found.items()}


def _weight(found: Mapping[str, object]) -> int:
    return len(found) // 4


def _texts(source: Source, by: Sort) -> dict[str, Value]:
    name = "list_called" if by == "name" else "list_models"
    found: dict[str, Value] = {id_: _sortable(value) for id_, value in source.tuples(name)}
    for one in older_log(source) if by == "model" else ():
        found.setdefault(one.thread_id, _sortable(one.model))
    return found


def _sortable(text: object) -> str:
    """Return a text as it is sorted: whatever its case, and in a form that an address carries unchanged."""
    return " ".join(str(text).replace("\0", " ").split())[:_LONGEST].casefold()


def _numbers(source: Source, by: Sort) -> dict[str, float | None]:
    found: dict[str, float | None] = dict(source.tuples("list_ranked", by=by))
    for one in older_log(source):
        known, value = found.get(one.thread_id), _number(one, by)
        found[one.thread_id] = value if known is None else known + (value or 0)
    if by == "exchanges":
        found |= lengths(source, {id_: int(number or 0) for id_, number in found.items()})
    for row in source.query("select thread_id from memory_sessions"):
        found.setdefault(row["thread_id"], None)
    return found


def _number(one: Older, by: Sort) -> float | None:
    figures = one.figures
    if by == "cost":
        return figures.cost.dollars
    return (figures.input_tokens or 0) + (figures.output_tokens or 0) if by == "tokens" else figures.exchanges
