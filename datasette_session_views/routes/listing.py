"""The lists: the sessions of one log, and the newest sessions of all logs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llm_session_memory.reader import listing as reader
from llm_session_memory.reader.by_hand import sessions_by_hand
from llm_session_memory.reader.entries import RATED_WORDS, SORTS, Filters, Line, Listing, Sort
from llm_session_memory.rules.safe_text import one_line
from llm_session_memory.rules.words import counted

from ..compat import Forbidden, allowed, sql_url
from ..show.fields import fork_fields
from ..show.words import day, moment
from ..web.access import Log, log_of, logs
from ..web.answering import answering, as_json, as_page
from ..web.links import Links, everything
from ..web.offering import offer
from . import parameters

_A_FEW = 10
"""Sessions shown for each log on the page of all logs."""


@answering
async def listing(datasette: Any, request: Any) -> Any:
    """Return the sessions of one log."""
    log = await log_of(datasette, request)
    await offer(datasette, [log.name])
    archived, wanted = parameters.archived(request)
    filters = replace(await parameters.narrowed(log, request), archived=wanted)
    sort = parameters.sort(request)
    page = await _read(log, filters, sort, parameters.text(request, "next"))
    links = Links(datasette, log.name)
    asked = {**parameters.asked(filters), "archived": archived, "sort": None if sort == "used" else sort}
    older = links.listing(next=page.next, **asked) if page.next else None
    if request.url_vars.get("format") == "json":
        return as_json(
            {
                "ok": True,
                "database": log.name,
                "sessions": [_fields(datasette, request, links, line) for line in page.lines],
                "named": page.named,
                "unnamed": page.others,
                "archived": page.archived,
                "next": page.next,
                "next_url": datasette.absolute_url(request, links.listing("json", next=page.next, **asked))
                if page.next
                else None,
            }
        )
    may_sql = await allowed(datasette, request.actor, "execute-sql", log.name)
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "page": page,
        "rows": [_row(links, line) for line in page.lines],
        "filters": filters,
        "sort": sort,
        "sorts": SORTS,
        "rated": RATED_WORDS,
        "archived": archived,
        "archived_url": links.listing(archived="only"),
        "older_url": older,
        "newest_url": links.listing(**asked) if request.args.get("next") else None,
        "sql_url": sql_url(datasette, log.name, sessions_by_hand(log.tables), {}) if may_sql else None,
        "may_search": log.searchable,
    }
    twin = links.listing("json", next=request.args.get("next"), **asked)
    return await as_page(datasette, request, "sv_list", context, twin)


@answering
async def everywhere(datasette: Any, request: Any) -> Any:
    """Return the newest sessions of every log that the visitor may see."""
    if not await allowed(datasette, request.actor, "view-instance"):
        raise Forbidden("view-instance")
    seen = [
        (log, await _read(log, Filters(archived=False), "used", None, _A_FEW))
        for log in await logs(datasette, request.actor)
    ]
    if request.url_vars.get("format") == "json":
        return as_json(
            {
                "ok": True,
                "databases": [
                    {
                        "database": log.name,
                        "url": datasette.absolute_url(request, Links(datasette, log.name).listing("json")),
                        "named": page.named,
                        "unnamed": page.others,
                        "sessions": [
                            _fields(datasette, request, Links(datasette, log.name), line) for line in page.lines
                        ],
                    }
                    for log, page in seen
                ],
            }
        )
    sections = []
    for log, page in seen:
        links = Links(datasette, log.name)
        section = {"database": log.name, "private": log.private, "links": links, "page": page}
        rows = [_row(links, line) for line in page.lines]
        sections.append({**section, "rows": rows, "may_search": log.searchable})
    return await as_page(datasette, request, "sv_all", {"sections": sections}, everything(datasette, "json"))


async def _read(log: Log, filters: Filters, sort: Sort, after: str | None, count: int | None = None) -> Listing:
    more = {} if count is None else {"count": count}
    return await log.read(reader.listing, filters, sort=sort, after=after, **more)


def _row(links: Links, line: Line) -> dict[str, Any]:
    figures = line.figures
    facts = [one_line(line.model, 60)] if line.model else []
    if line.name is None:
        facts.append("unnamed conversation")
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
    if line.first_words and line.first_words != line.heading and not (line.name and line.title):
        facts.append(f"“{one_line(line.first_words, 70)}”")
    return {
        "url": links.session(line.reference),
        "title": one_line(line.heading, 100) or line.thread_id,
        "named": line.name is not None,
        "project": line.project and (one_line(line.project, 60), links.listing(project=line.project)),
        "called": one_line(line.title, 120) if line.name else "",
        "tags": [(one_line(tag, 40), links.listing(tag=tag)) for tag in line.tags],
        "archived": day(line.archived_utc) if line.archived_utc else "",
        "fork_of": line.origin and (one_line(line.origin.heading, 60), links.session(line.origin.reference)),
        "facts": " · ".join(facts),
        "exchanges": f"{figures.exchanges:,}",
        "tokens": None
        if figures.input_tokens is None and figures.output_tokens is None
        else f"{figures.input_tokens or 0:,} / {figures.output_tokens or 0:,}",
        "cost": figures.cost.words,
        "utc": figures.last_utc,
        "used": moment(figures.last_utc),
        "first": day(figures.first_utc),
    }


def _fields(datasette: Any, request: Any, links: Links, line: Line) -> dict[str, Any]:
    figures = line.figures
    return {
        "name": line.name,
        "thread_id": line.thread_id,
        "first_words": line.first_words,
        "model": line.model,
        "exchanges": figures.exchanges,
        "calls": figures.calls,
        "input_tokens": figures.input_tokens,
        "output_tokens": figures.output_tokens,
        "cost_usd": figures.cost.dollars,
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
        "url": datasette.absolute_url(request, links.session(line.reference, "json")),
    }
