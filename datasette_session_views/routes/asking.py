"""What a request asks of the list, and where the links go that ask for something else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from llm_session_memory.reader.entries import RATED_WORDS, Facet, Filters, Listing, Sort
from llm_session_memory.rules import names
from llm_session_memory.rules.safe_text import one_line

from ..show.listing import ORDERS, Order, order
from ..web.access import VisitorLog, log_of
from ..web.links import Links
from . import parameters

_FACETS = {"model": "Model", "tag": "Tag", "project": "Project"}
"""The parameters whose values have a count, and their headings."""

_ACTIVE = {"q": "", "since": "from ", "until": "to ", "template": "template "}
"""The other filters that are named on the page, and the words before their values."""

COLUMNS: dict[Sort, str] = {
    "name": "Session",
    "model": "Model",
    "exchanges": "Exchanges",
    "tokens": "Tokens in / out",
    "cost": "Cost",
    "used": "Last used",
}
"""The columns of the list, by what each is sorted by."""


@dataclass(frozen=True)
class ListRequest:
    """What a request asks of the list: its filters, its order, and the addresses that go on from there."""

    log: VisitorLog
    links: Links
    filters: Filters
    order: Order
    archived: str | None

    @property
    def parameters(self) -> dict[str, str | None]:
        """The parameters that ask for the same again."""
        word = self.order.word
        filters = parameters.asked(self.filters)
        return {**filters, "archived": self.archived, "sort": None if word == "used" else word}

    def url(self, form: str = "", /, **changed: Any) -> str:
        """Return the address of the same list with some parameters changed."""
        return self.links.listing(form, **{**self.parameters, **changed})


async def asked_of(datasette: Any, request: Any) -> ListRequest:
    """Return what a request asks of the list. Raises what the log and the parameters raise."""
    log = await log_of(datasette, request)
    parameters.only(request, "q", *parameters.FILTERS, "archived", "sort", "next", "_shape")
    archived, wanted = parameters.archived(request)
    filters = replace(await parameters.narrowed(log, request), archived=wanted)
    chosen = order(parameters.choice(request, "sort", ORDERS))
    return ListRequest(log, Links(datasette, log.name), filters, chosen, archived)


def headers(asked: ListRequest) -> list[dict[str, Any]]:
    """Return the headers of the columns: what each is sorted by now, and where a click leads."""
    found = []
    for by, label in COLUMNS.items():
        clicked = asked.order.clicked(by)
        now = None if asked.order.by != by else "descending" if asked.order.descending else "ascending"
        word = None if clicked.word == "used" else clicked.word
        found.append(
            {
                "by": by,
                "label": label,
                "now": now,
                "url": asked.url(sort=word),
                "title": f"Sort: {ORDERS[clicked.word]}",
            }
        )
    return found


def values_of(page: Listing) -> dict[str, tuple[Facet, ...]]:
    """Return the facets of a page by the parameters that they are chosen with."""
    return {"model": page.facets.models, "tag": page.facets.tags, "project": page.facets.projects}


def facets(asked: ListRequest, page: Listing) -> list[dict[str, Any]]:
    """Return the values that the list can be narrowed to, each with its number, its place and where a click leads."""
    chosen = parameters.asked(asked.filters)
    found = []
    for name, values in values_of(page).items():
        given = names.key(chosen[name] or "")
        shown = [
            {
                "value": one.value,
                "sessions": one.sessions,
                "chosen": bool(given) and names.key(one.value) == given,
                "url": asked.url(**{name: None if names.key(one.value) == given else one.value}),
            }
            for one in values
        ]
        if shown or given or name == "model":
            found.append({"name": name, "title": _FACETS[name], "values": shown, "any": bool(shown)})
    return found


def active(asked: ListRequest) -> list[tuple[str, str]]:
    """Return the filters that are set, in words, each with the address of the list without it."""
    filters = parameters.asked(asked.filters)
    words = {name: f"{_ACTIVE.get(name, '')}{one_line(value, 60)}" for name, value in filters.items() if value}
    if "named" in words:
        words["named"] = "named only"
    if "rated" in words:
        words["rated"] = RATED_WORDS[str(filters["rated"])]
    if "q" in words:
        words["q"] = f"“{words['q']}”"
    if asked.archived:
        words["archived"] = {"only": "archived only", "all": "archived too"}[asked.archived]
    return [(word, asked.url(**{name: None})) for name, word in words.items()]


def unknown(asked: ListRequest, page: Listing) -> list[dict[str, str]]:
    """Return the models, tags and projects asked for that no session has, each with the nearest that one has."""
    found = []
    filters = parameters.asked(asked.filters)
    there = {"model": page.models, "tag": page.tags, "project": (*page.projects, names.NO_PROJECT)}
    for name, values in values_of(page).items():
        given, known = filters[name], {*there[name], *(one.value for one in values)}
        if not given or names.key(given) in map(names.key, known):
            continue
        near = names.near(given, known)
        found.append(
            {
                "kind": name,
                "value": one_line(given, 60),
                "near": one_line(near, 60) if near else "",
                "url": asked.url(**{name: near}) if near else "",
            }
        )
    return found
