"""Tables and chats of other tools in a log: which kind a file is, what comes, and what comes the second time."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.interchange.foreign.arriving import into
from llm_session_memory.interchange.foreign.registry import recognised
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.rules.safe_text import visible
from tests.interchange.foreign.test_chats import CALL, HELLO
from tests.interchange.foreign.test_tables import GENERIC, OLLAMA_PROMPT, QV, UUIDS
from tests.interchange.foreign.world import came, names, texts
from tests.interchange.world import copied, exported, import_lines, rows
from tests.world.laws import tried

SHARED = [{"from": "human", "value": "Hello."}, {"from": "gpt", "value": "Good day."}]
AT = "2026-03-01T08:00:00"

TEXTS = {
    "openai": json.dumps({"messages": HELLO}) + "\n",
    "openai, list": json.dumps(HELLO),
    "sharegpt": json.dumps([{"conversations": SHARED}]),
    "csv": "session,prompt,reply\nwork,Hello.,Good day.\n",
}
DATABASES = {
    "sqlite": f"{GENERIC} insert into messages (id, session_id, role, content) values (1, 1, 'user', 'Hello.'),"
    " (2, 1, 'assistant', 'Good day.')",
    "qv-session-manager": f"{QV} insert into messages values ('a', '{UUIDS[0]}', 'user', 'Hello.', '{AT}', '{{}}'),"
    f" ('b', '{UUIDS[0]}', 'assistant', 'Good day.', '{AT}', '{{}}')",
    "ollama-prompt": f"{OLLAMA_PROMPT} insert into sessions values ('{UUIDS[0]}', '', '{AT}', '{AT}', 64000,"
    f" '{json.dumps({'messages': HELLO})}', null, 'llama3', null)",
}


def file_of(folder: Path, kind: str) -> Path:
    """Write a file of a kind, under a name that says nothing."""
    path = folder / "work"
    if kind in TEXTS:
        path.write_text(TEXTS[kind], "utf-8")
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(DATABASES[kind])
    return path


def imported(log: Path, path: Path) -> list[tuple[str | None, int]]:
    """Import a file of whatever kind, and return the sessions that got exchanges."""
    source = SourceFile(path)
    format_ = recognised(source)
    assert format_ is not None
    return came(into(log, source, format_))


@pytest.mark.parametrize("kind", [*TEXTS, *DATABASES])
def test_a_file_is_recognised_by_looking_at_it(fresh: Path, tmp_path: Path, kind: str) -> None:
    """Each kind is taken for what it is; its conversation comes once, and the second time nothing does."""
    path = file_of(tmp_path, kind)
    found = recognised(SourceFile(path))
    assert found is not None
    assert found.source == kind.partition(",")[0]
    ((name, count),) = imported(fresh, path)
    assert (count, texts(fresh, str(name))) == (1, ["Hello. > Good day."])
    assert imported(fresh, path) == []


def test_a_table_that_has_grown_brings_only_what_is_new(fresh: Path, tmp_path: Path) -> None:
    """A session goes on where it was, and another one of the same file is not mixed with it."""
    path = tmp_path / "work.csv"
    head = "session,role,content\n"
    path.write_text(f"{head}work,user,Hello.\nwork,assistant,Good day.\nwork,user,When?\n")
    assert imported(fresh, path) == [("work", 1)]
    path.write_text(f"{path.read_text()}work,assistant,4 May.\nplay,user,Hello.\nplay,assistant,Good day.\n")
    assert imported(fresh, path) == [("work", 1), ("play", 1)]
    assert texts(fresh, "work") == ["Hello. > Good day.", "When? > 4 May."]


def test_training_data_may_say_the_same_twice(fresh: Path, tmp_path: Path) -> None:
    """Two lines that are equal are two sessions, and stay two."""
    path = tmp_path / "train.jsonl"
    path.write_text(TEXTS["openai"] * 2)
    assert len(imported(fresh, path)) == 2
    assert imported(fresh, path) == []
    assert len(names(fresh)) == 2


def test_tools_come_back_from_training_data(fresh: Path, other: Path, tmp_path: Path) -> None:
    """What was exported in OpenAI's format has its calls, results, tools and system prompts again."""
    tool = {
        "type": "function",
        "function": {"name": "tides", "description": "Looks.", "parameters": {"type": "object"}},
    }
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "When is low water?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "09:42"},
        {"role": "assistant", "content": "At 09:42."},
        {"role": "system", "content": "Be long."},
        *HELLO,
    ]
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"messages": messages, "tools": [tool]}))
    ((name, _),) = imported(fresh, path)
    again = exported(fresh, str(name), "openai")
    assert json.loads(again) == {"messages": messages, "tools": [tool]}
    path.write_text(again)
    ((name, _),) = imported(other, path)
    assert exported(other, str(name), "openai") == again


WORDS = st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and visible(text) == text and "<" not in text)


@tried(40, few=4)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4, unique_by=lambda said: said[0]))
def test_what_is_exported_can_be_imported(
    template: Path, tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, str]]
) -> None:
    """Prompts and replies are the same after a way through CSV, and after one through OpenAI's format."""
    folder = tmp_path_factory.mktemp("law")
    log = copied(template, folder / "logs.db")
    import_lines(log, [{"prompt": prompt, "response": reply} for prompt, reply in said])
    expected = rows(log, "select prompt, response from turn_search order by rowid")
    for format_, file in (("csv", "work.csv"), ("openai", "work.jsonl")):
        path = folder / file
        path.write_text(exported(log, "work", format_), "utf-8", newline="")
        other = copied(template, folder / f"{format_}.db")
        imported(other, path)
        assert rows(other, "select prompt, response from turn_search order by rowid") == expected


def test_a_long_table_is_read_row_by_row(fresh: Path, tmp_path: Path) -> None:
    """Cells may be longer than Python's reader allows at first."""
    path = tmp_path / "long.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("prompt", "reply"), ("word " * 60_000, "Good day.")])
    assert imported(fresh, path) == [("long", 1)]
