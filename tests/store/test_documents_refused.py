"""What comes from a remote may be an attack, or from a newer version: it is refused as a whole, with a sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from llm_session_memory.errors import LogUnusable, RemoteFailed
from llm_session_memory.model.remotes import Document
from llm_session_memory.store import Log, documents, temporary_log
from tests.store.test_documents import ANN, opened, read
from tests.world.everything import write_world

Documents = dict[str, Document]


@pytest.fixture(name="log", scope="module")
def _log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    path = tmp_path_factory.mktemp("world") / "logs.db"
    write_world(path)
    with opened(path) as memory:
        yield memory.desk.log


@pytest.fixture(name="good", scope="module")
def _good(log: Log) -> Documents:
    return read(log)


def test_no_space_for_the_temporary_log_is_a_sentence(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that the temporary log is what has no space, and where it can go."""
    monkeypatch.setattr(temporary_log, "_hurry", lambda temporary: temporary.run("pragma max_page_count = 2"))
    with (
        pytest.raises(LogUnusable, match="temporary log .* database or disk is full") as raised,
        documents.empty_log(log),
    ):
        pass
    assert "SQLITE_TMPDIR" in str(raised.value.hint)


def first(some: Documents, kind: str, table: str = "") -> Document:
    """Return the first document of a kind, with rows of a table."""
    return next(one for one in some.values() if one.kind == kind and (not table or table in one.rows))


def with_value(kind: str, table: str, column: str, value: Any) -> Callable[[Documents], Document]:
    """Return what gives a document another value in a row."""

    def changed(some: Documents) -> Document:
        one = first(some, kind, table)
        row, *more = one.rows[table]
        return replace(one, rows={**one.rows, table: [{**row, column: value}, *more]})

    return changed


def without_column(kind: str, table: str, column: str) -> Callable[[Documents], Document]:
    """Return what takes a column away from a row."""

    def changed(some: Documents) -> Document:
        one = first(some, kind, table)
        row = {name: value for name, value in one.rows[table][0].items() if name != column}
        return replace(one, rows={**one.rows, table: [row, *one.rows[table][1:]]})

    return changed


def with_field(of: str, **fields: Any) -> Callable[[Documents], Document]:
    """Return what changes something of a document itself."""
    return lambda some: replace(first(some, of), **fields)


def with_rows(kind: str, table: str, *rows: dict[str, Any]) -> Callable[[Documents], Document]:
    """Return what gives a document other rows of a table."""
    return lambda some: replace(first(some, kind), rows={**first(some, kind).rows, table: list(rows)})


DEEP = "[" * 100_000

REFUSED: dict[str, tuple[str, Callable[[Documents], Document]]] = {
    "a text that was changed": ("not what its hash says", with_value("message", "parts", "text", "Pay me.")),
    "a fragment that was changed": ("not what its hash says", with_value("fragment", "fragments", "content", "x")),
    "an attachment that was changed": ("what its hash says", with_value("attachment", "attachments", "content", b"x")),
    "a role that was changed": ("not what its hash says", with_value("message", "messages", "role", "system")),
    "another hash": ("about something else", with_value("message", "messages", "hash", "b2:0")),
    "a part of another message": ("about something else", with_value("message", "parts", "message_hash", "b2:0")),
    "a part with another number": ("wrong number", with_value("message", "parts", "id", 7)),
    "a fragment with another number": ("something else", with_value("fragment", "fragments", "id", 7)),
    "a call of another conversation": ("another conversation", with_value("turn", "turns", "thread_id", "x")),
    "a note of another conversation": ("something else", with_value("thread", "memory_notes", "thread_id", "x")),
    "a number for a text": ("wrong type", with_value("turn", "turns", "model", 7)),
    "bytes for a text": ("wrong type", with_value("message", "parts", "text", b"x")),
    "a truth value": ("wrong type", with_value("turn", "turns", "input_tokens", True)),
    "a list": ("wrong type", with_value("turn", "turns", "input_tokens", [1])),
    "a number beyond 64 bits": ("wrong type", with_value("turn", "turns", "input_tokens", 1 << 63)),
    "a number that is none": ("wrong type", with_value("turn", "turns", "input_tokens", float("nan"))),
    "half a character": ("wrong type", with_value("message", "parts", "text", "\ud800")),
    "no mark": ("wrong type", with_value("thread", "memory_sessions", "name", None)),
    "a name for the terminal": ("the name", with_value("thread", "memory_sessions", "name", "a\x1b[2J")),
    "a blank name": ("the name", with_value("thread", "memory_sessions", "name", " ")),
    "a missing name": ("is missing", without_column("thread", "memory_sessions", "name")),
    "a missing id": ("is missing", without_column("turn", "turns", "id")),
    "options that are no JSON": ("the JSON", with_value("thread", "memory_sessions", "options_json", "{")),
    "options that are a list": ("the JSON", with_value("thread", "memory_sessions", "options_json", "[]")),
    "JSON without end": ("the JSON", with_value("thread", "memory_sessions", "options_json", DEEP)),
    "no key": ("is missing", with_field("turn", key="")),
    "no conversation": ("is missing", with_field("turn", thread_id="")),
    "a key without end": ("too long", with_field("turn", key="x" * 5_000)),
    "a place that is none": ("not a number", with_field("turn", place="1")),
    "a missing text": ("not there", with_field("turn", refs=("message b2:0",))),
    "a schema that is not there": ("refer to something", with_value("turn", "turns", "schema_id", "x")),
    "an end that is not there": ("refer to something", with_value("thread", "threads", "tip_message_hash", "b2:0")),
    "an attachment that is not there": (
        "refer to something",
        lambda some: with_rows(
            *("message", "part_attachments"),
            {"part_id": first(some, "message").rows["parts"][0]["id"], "order": 0, "attachment_id": "x"},
        )(some),
    ),
    "a fragment that is not there": (
        "refer to something",
        lambda some: with_rows(
            *("turn", "turn_fragments"),
            {"turn_id": first(some, "turn").key, "fragment_id": 7, "kind": "prompt", "order": 0},
        )(some),
    ),
    "two calls in one": (
        "one row",
        lambda some: with_rows("turn", "turns", *map(dict, [*first(some, "turn").rows["turns"]] * 2))(some),
    ),
    "a change of another conversation": (
        "another conversation",
        with_rows(
            *("thread", "memory_changes"),
            {"kind": "note", "thread_id": "x", "key": "", "changed_utc": "9", "removed": 1},
        ),
    ),
    "settings of a project that it is not in": (
        "a project that it is not in",
        with_rows("thread", "memory_projects", {"name_key": "x", "name": "x", "created_utc": "9"}),
    ),
    "a change of a project that it is not in": (
        "a project that it is not in",
        with_rows(
            *("thread", "memory_changes"),
            {"kind": "project", "thread_id": "", "key": "x", "changed_utc": "9", "removed": 1},
        ),
    ),
    "a prompt that is being sent": (
        "being sent",
        with_value("thread", "memory_attempts", "request_json", '{"process": [1, "x"]}'),
    ),
    "a mark that is none": (
        "don't fit together",
        lambda some: with_rows(
            *("thread", "memory_ratings"),
            {
                "thread_id": first(some, "thread").key,
                "turn_id": "x",
                "person": ANN,
                "mark": "11",
                "note": "",
                "rated_utc": "",
            },
        )(some),
    ),
    "an unknown kind": ("newer version", with_field("turn", kind="\x1b[2Jhologram")),
    "an unknown table": ("newer version", with_rows("turn", "turn_holograms", {"turn_id": "x"})),
    "a table of others": ("newer version", with_rows("turn", "memory_log_settings", {"key": "x", "value": "y"})),
    "an unknown column": ("newer version", with_value("turn", "turns", 'id") values (1); --', "x")),
}


@pytest.mark.parametrize(("says", "change"), REFUSED.values(), ids=REFUSED.keys())
def test_a_document_that_is_not_what_it_says_is_refused(
    log: Log, good: Documents, says: str, change: Callable[[Documents], Document]
) -> None:
    """The sentence says what is wrong, without control characters, and nothing of the batch is kept."""
    bad = change(good)
    batch = [bad if (one.kind, one.key) == (bad.kind, bad.key) else one for one in good.values()]
    if bad not in batch:
        batch.append(bad)
    with documents.empty_log(log) as made:
        with pytest.raises(RemoteFailed, match=says) as caught:
            documents.fill(made, batch, names={}, person=ANN)
        assert "\x1b" not in str(caught.value)
        assert "Nothing was" in str(caught.value)
        tables = [name for (name,) in made.tuples("select name from sqlite_master where type = 'table'")]
        kept = {name: made.value(f'select count(*) from "{name}"') for name in tables if "_fts" not in name}
        assert {name for name, count in kept.items() if count} <= {"_llm_migrations", "_sqlite_migrations", *WORDS}


WORDS = ("memory_words_data", "memory_words_config")


def test_a_column_of_a_later_version_may_be_missing(log: Log, good: Documents) -> None:
    """What an older version sent lacks columns that are null or have a default: they get these."""
    thread = with_value("thread", "memory_sessions", "name", "work")(good)
    thread = without_column("thread", "memory_sessions", "guard")({thread.ref: thread})
    thread = without_column("thread", "memory_sessions", "private")({thread.ref: thread})
    with documents.empty_log(log) as made:
        documents.fill(made, {**good, thread.ref: thread}.values(), names={}, person=ANN)
        assert made.tuples("select private, guard from memory_sessions") == [(0, None)]


def test_what_comes_twice_is_refused_unless_it_is_content(log: Log, good: Documents) -> None:
    """The same message may come from the log and from the remote; the same call may not."""
    every = [*good.values()]
    with documents.empty_log(log) as made:
        documents.fill(made, [*every, *(one for one in every if not one.thread_id)], names={}, person=ANN)
    with documents.empty_log(log) as made, pytest.raises(RemoteFailed, match="came twice"):
        documents.fill(made, [*every, first(good, "turn")], names={}, person=ANN)


def test_a_temporary_log_is_private_and_gone_afterwards(log: Log) -> None:
    """Nobody else may read it, and nothing of it is left."""
    with documents.empty_log(log) as made:
        path = made.path
        assert path.parent.stat().st_mode & 0o077 == 0
        with sqlite3.connect(path) as seen:
            assert seen.execute("select count(*) from turns").fetchone() == (0,)
        seen.close()
    assert not path.exists()
