"""A log of 1,000,000 messages for the views: `python -m benchmarks.views_log FILE`.

Rows are like llm's, but written by plain SQL and with made-up hashes, because llm itself would need a day. There are
100,000 conversations, 5,000 of them only in the tables of an older llm; one session of 10,000 exchanges (`long`), one
of 50 (`short`), and some hundred more with a name. The turns of all conversations are interleaved in time.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from benchmarks.generate import Talk

CONVERSATIONS = 100_000
TURNS = 500_000
OLD = 5_000
LONG = 10_000
SHORT = 50
NAMED = 300

MODELS = ("gpt-4o-mini", "claude-sonnet-4.5", "ollama/llama3", "gemini/gemini-2.5-flash", "gpt-4o")
RARE = "zanzibar"
"""A word in one of 50,000 messages."""

COMMON = "bridge"
"""A word in every second exchange."""

_START = datetime(2024, 1, 1, tzinfo=timezone.utc)
_SECONDS = 170
_BATCH = 20_000
_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
_SQL = Path(__file__).parent.parent / "llm_session_memory" / "store" / "sql"


def ulid(moment: datetime, number: int) -> str:
    """Return an id for that time."""
    left, digits = int(moment.timestamp() * 1000), ""
    for _ in range(10):
        left, digit = divmod(left, 32)
        digits = _BASE32[digit] + digits
    return f"{digits}{number:016d}"


def write(
    path: Path, *, turns: int = TURNS, conversations: int = CONVERSATIONS, long: int = LONG, sessions: bool = True
) -> None:
    """Write the log. Without `sessions`, it looks as if our llm plugin never used it."""
    import sqlite_utils
    from llm.migrations import migrate

    database = sqlite_utils.Database(path)
    migrate(database)
    database.close()
    connection = sqlite3.connect(path)
    for migration in sorted(_SQL.glob("[0-9]*.sql")) if sessions else ():
        connection.executescript(migration.read_text("utf-8"))
    connection.executescript("pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -400000")
    filling = _Filling(connection, random.Random(1))
    filling.fill(turns, conversations, long)
    if sessions:
        filling.name()
    connection.commit()
    connection.executescript("pragma journal_mode = delete")
    connection.close()


class _Filling:
    def __init__(self, connection: sqlite3.Connection, rng: random.Random) -> None:
        self._connection, self._rng = connection, rng
        self._texts = list(Talk(2).exchanges(3_000))
        self._tips: dict[int, str] = {}
        self._ids: dict[int, str] = {}
        self._number = 0

    def fill(self, turns: int, conversations: int, long: int) -> None:
        """Write the conversations."""
        order = self._order(turns, conversations, long)
        old = {number for number in range(2, conversations) if number % (conversations // OLD or 20) == 0}
        batch: list[tuple[int, datetime]] = []
        for place, conversation in enumerate(order):
            moment = _START + timedelta(seconds=place * _SECONDS)
            if conversation in old:
                self._old(conversation, moment)
            else:
                batch.append((conversation, moment))
            if len(batch) == _BATCH:
                self._today(batch)
                batch.clear()
        self._today(batch)

    def _order(self, turns: int, conversations: int, long: int) -> list[int]:
        """Return the conversation of each turn, from the first to the last; conversations are interleaved."""
        keyed: list[tuple[float, int]] = [(self._rng.random() * turns, 0) for _ in range(long)]
        keyed += [(self._rng.random() * turns, 1) for _ in range(SHORT)]
        left = turns - len(keyed)
        for conversation in range(2, conversations):
            count = max(1, round(self._rng.expovariate(1 / (left / conversations))))
            start = self._rng.random() * turns
            keyed += [(start + self._rng.random() * 200, conversation) for _ in range(count)]
        keyed.sort()
        return [conversation for _, conversation in keyed[:turns]]

    def _text(self) -> tuple[str, str]:
        prompt, reply = self._rng.choice(self._texts)
        self._number += 1
        if self._number % 2:
            prompt = f"{prompt[: self._rng.randint(40, 160)]} the {COMMON}?"
        if self._number % 50_000 == 1:
            prompt += f" {RARE}"
        return f"{self._number}. {prompt}", reply[: self._rng.randint(80, 600)]

    def _today(self, batch: list[tuple[int, datetime]]) -> None:
        rows: dict[str, list[tuple[Any, ...]]] = {"threads": [], "turns": [], "messages": [], "parts": [], "search": []}
        for conversation, moment in batch:
            prompt, reply = self._text()
            turn_id = ulid(moment, self._number)
            if conversation not in self._ids:
                self._ids[conversation] = ulid(moment, self._number)
                rows["threads"].append((self._ids[conversation], prompt[:100], None, None, moment.isoformat(" ")))
            thread = self._ids[conversation]
            asked, answered = (f"{self._rng.getrandbits(256):064x}" for _ in range(2))
            rows["messages"].append((asked, self._tips.get(conversation), "user", None))
            rows["messages"].append((answered, asked, "assistant", None))
            rows["parts"] += [(asked, 0, "text", prompt), (answered, 0, "text", reply)]
            self._tips[conversation] = answered
            model = MODELS[conversation % len(MODELS)]
            tokens = (self._rng.randint(50, 9_000), self._rng.randint(10, 900), self._rng.randint(300, 20_000))
            rows["turns"].append((turn_id, thread, asked, answered, model, "{}", *tokens, moment.isoformat()))
            rows["search"].append((turn_id, prompt, reply))
        many = self._connection.executemany
        many("insert into threads values (?, ?, ?, ?, ?)", rows["threads"])
        many(
            "insert into turns (id, thread_id, parent_message_hash, tip_message_hash, model, options_json,"
            " input_tokens, output_tokens, duration_ms, datetime_utc) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows["turns"],
        )
        many("insert into messages values (?, ?, ?, ?)", rows["messages"])
        many("insert into parts (message_hash, position, type, text) values (?, ?, ?, ?)", rows["parts"])
        many("insert into turn_search (turn_id, prompt, response) values (?, ?, ?)", rows["search"])

    def _old(self, conversation: int, moment: datetime) -> None:
        prompt, reply = self._text()
        id_ = ulid(moment, self._number)
        model = MODELS[conversation % len(MODELS)]
        if conversation not in self._ids:
            self._ids[conversation] = id_
            self._connection.execute("insert into conversations values (?, ?, ?)", (id_, prompt[:100], model))
        tokens = (self._rng.randint(300, 20_000), moment.isoformat(), self._rng.randint(50, 9_000), 100)
        self._connection.execute(
            "insert into responses (id, model, prompt, response, conversation_id, duration_ms, datetime_utc,"
            " input_tokens, output_tokens, response_json) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (id_, model, prompt, reply, self._ids[conversation], *tokens, '{"usage": {}}'),
        )

    def name(self) -> None:
        """Give names to some conversations, which makes them sessions."""
        names = {0: "long", 1: "short"} | {number: f"session {number}" for number in range(3, 3 + NAMED)}
        for conversation, name in names.items():
            if conversation not in self._ids:
                continue
            thread = self._ids[conversation]
            self._connection.execute(
                "insert or ignore into memory_sessions (thread_id, name, name_key, created_utc, model, memory)"
                " values (?, ?, ?, '2024-01-01T00:00:00+00:00', ?, 'window')",
                (thread, name, name, MODELS[conversation % len(MODELS)]),
            )
            if name in ("long", "short"):  # a session's records about each turn
                self._connection.execute(
                    "insert into memory_blocks (id, thread_id, pinned_json, policy, budget, window_source, front,"
                    " oversized, reason, began_utc)"
                    " values (?, ?, '[]', 'window', 64000, '', 'x', 0, 'the first', '2024')",
                    (conversation + 1, thread),
                )
                self._connection.execute(
                    "insert into memory_contexts"
                    " (turn_id, thread_id, block_id, exchange_turn_id, number, base, estimate)"
                    " select id, thread_id, ?, id, row_number() over (order by id), 100, 1000"
                    " from turns where thread_id = ?",
                    (conversation + 1, thread),
                )


def main() -> None:
    """Write a log."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    write(parser.parse_args().file)


if __name__ == "__main__":
    main()
