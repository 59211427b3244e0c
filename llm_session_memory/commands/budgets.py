"""The option `--budget-usd`, and the lines that say what is spent of a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from ..llm_seam.models import default_model
from ..memory import Memory
from ..model import Session
from ..rules.money import NO_BUDGET, exact, parsed_budget
from .common import echo

F = TypeVar("F", bound=Callable[..., Any])


def budget_option(whose: str) -> Callable[[F], F]:
    """Return a decorator for `--budget-usd`, which gives a command an amount as it was typed, or None."""
    help_ = f"The most that {whose} may cost, in US dollars, or “{NO_BUDGET}”"
    decorate: Callable[[F], F] = click.option("--budget-usd", metavar="USD", help=help_)
    return decorate


def budget_of(typed: str | None, before: float | None) -> float | None:
    """Return the budget after a command. Raises SessionError if it is not an amount."""
    return before if typed is None else parsed_budget(typed)


def budget_lines(memory: Memory, session: Session) -> Iterator[tuple[str, str]]:
    """Yield a label and a sentence for each budget in dollars that holds for a session."""
    if session.budget_usd is None and session.project is None:
        return
    for limit, spent in memory.costs.limits(session):
        whose = "" if limit.payer.startswith("Session") else f" for all of p{limit.payer[1:]}"
        yield "cost", f"at most {exact(limit.dollars)}{whose}; so far {spent.words}"


def warn(memory: Memory, model: str | None) -> None:
    """Say that a budget that was just set can't be held, if the price of the model (None: llm's default) is unknown."""
    why = memory.costs.unknown(model or default_model())
    if why:
        echo(f"The budget has no effect for now: {why}", err=True)
