"""Logs that are broken, each in its own way, and commands on each."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from tests.drill.answers import SHORT
from tests.drill.fault import fault
from tests.drill.world import LLM, World

COMMANDS = (
    ("sessions",),
    ("sessions", "show", "work"),
    ("sessions", "context", "work", "next"),
    ("sessions", "search", "question"),
    ("sessions", "export", "work"),
    ("sessions", "stats"),
    ("sessions", "query", "tokens_a_day"),
    ("sessions", "replay", "work"),
    ("sessions", "note", "work", "a note"),
    ("sessions", "tag", "work", "a-tag"),
    ("sessions", "set", "work", "--system", "Be brief."),
)


def _tried(world: World) -> None:
    """Run every command; then prompt by the real one."""
    for arguments in COMMANDS:
        world.llm(*arguments)
    asked = world.ask("-m", "llama3")
    done = asked.running.end()
    if done.out.strip():
        asked.at_least = SHORT


def _unchanged(world: World) -> None:
    """The same, and expect that no byte of the log has changed."""
    before = world.log.read_bytes()
    world.broken = world.refuses = True
    _tried(world)
    world.expect(world.log.read_bytes() == before, "a file that is no log was changed")


@fault("not a database", "text in place of the log; 12 commands")
def text(world: World) -> None:
    world.log.write_text("this is no database, but long enough to be looked at\n" * 200, "utf-8")
    _unchanged(world)


@fault("cut off", "the log's last half is gone, or it ends within a page; 12 commands", times=4)
def cut(world: World) -> None:
    size = world.log.stat().st_size
    os.truncate(world.log, (size // 2, size // 4096 * 4096 - 1000, 4096, 100)[world.number])
    world.broken = world.refuses = True
    _tried(world)


@fault("a page zeroed", "one random page of the log; 12 commands", times=12)
def zeroed(world: World) -> None:
    pages = world.log.stat().st_size // 4096
    page = world.random.randrange(pages)
    _damaged(world, page, b"\0" * 4096)


@fault("a page of noise", "one random page of the log; 12 commands", times=12)
def noise(world: World) -> None:
    pages = world.log.stat().st_size // 4096
    _damaged(world, world.random.randrange(1, pages), world.random.randbytes(4096))


def _damaged(world: World, page: int, content: bytes) -> None:
    with world.log.open("r+b") as file:
        file.seek(4096 * page)
        file.write(content)
    world.broken = world.refuses = True
    _tried(world)


def _rest(world: World, sql: str) -> None:
    """Change a log by SQL; then run everything."""
    with closing(sqlite3.connect(world.log)) as db:
        db.executescript(sql)
    _tried(world)


@fault("newer llm", "unknown migrations and columns; 12 commands")
def newer(world: World) -> None:
    _rest(
        world,
        "insert into _llm_migrations values ('m099_far_away', '2028-01-01');"
        "alter table turns add column far_away text default 'x';"
        "insert into _sqlite_migrations (migration_set, name, applied_at)"
        " values ('llm-session-memory', '099_far_away', '2028-01-01');",
    )


@fault("a table is missing", "each of the plugin's tables in turn; 12 commands", times=30)
def missing(world: World) -> None:
    with closing(sqlite3.connect(world.log)) as db:
        found = (
            "select name, type from sqlite_master where name like 'memory~_%' escape '~' and type in ('table', 'view')"
        )
        ours = sorted(row for row in db.execute(found) if not row[0].startswith("memory_words_"))
        name, kind = ours[world.number % len(ours)]
        db.execute(f"drop {kind} {name}")
    world.refuses = name == "memory_sessions"
    _tried(world)


@fault("all tables dropped", "every `memory_` table; 12 commands")
def dropped(world: World) -> None:
    with closing(sqlite3.connect(world.log)) as db:
        found = (
            "select name, type from sqlite_master where name like 'memory~_%' escape '~' and type in ('table', 'view')"
        )
        for name, kind in sorted(db.execute(found).fetchall(), key=lambda row: row[1], reverse=True):
            if not name.startswith("memory_words_"):
                db.execute(f"drop {kind} {name}")
    _tried(world)


@fault("record of migrations missing", "`_sqlite_migrations`, or `_llm_migrations`; 12 commands", times=2)
def migrations(world: World) -> None:
    world.broken = world.refuses = world.number == 1  # llm itself makes its tables again, and fails
    _rest(world, f"drop table {('_sqlite_migrations', '_llm_migrations')[world.number]}")


@fault("a table of llm is missing", "`turn_search`, `parts`, `fragments`; 12 commands", times=3)
def of_llm(world: World) -> None:
    world.broken = world.refuses = True
    _rest(world, f"drop table {('turn_search', 'parts', 'fragments')[world.number]}")


@fault("zero length", "an empty file as log; 12 commands")
def empty(world: World) -> None:
    world.log.write_bytes(b"")
    _tried(world)


@fault(
    "write-ahead log left behind", "WAL mode, a writer killed before its checkpoint, with and without `-shm`", times=2
)
def wal(world: World) -> None:
    with closing(sqlite3.connect(world.log)) as db:
        db.execute("pragma journal_mode = wal")
    tag, done = world.next_prompt()
    world.expect(done.code == 0, done.err)
    with closing(sqlite3.connect(world.log)) as reader:
        reader.execute("begin")
        reader.execute("select * from turns").fetchall()
        tag, _ = world.next_prompt()
        wal_bytes, log_bytes = _beside(world.log, "-wal").read_bytes(), world.log.read_bytes()
    world.log.write_bytes(log_bytes)
    _beside(world.log, "-wal").write_bytes(wal_bytes)
    if world.number:
        _beside(world.log, "-shm").unlink(missing_ok=True)
    _tried(world)
    world.expect(world.kept_of(tag) == "turn", "what is in the write-ahead log is lost")


@fault("stale journal", "a journal of zeros, of text, and of an older state, beside the log", times=3)
def journal(world: World) -> None:
    content = (b"\0" * 4096, b"no journal " * 500, b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\0" * 504)[world.number]
    _beside(world.log, "-journal").write_bytes(content)
    _tried(world)


def _beside(log: Path, end: str) -> Path:
    return log.with_name(log.name + end)


def _folder(world: World) -> None:
    world.log.unlink()
    world.log.mkdir()


def _pipe(world: World) -> None:
    world.log.unlink()
    os.mkfifo(world.log)


def _loop(world: World) -> None:
    world.log.unlink()
    world.log.symlink_to(world.log)


def _dangling(world: World) -> None:
    world.log.unlink()
    world.log.symlink_to(world.folder / "elsewhere.db")


PLACES: Mapping[str, Callable[[World], None]] = {
    "a folder": _folder,
    "a named pipe": _pipe,
    "a link to itself": _loop,
    "a link to nothing": _dangling,
}


@fault("odd paths", "a folder, a named pipe, a link to itself, a link to nothing; 12 commands each", times=4)
def odd(world: World) -> None:
    name = list(PLACES)[world.number]
    PLACES[name](world)
    world.broken = world.refuses = name != "a link to nothing"
    _tried(world)


@fault("read-only", "file, folder, or both, as another user; 12 commands each", times=3, needs=("root", "setpriv"))
def read_only(world: World) -> None:
    """Root may write anywhere, so another user runs the commands."""
    world.llm("sessions", "search", "question")  # the index is made
    for folder in (world.folder, world.folder.parent):
        folder.chmod(0o755)
    world.temporary.chmod(0o777)
    world.home.chmod(0o755 if world.number else 0o777)
    world.log.chmod(0o644 if world.number != 1 else 0o666)
    other = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    for arguments in world.some(COMMANDS):
        world.done.append(world.start([*other, LLM, *arguments]).end())
    asked = world.ask("-m", "llama3", before=other)
    done = asked.running.end()
    if done.out.strip():
        asked.at_least = SHORT
