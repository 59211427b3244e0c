"""Logs for the tests of the views: written by llm's own writer, with the tables that our llm plugin adds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import llm

from tests.world.logs import START, Call, LogBuilder, Said, written_once

SQL = Path(__file__).parent.parent.parent / "llm_session_memory" / "store" / "sql"

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20

MARKDOWN = """The **harbour office** signs off:

```python
def plan(week: int) -> str:
    return f"week {week}"  # foundations
```

| day | water |
|---|--:|
| 14 | 0.42 |

![a map](https://tides.example/map.png) and <b>raw</b>
"""

MEMORY_TABLES = """
create table if not exists memory_notes (
    id integer primary key, thread_id text, text text, author text, created_utc text);
create table if not exists memory_tags (thread_id text, tag text, tag_key text, primary key (thread_id, tag_key));
create table if not exists memory_meta (thread_id text, key text, value text, primary key (thread_id, key));
create table if not exists memory_passages (
    id integer primary key, thread integer, turn_id text, side integer, part integer, "start" integer, "end" integer,
    weight real, message_weight real);
create table if not exists memory_recalls (
    turn_id text, rank integer, passage_id integer, number integer, side integer, score real, tokens integer,
    words_json text, primary key (turn_id, rank)) without rowid;
create table if not exists memory_summaries (
    id integer primary key, thread_id text, text text, first_turn_id text, last_turn_id text, exchanges integer,
    model text, input_tokens integer, output_tokens integer, duration_ms integer, made_utc text);
create table if not exists memory_ratings (
    thread_id text, turn_id text, mark text, note text, rated_utc text, primary key (thread_id, turn_id));
create table if not exists memory_bookmarks (
    thread_id text, turn_id text, label text, created_utc text, primary key (thread_id, turn_id));
"""
"""The memory tables that the views read, as the llm plugin creates them."""


@dataclass
class Session:
    """What to write about a named session besides its turns."""

    thread_id: str
    name: str
    turns: list[str]
    model: str = "gpt-4o-mini"
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()
    created: str = "2026-09-01T07:59:00+00:00"
    attempts: list[tuple[str, str, str]] = field(default_factory=list)
    """id, prompt, error"""


def with_sessions(path: Path, *sessions: Session) -> None:
    """Make a log look as if our llm plugin had kept these sessions in it."""
    connection = sqlite3.connect(path)
    connection.executescript((SQL / "001_sessions.sql").read_text("utf-8"))
    connection.executescript(MEMORY_TABLES)
    if "project" not in {row[1] for row in connection.execute("pragma table_info(memory_sessions)")}:
        connection.executescript((SQL / "007_keeping.sql").read_text("utf-8"))
        connection.executescript((SQL / "008_recall.sql").read_text("utf-8"))
        connection.executescript((SQL / "009_file.sql").read_text("utf-8"))
        connection.executescript((SQL / "010_jobs.sql").read_text("utf-8"))
        connection.executescript((SQL / "011_remotes.sql").read_text("utf-8"))
    for session in sessions:
        thread = session.thread_id
        connection.execute(
            "insert into memory_sessions (thread_id, name, name_key, created_utc, model, max_context_tokens, memory)"
            " values (?, ?, ?, ?, ?, 4096, 'window')",
            (thread, session.name, session.name.casefold(), session.created, session.model),
        )
        for tag in session.tags:
            connection.execute("insert into memory_tags values (?, ?, ?)", (thread, tag, tag.casefold()))
        for note in session.notes:
            sql = "insert into memory_notes (thread_id, text, author, created_utc) values (?, ?, 'you', '2026-09-01')"
            connection.execute(sql, (thread, note))
        for turn_id in session.pinned:
            connection.execute("insert into memory_pins values (?, ?, '2026-09-01')", (thread, turn_id))
        for id_, prompt, error in session.attempts:
            connection.execute(
                "insert into memory_attempts values"
                " (?, ?, ?, ?, ?, 'half a', '2026-09-01T14:20:00+00:00', 1200, '{}', null)",
                (id_, thread, session.model, prompt, error),
            )
    connection.commit()
    connection.close()


def with_blocks(path: Path, session: Session, cut_at: int) -> None:
    """Make a session look as if its history had been cut at turn `cut_at`, keeping the second half of it."""
    half = cut_at // 2
    connection = sqlite3.connect(path)
    block = (
        "insert into memory_blocks values"
        " (?, ?, ?, ?, '[]', 'window', 4096, 8192, 'asked of the server', 'x', null, 0, ?, '2026')"
    )
    connection.execute(block, (1, session.thread_id, None, None, "the first prompt"))
    connection.execute(block, (2, session.thread_id, session.turns[half], half + 1, "the budget was full"))
    for place, turn_id in enumerate(session.turns):
        values = (turn_id, session.thread_id, 1 if place < cut_at else 2, turn_id, place + 1, None, 100, 2130, None)
        connection.execute("insert into memory_contexts values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.commit()
    connection.close()


def with_recall(path: Path, turn_id: str, from_turn_id: str, *words: str) -> None:
    """Make a turn look as if an excerpt had been recalled for it."""
    connection = sqlite3.connect(path)
    values = (7, 1, from_turn_id, 0, 0, 0, 40, 10.0, 10.0)
    connection.execute("insert into memory_passages values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.execute(
        "insert into memory_recalls values (?, 1, 7, 1, 0, 2.5, 48, ?, null)", (turn_id, json.dumps(list(words)))
    )
    connection.commit()
    connection.close()


def with_rating(path: Path, thread_id: str, turn_id: str, mark: str, note: str = "", label: str = "") -> None:  # noqa: PLR0913  the columns
    """Make an exchange look as if a person had rated and bookmarked it."""
    connection = sqlite3.connect(path)
    values = (thread_id, turn_id, mark, note, "2026-09-05T08:00:00+00:00")
    connection.execute("insert into memory_ratings values (?, ?, ?, ?, ?)", values)
    if label:
        bookmark = (thread_id, turn_id, label, "2026-09-05T08:00:00+00:00")
        connection.execute("insert into memory_bookmarks values (?, ?, ?, ?)", bookmark)
    connection.commit()
    connection.close()


def with_rows(path: Path, table: str, *rows: Mapping[str, object]) -> None:
    """Add rows to a table, as our llm plugin might have written them."""
    connection = sqlite3.connect(path)
    for row in rows:
        marks = ", ".join(f":{column}" for column in row)
        connection.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", dict(row))
    connection.commit()
    connection.close()


@dataclass(frozen=True)
class World:
    """A log with one of everything, and the ids of its conversations."""

    path: Path
    work: Session
    unnamed: str
    old: str
    mixed: str


def write_world(path: Path) -> World:
    """Write a log that has one of everything."""
    return replace(_world(path), path=path)


@written_once
def _world(path: Path) -> World:
    image = llm.Attachment(type="image/png", content=PNG)
    file = llm.Attachment(type="text/plain", content=b"<script>alert(1)</script>")
    notes = llm.Fragment("The harbour office signs off.\n", "notes.txt")
    tide = Call("tide_table", {"place": "Lisbon <b>"}, "7 rows")
    with LogBuilder(path) as log:
        old = log.thread()
        log.responses(
            old, Said("What is FTS5 in SQLite?", "A **search** engine.", calls=(Call("look", {"a": 1}, "found"),))
        )
        mixed = log.thread()
        log.responses(mixed, Said("Begun long ago.", "By an old llm."))
        work = log.thread()
        model = "gpt-4o-mini"
        turns = log.turns(
            work,
            Said(
                "We build a bridge in Lisbon; the deadline is 4 May.", MARKDOWN, system="Be brief.", tokens=(310, 220)
            ),
            Said("Check the tide table.", "Low water at 09:42.", calls=(tide,), tokens=(1310, 411)),
            Said("And my notes?", "As you say.", fragments=(notes,), attachments=(image, file), tokens=(99, 9)),
            Said("Good night.", "Sleep well.", at=START + timedelta(hours=9), tokens=(50, 5)),
            model=model,
        )
        log.turns(mixed, Said("Gone on today.", "By today's llm."), model="claude-sonnet-4.5")
        unnamed = log.thread()
        capital = Said("What is the capital of Portugal?", "Lisbon.")
        (answer,) = log.turns(unnamed, capital, model="ollama/llama3")
    session = Session(
        work,
        "work",
        turns,
        tags=("Bridge", "lisbon"),
        notes=("The deadline is 4 May.",),
        pinned=(turns[1],),
        attempts=[(f"{turns[-1][:-1]}z", "And on the 15th?", "The model runner stopped (HTTP 500).")],
    )
    with_sessions(path, session)
    _with_work(path, session, unnamed, answer)
    _with_others(path, session)
    return World(path, session, unnamed, old, mixed)


def _with_work(path: Path, session: Session, unnamed: str, answer: str) -> None:
    """Add a job with an item in each state that stays, a group of two conversations, and a vote for an answer."""
    at = "2026-09-02T08:00:00+00:00"
    job = {
        "id": "01k4b00000000000000000job0",
        "name": "Tides",
        "name_key": "tides",
        "kind": "batch",
        "state": "stopped",
    }
    more = {"reason": "It was interrupted.", "settings_json": '{"model": "gpt-4o-mini"}', "created_utc": at}
    with_rows(path, "memory_jobs", {**job, **more, "thread_id": session.thread_id, "spent_usd": 0.002})
    states: dict[str, dict[str, object]] = {
        "done": {"turn_id": session.turns[0], "thread_id": session.thread_id, "cost_usd": 0.002, "tries": 1},
        "failed": {"error": "The server said 400.", "tries": 1},
        "waiting": {"needs_json": "[1]"},
    }
    for place, (state, values) in enumerate(states.items(), 1):
        item = {"job_id": job["id"], "position": place, "key": f"key {place}", "id": f"pier <b>{place}", "state": state}
        with_rows(path, "memory_job_items", {**item, "input_json": '{"prompt": "When is low water?"}', **values})
    with_rows(path, "memory_groups", {"name_key": "lisbon", "name": "Lisbon", "created_utc": at})
    for thread_id in (session.thread_id, unnamed):
        with_rows(path, "memory_group_members", {"name_key": "lisbon", "thread_id": thread_id, "added_utc": at})
    first, second = sorted((session.turns[0], answer))
    vote = {"a_turn_id": first, "b_turn_id": second, "better": "a", "blind": 1, "voted_utc": at}
    with_rows(path, "memory_votes", vote)


def _with_others(path: Path, session: Session) -> None:
    """Add a machine, a remote, and what another person thinks of an exchange."""
    at = "2026-09-02T09:00:00+00:00"
    with_rows(
        path, "memory_machine", {"id": "01k4b0000000000000000mach0", "name": "desk", "person": "rui", "created_utc": at}
    )
    remote = {"name_key": "drive", "name": "drive", "address": "/media/drive/<b>", "created_utc": at}
    with_rows(path, "memory_remotes", remote)
    with_rows(path, "memory_remote_threads", {"remote_key": "drive", "thread_id": session.thread_id})
    opinion = {"thread_id": session.thread_id, "turn_id": session.turns[0], "person": "ana <b>", "mark": "4"}
    with_rows(path, "memory_other_ratings", {**opinion, "note": "<i>too</i> long", "rated_utc": at})


LATER = "2026-09-03T08:00:00+00:00"
"""When the family of `write_family` was forked, undone, archived and so on."""


@dataclass(frozen=True)
class Family:
    """A log with forks and all that is looked after: the turns of each session by its name."""

    path: Path
    threads: dict[str, str]
    turns: dict[str, list[str]]


def write_family(path: Path) -> Family:
    """Write a log with `work`, its fork `work-b` (after #2), a fork of that, `work-c` (after #3), and `work-d`.

    `work-d` is a fork of `work` after #1 that was not gone on with.
    The last exchange of `work` was undone; it has a snapshot after #3, a title that a model wrote, and a project.
    `attic` is archived, and a conversation without a name has a title.
    """
    return replace(_family(path), path=path)


@written_once
def _family(path: Path) -> Family:
    threads: dict[str, str] = {}
    turns: dict[str, list[str]] = {}
    with LogBuilder(path) as log:
        for name, prompts in FAMILY.items():
            threads[name] = log.thread()
            if name in FORKS:
                parent, shared, *_ = FORKS[name]
                log.forked(threads[name], threads[parent], shared)
            said = (Said(prompt, f"Reply to {prompt}", tokens=(10, 5)) for prompt in prompts)
            turns[name] = log.turns(threads[name], *said, model="gpt-4o-mini")
    named = [name for name in FAMILY if name != "unnamed"]
    with_sessions(path, *(Session(threads[name], name, turns[name]) for name in named))
    for name, (parent, _, of, place) in FORKS.items():
        row = {"thread_id": threads[name], "from_thread_id": threads[parent], "at_turn_id": turns[of][place]}
        with_rows(path, "memory_forks", {**row, "forked_utc": LATER})
    work = threads["work"]
    with_rows(path, "memory_undone", {"thread_id": work, "turn_id": turns["work"][4], "undone_utc": LATER})
    taken = {"label": "before the <b>railing", "label_key": "before the <b>railing", "turn_id": turns["work"][2]}
    with_rows(path, "memory_snapshots", {"thread_id": work, **taken, "state_json": "{}", "made_utc": LATER})
    with_rows(path, "memory_titles", {"thread_id": work, "title": "A <i>bridge", "author": "llama3", "made_utc": LATER})
    title = {"thread_id": threads["unnamed"], "title": "Portugal", "author": "you", "made_utc": LATER}
    with_rows(path, "memory_titles", title)
    origin = {"source": "chatgpt", "key": "6f1c", "file": "export <i>.zip", "imported_utc": LATER}
    with_rows(path, "memory_origins", {"thread_id": work, **origin})
    away = {"thread_id": "01k4a", "name": "away", "file": "/mnt/<b>away.sealed.age", "sha256": "0", "exchanges": 3}
    with_rows(path, "memory_sealed", {**away, "first_utc": LATER, "last_utc": LATER, "sealed_utc": LATER})
    with_rows(path, "memory_projects", {"name_key": "lisbon", "name": "Lisbon", "created_utc": LATER})
    connection = sqlite3.connect(path)
    connection.execute("update memory_sessions set project = 'lisbon' where name like 'work%'")
    connection.execute("update memory_sessions set archived_utc = ? where name = 'attic'", [LATER])
    connection.commit()
    connection.close()
    return Family(path, threads, turns)


FAMILY = {
    "unnamed": ["What is the capital of Portugal?"],
    "attic": ["Where are the lamps?"],
    "work": [f"work prompt {number}" for number in range(1, 6)],
    "work-b": ["work-b prompt 3", "work-b prompt 4"],
    "work-c": ["work-c prompt 4"],
    "work-d": [],
}
"""The prompts of the sessions of `write_family`, without what forks share."""

FORKS = {"work-b": ("work", 2, "work", 1), "work-c": ("work-b", 3, "work-b", 0), "work-d": ("work", 1, "work", 0)}
"""The forks of `write_family`: the parent, how many exchanges both have, and the last of those in its own thread."""
