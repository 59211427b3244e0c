"""Times as people write them in English, read from the words of a prompt: “last Tuesday”, “in May”, 2026-05-04.

Pure. A time is a span of local time, relative to now. Only the past counts, because nothing was said in the future: “on
Tuesday” is the last one, and “next Tuesday” is none. Names of months that are also verbs (may, march) count only if
they can't be verbs, and abbreviations (Mar, Dec) only next to a number; Sun and second are never times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from .time_words import (
    ALL_MONTHS,
    AT,
    DECEMBER,
    FIRST_YEAR,
    HOURS,
    LAST,
    MONTHS,
    ORDINALS,
    SATURDAY,
    UNITS,
    VERBS,
    WEEKDAYS,
    YEAR_DIGITS,
    FoundTime,
    Span,
    Words,
    day_of,
    month_of,
    part_of,
    words_of,
)

_OTHER = frozenset("next coming following every each until till before after by".split())
"""Before a time, these make it another one, or none."""

_MOST = 4
"""The most times of one prompt that are understood."""


class NamedTime(NamedTuple):
    """A time that a prompt names: the expression as typed, its spans, and where it begins and ends in the prompt.

    `absolute` are the words that a text about this time has too, such as a weekday or a month.
    """

    said: str
    spans: tuple[Span, ...]
    start: int
    end: int
    absolute: tuple[str, ...]


def read(text: str, now: datetime) -> list[NamedTime]:
    """Return the times in the past that a text names, given the local time."""
    words = words_of(text)
    reader = _Reader(words, now)
    found: list[NamedTime] = []
    at = 0
    while at < len(words) and len(found) < _MOST:
        time = reader.time(at)
        past = tuple(_within(time.spans, now)) if time else ()
        first = reader.first(at)
        if time and past and reader.word(first - 1).text not in _OTHER:
            start, end = words[first].start, words[at + time.length - 1].end
            since = words[first].text == "since"
            spans = tuple((begin, now) for begin, _ in past) if since else past
            found.append(NamedTime(_said(text[start:end]), spans, start, end, time.absolute))
        at += time.length if time else 1
    return found


def _within(spans: Iterable[Span], now: datetime) -> Iterator[Span]:
    """Yield the parts of spans that are in the past, from FIRST_YEAR on."""
    for start, end in spans:
        span = max(start, month_of(FIRST_YEAR, 1)[0]), min(end, now)
        if span[0] < span[1]:
            yield span


def _said(time: str) -> str:
    """Return a time as it stands within a sentence."""
    words = time.split()
    first = words[0].lower()
    return " ".join([words[0] if first in ALL_MONTHS or first in WEEKDAYS else first, *words[1:]])


class _Reader(Words):
    """Reads times from the words of a text. Each method returns what begins at one word, or None."""

    def time(self, at: int) -> FoundTime | None:
        """Return the time that begins at a word, if there is one in the past."""
        try:
            for read in (self._numeric, self._ago, self._near, self._last, self._weekday, self._date, self._month):
                found = read(at)
                if found:
                    return found
        except (ValueError, OverflowError):  # the 31st of February, or a time before the first year
            pass
        return None

    def _numeric(self, at: int) -> FoundTime | None:
        """2026-05-04, 2026-05, 2026/05/04, 04.05.2026, and 04/05/2026 either way around."""
        text = self.word(at).text
        numbers = [int(one) for one in re.split(r"[./-]", text)] if re.fullmatch(r"\d+([./-]\d+)+", text) else []
        if not numbers:
            return None
        if len(text.split("-")[0].split("/")[0]) == YEAR_DIGITS:
            year, month, *day = numbers
            span = day_of(date(year, month, day[0])) if day else month_of(year, month)
            return FoundTime(1, (span,), (text,))
        first, second, year = numbers
        ways = [(second, first)] if "." in text else [(second, first), (first, second)]
        days = {date(year, month, day) for month, day in ways if month <= DECEMBER}
        return FoundTime(1, tuple(day_of(one) for one in sorted(days)), (text,))

    def _ago(self, at: int) -> FoundTime | None:
        """Two weeks ago, 3 days ago, a few months ago, an hour ago."""
        taken, low, high = self.count(at)
        unit, ago = self.texts(at + taken, 2)
        if not low or ago != "ago":
            return None
        if unit.rstrip("s") in ("hour", "minute"):
            step = timedelta(**{unit.rstrip("s") + "s": 1})
            return FoundTime(taken + 2, ((self.now - high * step * 1.5, self.now - low * step * 0.5),))
        days = UNITS.get(unit.rstrip("s"))
        if not days:
            return None
        first, last = self.before(high * days + days // 2), self.before(low * days - days // 2)
        return FoundTime(taken + 2, ((day_of(first)[0], day_of(last)[1]),))

    def _near(self, at: int) -> FoundTime | None:
        """Today, yesterday evening, this morning, last night, the day before yesterday."""
        first, second, third = self.texts(at, 3)
        if (first, second, third) == ("day", "before", "yesterday"):
            return FoundTime(3, (day_of(self.before(2)),))
        if first in ("today", "tonight", "yesterday"):
            day = self.before(1 if first == "yesterday" else 0)
            part = "night" if first == "tonight" else second
            if part in HOURS:
                return FoundTime(1 if first == "tonight" else 2, (part_of(day, part),))
            return FoundTime(1, (day_of(day),))
        if first == "last" and second == "night":
            return FoundTime(2, (part_of(self.before(1), "night"),))
        if first == "this" and second in HOURS:
            return FoundTime(2, (part_of(self.today, second),))
        return None

    def _last(self, at: int) -> FoundTime | None:
        """Last week, this month, the past year, last weekend, the last three days."""
        first, second = self.texts(at, 2)
        if second == "weekend" and first in (*LAST, "this", "the"):
            monday = self.before(self.today.weekday())
            here = first == "this" or (first == "the" and self.today.weekday() >= SATURDAY)
            saturday = monday + timedelta(days=SATURDAY if here else SATURDAY - 7)
            return FoundTime(2, ((day_of(saturday)[0], day_of(saturday + timedelta(days=1))[1]),))
        if first not in LAST and first != "this":
            return None
        if second in UNITS and second != "day":
            rolling = first == "past"
            return FoundTime(2, (self.back(UNITS[second]) if rolling else self.period(second, back=first != "this"),))
        taken, _, high = self.count(at + 1)
        days = UNITS.get(self.word(at + 1 + taken).text.rstrip("s"))
        if first == "this" or not high or not days or second in ("a", "an"):
            return None
        return FoundTime(taken + 2, (self.back(high * days),))

    def _weekday(self, at: int) -> FoundTime | None:
        """On Tuesday, last Tuesday evening, since Friday: the newest one before today, or both if it is unclear."""
        first, second = self.texts(at, 2)
        lead = first in LAST or first == "this"
        name = second if lead else first
        before = self.word(at - 1).text
        if name not in WEEKDAYS or not (lead or before in AT):
            return None
        away = (self.today.weekday() - WEEKDAYS.index(name)) % 7 or 7
        days = [self.before(away)]
        if first == "this":
            days = [self.before(self.today.weekday() - WEEKDAYS.index(name))]
        elif first in LAST and away <= self.today.weekday():  # in this week: “last Tuesday” may be that of last week
            days.append(self.before(away + 7))
        taken = 1 + lead
        part = self.word(at + taken).text
        if part in HOURS:
            return FoundTime(taken + 1, tuple(part_of(day, part) for day in days), (name,))
        return FoundTime(taken, tuple(day_of(day) for day in days), (name,))

    def _date(self, at: int) -> FoundTime | None:
        """4 May, the 4th of May 2026, May 4, May 4th, 2026."""
        taken, day = self.number(at)
        if day:
            of = self.word(at + taken).text == "of"
            name = self.word(at + taken + of)
            clear = of or taken > 1 or name.typed[:1].isupper()
            taken += of + 1
        else:
            name = self.word(at)
            taken, day = self.number(at + 1)
            taken += 1
            clear = name.typed[:1].isupper() and not self.begins(at)
        if not day or name.text not in ALL_MONTHS:
            return None
        comma = self.word(at + taken).text == ","
        year = self.year(at + taken + comma)
        ended = not self.word(at + taken).text[:1].isalnum()
        if name.text in VERBS and not (clear or year or ended or self.word(at + taken - 1).text in ORDINALS):
            return None
        month = ALL_MONTHS[name.text]
        absolute = (name.text, str(day), *([str(year)] if year else []))
        found = date(year, month, day) if year else self.newest(month, day)
        return FoundTime(taken + (1 + comma if year else 0), (day_of(found),), absolute)

    def _month(self, at: int) -> FoundTime | None:
        """In May, last May, May 2026, in 2026."""
        first, before = self.word(at).text, self.word(at - 1).text
        year = self.year(at)
        if year:
            known = before in ("in", "of", "during", "from", "since")
            return FoundTime(1, ((month_of(year, 1)[0], month_of(year, DECEMBER)[1]),), (first,)) if known else None
        lead = first in LAST or first == "this"
        name = self.word(at + lead)
        month = ALL_MONTHS.get(name.text)
        if not month or (name.text in VERBS and before != "in" and not name.typed[:1].isupper()):
            return None
        year = self.year(at + 1 + lead)
        if year:
            return FoundTime(2 + lead, (month_of(year, month),), (name.text, str(year)))
        if name.text not in MONTHS or not (lead or before in AT):
            return None
        year = self.today.year - (month > self.today.month or (first in LAST and month == self.today.month))
        return FoundTime(1 + lead, (month_of(year, month),), (name.text,))
