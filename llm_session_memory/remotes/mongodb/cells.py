"""Documents as BSON: rows by table as they are, for people to read, and what BSON can't hold in a form of its own.

Numbers are 64-bit integers or doubles, and bytes are binary. A text with halves of characters is `{"~utf8": bytes}`,
and an infinite float `{"~float": "inf"}`. Names with `$`, `.` or NUL are written as in plain_texts.py. A document that
is too large for the server has its rows in chunks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from ...model.remotes import KINDS, Document, Rows, Value
from ...rules.safe_text import HALVES
from ..about import CALLS, about, moment
from ..plain_texts import MARK, packed, unpacked
from ..shapes import WrongShapeError, checked, integer, rows_of, sequence, text

COLLECTIONS = {kind: f"{kind}s" for kind in KINDS}
"""The collection of each kind."""

CHUNK = 4_000_000
"""If a document has more bytes than this, its rows are in chunks of this size. A server takes 16 MB at once."""

_NAMES_REFUSED = re.compile(r"^\$|\.")

Bson = dict[str, Any]


def written(document: Document, generation: int) -> Bson:
    """Return a document as BSON, with the generation of the write from which it counts."""
    from bson import Int64

    d = document
    whole: Bson = {"_id": packed(d.key), "generation": Int64(generation), "rows": _rows(d.rows)}
    if d.thread_id:
        whole["thread_id"] = packed(d.thread_id)
    if d.bucket:
        whole |= {"bucket": packed(d.bucket), "stamp": Int64(d.stamp)}
    if d.place:
        whole["place"] = Int64(d.place)
    if d.kind in CALLS:
        whole["at"] = packed(moment(d))
    if d.kind == "thread":
        name, project, tags = about(d)
        whole |= {"name": packed(name), "project": packed(project), "tags": [packed(tag) for tag in tags]}
    whole |= {"refs": [packed(ref) for ref in d.refs], "machine": packed(d.machine), "person": packed(d.person)}
    return whole


def read(kind: str, whole: Mapping[str, Any], chunks: Callable[[list[str]], bytes]) -> Document:
    """Return the document that BSON holds; its chunks are fetched if it has any. Raises WrongShapeError."""
    import bson

    try:
        parts = whole.get("chunks")
        rows = whole.get("rows")
        if parts is not None:
            rows = bson.decode(chunks([text(part) for part in sequence(parts)]))["rows"]
        return checked(
            Document(
                kind,
                _text(whole.get("_id")),
                rows_of(rows, unpacked, _value),
                _text(whole.get("thread_id", "")),
                tuple(_text(ref) for ref in sequence(whole.get("refs"))),
                integer(whole.get("place", 0)),
                _text(whole.get("bucket", "")),
                integer(whole.get("stamp", 0)),
                _text(whole.get("machine")),
                _text(whole.get("person")),
            )
        )
    except (bson.errors.BSONError, KeyError, ValueError, RecursionError) as error:
        raise WrongShapeError(str(error)) from error


def _text(found: object) -> str:
    return unpacked(text(found))


def _rows(rows: Rows) -> Bson:
    return {
        _name(table): [{_name(name): _cell(cell) for name, cell in row.items()} for row in each]
        for table, each in rows.items()
    }


def _name(name: str) -> str:
    return MARK + name.encode("utf-8", "surrogatepass").hex() if _NAMES_REFUSED.search(name) else packed(name)


def _cell(value: Value) -> object:
    from bson import Int64

    if isinstance(value, str):
        return {"~utf8": value.encode("utf-8", "surrogatepass")} if HALVES.search(value) else value
    if isinstance(value, float) and not math.isfinite(value):
        return {"~float": str(value)}
    if isinstance(value, int):
        return Int64(value)
    return value


def _value(found: object) -> Value:
    if isinstance(found, dict) and len(found) == 1:
        ((form, inner),) = found.items()
        if form == "~float" and inner in ("inf", "-inf", "nan"):
            return float(inner)
        if form == "~utf8" and isinstance(inner, bytes):
            return inner.decode("utf-8", "surrogatepass")
    if found is None or isinstance(found, str | float | bytes):
        return found
    return integer(found)
