"""The jobs of a log, and one of them: how far it is, what failed, what it cost, its items and a workflow's graph."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, cast

from llm_session_memory.model.jobs import JobKind, JobState
from llm_session_memory.reader import jobs as reader
from llm_session_memory.reader.families import called
from llm_session_memory.reader.groups import known
from llm_session_memory.reader.jobs import Entries, Progress, Work
from llm_session_memory.rules.safe_text import one_line

from ..compat import NotFound, tilde_decode
from ..show import job_fields, job_graph, job_items
from ..show import jobs as shown
from ..show.graph import GraphNode, graph
from ..web.access import VisitorLog, log_of
from ..web.answering import answering, as_json, as_page
from ..web.links import Links
from ..web.log_path import to_name
from . import parameters

_ON_PHONES = 40
"""The most steps that are drawn one below the other for narrow screens. More are scrolled sideways."""

_STEPS = 5_000
"""The most items of a workflow's run that its graph is drawn of."""


@answering
async def jobs(datasette: Any, request: Any) -> Any:
    """Return the jobs of one log."""
    log = await log_of(datasette, request)
    parameters.only(request, "kind", "state", "next")
    kind = cast("JobKind | None", parameters.choice(request, "kind", shown.KINDS))
    state = cast("JobState | None", parameters.choice(request, "state", shown.STATES))
    after = parameters.text(request, "next")
    page = await log.read(reader.jobs, kind, state, after)
    links = Links(datasette, log.name)

    def absolute(address: str) -> str:
        return str(datasette.absolute_url(request, address))

    asked = {"kind": kind, "state": state}
    if request.url_vars.get("format") == "json":
        return as_json(
            {
                "ok": True,
                "database": log.name,
                "jobs": [
                    job_fields.fields(work, absolute(links.job(work.job.id, "json")), absolute(links.job(work.job.id)))
                    for work in page.works
                ],
                "next": page.next,
                "next_url": absolute(links.jobs("json", next=page.next, **asked)) if page.next else None,
                "html_url": absolute(links.jobs(next=after, **asked)),
            }
        )
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "rows": [shown.row(links, work) for work in page.works],
        "kinds": [("all", links.jobs(state=state), kind is None)]
        + [(word, links.jobs(kind=one, state=state), one == kind) for one, word in shown.KINDS.items()],
        "states": [("any state", links.jobs(kind=kind), state is None)]
        + [(word, links.jobs(kind=kind, state=one), one == state) for one, word in shown.STATES.items()],
        "narrowed": bool(kind or state),
        "older_url": links.jobs(next=page.next, **asked) if page.next else None,
        "newest_url": links.jobs(**asked) if after else None,
    }
    return await as_page(datasette, request, "sv_jobs", context, links.jobs("json", next=after, **asked))


@answering
async def job(datasette: Any, request: Any) -> Any:
    """Return one job with a page of its items."""
    log = await log_of(datasette, request)
    parameters.only(request, "state", "step", "after")
    reference = tilde_decode(request.url_vars["job"])
    work: Work | None = await log.read(reader.job, reference)
    if work is None:
        raise NotFound(f"Job “{one_line(reference, 200)}” not found.")
    state = shown.item_state(parameters.choice(request, "state", shown.ITEM_STATES))
    step = parameters.text(request, "step")
    after = parameters.number(request, "after") or 0
    now = datetime.now(timezone.utc)
    progress: Progress = await log.read(reader.progress, work.job.id, now)
    items: Entries = await log.read(reader.entries, work.job.id, state=state, step=step, after=after)
    nodes = await _nodes(log, Links(datasette, log.name), work)
    asked = {"state": state, "step": step}
    if request.url_vars.get("format") == "json":
        return as_json(_as_json(datasette, request, log, work, progress, items, nodes, asked))
    links = Links(datasette, log.name)
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "work": work,
        "title": one_line(work.job.name, 120),
        "reason": one_line(work.job.reason or "", 500),
        "chips": shown.chips(work, progress),
        "compare_url": await _original(log, links, work),
        "session": work.session and (one_line(work.session, 80), links.session(work.session)),
        "bar": shown.bar(work.job.counts),
        "said": shown.progress_words(work),
        "pace": shown.pace(work, progress, now),
        "commands": shown.commands(work, progress.processes, to_name(log.database.path)),
        "graph": graph(nodes, f"The steps of {work.job.name}") if nodes else "",
        "graph_for_phones": graph(nodes, f"The steps of {work.job.name}", 1) if 0 < len(nodes) <= _ON_PHONES else "",
        "errors": [(one_line(error, 300), number) for error, number in progress.errors],
        "more_errors": progress.more_errors,
        "failed_url": links.job(work.job.id, state="failed") + "#items",
        "states": shown.states(links, work, state, step),
        "state": state,
        "step": step and one_line(step, 80),
        "rows": [job_items.entry_row(links, entry) for entry in items.entries],
        "settings": shown.settings(work),
        "definition": shown.definition(work),
        "first_url": links.job(work.job.id, **asked) + "#items" if after else None,
        "more_url": links.job(work.job.id, after=items.next, **asked) + "#items" if items.next else None,
    }
    twin = links.job(work.job.id, "json", after=after or None, **asked)
    return await as_page(datasette, request, "sv_job", context, twin)


async def _original(log: VisitorLog, links: Links, work: Work) -> str:
    """Return the address that compares a session that was asked again with the new answers, or nothing."""
    source = work.job.settings.get("source")
    if work.job.kind != "rerun" or not work.session or not isinstance(source, str) or not work.figures.calls:
        return ""
    if not await log.read(known, (source,)):
        return ""
    there = (await log.read(called, [source]))[source]
    return links.compare(a=there.reference, b=work.session)


async def _nodes(log: VisitorLog, links: Links, work: Work) -> list[GraphNode]:
    """Return the steps of a workflow's run; other jobs have none."""
    if work.job.kind != "workflow":
        return []
    whole: Entries = await log.read(reader.entries, work.job.id, count=_STEPS)
    return job_graph.nodes(links, whole.entries)


def _as_json(  # noqa: PLR0913  the parts of a page
    datasette: Any,
    request: Any,
    log: VisitorLog,
    work: Work,
    progress: Progress,
    items: Entries,
    nodes: list[GraphNode],
    asked: dict[str, Any],
) -> dict[str, Any]:
    links = Links(datasette, log.name)

    def absolute(address: str) -> str:
        return str(datasette.absolute_url(request, address))

    here = work.job.id
    return {
        "ok": True,
        "database": log.name,
        "job": {
            **job_fields.fields(work, absolute(links.job(here, "json")), absolute(links.job(here))),
            **job_fields.details(work, progress),
        },
        "steps": job_fields.step_fields(nodes),
        "items": [
            job_fields.entry_fields(
                entry,
                absolute(links.turn(entry.item.turn_id)) if entry.session and entry.item.turn_id else None,
            )
            for entry in items.entries
        ],
        "next": items.next,
        "next_url": absolute(links.job(here, "json", after=items.next, **asked)) if items.next else None,
    }
