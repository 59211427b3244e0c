"""The head of a transcript: its facts as chips, and the session's place among others. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from llm_session_memory.reader.around import Around
from llm_session_memory.reader.entries import Line, Relative
from llm_session_memory.rules.safe_text import one_line

from ..web.links import Links
from .words import compact, days, exact_moment

_MODELS = 3
"""The most models named in a chip. Its tooltip names all of them."""


@dataclass(frozen=True)
class Chip:
    """A fact: a figure that stands out, words, the exact values for the tooltip, and for a time its UTC."""

    figure: str
    words: str = ""
    title: str = ""
    utc: str = ""


def chips(line: Line, around: Around) -> list[Chip]:
    """Return the facts about a session, the most telling first. What is not known has no chip."""
    figures = line.figures
    found = [Chip(f"{figures.exchanges:,}", "exchange" if figures.exchanges == 1 else "exchanges")]
    models = around.models or ((line.model,) if line.model else ())
    if models:
        rest = len(models) - _MODELS
        names = ", ".join(one_line(model, 60) for model in models[:_MODELS]) + (f" and {rest} more" if rest > 0 else "")
        found.append(Chip(names, title=_all_models(models) if len(models) > 1 else ""))
    if figures.first_utc:
        exact = f"{exact_moment(figures.first_utc)} to {exact_moment(figures.last_utc)}"
        found.append(Chip("", days(figures.first_utc, figures.last_utc), exact if figures.last_utc else ""))
    if figures.last_utc:
        found.append(Chip("", "last used", utc=figures.last_utc))
    if figures.input_tokens is not None or figures.output_tokens is not None:
        found.append(_tokens(figures.input_tokens or 0, figures.output_tokens or 0, forked=line.origin is not None))
    if figures.cost.dollars is not None:
        found.append(Chip(figures.cost.words, title="The cost of all calls that have a price"))
    elif figures.cost.words:
        found.append(Chip("", f"{figures.cost.words} {'model' if len(models) == 1 else 'models'}"))
    if line.attempts:
        found.append(Chip(f"{line.attempts:,}", "failed prompt" if line.attempts == 1 else "failed prompts"))
    return found


def _all_models(models: tuple[str, ...]) -> str:
    return one_line(f"Models, most used first: {', '.join(models)}", 600)


def _tokens(sent: int, received: int, *, forked: bool) -> Chip:
    since = " since the fork" if forked else ""
    exact = f"{sent:,} tokens sent to the model, {received:,} received{since}"
    return Chip(f"{compact(sent)} → {compact(received)}", f"tokens{since}", exact)


@dataclass(frozen=True)
class Neighbour:
    """A session that was last used just before or after: its URL and what it is called."""

    url: str
    heading: str


def neighbours(around: Around, links: Links) -> tuple[Neighbour | None, Neighbour | None]:
    """Return the sessions last used before and after."""

    def named(one: Relative | None) -> Neighbour | None:
        return Neighbour(links.session(one.reference), one_line(one.heading, 44)) if one else None

    return named(around.before), named(around.after)
