"""Lines of the parts of a folder: one JSON object a line, for a document or a digest, that a person can read.

Bytes are `{"base64": "..."}`, and floats that JSON has no word for `{"float": "inf"}`. Halves of characters are
escaped as JSON does it; only a text that has a pair of them, which JSON would join, is `{"utf8": "..."}`: base64 of
its bytes. `at` is the number and token of the write that put the document there.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode, b64encode
from typing import Any, NamedTuple

from ...model.remotes import Digest, Document, Rows, Value
from ...rules.safe_text import HALVES
from ..shapes import WrongShapeError, checked, integer, mapping, rows_of, sequence, text

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_PAIRED_NAME = "utf8:"
"""The beginning of a name that is written as base64, because a name in JSON can't be an object."""


class At(NamedTuple):
    """The write that put a document there: its number, one more than the highest that it had seen, and its token."""

    number: int
    token: str


class DigestLine(NamedTuple):
    """The digest of one thread in one bucket."""

    bucket: str
    thread_id: str
    digest: Digest


def of_document(document: Document, at: At) -> bytes:
    """Return the line of a document, with its end."""
    d = document
    head = {"kind": d.kind, "key": _cell(d.key), "thread": _cell(d.thread_id), "place": d.place, "bucket": d.bucket}
    refs = [_cell(ref) for ref in d.refs]
    more = {"stamp": d.stamp, "machine": _cell(d.machine), "person": _cell(d.person), "refs": refs, "at": at}
    return _line({**head, **more, "rows": _rows(d.rows)})


def of_digest(line: DigestLine, at: At) -> bytes:
    """Return the line of a digest, with its end."""
    amount, value = line.digest
    return _line({"bucket": _cell(line.bucket), "thread": _cell(line.thread_id), "digest": [amount, value], "at": at})


def read(line: bytes) -> tuple[Document | DigestLine, At]:
    """Return what a line holds, and which write put it. Raises WrongShapeError for anything else."""
    try:
        whole = mapping(json.loads(line))
    except (ValueError, RecursionError) as error:
        raise WrongShapeError("it is not JSON") from error
    number, token = _two(whole.get("at"))
    at = At(integer(number), text(token))
    if "digest" in whole:
        amount, value = _two(whole["digest"])
        digest = Digest(integer(amount), integer(value))
        return DigestLine(_text(whole.get("bucket")), _text(whole.get("thread")), digest), at
    return _document(whole), at


def _document(whole: Any) -> Document:
    return checked(
        Document(
            text(whole.get("kind")),
            _text(whole.get("key")),
            rows_of(whole.get("rows"), _name, _value),
            _text(whole.get("thread")),
            tuple(_text(ref) for ref in sequence(whole.get("refs"))),
            integer(whole.get("place")),
            text(whole.get("bucket")),
            integer(whole.get("stamp")),
            _text(whole.get("machine")),
            _text(whole.get("person")),
        )
    )


def _line(whole: dict[str, Any]) -> bytes:
    written = json.dumps(whole, ensure_ascii=False, allow_nan=False)
    try:
        return written.encode() + b"\n"
    except UnicodeEncodeError:  # halves stand only inside JSON's strings, where they can be escaped
        return HALVES.sub(lambda found: f"\\u{ord(found[0]):04x}", written).encode() + b"\n"


def _rows(rows: Rows) -> dict[str, Any]:
    return {
        _written_name(table): [{_written_name(name): _cell(value) for name, value in row.items()} for row in each]
        for table, each in rows.items()
    }


def _cell(value: Value) -> object:
    if isinstance(value, str):
        return {"utf8": _base64(value.encode("utf-8", "surrogatepass"))} if _PAIR.search(value) else value
    if isinstance(value, bytes):
        return {"base64": _base64(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _value(found: object) -> Value:
    if isinstance(found, dict) and len(found) == 1:
        ((form, inner),) = found.items()
        if form == "float" and inner in ("inf", "-inf", "nan"):
            return float(inner)
        if form in ("base64", "utf8"):
            blob = _bytes(inner)
            return blob if form == "base64" else _decoded(blob)
    if found is None or isinstance(found, str | float):
        return found
    return integer(found)


def _text(found: object) -> str:
    return text(_value(found))


def _written_name(name: str) -> str:
    if _PAIR.search(name) or name.startswith(_PAIRED_NAME):
        return _PAIRED_NAME + _base64(name.encode("utf-8", "surrogatepass"))
    return name


def _name(found: str) -> str:
    return _decoded(_bytes(found[len(_PAIRED_NAME) :])) if found.startswith(_PAIRED_NAME) else found


def _base64(blob: bytes) -> str:
    return b64encode(blob).decode()


def _bytes(found: object) -> bytes:
    try:
        return b64decode(text(found), validate=True)
    except ValueError as error:
        raise WrongShapeError("its base64 is broken") from error


def _decoded(blob: bytes) -> str:
    try:
        return blob.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise WrongShapeError("its text is not UTF-8") from error


def _two(found: object) -> tuple[Any, Any]:
    both = sequence(found)
    if len(both) != 2:  # noqa: PLR2004  # a pair
        raise WrongShapeError("a pair is missing")
    return both[0], both[1]
