"""Tokens and dollars of calls, and their sums. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """The cost of calls in dollars, and how many calls there are, have token counts, have a price, and are local."""

    dollars: float | None = None
    calls: int = 0
    counted: int = 0
    priced: int = 0
    local: int = 0

    def __add__(self, other: Cost) -> Cost:
        known = [cost.dollars for cost in (self, other) if cost.dollars is not None]
        return Cost(
            sum(known) if known else None,
            self.calls + other.calls,
            self.counted + other.counted,
            self.priced + other.priced,
            self.local + other.local,
        )

    @property
    def words(self) -> str:
        """The cost as text: empty if unknown, “local” if all models are local, with “≥” if some prices are unknown."""
        if self.dollars is None:
            return "local" if self.calls and self.local == self.calls else ""
        if self.priced == self.counted:
            return dollars(self.dollars)
        return f"≥ {dollars(self.dollars)}" if self.dollars >= _CENT else "> $0.00"

    @property
    def explained(self) -> str:
        """The cost with all its digits and, if some prices are unknown, a sentence about it; empty if it is unknown."""
        if self.dollars is None:
            return "These models run on your own machine." if self.words else ""
        exact = f"${self.dollars:.6f}"
        if self.priced == self.counted:
            return exact
        return f"{exact} for {self.priced:,} of {self.counted:,} calls. The price of the others isn't known."


def dollars(amount: float) -> str:
    """Return an amount as text, to the cent."""
    return "<$0.01" if 0 < amount < _CENT else f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def small_dollars(amount: float) -> str:
    """Return a cost that may be small as text, with more digits below a cent."""
    return f"${amount:.4f}" if _CENT / 100 <= amount < _CENT else dollars(amount)


_CENT = 0.01


@dataclass(frozen=True)
class Figures:
    """The numbers of a thread."""

    exchanges: int = 0
    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Cost = Cost()
    first_utc: str = ""
    last_utc: str = ""
    duration_ms: int | None = None

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.exchanges + other.exchanges,
            self.calls + other.calls,
            summed(self.input_tokens, other.input_tokens),
            summed(self.output_tokens, other.output_tokens),
            self.cost + other.cost,
            min(filter(None, (self.first_utc, other.first_utc)), default=""),
            max(self.last_utc, other.last_utc),
            summed(self.duration_ms, other.duration_ms),
        )


def summed(*numbers: int | None) -> int | None:
    """Return the sum of the known numbers, or None if all are unknown."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
