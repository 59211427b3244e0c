"""`llm sessions maintenance`, `migrations` and `migrate`: the file changes, and nothing that is in it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.services import maintenance
from tests.conftest import Command
from tests.store.world import contents
from tests.world.logs import LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

MAINTENANCE = ("sessions", "maintenance")


@pytest.fixture(name="used")
@once
def _used(log: Path, llm_: Command, script: Script) -> Path:
    """A log with a session."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    llm_("sessions", "search", "bridge").ok()
    assert script
    return log


def figures(llm_: Command) -> dict[str, Any]:
    """Return what the command says of a log."""
    found: dict[str, Any] = json.loads(llm_(*MAINTENANCE, "--json").ok().out)
    return found


def change(log: Path, *statements: str) -> None:
    """Execute statements in a log."""
    with closing(sqlite3.connect(log, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_without_an_option_nothing_is_done(llm_: Command, used: Path) -> None:
    """Not a byte changes, and what would help is said with figures."""
    before = used.read_bytes()
    done = llm_(*MAINTENANCE).ok()
    assert done.out.splitlines()[0].startswith(f"size                   {len(before):,} bytes in ")
    assert "Nothing would help. Nothing was done." in done.err
    assert figures(llm_)["helps"] == []
    assert used.read_bytes() == before


def test_a_vacuum_is_suggested_if_much_is_free(llm_: Command, used: Path) -> None:
    """It makes the file as much smaller as it was said to; all rows stay."""
    change(used, "create table t as select randomblob(3000000) as b", "drop table t")
    said = figures(llm_)
    free = said["free_pages"] * said["page_size"]
    assert said["helps"][0]["option"] == "--vacuum"
    assert f"{free:,} bytes smaller" in said["helps"][0]["why"]
    rows = contents(used)
    llm_(*MAINTENANCE, "--vacuum").ok()
    assert used.stat().st_size <= said["size"] - free
    assert contents(used) == rows
    assert figures(llm_)["helps"] == []


def test_many_segments_are_suggested_to_be_merged(llm_: Command, used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Afterwards each index is one segment, and the search finds the same."""
    with LogBuilder(used) as builder:
        for number in range(6):
            builder.turns(builder.thread(), Said(f"Bridge {number}?", "Yes."))
    monkeypatch.setattr(maintenance, "_MANY_SEGMENTS", 2)
    found = llm_("sessions", "search", "bridge").ok().out
    rows = contents(used)
    assert [one["option"] for one in figures(llm_)["helps"]] == ["--optimize"]
    llm_(*MAINTENANCE, "--optimize").ok()
    assert set(figures(llm_)["segments"].values()) <= {0, 1}
    assert contents(used) == rows
    assert llm_("sessions", "search", "bridge").ok().out == found


def test_all_at_once(llm_: Command, used: Path) -> None:
    """Indexes, statistics and the journal mode change, in an order that makes sense; rows and sessions stay."""
    rows = contents(used)
    done = llm_(*MAINTENANCE, "--wal", "on", "--vacuum", "--analyze", "--optimize", "--reindex").ok()
    assert [line.split(":")[0] for line in done.out.splitlines()] == [
        "Rebuilt all indexes.",
        "Merged the full-text indexes.",
        "Collected statistics for SQLite's query planner.",
        "Rewrote the file",
        "WAL mode is now on.",
    ]
    assert (figures(llm_)["statistics"], figures(llm_)["journal_mode"]) == (True, "wal")
    assert contents(used) == rows
    llm_("--session", "work", "The deadline is 4 May.").ok()
    assert llm_(*MAINTENANCE, "--wal", "on").ok().out == "WAL mode is already on.\n"
    assert llm_(*MAINTENANCE, "--wal", "off").ok().out == "WAL mode is now off.\n"
    assert figures(llm_)["journal_mode"] == "delete"


def test_what_is_not_possible_is_said(llm_: Command, used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, a network drive, and a log that others have open in WAL mode; the log is not changed."""
    before = used.read_bytes()

    class Disk:
        free = 10

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk())
    assert "and 10 are free. Free some space" in llm_(*MAINTENANCE, "--vacuum").err
    monkeypatch.setattr(maintenance, "_network", lambda _: "nfs4")
    assert "is on a network drive (nfs4), where WAL mode damages logs." in llm_(*MAINTENANCE, "--wal", "on").err
    assert llm_(*MAINTENANCE, "--json", "--vacuum").code
    assert used.read_bytes() == before
    change(used, "pragma journal_mode = wal")
    with closing(sqlite3.connect(used)) as other:
        other.execute("select 1 from sqlite_master").fetchone()
        monkeypatch.setattr("llm_session_memory.store.log.WAIT_SECONDS", 0.01)
        assert "can't be changed while other programs have it open" in llm_(*MAINTENANCE, "--wal", "off").err
    assert figures(llm_)["journal_mode"] == "wal"


def migrations(llm_: Command) -> dict[str, dict[str, str | None]]:
    """Return when each migration was applied, by set."""
    found: dict[str, dict[str, str | None]] = {}
    for one in json.loads(llm_("sessions", "migrations", "--json").ok().out):
        found.setdefault(one["set"], {})[one["name"]] = one["applied_utc"]
    return found


def test_migrations_of_a_log_of_plain_llm_are_pending_until_they_are_applied(llm_: Command, log: Path) -> None:
    """Listing applies nothing; `--to` applies those up to a name; later all are applied, once."""
    with LogBuilder(log) as builder:
        builder.turns(builder.thread(), Said("Where?", "Faro."))
    before = log.read_bytes()
    there = migrations(llm_)
    ours = list(there["llm-session-memory"])
    assert all(there["llm"].values())
    assert not any(there["llm-session-memory"].values())
    assert "Apply ours now with: llm sessions migrate" in llm_("sessions", "migrations").ok().err
    assert log.read_bytes() == before
    assert llm_("sessions", "migrate", "--to", ours[1]).ok().out == f"Applied {ours[0]}.\nApplied {ours[1]}.\n"
    assert [bool(at) for at in migrations(llm_)["llm-session-memory"].values()] == [True] * 2 + [False] * (
        len(ours) - 2
    )
    assert llm_("sessions", "migrate", "--to", ours[0]).ok().out == f"{ours[0]} is applied already.\n"
    assert "There is no migration 999." in llm_("sessions", "migrate", "--to", "999").err
    assert llm_("sessions", "migrate").ok().out.count("Applied") == len(ours) - 2
    assert llm_("sessions", "migrate").ok().out == "Nothing to apply.\n"
    assert all(migrations(llm_)["llm-session-memory"].values())


def test_migrations_of_other_versions_are_listed(llm_: Command, used: Path) -> None:
    """Those that this version doesn't know are marked, and those that the log lacks are pending."""
    change(
        used,
        "update _llm_migrations set name = 'm999_future' where rowid = (select max(rowid) from _llm_migrations)",
        "insert into _sqlite_migrations (migration_set, name, applied_at)"
        " values ('llm-session-memory', '999_future', '2027-01-01')",
    )
    lines = llm_("sessions", "migrations").ok().out.splitlines()
    assert [line.split()[1] for line in lines if line.endswith("of a newer version")] == ["m999_future", "999_future"]
    assert sum("pending" in line for line in lines) == 1


@pytest.mark.parametrize("command", [MAINTENANCE, ("sessions", "migrations"), ("sessions", "migrate")])
def test_a_log_that_is_no_log_is_a_sentence(llm_: Command, log: Path, command: tuple[str, ...]) -> None:
    """Neither text nor nothing is a traceback."""
    assert "There is no log at" in llm_(*command).err
    log.write_text("Dear diary.\n" * 500)
    done = llm_(*command)
    assert done.code == 1
    assert "is not a SQLite database" in done.err
