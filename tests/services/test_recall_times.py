"""Recall by time: prompts that name a day find what was said on it. Time is frozen."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from llm_session_memory.interchange.importing import into
from llm_session_memory.memory import Memory

NOW = datetime(2026, 11, 28, 15, 0, tzinfo=timezone.utc)  # a Saturday
SAID = {
    "2026-05-04": "The ferry to Tavira leaves at nine.",
    "2026-11-17": "The bakery changed its oven.",
    "2026-11-24": "The choir sings Fauré, and the ferry waits.",
    "2026-11-26": "The heating engineer charged ninety.",
}
LONG = " ".join(f"Stall {number} sells figs and almonds." for number in range(60))


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that is made once: it is long."""
    path = tmp_path_factory.mktemp("times") / "logs.db"
    days = [NOW.replace(hour=12) - timedelta(days=n) for n in range(220, 0, -1)]
    exchanges = [
        {
            "prompt": SAID.get(f"{day:%Y-%m-%d}", f"Market of day {n}."),
            "response": f"Noted. {LONG}",
            "datetime_utc": day.isoformat(),
        }
        for n, day in enumerate(days)
    ]
    file = io.BytesIO("\n".join(map(json.dumps, exchanges)).encode())
    into(path, file, "work", "work")
    with Memory(path, now=lambda: NOW) as memory:
        recalled(memory, "What about the ferry?")  # indexes it
    return path


@pytest.fixture(name="memory")
def _memory(tmp_path: Path, made: Path) -> Iterator[Memory]:
    """A session of 220 days with an exchange a day at noon, most of them about other things."""
    shutil.copyfile(made, tmp_path / "logs.db")
    with Memory(tmp_path / "logs.db", now=lambda: NOW) as memory:
        yield memory


def recalled(memory: Memory, prompt: str) -> str:
    """Return the excerpts that are sent with a prompt, except those that are only next to a match."""
    return "\n".join(one.text for one in memory.requests.context("work", prompt, 1_500).recalled if one.words)


@pytest.mark.parametrize(
    ("prompt", "day"),
    [
        ("What did we talk about the day before yesterday?", "2026-11-26"),
        ("What did I tell you on Tuesday?", "2026-11-24"),
        ("Remind me of our conversation two weeks ago", "2026-11-17"),
        ("What did I mention on 2026-05-04?", "2026-05-04"),
        ("Tell me what we discussed on the 4th of May", "2026-05-04"),
        ("Which animal was in the story of two days ago?", "2026-11-26"),
        ("What did we discuss on the 4th of May?", "2026-05-04"),
    ],
)
def test_a_time_alone_recalls_what_was_said_then(memory: Memory, prompt: str, day: str) -> None:
    """“What did we talk about last Tuesday?” recalls that day, though it shares no word with it."""
    assert SAID[day] in recalled(memory, prompt)


def test_a_time_decides_between_matches(memory: Memory) -> None:
    """Of two exchanges that match, the one of the time that was named is first."""
    in_may = memory.requests.context("work", "What about the ferry in May?", 1_500).recalled
    best = max(in_may, key=lambda one: one.score)
    assert SAID["2026-05-04"] in best.text
    assert best.words == ("ferry", "said in May")


def test_a_time_alone_recalls_nothing_of_other_times(memory: Memory) -> None:
    """Nothing of the days before and after is recalled, not even as a neighbour of a match."""
    context = memory.requests.context("work", "What did we talk about the day before yesterday?", 1_500)
    assert {one.number for one in context.recalled} == {219}


def test_a_session_of_one_day_is_recalled_by_that_day(tmp_path: Path) -> None:
    """If all of a session was said yesterday, that is not rare, but it is what “yesterday” asks for."""
    when = (NOW - timedelta(days=1)).isoformat()
    said = ({"prompt": f"Stall {n} sells figs.", "response": f"Noted. {LONG}", "datetime_utc": when} for n in range(40))
    into(tmp_path / "logs.db", io.BytesIO("\n".join(map(json.dumps, said)).encode()), "work", "work")
    with Memory(tmp_path / "logs.db", now=lambda: NOW) as memory:
        assert "sells figs" in recalled(memory, "What did we talk about yesterday?")
        assert recalled(memory, "I saw a heron yesterday.") == ""


def test_a_time_in_passing_recalls_no_day(memory: Memory) -> None:
    """A prompt that names a time without asking for it recalls nothing more than its words do."""
    assert "heating" not in recalled(memory, "I saw a heron two days ago.")
    assert "heating" not in recalled(memory, "I told the heron a tale two days ago.")
    assert recalled(memory, "How are you today?") == ""


def test_the_reason_names_the_time(memory: Memory) -> None:
    """`llm sessions context` says by which time an excerpt was found."""
    items = memory.requests.context("work", "What did we talk about two days ago?", 1_500).items
    assert any(item.fate == "recalled" and item.reason == "from its prompt; said two days ago" for item in items)


def test_a_time_of_which_nothing_is_known_is_a_word(memory: Memory) -> None:
    """If nothing was said at a time, its words are looked up as any others."""
    assert "day 66." in recalled(memory, "Which market was on day 66 in 1999?")


@pytest.mark.parametrize("time", ["on 0001-01-01", "on 1066-10-14", "999 years ago"])
def test_a_time_before_all_logs_is_a_word(memory: Memory, time: str) -> None:
    """A day of a history book is looked up as any other words, and the ends of the calendar do no harm."""
    assert "heating" in recalled(memory, f"What did we say of heating {time}?")


def test_days_are_those_of_the_person(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days begin at midnight where the person is: noon in UTC is the next day in a zone that is 13 hours ahead."""
    asked = "What did we discuss on 27 November?"
    assert SAID["2026-11-26"] not in recalled(memory, asked)
    monkeypatch.setenv("TZ", "XXX-13")
    time.tzset()
    try:
        assert SAID["2026-11-26"] in recalled(memory, asked)
    finally:
        monkeypatch.undo()
        time.tzset()
