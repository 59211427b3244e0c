"""The rules of `llm sessions query` and `llm sessions browse`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from llm_session_memory.commands.browse import encoded
from tests.conftest import Command
from tests.world.logs import LogBuilder, Said


@pytest.fixture(name="filled")
def _filled(log: Path) -> Path:
    with LogBuilder(log) as builder:
        builder.turns(builder.thread(), Said("When?", "Now.\x1b[31m", tokens=(1234, 5)), model="gpt-4o-mini")
    return log


def test_without_a_name_the_queries_are_listed(llm_: Command) -> None:
    """Each query is listed under its topic with its title, and how to learn more is said."""
    listed = llm_("sessions", "query").ok()
    activity = listed.out.partition("\nActivity\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split(None, 1) for line in activity if "tokens_a_day " in line] == [["tokens_a_day", "Tokens per day"]]
    assert "llm sessions query --topic WORD" in listed.err


def test_the_queries_of_a_topic_are_described(llm_: Command) -> None:
    """With a topic, or the beginning of a word of it, its queries have their meanings and parameters."""
    listed = llm_("sessions", "query", "--topic", "act").ok().out
    assert "tokens_a_day -p days …\n    Tokens sent to models" in listed
    assert "\n    days: how many days to look back; empty for all." in listed
    assert "one_session" not in listed
    none = llm_("sessions", "query", "--topic", "gardens")
    assert "There is no topic “gardens”. The topics are: Conversations, Search, " in none.err
    assert "can't be combined" in llm_("sessions", "query", "search", "--topic", "search").err


def test_a_query_can_be_read_instead_of_run(llm_: Command) -> None:
    """The SQL is printed with its meaning and its parameters, and no log is needed."""
    printed = llm_("sessions", "query", "slowest-calls", "--sql", "-d", "none.db").ok().out
    assert printed.startswith("-- Slowest calls: ")
    assert "\n-- :model is only this model; empty for all\nwith calls as (" in printed


def test_a_query_is_an_aligned_table(llm_: Command, filled: Path) -> None:
    """Columns have names. Numbers have thousands separators and are aligned to the right."""
    lines = llm_("sessions", "query", "tokens_by_model").ok().out.splitlines()
    assert lines[0].split() == ["model", "calls", "tokens_in", "tokens_out", "first_used", "last_used"]
    assert lines[1].split() == ["gpt-4o-mini", "1", "1,234", "5", "2026-09-01", "2026-09-01"]


def test_a_query_is_csv_or_json_on_request(llm_: Command, filled: Path) -> None:
    """CSV and JSON have figures as they are stored, and no character that controls the terminal."""
    table = llm_("sessions", "query", "tokens-by-model", "--csv").ok().out
    assert list(csv.reader(io.StringIO(table)))[1][:4] == ["gpt-4o-mini", "1", "1234", "5"]
    (row,) = json.loads(llm_("sessions", "query", "sessions_tokens_by_model", "--json").ok().out)
    assert row["tokens_in"] == 1234
    for form in ("--csv", "--json", "--table"):
        out = llm_("sessions", "query", "search", "-p", "q", "when", form).ok().out
        assert "\x1b" not in out
        assert "Now." in out


def test_parameters_are_given_by_name(llm_: Command, filled: Path) -> None:
    """A parameter filters; without one nothing is left out. If no rows are left, stderr says so."""
    assert llm_("sessions", "query", "slowest_calls", "-p", "model", "gpt-4o-mini").ok().out
    none = llm_("sessions", "query", "slowest_calls", "-p", "model", "other").ok()
    assert (none.out, none.err) == ("", "No rows.\n")
    needed = llm_("sessions", "query", "one_session").ok()
    assert (needed.out, needed.err) == ("", "No rows. This query needs: -p session …\n")


def test_unknown_queries_parameters_and_logs(llm_: Command, filled: Path) -> None:
    """An unknown query or parameter, or a missing log, is an error that says what to do."""
    unknown = llm_("sessions", "query", "nothing")
    assert unknown.code == 1
    assert "Query “nothing” not found. List the queries with: llm sessions query" in unknown.err
    wrong = llm_("sessions", "query", "tokens_a_day", "-p", "x", "1")
    assert "has no parameter “x”. Its parameters are: days." in wrong.err
    words = llm_("sessions", "query", "tokens_a_day", "-p", "days", "a week")
    assert "Parameter “days” must be a whole number, not “a week”. Example: -p days 30" in words.err
    tomorrow = llm_("sessions", "query", "on_a_day", "-p", "day", "tomorrow")
    assert "Parameter “day” must be a date, not “tomorrow”. Example: -p day 2026-05-04" in tomorrow.err
    missing = llm_("sessions", "query", "tokens_a_day", "-d", str(filled.parent / "none.db"))
    assert "There is no log at" in missing.err


def test_browse_needs_an_existing_session(llm_: Command, filled: Path) -> None:
    """An unknown session is an error before any server starts."""
    assert llm_("sessions", "browse", "nothing", "--no-open").code == 1


@pytest.mark.parametrize("name", ["work", "paper review", "über/a.b~c", "日本", "a+b&c=d"])
def test_addresses_are_written_as_datasette_writes_them(name: str) -> None:
    """The page that browse opens is the one that Datasette serves for that name."""
    from datasette.utils import tilde_encode

    assert encoded(name) == tilde_encode(name)
