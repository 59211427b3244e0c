"""The rules of `llm sessions stats`."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from llm_session_memory.commands.stats import _bars
from tests.conftest import Command
from tests.world.logs import LogBuilder, Said
from tests.world.once import once


@pytest.fixture(name="filled")
@once
def _filled(log: Path, llm_: Command) -> Path:
    """A log of two conversations, the newer one a session, of today; the other long ago and of another model."""
    now = datetime.now(timezone.utc)
    with LogBuilder(log) as builder:
        old, work = builder.thread(), builder.thread()
        long_ago = now - timedelta(days=40)
        builder.turns(old, Said("When?", "Now.", tokens=(1234, 5), duration_ms=100, at=long_ago), model="evil\x1b[31m")
        said = (Said(f"Question {n}", "Yes.", tokens=(100 * n, 10), duration_ms=1000, at=now) for n in range(1, 13))
        builder.turns(work, *said, model="gpt-4o-mini")
    llm_("sessions", "name", work, "work").ok()
    return log


def test_the_numbers_are_tables_with_bars(llm_: Command, filled: Path) -> None:
    """Totals come first, then a table for each panel that has data, without characters that control a terminal."""
    out = llm_("sessions", "stats").ok().out
    assert out.startswith("13 calls · 9,034 tokens in · 125 tokens out · ")
    assert "\nTokens per day, by model\nday " in out
    assert re.search(r"^gpt-4o-mini +12 +1 +1 +1 +1 +█{16}$", out, re.MULTILINE)
    assert "\nSessions with the most calls\n" in out
    assert "Failed prompts" not in out
    assert "evil␛[31m" in out
    assert "\x1b" not in out


def test_days_and_model_narrow_it(llm_: Command, filled: Path) -> None:
    """--days counts today as one day, and --model leaves out other models. If nothing is left, the output says so."""
    assert llm_("sessions", "stats", "--days", "30").ok().out.startswith("12 calls · 7,800 tokens in")
    assert llm_("sessions", "stats", "--days", "60").ok().out.startswith("13 calls")
    assert llm_("sessions", "stats", "-m", "gpt-4o-mini").ok().out.startswith("12 calls")
    assert llm_("sessions", "stats", "-m", "none").ok().out == "Nothing in the log matches.\n"


def test_a_session_alone(llm_: Command, filled: Path) -> None:
    """With a name, only that session counts. The case of the name doesn't matter."""
    out = llm_("sessions", "stats", "WORK").ok().out
    assert out.startswith("12 calls · 7,800 tokens in")
    assert "evil" not in out
    unknown = llm_("sessions", "stats", "wrok")
    assert unknown.code == 1
    assert unknown.err == "Error: Session “wrok” not found. Did you mean “work”?\n"


def test_json_has_all_rows(llm_: Command, filled: Path) -> None:
    """--json has totals, and each panel with its definition and all its rows, as they are."""
    found = json.loads(llm_("sessions", "stats", "--json").ok().out)
    assert found["totals"]["calls"] == 13
    panels = {panel["query"]: panel for panel in found["panels"]}
    assert panels["latency_by_model"]["means"].startswith("How long calls took")
    assert {row["model"] for row in panels["latency_by_model"]["rows"]} == {"gpt-4o-mini", "evil\x1b[31m"}
    assert panels["failed_prompts"]["rows"] == []


def test_more_rows_than_are_shown(llm_: Command, log: Path) -> None:
    """A long table ends with the command that shows all of it."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        for day in range(15):
            at = datetime(2026, 9, 1 + day, 8, tzinfo=timezone.utc)
            builder.turns(thread, Said("Hi", tokens=(5, 5), at=at), model="gpt-4o-mini")
    out = llm_("sessions", "stats").ok().out
    assert "… and 5 more: llm sessions query tokens_a_day_by_model\n" in out
    there = llm_("sessions", "stats", "-d", str(log)).ok().out
    assert f"… and 5 more: llm sessions query tokens_a_day_by_model -d {log}\n" in there


def test_no_log_and_no_database(llm_: Command, log: Path) -> None:
    """If the log is missing or not a database, the error says what to do."""
    done = llm_("sessions", "stats")
    assert (done.code, "There is no log at" in done.err) == (1, True)
    log.write_text("this is no database, but long enough to be looked at" * 40)
    done = llm_("sessions", "stats")
    assert (done.code, "is not a SQLite database" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([8, 4, 1], ["█" * 16, "█" * 8, "██"]),
        ([100, 1], ["█" * 16, "▏"]),
        ([None, 0, -3], ["", "", ""]),
        ([], []),
    ],
)
def test_bars(values: list[int | None], bars: list[str]) -> None:
    """The greatest value has the longest bar, other values a part of it, and zero has no bar."""
    assert _bars(values) == bars
