"""The figures at the top of the dashboard: each with its change to the period before and its trend. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from .charts import Number, with_unit
from .panels import Rows, summed
from .periods import Days, day_of, periods

RECENT = 30
"""If all days are shown, the last 30 are compared with the 30 before."""

_POINTS = 31
"""The most points of a trend."""

_LARGE = 10
"""From this factor on, a change is a factor and no longer a percentage."""


@dataclass(frozen=True)
class TileMeasure:
    """What a tile counts: columns of the rows of one panel's query."""

    name: str
    label: str
    query: str
    columns: tuple[str, ...]
    unit: str

    def of(self, rows: Rows) -> Number:
        """Return the sum over rows, or None if all are unknown."""
        return summed(row[column] for row in rows for column in self.columns)


MEASURES = (
    TileMeasure("calls", "calls", "tokens_a_day_by_model", ("calls",), "calls"),
    TileMeasure("tokens", "tokens", "tokens_a_day_by_model", ("tokens_in", "tokens_out"), "tokens"),
    TileMeasure("cost", "cost", "cost_a_day", ("dollars",), "US dollars"),
    TileMeasure("saved", "tokens saved by pruning (estimate)", "tokens_saved", ("tokens_saved_about",), "tokens"),
    TileMeasure("failed", "failed prompts", "failed_prompts", ("failed",), "prompts"),
)

QUERIES = tuple(dict.fromkeys(one.query for one in MEASURES))
"""The short names of the queries that the tiles are made of."""


@dataclass(frozen=True)
class Change:
    """A figure in a period and in the period of the same length before it."""

    now: Number
    before: Number
    days: int
    recent: bool
    """Whether the period is the last days out of all that are shown."""

    @property
    def direction(self) -> int:
        """1 for more, -1 for less, 0 for the same."""
        now, before = self.now or 0, self.before or 0
        return (now > before) - (now < before)

    @property
    def words(self) -> str:
        """The change in words: `12% more than in the 30 days before`."""
        now, before = self.now or 0, self.before or 0
        period = "day" if self.days == 1 else f"{self.days:,} days"
        within = f" in the last {period}" if self.recent else ""
        if not before:
            if now and within:
                return f"All{within}, nothing in the {period} before"
            return f"Nothing{within}" if self.recent else f"Nothing in the {period} before{'' if now else ' either'}"
        if now == before:
            return f"The same{within} as in the {period} before"
        if now > before * _LARGE:
            return f"{now / before:,.0f} times as much{within} as in the {period} before"
        percent = abs(now - before) / before * 100
        share = f"{percent:.0f}%" if percent >= 1 else "<1%"
        return f"{share} {'more' if now > before else 'less'}{within} than in the {period} before"

    def exact(self, unit: str) -> str:
        """Return both figures: `1,234 calls, before: 1,100 calls`."""
        return f"{with_unit(self.now or 0, unit)}, before: {with_unit(self.before or 0, unit)}"


@dataclass(frozen=True)
class Tile:
    """A figure, its change (None if there is nothing to compare with), and its values over time."""

    measure: TileMeasure
    value: Number
    change: Change | None
    trend: tuple[Number, ...]


def before(days: Days, today: date) -> Days | None:
    """Return the period of the same length before some days, or None if they have no first day."""
    first, last = day_of(days[0]), day_of(days[1]) or today
    if first is None or last < first:
        return None
    try:
        return (first - (last - first) - timedelta(days=1)).isoformat(), (first - timedelta(days=1)).isoformat()
    except OverflowError:
        return None


def tiles(rows: Mapping[str, Rows], earlier: Mapping[str, Rows] | None, days: Days, today: date) -> list[Tile]:
    """Return the tiles of a dashboard. Figures that are unknown have none.

    Args:
        rows: The rows of each query by its short name.
        earlier: The same for the period before, or None to compare the last days with those before them.
        days: The first and last day that were asked for.
        today: The current day in UTC.
    """
    found = []
    for measure in MEASURES:
        known = rows.get(measure.query, ())
        value = measure.of(known)
        if value is None:
            continue
        if earlier is None:
            change = None if days[0] or days[1] else _recent(measure, known, today)
        elif measure.query in earlier:
            change = Change(value, measure.of(earlier[measure.query]), _length(days, today), recent=False)
        else:
            change = None
        found.append(Tile(measure, value, change, _trend(measure, known, days)))
    return found


def _length(days: Days, today: date) -> int:
    first, last = day_of(days[0]), day_of(days[1]) or today
    return 0 if first is None else (last - first).days + 1


def _recent(measure: TileMeasure, rows: Rows, today: date) -> Change | None:
    """Return the change of the last days to those before, or None if neither has anything."""

    def within(first: int, last: int) -> Rows:
        begin, end = (today - timedelta(days=ago) for ago in (first, last))
        return [row for row in rows if begin.isoformat() <= str(row["day"]) <= end.isoformat()]

    now, earlier = measure.of(within(RECENT - 1, 0)), measure.of(within(2 * RECENT - 1, RECENT))
    return Change(now, earlier, RECENT, recent=True) if now or earlier else None


def _trend(measure: TileMeasure, rows: Rows, days: Days) -> tuple[Number, ...]:
    over = periods((str(row["day"]) for row in rows), days, _POINTS)
    sums: list[list[Number]] = [[] for _ in over.columns]
    for row in rows:
        place = over.place(str(row["day"]))
        if place is not None:
            sums[place].extend(row[column] for column in measure.columns)
    return tuple(summed(values) for values in sums)


def shares(values: Sequence[Number], most: int = 100) -> tuple[int, ...]:
    """Return values as whole numbers from 0 to `most`, the greatest of them at `most`, for a drawing."""
    known = [max(value or 0, 0) for value in values]
    greatest = max(known, default=0)
    return tuple(round(value / greatest * most) if greatest else 0 for value in known)
