"""Amounts of US dollars: read them, write them, and decide whether a prompt still fits a budget. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import OverBudget, SessionError

NO_BUDGET = "none"
"""The word that removes a budget."""

_MOST_DOLLARS = 1_000_000_000.0

_SMALLEST = 0.0001
"""Amounts below this are written with two significant digits."""


def parsed_budget(text: str) -> float | None:
    """Return a budget in US dollars (`2`, `2.50`, `$2.50`), or None for “none”. Raises SessionError if it is invalid.

    A budget of 0 allows only models that cost nothing.
    """
    given = text.strip()
    if given.lower() == NO_BUDGET:
        return None
    try:
        amount = float(given.removeprefix("$").replace(",", "").replace("_", ""))
    except ValueError:
        amount = math.nan
    if not 0 <= amount <= _MOST_DOLLARS:  # not a number is not in between
        hint = f"Give an amount such as 2 or 0.50, or “{NO_BUDGET}”."
        raise SessionError(f"“{text}” is not an amount of US dollars.", hint)
    return amount


def exact(amount: float) -> str:
    """Return an amount with at least two decimals, and with as many more (up to four) as it has: `$2.00`, `$0.0031`."""
    if 0 < amount < _SMALLEST:
        return f"${amount:.1g}" if amount < _SMALLEST / 1000 else f"${amount:.7f}".rstrip("0")
    written = f"{amount:,.4f}"
    whole, _, decimals = written.partition(".")
    return f"${whole}.{decimals.rstrip('0').ljust(2, '0')}"


@dataclass(frozen=True)
class Limit:
    """A budget in dollars, what it is for (“session “work””), what was spent of it, and the commands that change it."""

    whose: str
    dollars: float
    spent: float
    change: str

    def check(self, cost: float | None) -> None:
        """Raise OverBudget if a request of about this cost would exceed the budget; None: if nothing is left of it.

        A request that costs exactly what is left still fits.
        """
        if cost is None and self.spent < self.dollars:
            return
        if cost is not None and (cost <= 0 or self.spent + cost <= self.dollars):
            return
        far = f"{self.whose[:1].upper()}{self.whose[1:]} has cost {exact(self.spent)} so far"
        this = "" if cost is None else f", and this prompt would cost about {exact(cost)}"
        raise OverBudget(
            f"{far}{this}, but its budget is {exact(self.dollars)}.",
            f"Nothing was sent. Send it anyway with --over-budget, or change the budget: {self.change}",
        )
