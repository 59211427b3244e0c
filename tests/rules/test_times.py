"""The times that prompts name: which of them are times, and which days they mean."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.times import asks_only_when, named, words_beside
from tests.world.laws import tried

NOW = datetime(2026, 11, 28, 10, 0)  # noqa: DTZ001  a Saturday, in local time


def said(prompt: str) -> list[str]:
    """Return the times that a prompt names, each with the beginning and the end of its spans."""
    return [
        f"{one.said}: {' or '.join(f'{start:%Y-%m-%d %H:%M} to {end:%m-%d %H:%M}' for start, end in one.spans)}"
        for one in named(prompt, NOW)
    ]


@pytest.mark.parametrize(
    ("prompt", "time"),
    [
        ("What did I say yesterday?", "yesterday: 2026-11-27 00:00 to 11-28 00:00"),
        ("Yesterday evening, what was it?", "yesterday evening: 2026-11-27 17:00 to 11-28 00:00"),
        ("The plan of the day before yesterday", "the day before yesterday: 2026-11-26 00:00 to 11-27 00:00"),
        ("What did we do this morning?", "this morning: 2026-11-28 04:00 to 11-28 10:00"),
        ("and last night?", "last night: 2026-11-27 18:00 to 11-28 05:00"),
        ("What did I ask today?", "today: 2026-11-28 00:00 to 11-28 10:00"),
        ("since Friday?", "since Friday: 2026-11-27 00:00 to 11-28 10:00"),
        ("What about on Monday evening?", "on Monday evening: 2026-11-23 17:00 to 11-24 00:00"),
        ("On Saturday we met", "on Saturday: 2026-11-21 00:00 to 11-22 00:00"),
        (
            "last Tuesday",
            "last Tuesday: 2026-11-24 00:00 to 11-25 00:00 or 2026-11-17 00:00 to 11-18 00:00",
        ),
        ("last Sunday", "last Sunday: 2026-11-22 00:00 to 11-23 00:00"),
        ("two weeks ago", "two weeks ago: 2026-11-11 00:00 to 11-18 00:00"),
        ("3 days ago", "3 days ago: 2026-11-25 00:00 to 11-26 00:00"),
        ("a couple of days ago", "a couple of days ago: 2026-11-25 00:00 to 11-27 00:00"),
        ("an hour ago", "an hour ago: 2026-11-28 08:30 to 11-28 09:30"),
        ("in the last three days", "in the last three days: 2026-11-25 00:00 to 11-28 10:00"),
        ("in the last 99 years", "in the last 99 years: 1971-01-01 00:00 to 11-28 10:00"),
        ("last week", "last week: 2026-11-16 00:00 to 11-23 00:00"),
        ("this month", "this month: 2026-11-01 00:00 to 11-28 10:00"),
        ("last weekend", "last weekend: 2026-11-21 00:00 to 11-23 00:00"),
        ("in May", "in May: 2026-05-01 00:00 to 06-01 00:00"),
        ("in december", "in december: 2025-12-01 00:00 to 01-01 00:00"),
        ("last November", "last November: 2025-11-01 00:00 to 12-01 00:00"),
        ("in May 2023", "in May 2023: 2023-05-01 00:00 to 06-01 00:00"),
        ("in 2024", "in 2024: 2024-01-01 00:00 to 01-01 00:00"),
        ("on 4 May 2023", "on 4 May 2023: 2023-05-04 00:00 to 05-05 00:00"),
        ("May 4th, 2023", "May 4th, 2023: 2023-05-04 00:00 to 05-05 00:00"),
        ("the 4th of may", "the 4th of may: 2026-05-04 00:00 to 05-05 00:00"),
        ("on Dec 24", "on Dec 24: 2025-12-24 00:00 to 12-25 00:00"),
        ("on 29 February", "on 29 February: 2024-02-29 00:00 to 03-01 00:00"),
        ("2026-05-04", "2026-05-04: 2026-05-04 00:00 to 05-05 00:00"),
        ("2026-05", "2026-05: 2026-05-01 00:00 to 06-01 00:00"),
        ("am 04.05.2026", "04.05.2026: 2026-05-04 00:00 to 05-05 00:00"),
        ("04/05/2026", "04/05/2026: 2026-04-05 00:00 to 04-06 00:00 or 2026-05-04 00:00 to 05-05 00:00"),
        ("13/05/2026", "13/05/2026: 2026-05-13 00:00 to 05-14 00:00"),
    ],
)
def test_times_mean_days_in_the_past(prompt: str, time: str) -> None:
    """A time means the days in the past that a person means by it now."""
    assert said(prompt) == [time]


@pytest.mark.parametrize(
    "prompt",
    [
        "How may I help you? You may 4 times. This may be it. May 4 people come?",
        "I will march on, and march 5 miles; Mar the table",
        "The sun sat on a wed second, mon ami, for dec and jan.",
        "next Tuesday, every Friday, on Tuesdays, before Monday, until the 4th of May, after last Sunday, by 4 May",
        "Tuesday",
        "tomorrow, tonight, in 2031, 2031-01-01",
        "31 February, 2026-13-01, 99.99.2026, 0000-00-00, 9999-12-31",
        "Version 1.2.3 at 192.168.1.1 costs 2026 dollars, 12-345-67, 2026-05-04-11",
        "a thousand years ago, 99999 years ago, 9999 days hence",
        "0001-01-01, 1066-10-14, 1066/10/14, 14.10.1066, 999 years ago, 1970-01-01",
        "last time, last one, this is, the past, in the last",
    ],
)
def test_other_words_are_no_times(prompt: str) -> None:
    """Verbs, other meanings, times to come and days that never were are no times."""
    assert said(prompt) == []


@tried(300)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                "last this in on the of a couple few ago days weeks years may May 4 th 31 99 2023 Tuesday , ."
                " 0001-01-01".split()
            ),
            st.text(max_size=6),
        ),
        max_size=8,
    ).map(" ".join)
)
def test_any_text_is_read_without_trouble(prompt: str) -> None:
    """Whatever a prompt says, its times are in the past, in its own words, and do not overlap."""
    found = named(prompt, NOW)
    assert all(start < end <= NOW for one in found for start, end in one.spans)
    places = [place for one in found for place in (one.start, one.end)]
    assert places == sorted(places)
    assert isinstance(words_beside(prompt, found), list)


@pytest.mark.parametrize(
    ("prompt", "words", "only"),
    [
        ("What did we talk about last Tuesday?", [], True),
        ("Remind me what we discussed in May.", [], True),
        ("How are you today?", [], False),
        ("What a lovely morning, thanks for last night!", [], False),
        ("Which bridge did I mention on 4 May 2023?", ["bridge", "mention"], False),
    ],
)
def test_a_time_alone_is_asked_for_with_words_about_talking(prompt: str, words: list[str], only: bool) -> None:
    """A prompt asks for all of a time if it looks back and has no other words; those of the time are not looked up."""
    times = named(prompt, NOW)
    assert times
    assert words_beside(prompt, times) == words
    assert asks_only_when(prompt, times) is only
