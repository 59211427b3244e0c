"""The lines of the list as the rows of a page, as plain values for JSON, and as the rows of a file. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llm_session_memory.reader.entries import SORTS, TEXTS, Line, Sort
from llm_session_memory.reader.files.spreadsheet import cell
from llm_session_memory.rules.safe_text import one_line
from llm_session_memory.rules.words import counted

from ..web.links import Links
from .fields import fork_fields
from .words import day

_TITLE = 200
"""The most characters of the first words that stand for a name: two lines."""


@dataclass(frozen=True)
class Order:
    """An order of the list: a column, and whether the newest, the most or the end of the alphabet comes first."""

    by: Sort
    descending: bool

    @property
    def word(self) -> str:
        """The word for it in an address: the column, with a minus if it is turned round."""
        return self.by if self.descending == (self.by not in TEXTS) else f"-{self.by}"

    def clicked(self, column: Sort) -> Order:
        """Return the order that a click on a column's header leads to."""
        usual = column not in TEXTS
        return Order(column, not self.descending if column == self.by else usual)


_LABELS: dict[Sort, tuple[str, str]] = {
    "used": ("newest first", "oldest first"),
    "name": ("name, A to Z", "name, Z to A"),
    "model": ("model, A to Z", "model, Z to A"),
    "exchanges": ("most exchanges", "fewest exchanges"),
    "tokens": ("most tokens", "fewest tokens"),
    "cost": ("highest cost", "lowest cost"),
}

ORDERS: dict[str, str] = {
    f"{turned}{by}": label for turned, place in (("", 0), ("-", 1)) for by in SORTS for label in (_LABELS[by][place],)
}
"""The labels of all orders by their words."""


def order(word: str | None) -> Order:
    """Return an order by its word in an address; without one, the newest comes first."""
    for by in SORTS:
        if word in (by, f"-{by}"):
            return Order(by, (by not in TEXTS) == (word == by))
    return Order("used", descending=True)


def row(links: Links, line: Line) -> dict[str, Any]:
    """Return what a page shows of a line."""
    figures = line.figures
    called = line.name or line.title
    words = one_line(line.opening or line.first_words, _TITLE)
    return {
        "url": links.session(line.reference),
        "title": (one_line(called, 100) if called else words) or line.thread_id,
        "named": line.name is not None,
        "project": line.project and (one_line(line.project, 60), links.listing(project=line.project)),
        "called": one_line(line.title, 120) if line.name else "",
        "tags": [(one_line(tag, 40), links.listing(tag=tag)) for tag in line.tags],
        "archived": day(line.archived_utc) if line.archived_utc else "",
        "fork_of": line.origin and (one_line(line.origin.heading, 60), links.session(line.origin.reference)),
        "words": words if called else "",
        "facts": " · ".join(_facts(line)),
        "model": one_line(line.listed_model, 60),
        "models": ", ".join(one_line(model, 60) for model in line.models) if len(line.models) > 1 else "",
        "more_models": max(len({line.listed_model, *line.models}) - 1, 0),
        "exchanges": figures.exchanges,
        "tokens": None
        if figures.input_tokens is None and figures.output_tokens is None
        else (figures.input_tokens or 0, figures.output_tokens or 0),
        "cost": figures.cost.words,
        "cost_explained": figures.cost.explained,
        "utc": figures.last_utc,
    }


def _facts(line: Line) -> list[str]:
    facts = []
    if line.policy or line.budget:
        chosen = (line.policy and f"policy {line.policy}", f"budget {line.budget:,} tokens" if line.budget else "")
        facts.append(", ".join(filter(None, chosen)))
    if line.template:
        facts.append(f"template {one_line(line.template, 60)}")
    if line.pins:
        facts.append(f"{line.pins} pinned")
    if line.attempts:
        facts.append(counted(line.attempts, "failed prompt"))
    if line.snapshots:
        facts.append(counted(line.snapshots, "snapshot"))
    return facts


def fields(line: Line, url: str, html_url: str) -> dict[str, Any]:
    """Return a line as plain values, with the addresses of its transcript as JSON and as a page."""
    figures = line.figures
    return {
        "session": line.reference,
        "name": line.name,
        "thread_id": line.thread_id,
        "first_words": line.first_words,
        "opening": line.opening,
        "model": line.listed_model,
        "models": list(line.models),
        "exchanges": figures.exchanges,
        "calls": figures.calls,
        "input_tokens": figures.input_tokens,
        "output_tokens": figures.output_tokens,
        "cost_usd": rounded(figures.cost.dollars),
        "calls_priced": figures.cost.priced,
        "calls_local": figures.cost.local,
        "first_used_utc": figures.first_utc,
        "last_used_utc": figures.last_utc,
        "tags": list(line.tags),
        "pins": line.pins,
        "failed_prompts": line.attempts,
        "title": line.title or None,
        "project": line.project,
        "template": line.template,
        "archived_utc": line.archived_utc,
        "snapshots": line.snapshots,
        **fork_fields(line),
        "url": url,
        "html_url": html_url,
    }


def rounded(dollars: float | None) -> float | None:
    """Return an amount without the noise of adding floats, as in 0.0008500000000000001."""
    return None if dollars is None else round(dollars, 10)


_COLUMNS = (
    *("session", "name", "title", "opening", "thread_id", "model", "models", "exchanges", "calls", "input_tokens"),
    *("output_tokens", "cost_usd", "first_used_utc", "last_used_utc", "project", "tags", "pins", "failed_prompts"),
    *("template", "forked_from_session", "archived_utc", "html_url"),
)


def header() -> list[str]:
    """Return the names of the columns of a list as CSV: as in its JSON."""
    return list(_COLUMNS)


def cells(line: Line, html_url: str) -> list[object]:
    """Return the cells of a line as CSV."""
    values = fields(line, "", html_url)
    return [_cell(values[column]) for column in _COLUMNS]


def _cell(value: object) -> object:
    if isinstance(value, list):
        return cell(", ".join(map(str, value)))
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")
    return cell(value) if isinstance(value, str) else value
