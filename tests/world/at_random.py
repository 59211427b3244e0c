"""A log with rows that belong together as chance wills: equal times, missing models, odd texts. No figure is right."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random

from llm_session_memory.store.schema import migrations
from tests.world.logs import LogBuilder

_WORDS = ("pier", "Pier", "", "tide 7", "Été", "a%b", 'it\'s \\ "so"', "pier\n tide", "über", "日本語", None)
_MODELS = ("gpt-4o-mini", "claude-sonnet-4.5", "ollama/llama3", "nobody's", None)
_JSON = ('{"a": 1, "b": {"c": 2.5, "d": [3, 4]}}', "{}", '["tide", "rain"]', "no json", '{"prompt_tokens": 7}', None)
_LIMITED: dict[str, Sequence[object]] = {
    "better": ("a", "b", "="),
    "blind": (0, 1),
    "mark": ("up", "down", "1", "2", "3", "4", "5"),
    "kind": ("thread", "turn", "message"),
    "role": ("user", "assistant", "tool", "system"),
    "side": (0, 1, 2, 3),
    "author": ("you", "gpt-4o-mini"),
    "policy": ("recall", "window"),
    "memory": ("recall", "window", None),
    "private": (0, 1, None),
    "project": ("bridge", "empty", None),
    "name_key": ("bridge", "empty", "piers"),
    "tag_key": ("a", "b"),
    "number": (1, 2, 3, 40),
    "start_number": (1, 2, None),
    "rank": range(9),
    "position": range(9),
}
_PAYLOADS = (
    '{"arguments": {"place": "Lis bon", "n": [1, 2]}, "output": "no tide", "exception": "ValueError: 7"}',
    *_JSON,
)


def write_at_random(path: Path, seed: int, rows: int = 40) -> None:
    """Write about this many rows into each table that a remote may have."""
    chance = Random(seed)
    with LogBuilder(path) as log:
        migrations().apply(log.db)
    connection = sqlite3.connect(path)
    tables = [
        name
        for (name,) in connection.execute(
            "select name from sqlite_master where type = 'table' and sql not like '%virtual%'"
        )
        if not name.startswith(("_", "sqlite", "memory_words", "memory_job", "memory_changes")) and "_fts" not in name
    ]
    for table in tables:
        columns = connection.execute("select name, type, pk from pragma_table_info(?)", [table]).fetchall()
        for place in range(rows):
            values = [
                made if (made := _value(chance, table, name, kind, place)) is not None or not key else f"k{place:02}"
                for name, kind, key in columns
            ]
            marks = ", ".join("?" * len(columns))
            connection.execute(f"insert or ignore into {table} values ({marks})", values)
    connection.commit()
    connection.close()


def _value(chance: Random, table: str, name: str, kind: str, place: int) -> object:
    """Return what a row has in a column: made by the first maker that fits the column's name, or else its type."""
    if table == "memory_sessions" and name in ("name", "name_key"):
        return f"s{place // 2}" if name == "name" else f"s{place}"
    if table == "parts" and name == "type":
        return chance.choice(("text", "reasoning", "tool_call", "tool_result"))
    if name in _LIMITED:
        return chance.choice(_LIMITED[name])
    return _maker(f"{kind} {table}.{name}")(chance, place)


@cache
def _maker(column: str) -> Callable[[Random, int], object]:
    """Return what makes the values of a column."""
    fitting = (make for pattern, make in _BY_NAME.items() if re.fullmatch(pattern, column, re.IGNORECASE))
    return next(fitting, lambda chance, _: chance.choice(_WORDS))


def _moment(chance: Random, place: int) -> str:
    del place
    day = chance.choice(("2026-08-31", "2026-09-01", "2026-09-02", "2025-12-31"))
    seconds = chance.choice(("00", "01.5", "07.123456"))
    return f"{day}T{chance.randrange(24):02}:{chance.choice(('00', '59'))}:{seconds}+00:00"


_BY_NAME: dict[str, Callable[[Random, int], object]] = {
    r"integer \w+\.id": lambda _, place: place + 1,
    r"\w* turns\.id": lambda _, place: f"t{place:02}",
    r"\w* responses\.id": lambda _, place: f"t{place + 20:02}",
    r"\w* \w+\.id": lambda _, place: f"c{place:02}",
    r"integer \w+\.\w+_id": lambda chance, _: chance.randrange(1, 40),
    r"\w* \w+\.(attachment|schema)_id": lambda chance, _: f"c{chance.randrange(8):02}",
    r"\w* \w+\.hash": lambda _, place: f"h{place:02}",
    # An older one, as a chain has no end otherwise; some begin one.
    r"\w* \w+\.parent_hash": lambda chance, place: None if place < 5 else f"h{chance.randrange(place):02}",
    r"\w* \w+_hash": lambda chance, place: f"h{chance.randrange(place + 1):02}",
    r"\w* (turns|responses|memory_recalls)\.(thread|conversation)_id": lambda chance, _: chance.choice(
        (f"c{chance.randrange(8):02}", None)
    ),
    r"\w* \w+\.(thread_id|from_thread_id|conversation_id)": lambda chance, _: f"c{chance.randrange(8):02}",
    r"\w* \w+\.(\w*turn_id|response_id|answered_by)": lambda chance, _: f"t{chance.randrange(40):02}",
    r"\w* \w+_utc": _moment,
    r"\w* \w+\.payload": lambda chance, _: chance.choice(_PAYLOADS),
    r"\w* \w+(_json|token_details)": lambda chance, _: chance.choice(_JSON),
    r"\w* \w+\.(resolved_)?model": lambda chance, _: chance.choice(_MODELS),
    r"integer \w+(tokens|_ms)": lambda chance, _: chance.choice((1, 2, 5, 40, 999, None)),
    r"integer .+": lambda chance, _: chance.randrange(1, 9),
    r"(real|float) .+": lambda chance, _: chance.choice((0.5, 2.25, 7.0)),
    r"blob .+": lambda chance, _: bytes(chance.randrange(5)),
}
"""What makes values, by a pattern of `TYPE TABLE.COLUMN`; the first that fits."""
