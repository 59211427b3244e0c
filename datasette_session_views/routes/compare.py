"""Sessions or models side by side: what they answered to the same prompts, and what that shows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm_session_memory.errors import SessionError
from llm_session_memory.insight.comparing.fields import as_fields
from llm_session_memory.insight.comparing.values import Verdict
from llm_session_memory.insight.comparing.verdict import verdict
from llm_session_memory.reader.cache import CACHE
from llm_session_memory.reader.compared import LETTERS, By, Compared, Matching
from llm_session_memory.reader.comparison import MOST_SIDES
from llm_session_memory.reader.comparison import compared as read
from llm_session_memory.reader.families import called, family
from llm_session_memory.reader.groups import Gathered, group, groups, known
from llm_session_memory.reader.source import Source
from llm_session_memory.rules.safe_text import one_line

from ..compat import NotFound, Refused
from ..show import compare as shown
from ..web.access import VisitorLog, log_of, thread_named
from ..web.answering import answering, as_json, as_page
from ..web.links import Links
from . import parameters

_SIDES = LETTERS[:MOST_SIDES]

_BY: tuple[By, ...] = ("session", "model")
_MATCHING: tuple[Matching, ...] = ("prompt", "number")


@dataclass(frozen=True)
class _Asked:
    """What a request wants to be compared, and how."""

    references: tuple[str, ...]
    group: str | None
    by: By
    matching: Matching
    after: int

    def url(self, links: Links, form: str = "", **changed: Any) -> str:
        """Return the address of the same comparison with some parameters changed."""
        now = {
            **shown.asked(self.references),
            "group": self.group,
            "by": None if self.by == "session" else self.by,
            "match": None if self.matching == "prompt" else self.matching,
        }
        return links.compare(form, **{**now, **changed})


@answering
async def compare(datasette: Any, request: Any) -> Any:
    """Return what several sessions answered to the same prompts, or a form to choose them."""
    log = await log_of(datasette, request)
    parameters.only(request, *_SIDES, "group", "by", "match", "after", "texts")
    asked = _Asked(
        tuple(one for letter in _SIDES if (one := parameters.text(request, letter))),
        parameters.text(request, "group"),
        parameters.choice(request, "by", _BY) or "session",
        parameters.choice(request, "match", _MATCHING) or "prompt",
        parameters.number(request, "after") or 0,
    )
    texts = parameters.choice(request, "texts", ("0", "1")) != "0"
    asked, threads = await _threads(log, asked)
    if len(threads) < 2 and asked.group is None:  # noqa: PLR2004
        return await _chooser(datasette, request, log, asked, threads)
    many = len(threads) > MOST_SIDES
    if many and asked.group is not None and not parameters.text(request, "by"):
        asked = replace(asked, by="model")  # a group that collects the answers to many prompts has sessions for each
    compared, found = await _compared(log, asked, threads)
    links = Links(datasette, log.name)
    if request.url_vars.get("format") == "json":
        html_url = datasette.absolute_url(request, asked.url(links))
        fields = as_fields(compared, found, texts=texts)
        return as_json({"ok": True, "database": log.name, **fields, "html_url": html_url})
    loop = asyncio.get_running_loop()
    rows = await loop.run_in_executor(None, shown.rows, links, compared, asked.after)
    last = asked.after + len(rows)
    several = len({model for side in compared.sides for model in side.models}) > 1
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "title": one_line(compared.group or shown.listed([side.label for side in compared.sides]), 120),
        "group": compared.group,
        "sides": shown.sides(links, compared),
        "notes": found.notes,
        "comparisons": shown.comparisons(compared, found),
        "rows": rows,
        "where": f"Prompts {asked.after + 1:,}–{last:,} of {len(compared.rows):,}" if rows else "",
        "first_url": asked.url(links) + "#answers" if asked.after else None,
        "more_url": asked.url(links, after=last) + "#answers" if last < len(compared.rows) else None,
        "bys": [
            (f"by {one}", asked.url(links, by=None if one == "session" else one), one == asked.by)
            for one in _BY
            if one == asked.by or (not many if one == "session" else several)
        ],
        "matchings": [
            (f"same {one}", asked.url(links, match=None if one == "prompt" else one), one == asked.matching)
            for one in _MATCHING
        ],
    }
    return await as_page(datasette, request, "sv_compare", context, asked.url(links, "json"))


async def _threads(log: VisitorLog, asked: _Asked) -> tuple[_Asked, tuple[str, ...]]:
    """Return what is asked, with the group's name as it is kept, and the threads that are wanted.

    Raises NotFound if the log lacks the group or a session.
    """
    members: tuple[str, ...] = ()
    if asked.group is not None:
        kept: Gathered | None = await log.read(group, asked.group)
        if kept is None:
            raise NotFound(f"Group “{one_line(asked.group, 200)}” not found.")
        members = await log.read(known, kept.thread_ids)
        if not members:
            raise Refused(f"The group “{one_line(kept.name, 200)}” has no sessions.", 400)
        asked = replace(asked, group=kept.name)
    named = [await thread_named(log, reference) for reference in asked.references]
    return asked, tuple(dict.fromkeys((*members, *named)))


async def _compared(log: VisitorLog, asked: _Asked, threads: tuple[str, ...]) -> tuple[Compared, Verdict]:
    """Return the answers of threads side by side with the verdict, which takes a second and is kept.

    Raises Refused if they can't be compared.
    """

    def reading(source: Source) -> Compared:
        return read(source, threads, by=asked.by, matching=asked.matching, group=asked.group)

    key = (log.key, log.tables, "compared", threads, asked.by, asked.matching, asked.group)
    try:
        found = await log.read(reading)
    except SessionError as error:
        raise Refused(str(error), 400) from error
    loop = asyncio.get_running_loop()
    judged = await loop.run_in_executor(None, lambda: CACHE.get(key, log.version, lambda: verdict(found)))
    return found, judged


async def _chooser(datasette: Any, request: Any, log: VisitorLog, asked: _Asked, threads: Sequence[str]) -> Any:
    """Return the page on which to choose what is compared: groups, and the relatives of a session that was chosen."""
    links = Links(datasette, log.name)
    found: tuple[Gathered, ...] = await log.read(groups)
    names = await log.read(called, [one for group in found for one in group.thread_ids])
    kept = [
        {
            "name": group.name,
            "sessions": [names[one].heading for one in group.thread_ids if one in names],
        }
        for group in found
    ]
    if request.url_vars.get("format") == "json":
        return as_json({"ok": True, "database": log.name, "groups": kept})
    near = (await log.read(family, threads[0])) if threads else None
    relatives = [one for one in ((near.parent, *near.forks) if near else ()) if one is not None]
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "letters": _SIDES[:3],
        "given": shown.asked(asked.references),
        "alone": one_line(asked.references[0], 80) if threads else "",
        "groups": [
            (
                one_line(str(one["name"]), 80),
                links.compare(group=one["name"]),
                one_line(", ".join(one["sessions"]), 200) or "no sessions",
            )
            for one in kept
        ],
        "relatives": [
            (one_line(one.heading, 80), links.compare(a=asked.references[0], b=one.reference)) for one in relatives[:20]
        ],
    }
    return await as_page(datasette, request, "sv_choose", context, asked.url(links, "json"))
