"""What happens if somebody drops our tables, or the record of which migrations were applied."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from llm_session_memory.store import schema
from tests.conftest import Command
from tests.world.laws import PROFILE
from tests.world.once import once
from tests.world.scripted import Script

pytestmark = pytest.mark.usefixtures("script")

COMMANDS = (
    ("sessions",),
    ("sessions", "show", "work"),
    ("sessions", "context", "work", "When?"),
    ("sessions", "search", "bridge"),
    ("sessions", "set", "work", "--max-context-tokens", "900"),
    ("sessions", "pin", "work", "1"),
    ("sessions", "note", "work", "It rains."),
    ("sessions", "tag", "work", "bridge"),
    ("sessions", "rate", "work", "1", "up"),
    ("sessions", "bookmark", "work", "1", "start"),
    ("sessions", "export", "work"),
    ("sessions", "stats", "work"),
    ("--session", "work", "And who signs off?"),
)


@pytest.fixture(name="used")
@once
def _used(log: Path, llm_: Command, script: Script) -> Path:
    """A log with one session whose texts are in the search index."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    llm_("sessions", "search", "bridge").ok()
    return log


def drop(log: Path, *names: str) -> None:
    """Drop tables and views."""
    with sqlite3.connect(log) as opened:
        kinds = dict(opened.execute("select name, type from sqlite_master"))
        for name in names:
            opened.execute(f"drop {kinds[name]} {name}")
    opened.close()


def there(log: Path) -> set[str]:
    opened = sqlite3.connect(log)
    found = {name for (name,) in opened.execute("select name from sqlite_master")}
    opened.close()
    return found


def test_the_names_of_our_tables_are_those_that_the_migrations_make() -> None:
    """A table or view that a migration makes is among those that are missed if they are lost, and no other is."""
    made = re.compile(r"^create (?:table|view|virtual table) if not exists (\w+)", re.MULTILINE)
    folder = Path(schema.__file__).parent / "sql"
    assert list(schema.names()) == sorted(path.stem for path in folder.glob("[0-9]*.sql"))
    assert {name for file in schema.names() for name in made.findall(schema.statement(file))} == schema.OURS


TABLES = sorted(schema.OURS - {"memory_sessions"})


def after(table: str) -> tuple[tuple[str, ...], ...]:
    """Return commands to try after a table was dropped: an ordinary run tries a sixth of them, others each time."""
    if PROFILE == "ci":
        return COMMANDS
    return (COMMANDS[0], *COMMANDS[1 + TABLES.index(table) % 6 :: 6])


@pytest.mark.parametrize("table", TABLES)
def test_every_command_works_after_a_table_was_dropped(used: Path, llm_: Command, table: str) -> None:
    """A lost table or view is recreated by the next command that needs our tables, and search still finds all."""
    drop(used, table)
    said = "".join(llm_(*command).ok().err for command in after(table))
    told = f"The log had no table {table}; it was recreated, empty.\n"
    assert said.count("recreated") == said.count(told) == (table not in schema.VIEWS)
    assert there(used) >= schema.OURS
    assert "work #1" in llm_("sessions", "search", "bridge").ok().out


def test_sessions_begin_again_after_all_tables_were_dropped(used: Path, llm_: Command) -> None:
    """Whoever removed the plugin's tables and comes back starts with no sessions, and can use them again."""
    drop(used, *schema.OURS)
    assert "No sessions yet" in llm_("sessions").ok().err
    begun = llm_("-m", "scripted", "--session", "work", "We build a bridge again.").ok()
    assert begun.err.startswith("The log had lost its sessions; their tables were recreated, empty.\n")
    for command in COMMANDS:
        llm_(*command).ok()


def test_several_lost_tables_are_named_in_one_sentence(used: Path, llm_: Command) -> None:
    """Each lost table is named, in a command or in a prompt, whichever comes first."""
    drop(used, "memory_pins", "memory_notes")
    done = llm_("--session", "work", "And who signs off?").ok()
    assert "The log had no tables memory_notes, memory_pins; they were recreated, empty.\n" in done.err


def test_a_lost_record_of_migrations_is_written_again(used: Path, llm_: Command) -> None:
    """Without the record each migration is applied again, and changes nothing."""
    drop(used, "_sqlite_migrations")
    for command in COMMANDS:
        llm_(*command).ok()
    assert "_sqlite_migrations" in there(used)
    assert "We build a bridge." in llm_("sessions", "show", "work").ok().out
