"""CSV, and the SQLite files of other tools, as conversations."""

from __future__ import annotations

import csv
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.interchange.foreign import (
    ollama_prompt,
    openai,
    qv_session_manager,
    sharegpt,
    sqlite_tables,
    table,
)
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.foreign.values import Losses
from llm_session_memory.interchange.lines import FileRefused
from tests.interchange.foreign.test_chats import of, spoken, written
from tests.interchange.world import exported, import_lines

DAY = "2026-03-01T08:00:00+00:00"
HELLO = [[("user", ["Hello."]), ("assistant", ["Good day."])]]
DEADLINE = [[("user", ["When?"]), ("assistant", ["4 May."])]]


def csv_of(folder: Path, rows: Sequence[Sequence[object]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """Write a CSV file."""
    path = folder / "chats.csv"
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path


def database_of(folder: Path, script: str, *rows: tuple[str, Sequence[Any]]) -> Path:
    """Write a SQLite file: its tables, and rows by the names of their tables."""
    path = folder / "chats.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(script)
        for name, values in rows:
            connection.execute(f"insert into {name} values ({', '.join('?' * len(values))})", values)
    return path


# -- CSV -------------------------------------------------------------------


def test_a_row_may_be_an_exchange(tmp_path: Path) -> None:
    """Rows of prompts and replies are exchanges, with what is known of them; unknown columns are counted."""
    head = (
        "Session",
        "Question",
        "Answer",
        "Model",
        "Created At",
        "Prompt Tokens",
        "completion_tokens",
        "cost",
        "mood",
    )
    rows = [
        ("work", "Hello.", "Good day.", "gpt-4o", "2026-03-01 08:00:00", "12", "3", "$0.5", "calm"),
        ("work", "When?", "4 May.", "gpt-4o", "", "", "", "0", ""),
        ("play", "Hello.", "Good day.", "", "", "", "", "", ""),
    ]
    losses = Losses()
    work, play = of(table.FORMAT, csv_of(tmp_path, [head, *rows]), losses)
    assert (spoken(work), spoken(play)) == ([HELLO, DEADLINE], [HELLO])
    assert (work.name, work.model, work.created_utc, play.name) == ("work", "gpt-4o", DAY, "play")
    turn = next(iter(work.exchanges)).turns[0]
    assert (turn.input_tokens, turn.output_tokens, turn.token_details) == (12, 3, {"cost": 0.5})
    assert losses.counts == {"the column mood": 1}
    assert work.key != play.key


@pytest.mark.parametrize("together", [True, False], ids=["together", "mixed"])
@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16")])
def test_a_row_may_be_a_message(tmp_path: Path, delimiter: str, encoding: str, together: bool) -> None:
    """Rows of messages become exchanges, in whatever order the sessions come, from whatever spreadsheet."""
    one = [("1", "human", "Hello."), ("1", "AI", "Good day.")]
    two = [("2", "user", "When?"), ("2", "bot", "4 May.")]
    rows = [*one, *two] if together else [one[0], two[0], one[1], two[1]]
    path = csv_of(tmp_path, [("chat_id", "role", "content"), *rows], delimiter, encoding)
    assert [spoken(made) for made in of(table.FORMAT, path)] == [[HELLO], [DEADLINE]]


def test_a_table_without_sessions_is_one(tmp_path: Path) -> None:
    """Without a column of sessions, the file's name is that of the only one; it is the same when it has grown."""
    rows = [("prompt", "reply", "system"), ("Hello.", "Good day.", "Be brief."), ("When?", "4 May.", "Be brief.")]
    (short,) = of(table.FORMAT, csv_of(tmp_path, rows[:2]))
    (made,) = of(table.FORMAT, csv_of(tmp_path, rows))
    assert (made.name, made.system, spoken(made)) == ("chats", "Be brief.", [HELLO, DEADLINE])
    assert [turn.has_system for exchange in made.exchanges for turn in exchange.turns] == [False, False]
    assert short.key == made.key


def test_our_own_table_comes_back(fresh: Path, tmp_path: Path) -> None:
    """What was exported as CSV is read as it was: formulas, line breaks, quotes and ratings."""
    said = [("=1+1", "- a list"), ("two\nlines", 'a "quote", a comma'), ("'=x", "'plain'")]
    lines: list[dict[str, Any]] = [{"prompt": asked, "response": reply, "model": "m"} for asked, reply in said]
    lines[0]["rating"] = {"mark": "down", "rated_utc": DAY}
    import_lines(fresh, lines)
    path = tmp_path / "work.csv"
    path.write_text(exported(fresh, "work", "csv"), "utf-8", newline="")
    (made,) = of(table.FORMAT, path)
    assert spoken(made) == [[[("user", [asked]), ("assistant", [reply])]] for asked, reply in said]
    assert (made.name, made.model, [one.rating for one in made.exchanges]) == ("work", "m", ["down", None, None])


CSV_REFUSED = [
    (b"prompt,reply,reply\na,b,c\n", "Line 1 of chats.csv names the column “reply” twice."),
    (b"prompt,reply\na,b\na,b,c\n", "Line 3 of chats.csv has 3 cells, but the first line names 2 columns."),
    (b'prompt,reply\n"two\nlines",b\n"a"x,b\n', "Line 4 of chats.csv is not CSV"),
    (b'prompt,reply\na,"b\n', "Line 2 of chats.csv is not CSV"),
    (b"prompt,reply\na,caf\xe9\n", "chats.csv is not UTF-8 text, at or after line 1."),
]


@pytest.mark.parametrize(("content", "sentence"), CSV_REFUSED)
def test_what_is_no_csv_is_named_with_its_line(tmp_path: Path, content: bytes, sentence: str) -> None:
    """A damaged row is refused with the line that it begins in."""
    path = tmp_path / "chats.csv"
    path.write_bytes(content)
    with pytest.raises(FileRefused) as refused:
        of(table.FORMAT, path)
    assert refused.value.message.startswith(sentence)


@pytest.mark.parametrize("first", ["a,b\n", "prompt\n", "prompt,mood\n", '{"prompt": 1, "reply": 2}\n', "", "\x00\x01"])
def test_only_named_columns_are_a_table(tmp_path: Path, first: str) -> None:
    """A file is a table of conversations if its first row says so."""
    assert not table.FORMAT.recognises(SourceFile(written(tmp_path, first, "chats.txt")))


def test_a_table_of_something_else_is_told_what_it_lacks(tmp_path: Path) -> None:
    """If the name says that a file is a table, the error is about its columns."""
    with pytest.raises(FileRefused, match=r"Line 1 of chats\.csv does not name the columns of a conversation"):
        table.FORMAT.recognises(SourceFile(written(tmp_path, "a,b\n1,2\n", "chats.csv")))


def test_a_model_that_nobody_knows_is_none(tmp_path: Path) -> None:
    """What we wrote for a model that was not known is not taken for the name of one."""
    rows = [("prompt", "reply", "model"), ("Hello.", "Good day.", "unknown")]
    (made,) = of(table.FORMAT, csv_of(tmp_path, rows))
    assert made.model is None


# -- SQLite ------------------------------------------------------------------

GENERIC = """
    create table sessions (id integer primary key, title text, model text, created_at text, mood text);
    create table messages (id integer primary key, session_id integer, role text, content text,
        input_tokens integer, output_tokens integer, cost real, latency_ms integer, embedding blob);
"""


def generic(folder: Path, *more: tuple[str, Sequence[Any]]) -> Path:
    """Write a SQLite file with two sessions whose messages are mixed."""
    return database_of(
        folder,
        GENERIC,
        ("sessions", (1, "Bridge", "gpt-4o", DAY, "calm")),
        ("sessions", (2, None, "llama3", None, None)),
        ("sessions", (3, "Empty", None, None, None)),
        ("messages", (1, 1, "user", "Hello.", 0, 0, 0, 0, None)),
        ("messages", (2, 2, "user", "When?", None, None, None, None, None)),
        ("messages", (3, 1, "assistant", "Good day.", 12, 3, 0.5, 700, b"x")),
        ("messages", (4, 2, "assistant", "4 May.", None, None, None, None, None)),
        ("messages", (5, 9, "user", "Hello.", None, None, None, None, None)),
        ("messages", (6, 9, "assistant", "Good day.", None, None, None, None, None)),
        *more,
    )


def test_tables_of_sessions_and_messages(tmp_path: Path) -> None:
    """Messages are joined to their sessions, also those of a session that is gone; nothing is dropped silently."""
    losses = Losses()
    one, two, gone = of(sqlite_tables.FORMAT, generic(tmp_path), losses)
    assert [spoken(made) for made in (one, two, gone)] == [[HELLO], [DEADLINE], [HELLO]]
    assert (one.name, one.model, one.created_utc, two.name, two.model) == ("Bridge", "gpt-4o", DAY, None, "llama3")
    turn = next(iter(of(sqlite_tables.FORMAT, tmp_path / "chats.db")[0].exchanges)).turns[0]
    assert (turn.input_tokens, turn.output_tokens, turn.duration_ms) == (12, 3, 700)
    assert turn.token_details == {"cost": 0.5}
    assert losses.counts == {
        "the column mood of the table sessions": 1,
        "the column embedding of the table messages": 1,
        "a row of the table sessions without messages": 1,
    }


def test_a_time_in_another_form_is_counted(tmp_path: Path) -> None:
    """A spreadsheet may write 01.03.2026, which is a day in March or in January: it is said, not guessed."""
    rows = [("prompt", "reply", "date"), ("Hi", "Hello", "01.03.2026 08:00"), ("Bye", "Bye", ""), ("So", "So", "0")]
    losses = Losses()
    (made,) = of(table.FORMAT, csv_of(tmp_path, rows), losses)
    assert next(iter(made.exchanges)).turns[0].datetime_utc == ""
    assert losses.counts == {"a time that is not like 2026-03-01 08:00": 1}


def test_the_same_number_in_two_files_is_not_the_same_session(tmp_path: Path) -> None:
    """A session is known by its number and its beginning, so it stays the same when it goes on, and only then."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    first = of(sqlite_tables.FORMAT, generic(here))
    more = of(sqlite_tables.FORMAT, generic(there, ("messages", (7, 1, "user", "And?", 0, 0, 0, 0, None))))
    assert [one.key for one in first] == [one.key for one in more]
    assert len({one.key for one in first}) == 3
    other = database_of(tmp_path, GENERIC, ("messages", (1, 1, "user", "Another.", 0, 0, 0, 0, None)),
                        ("messages", (2, 1, "assistant", "Yes.", 0, 0, 0, 0, None)))  # fmt: skip
    assert of(sqlite_tables.FORMAT, other)[0].key not in {one.key for one in first}


def test_rows_are_in_the_order_in_which_they_were_said(tmp_path: Path) -> None:
    """A column of numbers orders messages; without one and without numbered rows, their time does."""
    script = (
        "create table chats (uuid text); create table chat_messages (id text primary key, chat_id text, sender text,"
    )
    said = [("b", "x", "assistant", "Good day."), ("a", "x", "user", "Hello.")]
    by_number = [("chat_messages", (*values, number)) for values, number in zip(said, (2, 1), strict=True)]
    path = database_of(tmp_path, f"{script} text text, seq integer)", *by_number)
    assert [spoken(made) for made in of(sqlite_tables.FORMAT, path)] == [[HELLO]]
    path.unlink()
    by_time = [("chat_messages", (*values, at)) for values, at in zip(said, ("2026-03-02", "2026-03-01"), strict=True)]
    path = database_of(tmp_path, f"{script} text text, created_at text)", *by_time)
    assert [spoken(made) for made in of(sqlite_tables.FORMAT, path)] == [[HELLO]]


QV = """
    create table conversations (id text primary key, title text, model_name text, created_at text, updated_at text,
        metadata text);
    create table messages (id text primary key, conversation_id text, role text, content text, created_at text,
        metadata text);
"""
UUIDS = [f"3f2b8c1e-0000-4000-8000-00000000000{number}" for number in range(5)]


@pytest.fixture(name="lisbon_in_summer")
def _lisbon_in_summer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that is an hour before UTC."""
    if not hasattr(time, "tzset"):
        pytest.skip("Windows has no tzset")
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "WEST-1")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("lisbon_in_summer")
def test_qv_session_manager(tmp_path: Path) -> None:
    """Conversations have their ids, titles and facts; what is said of a single message is counted."""
    path = database_of(
        tmp_path,
        QV,
        ("conversations", (UUIDS[0], "Bridge", "llama3", DAY, DAY, '{"place": "Lisbon"}')),
        ("messages", (UUIDS[3], UUIDS[0], "assistant", "Good day.", "2026-03-01T08:00:05", '{"done": true}')),
        ("messages", (UUIDS[1], UUIDS[0], "system", "Be brief.", "2026-03-01T08:00:00", "{}")),
        ("messages", (UUIDS[2], UUIDS[0], "user", "Hello.", "2026-03-01T08:00:01", "{}")),
        ("messages", (UUIDS[4], UUIDS[0], "tool", "09:42", "2026-03-01T08:00:06", '{"function_name": "tides"}')),
    )
    losses = Losses()
    (made,) = of(qv_session_manager.FORMAT, path, losses)
    ((first, looked_up),) = (exchange.turns for exchange in made.exchanges)
    assert (first.input[0].text, first.output[0].text) == ("Hello.", "Good day.")
    assert (first.datetime_utc, looked_up.input[0].parts[0].data["name"]) == ("2026-03-01T07:00:01+00:00", "tides")
    assert (made.key, made.name, made.model, made.system) == (UUIDS[0], "Bridge", "llama3", "Be brief.")
    assert made.meta == {"place": "Lisbon"}
    assert losses.counts == {"the column metadata of the table messages": 1}


OLLAMA_PROMPT = """
    create table sessions (session_id text primary key, context text not null default '', created_at timestamp,
        last_used timestamp, max_context_tokens integer default 64000, history_json text, metadata_json text,
        model_name text, system_prompt text);
"""


@pytest.mark.usefixtures("lisbon_in_summer")
def test_ollama_prompt(tmp_path: Path) -> None:
    """Messages come out of the JSON in a row. Its tokens are an estimate, so they are not kept."""
    messages = [
        {"role": "user", "content": "Hello.", "timestamp": "2026-03-01T08:00:00", "tokens": 1},
        {"role": "assistant", "content": "Good day.", "timestamp": "2026-03-01T08:00:00", "tokens": 2},
    ]
    row = (UUIDS[0], "User: Hello.", "2026-03-01T08:00:00.123456", DAY, 64000, json.dumps({"messages": messages}), None)
    path = database_of(
        tmp_path,
        OLLAMA_PROMPT,
        ("sessions", (*row, "llama3", "Be brief.")),
        ("sessions", (UUIDS[1], "", DAY, DAY, 64000, '{"messages": []}', None, "llama3", None)),
        ("sessions", (UUIDS[2], "", DAY, DAY, 64000, '{"mess', None, "llama3", None)),
    )
    losses = Losses()
    (made,) = of(ollama_prompt.FORMAT, path, losses)
    assert spoken(made) == [HELLO]
    assert (made.key, made.model, made.system) == (UUIDS[0], "llama3", "Be brief.")
    turn = next(iter(of(ollama_prompt.FORMAT, path)[0].exchanges)).turns[0]
    assert (turn.datetime_utc, turn.input_tokens, turn.output_tokens) == ("2026-03-01T07:00:00+00:00", None, None)
    assert losses.counts == {
        "an estimate of a message's tokens": 2,
        "a session without messages": 2,
        "a session whose messages are damaged": 1,
    }


def test_a_log_of_llm_is_none_of_them(fresh: Path) -> None:
    """llm's own tables, some of which have the same names, are left to `merge`, and the error says so."""
    assert not any(one.recognises(SourceFile(fresh)) for one in (qv_session_manager.FORMAT, ollama_prompt.FORMAT))
    with pytest.raises(FileRefused, match="fresh.db is a log of llm") as refused:
        sqlite_tables.FORMAT.recognises(SourceFile(fresh))
    assert "llm sessions merge FILE" in (refused.value.hint or "")


def test_a_view_is_never_read(tmp_path: Path) -> None:
    """The SQL of a view is the file's own, and could run for ever."""
    script = "create table t (a); create view messages as select 1 as session_id, 'user' as role, 'Hello.' as content"
    assert not sqlite_tables.FORMAT.recognises(SourceFile(database_of(tmp_path, script)))


def test_other_tables_are_counted(tmp_path: Path) -> None:
    """What is in other tables is said; indexes, and tables of extensions that are not here, say nothing."""
    script = f"""{GENERIC}
        create virtual table words using fts5(content); insert into words values ('Hello.');
        create table users (name); insert into users values ('Ana'), ('Rui');
        create table schema_version (number); insert into schema_version values (3);
        create table unused (a);
        pragma writable_schema = on;
        insert into sqlite_master values ('table', 'vec', 'vec', 0, 'create virtual table vec using vec0(a)');
    """
    said = (
        ("messages", (1, 1, "user", "Hello.", 0, 0, 0, 0, None)),
        ("messages", (2, 1, "ai", "Yes.", 0, 0, 0, 0, None)),
    )
    losses = Losses()
    assert len(of(sqlite_tables.FORMAT, database_of(tmp_path, script, *said), losses)) == 1
    assert losses.counts == {"a row of the table users": 2}


def test_cells_of_columns_without_a_name_are_counted(tmp_path: Path) -> None:
    """Columns without a name, as spreadsheets write them at the end, are counted if something is in them."""
    losses = Losses()
    rows = [("prompt", "reply", "", ""), ("Hello.", "Good day.", "", ""), ("When?", "4 May.", "", "beside")]
    (made,) = of(table.FORMAT, csv_of(tmp_path, rows), losses)
    assert (spoken(made), losses.counts) == ([HELLO, DEADLINE], {"the column 4": 1})


def test_a_damaged_database_is_a_sentence(tmp_path: Path) -> None:
    """Half a file is refused."""
    path = generic(tmp_path, *[("messages", (n, n, "user", "word " * 500, 0, 0, 0, 0, None)) for n in range(10, 200)])
    with path.open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"\xff" * 60_000)
    with pytest.raises(FileRefused, match=r"chats\.db can't be read: "):
        of(sqlite_tables.FORMAT, path)


def test_names_that_are_no_text_are_a_sentence(tmp_path: Path) -> None:
    """SQLite names a damaged table in its error, and Python can't decode that."""
    path = generic(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE sessions (id", b"CREATE TABLE sess\xf3ons id"))
    with pytest.raises(FileRefused, match=r"chats\.db can't be read: "):
        sqlite_tables.FORMAT.recognises(SourceFile(path))


def test_text_is_no_database(tmp_path: Path) -> None:
    """Formats of databases look only at databases, formats of text only at text."""
    assert not sqlite_tables.FORMAT.recognises(SourceFile(written(tmp_path, "prompt,reply\n")))
    database = SourceFile(generic(tmp_path))
    assert not any(one.recognises(database) for one in (table.FORMAT, openai.FORMAT, sharegpt.FORMAT))
