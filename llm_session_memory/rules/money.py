"""Amounts of US dollars: read them, write them, and decide whether a prompt still fits a budget. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ..errors import SessionError, TooExpensive

NO_BUDGET = "none"
"""The word that removes a budget."""

_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")

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
    bare = given.removeprefix("$")
    if _GROUPED.fullmatch(bare):
        bare = bare.replace(",", "")
    try:
        amount = float(bare)  # a comma for decimals is refused, because it would be read as ten times as much
    except ValueError:
        amount = math.nan
    if not 0 <= amount <= _MOST_DOLLARS:  # not a number is not in between
        hint = f"Give an amount such as 2 or 0.50, or “{NO_BUDGET}”."
        raise SessionError(f"“{text}” is not an amount of US dollars.", hint)
    return amount


def stored(value: object) -> float | None:
    """Return an amount as the log has it, or None if it is not a number, as in a file that something else changed."""
    return float(value) if isinstance(value, int | float) else None


def exact(amount: float) -> str:
    """Return an amount with at least two decimals, and with as many more (up to four) as it has: `$2.00`, `$0.0031`."""
    if 0 < amount < _SMALLEST:
        return f"${amount:.1g}" if amount < _SMALLEST / 1000 else f"${amount:.7f}".rstrip("0")
    written = f"{amount:,.4f}"
    whole, _, decimals = written.partition(".")
    return f"${whole}.{decimals.rstrip('0').ljust(2, '0')}"


@dataclass(frozen=True)
class Limit:
    """A budget in dollars and what was spent of it; who pays (“Session “work””) and the command that changes it."""

    payer: str
    dollars: float
    spent: float
    change: str

    def check(self, cost: float | None) -> None:
        """Raise TooExpensive if a request of about this cost exceeds the budget; None: if nothing is left of it.

        A request that costs exactly what is left still fits.
        """
        spent, dollars = exact(self.spent), exact(self.dollars)
        unsent = "Nothing was sent."
        hint = f"Send it anyway with --over-budget, or change the budget: {self.change}"
        if cost is None and self.spent >= self.dollars:
            raise TooExpensive(f"{self.payer} has cost {spent} so far, and its budget is {dollars}.", hint, unsent)
        if cost is not None and cost > 0 and self.spent + cost > self.dollars:
            price = exact(cost)
            raise TooExpensive(
                f"{self.payer} has cost {spent} so far, and this prompt would cost about {price}, but its budget is"
                f" {dollars}.",
                hint,
                unsent,
            )
