"""The options that say how fast and for how much money a job is worked on, for every command that works on jobs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from ..errors import SessionError
from ..rules.money import NO_BUDGET, parsed_budget
from .common import F

DEFAULT_JOBS = 4
MOST_JOBS = 256


@dataclass(frozen=True)
class Limiting:
    """How a job is worked on. What was not given is None. `no_max_cost`: the limit is removed."""

    jobs: int | None = None
    max_cost: float | None = None
    no_max_cost: bool = False
    requests_a_minute: int | None = None
    tokens_a_minute: int | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What was given, as it is kept with a job, so that it also holds when the job is resumed."""
        names = ("jobs", "requests_a_minute", "tokens_a_minute")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def dollars(ctx: click.Context, param: click.Parameter, text: str | None) -> float | str | None:
    """Return an amount of US dollars, “none”, or None if it was not given."""
    del ctx, param
    if text is None:
        return None
    try:
        amount = parsed_budget(text)
    except SessionError as error:
        raise click.BadParameter(str(error)) from error
    return NO_BUDGET if amount is None else amount


def limit_options(function: F) -> F:
    """Give a command the options. It gets them as one argument, `limiting`."""

    @functools.wraps(function)
    def gathered(*args: Any, max_cost: float | str | None, **parameters: Any) -> Any:
        names = ("jobs", "requests_a_minute", "tokens_a_minute")
        given = {name: parameters.pop(name) for name in names}
        amount = max_cost if isinstance(max_cost, float) else None
        limiting = Limiting(**given, max_cost=amount, no_max_cost=max_cost == NO_BUDGET)
        return function(*args, limiting=limiting, **parameters)

    a_minute: dict[str, Any] = {"type": click.IntRange(min=1), "metavar": "N"}
    options: tuple[Callable[[Any], Any], ...] = (
        click.option(
            *("-j", "--jobs"),
            type=click.IntRange(1, MOST_JOBS),
            metavar="N",
            help=f"Prompts to ask at the same time [{DEFAULT_JOBS}]",
        ),
        click.option(
            "--max-cost",
            metavar="DOLLARS",
            callback=dollars,
            help="Stop before the job costs more than this, such as 5",
        ),
        click.option("--requests-a-minute", **a_minute, help="Send at most N requests a minute"),
        click.option("--tokens-a-minute", **a_minute, help="Send and receive at most about N tokens a minute"),
    )
    decorated: Any = gathered
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]
