"""The rules of `--rated`: sessions are listed, and exchanges found, by what a person thought of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_session_memory.model import MARKS, RATED
from tests.conftest import Command
from tests.world.logs import Call, LogBuilder, Said
from tests.world.once import once

TIDE = Said("The tide?", "Low water at noon.", calls=(Call("tide_table", {"place": "Lisbon"}, "water 7"),))


@pytest.fixture(name="sessions_", autouse=True)
@once
def _sessions(llm_: Command, log: Path) -> None:
    """Sessions whose exchanges are rated up (one that used a tool), 5 and 2, down, and not at all; one is old."""
    with LogBuilder(log) as built:
        threads = [built.thread() for _ in range(4)]
        built.turns(threads[0], TIDE, Said("And water at night?"))
        built.turns(threads[1], Said("Water one?"), Said("Water two?"), Said("Water three?"))
        built.responses(threads[2], Said("Old water?", "Yes."))
        built.turns(threads[3], Said("Plain water?"))
    for thread, name in zip(threads, ("tides", "stars", "old", "plain"), strict=True):
        llm_("sessions", "name", thread, name).ok()
    for name, number, mark in (("tides", 1, "up"), ("stars", 1, "5"), ("stars", 2, "2"), ("old", 1, "down")):
        llm_("sessions", "rate", name, str(number), mark).ok()


@pytest.mark.parametrize(
    ("rated", "sessions", "exchanges"),
    [
        ("good", {"tides", "stars"}, {"tides 1", "stars 1"}),
        ("bad", {"stars", "old"}, {"stars 2", "old 1"}),
        ("any", {"tides", "stars", "old"}, {"tides 1", "stars 1", "stars 2", "old 1"}),
        ("none", {"plain"}, {"tides 2", "stars 3", "plain 1"}),
        ("up", {"tides"}, {"tides 1"}),
        ("down", {"old"}, {"old 1"}),
        ("5", {"stars"}, {"stars 1"}),
        ("3", set(), set()),
    ],
)
def test_rated_sessions_and_exchanges_are_found(
    llm_: Command, rated: str, sessions: set[str], exchanges: set[str]
) -> None:
    """A session is listed if any exchange matches (none: if no exchange is rated). Search finds the exchanges."""
    listed = json.loads(llm_("sessions", "list", "--rated", rated, "--json").ok().out)
    assert {line["name"] for line in listed} == sessions
    for more in ((), ("--latest",)):
        found = json.loads(llm_("sessions", "search", "water", "--rated", rated, "--json", *more).ok().out)
        assert {f"{hit['session']} {hit['number']}" for hit in found} == exchanges


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("water", "--rated", "good", "-s", "stars"), {"stars 1"}),
        (("water", "--rated", "none", "-s", "stars"), {"stars 3"}),
        (("tide", "noon", "--rated", "up"), {"tides 1"}),
        (("tide", "noon", "--rated", "none"), set()),
        (("water", "--rated", "any", "--until", "2000-01-01"), set()),
        (("wat*", "--raw", "--rated", "down"), {"old 1"}),
    ],
)
def test_rated_combines_with_other_filters(llm_: Command, words: tuple[str, ...], found: set[str]) -> None:
    """--rated works within one session, for words apart in an exchange, with dates, and with FTS5 syntax."""
    hits = json.loads(llm_("sessions", "search", *words, "--json").ok().out)
    assert {f"{hit['session']} {hit['number']}" for hit in hits} == found


def test_lists_by_rating_and_tag(llm_: Command) -> None:
    """Both must match, and the command for the next page repeats both."""
    for name in ("stars", "old", "plain"):
        llm_("sessions", "tag", name, "Wet").ok()
    listed = llm_("sessions", "list", "--rated", "bad", "--tag", "wet", "-n", "1").ok()
    assert listed.err.startswith("More: llm sessions -n 1 --after ")
    assert listed.err.endswith(" --tag wet --rated bad\n")
    after = listed.err.split()[listed.err.split().index("--after") + 1]
    (other,) = json.loads(llm_("sessions", "--after", after, "--tag", "wet", "--rated", "bad", "--json").ok().out)
    assert {after, other["name"]} == {"stars", "old"}


def test_no_match_by_rating_says_so(llm_: Command, log: Path) -> None:
    """If no session matches, or nothing was ever rated, stderr says so."""
    assert "No matching sessions" in llm_("sessions", "list", "--rated", "3").ok().err
    with LogBuilder(log) as built:
        built.db.execute("drop table memory_ratings")
    assert "No matching sessions" in llm_("sessions", "list", "--rated", "any").ok().err
    assert len(json.loads(llm_("sessions", "list", "--rated", "none", "--json").ok().out)) == 4


def test_only_ratings_can_be_asked_for(llm_: Command) -> None:
    """Anything that is not a rating is refused, and the error lists the valid values."""
    refused = llm_("sessions", "list", "--rated", "great")
    assert refused.code == 2
    assert "'good', 'bad', 'any', 'none', 'up', 'down'" in refused.err


def test_good_and_bad_are_ratings() -> None:
    """Each word stands for existing marks. Together, good and bad leave out only the neutral mark."""
    assert all(set(marks) <= set(MARKS) for marks in RATED.values())
    assert set(MARKS) - {*RATED["good"], *RATED["bad"]} == {"3"}
