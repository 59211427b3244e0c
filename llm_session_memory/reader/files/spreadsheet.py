"""A session as rows of a table, one an exchange, for CSV: what the command line and the pages write.

Pure, apart from what the gathering reads. A cell holds what was typed and what was answered, without reasoning, tool
calls, fragments and excerpts: those are in the other formats.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from ...model import Exchange, Message
from ...rules.safe_text import visible
from ...rules.thinking import without_thinking
from ..prices import cost
from .gathering import Gathering

COLUMNS = (
    *("session", "exchange", "id", "datetime_utc", "model", "prompt", "reply"),
    *("input_tokens", "output_tokens", "duration_ms", "cost_usd"),
    *("pinned", "rating", "reason", "bookmark"),
)
"""The columns of sessions as CSV. An import recognises such a file by them."""

_FORMULA = re.compile(r"'*(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])")
"""The beginnings that make a spreadsheet take a text for a formula. Some drop blanks; some read full-width signs.

Apostrophes before it are counted in, so that an import knows which one was put there.
"""


def csv_pieces(gathering: Gathering, *, heading: bool) -> Iterator[tuple[str, int]]:
    """Yield the lines of a session, each with the number of exchanges in it; `heading` puts the columns first."""
    if heading:
        yield _line(COLUMNS), 0
    for entry in gathering.entries():
        if isinstance(entry, Exchange):
            yield _line(_row(gathering, entry)), 1


def _line(values: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


def _row(gathering: Gathering, exchange: Exchange) -> list[object]:
    first, last = exchange.turns[0], exchange.turns[-1]
    rating, bookmark = gathering.ratings.get(exchange.id), gathering.bookmarks.get(exchange.id)
    costs = [cost(one.model, one.input_tokens, one.output_tokens, one.datetime_utc) for one in exchange.turns]
    known = [one for one in costs if one is not None]
    return [
        cell(gathering.title),
        exchange.number,
        cell(exchange.id),
        cell(first.datetime_utc),
        cell(", ".join(dict.fromkeys(one.model for one in exchange.turns))),
        cell(_said(exchange, "user")),
        cell(_said(exchange, "assistant")),
        last.input_tokens,
        _sum(one.output_tokens for one in exchange.turns),
        _sum(one.duration_ms for one in exchange.turns),
        f"{sum(known):.6f}" if known else None,
        "yes" if exchange.id in gathering.pins else "",
        rating.mark if rating else "",
        cell(rating.note) if rating else "",
        cell(bookmark.label) if bookmark else "",
    ]


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _said(exchange: Exchange, role: str) -> str:
    return "\n\n".join(text for one in exchange.messages if one.role == role for text in _typed(without_thinking(one)))


def _typed(message: Message) -> Iterator[str]:
    """Yield the texts of a message without its fragments, which llm puts before what was typed, each on its lines."""
    for part in message.parts:
        if part.type != "text":
            continue
        text = str(part.data.get("text") or "")
        for fragment in part.fragments:
            before, found, after = text.partition(fragment)
            text = before + after.removeprefix("\n") if found else text
        if text:
            yield text


def cell(text: str) -> str:
    """Return a text for a cell, with hidden characters shown. A spreadsheet must not run what a model wrote."""
    shown = visible(text)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def uncelled(text: str) -> str:
    """Return the text of a cell that `cell` wrote, without the apostrophe that stops a spreadsheet."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
