"""Documents for tests of remotes: plain ones, and any that a log could hold, for laws."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from llm_session_memory.model.remotes import CONTENT, KINDS, Document

BIG = 2**63


def content(key: str, kind: str = "message", text: str = "x", refs: tuple[str, ...] = ()) -> Document:
    """Return content."""
    return Document(kind, key, {"messages": [{"hash": key, "role": text}]}, refs=refs, machine="m", person="p")


def turn(key: str, thread: str = "t", stamp: int = 1, refs: tuple[str, ...] = (), at: str = "2026-11-29") -> Document:
    """Return a turn, or a response if its key begins so."""
    kind = "response" if key.startswith("r") else "turn"
    rows = {f"{kind}s": [{"id": key, "datetime_utc": at}]}
    return Document(kind, key, rows, thread, refs, 1, "m-2026-11", stamp, "m", "p")


def thread(key: str, name: str = "work", stamp: int = 1, tags: tuple[str, ...] = ()) -> Document:
    """Return a conversation with a name, a project and tags."""
    rows: dict[str, list[dict[str, Any]]] = {
        "memory_sessions": [{"thread_id": key, "name": name, "project": "bridge"}],
        "memory_projects": [{"name_key": "bridge", "name": "Bridge"}],
        "memory_tags": [{"thread_id": key, "tag": tag} for tag in tags],
    }
    return Document("thread", key, rows, key, (), 0, "s-00", stamp, "m", "p")


def tombstone(key: str, bucket: str = "t-00", stamp: int = 1) -> Document:
    """Return a tombstone."""
    return Document("tombstone", key, {"memory_tombstones": [{"id": key}]}, "", (), 0, bucket, stamp, "m", "p")


def said(document: Document) -> str:
    """Return a text that is the same only for documents that are equal to the last bit, types and -0.0 included."""
    rows = {
        table: [sorted((column, type(value).__name__, repr(value)) for column, value in row.items()) for row in rows]
        for table, rows in sorted(document.rows.items())
    }
    return repr((*_head(document), rows))


def _head(document: Document) -> tuple[Any, ...]:
    d = document
    return (d.kind, d.key, d.thread_id, sorted(d.refs), d.place, d.bucket, d.stamp, d.machine, d.person)


TEXTS = st.text(st.characters(exclude_categories=()), max_size=12)
"""Any text of a log, with NUL and halves of characters."""

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)
"""Names of tables and columns: SQLite has none with NUL."""

INTEGERS = st.integers(-BIG, BIG - 1) | st.sampled_from([-BIG, BIG - 1, 2**53 + 1, 0])
FLOATS = st.floats(allow_nan=False) | st.sampled_from([-0.0, 1.0, 5e-324])
"""Without nan, because SQLite holds null in its place."""

VALUES = st.none() | TEXTS | INTEGERS | FLOATS | st.binary(max_size=12)
ROWS = st.dictionaries(NAMES, st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=2), max_size=2)
KEYS = st.text(st.characters(exclude_categories=()), min_size=1, max_size=8)


@st.composite
def any_documents(draw: st.DrawFn) -> list[Document]:
    """Draw documents of all kinds, each with refs to content before it."""
    made: dict[tuple[str, str], Document] = {}
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    for kind in sorted(kinds, key=KINDS.index):
        refs = [one.ref for one in made.values() if one.kind in CONTENT]
        chosen = tuple(draw(st.lists(st.sampled_from(refs), unique=True))) if refs else ()
        document = draw(any_document(kind, chosen))
        made.setdefault((kind, document.key), document)
    return list(made.values())


@st.composite
def any_document(draw: st.DrawFn, kind: str, refs: tuple[str, ...] = ()) -> Document:
    """Draw a document of one kind."""
    key = draw(KEYS)
    owner = {"thread": key, "turn": draw(KEYS), "response": draw(KEYS)}.get(kind, "")
    bucket = {"turn": "m-2026-11", "response": "m-2026-10", "thread": "s-3f", "tombstone": "t-3f"}.get(kind, "")
    stamp = draw(INTEGERS) if kind not in CONTENT else 0
    place = draw(st.integers(1, 2**31 - 1)) if kind in ("turn", "response") else 0
    return Document(kind, key, draw(ROWS), owner, refs, place, bucket, stamp, draw(TEXTS), draw(TEXTS))
