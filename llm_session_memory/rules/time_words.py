"""The words of a prompt that may be parts of times, and spans of local time. Pure; see `time_reading`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_MONTH_NAMES = "january february march april may june july august september october november december".split()
MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
ALL_MONTHS = MONTHS | {name[:3]: number for name, number in MONTHS.items()} | {"sept": 9}
VERBS = frozenset(("may", "march", "mar"))
COUNTS = {
    name: (number, number)
    for number, name in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)
} | {"a": (1, 1), "an": (1, 1), "couple": (2, 3), "few": (2, 5), "several": (3, 8)}
UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}
HOURS = {"morning": (4, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (18, 29)}
"""The hours of each part of a day, counted from its midnight."""

LAST = frozenset("last past previous".split())
AT = frozenset("on in of from since during early mid late".split()) | LAST | {"this"}
_LEADS = frozenset("in on over at during since the".split())

_TOKEN = re.compile(
    r"(?<![\w./-])(?:\d{4}-\d\d?(?:-\d\d?)?|\d{4}/\d\d?/\d\d?|\d\d?[./]\d\d?[./]\d{4})(?!\d|[/-]|\.\d)"
    r"|\d+|[^\W\d_]+|[^\s\w]"
)
ORDINALS = frozenset(("st", "nd", "rd", "th"))
YEAR_DIGITS, FEBRUARY, DECEMBER, SATURDAY = 4, 2, 12, 5

FIRST_YEAR = 1971
"""Nothing was logged before this year, and not every system can tell the zone of a local time before it."""

Span = tuple[datetime, datetime]
"""From a moment up to another one, in local time without a zone."""


class Word(NamedTuple):
    """A word, number, date or sign of a text: in lower case, as typed, and where it is."""

    text: str
    typed: str
    start: int
    end: int


class FoundTime(NamedTuple):
    """A time among the words of a text: how many words it has, its days or spans, and its absolute words."""

    length: int
    spans: tuple[Span, ...]
    absolute: tuple[str, ...] = ()


_NOTHING = Word("", "", 0, 0)


def words_of(text: str) -> list[Word]:
    """Return the words, numbers, dates and signs of a text."""
    return [Word(one.group().lower(), one.group(), one.start(), one.end()) for one in _TOKEN.finditer(text)]


class Words:
    """The words of a text, and now."""

    def __init__(self, words: Sequence[Word], now: datetime) -> None:
        self.words = words
        self.now = now
        self.today = now.date()

    def word(self, at: int) -> Word:
        """Return a word, or an empty one beyond the ends."""
        return self.words[at] if 0 <= at < len(self.words) else _NOTHING

    def first(self, at: int) -> int:
        """Return where a time that begins at a word begins with its preposition: “on the 4th of May”."""
        for _ in range(2):
            at -= self.word(at - 1).text in _LEADS
        return at

    def texts(self, at: int, count: int) -> list[str]:
        """Return this many words, in lower case."""
        return [self.word(at + i).text for i in range(count)]

    def count(self, at: int) -> tuple[int, int, int]:
        """Return how many words a number has, and the least and the most that it means."""
        text = self.word(at).text
        if text in ("a", "the") and self.word(at + 1).text in ("couple", "few"):
            taken, low, high = self.count(at + 1)
            return taken + 1, low, high
        if text.isdecimal() and len(text) < YEAR_DIGITS:
            return 1, int(text), int(text)
        low, high = COUNTS.get(text, (0, 0))
        return 1 + (text == "couple" and self.word(at + 1).text == "of"), low, high

    def number(self, at: int) -> tuple[int, int]:
        """Return how many words the day of a month has, and the day, or 0."""
        text, ending = self.texts(at, 2)
        ordinal = ending in ORDINALS and self.word(at).end == self.word(at + 1).start
        return 1 + ordinal, int(text) if text.isdecimal() and len(text) <= 2 else 0  # noqa: PLR2004  two digits

    def year(self, at: int) -> int:
        """Return the year at a word, or 0."""
        text = self.word(at).text
        year = int(text) if text.isdecimal() and len(text) == YEAR_DIGITS else 0
        return year if FIRST_YEAR <= year <= self.today.year else 0

    def begins(self, at: int) -> bool:
        """Return whether a word begins a sentence, where every word has a capital."""
        return at == 0 or self.word(at - 1).text in ".!?:"

    def newest(self, month: int, day: int) -> date:
        """Return the newest day of that name that has begun: the 29th of February may be years ago."""
        years = range(self.today.year, self.today.year - 9, -1)
        leap = (month, day) == (FEBRUARY, 29)
        days = (date(year, month, day) for year in years if not leap or not year % 4)
        return next(found for found in days if found <= self.today)

    def before(self, days: int) -> date:
        """Return the day this many days ago."""
        return self.today - timedelta(days=days)

    def back(self, days: int) -> Span:
        """Return the time from midnight this many days ago until now."""
        return day_of(self.before(days))[0], self.now

    def period(self, unit: str, *, back: bool) -> Span:
        """Return this week, month or year, or the last one."""
        if unit == "week":
            monday = self.before(self.today.weekday() + 7 * back)
            return day_of(monday)[0], day_of(monday + timedelta(days=6))[1]
        year, month = self.today.year, self.today.month
        if unit == "year":
            return month_of(year - back, 1)[0], month_of(year - back, DECEMBER)[1]
        return month_of(year - (back and month == 1), (month - 1 - back) % DECEMBER + 1)


def day_of(day: date) -> Span:
    """Return the span of a day."""
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001  local time
    return start, start + timedelta(days=1)


def part_of(day: date, part: str) -> Span:
    """Return the span of a part of a day."""
    first, last = HOURS[part]
    midnight, _ = day_of(day)
    return midnight + timedelta(hours=first), midnight + timedelta(hours=last)


def month_of(year: int, month: int) -> Span:
    """Return the span of a month."""
    following = date(year + month // DECEMBER, month % DECEMBER + 1, 1)
    return day_of(date(year, month, 1))[0], day_of(following)[0]
