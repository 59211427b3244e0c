"""What a search found, for its page and for JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llm_session_memory.reader.entries import MARK, RATED_WORDS, UNMARK, Hit, Results, SessionHits
from llm_session_memory.rules.safe_text import one_line
from llm_session_memory.rules.words import counted

from ..web.links import Links
from .words import marked

_ACTIVE = ("model", "tag", "project", "template", "named", "rated", "since", "until")

_SPEAKERS = {"tool": "Tool", "fragment": "Fragment"}
"""Who the second excerpt of a hit is from, unless it is the model."""


def count(found: Results, start: int, page: int) -> str:
    """Return how many exchanges were found, as far as that is known: “3 exchanges in 2 sessions”."""
    if not found.hits:
        return ""
    sessions = f"in {counted(len(found.groups), 'session')}"
    if start:
        return f"Exchanges {start + 1:,} to {start + found.hits:,}, {sessions}"
    if found.next:
        return f"The first {page:,} exchanges, {sessions}; there are more"
    return f"{counted(found.hits, 'exchange')} {sessions}"


def active(links: Links, asked: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Return the filters of a search in words, each with the URL of the search without it."""
    return [
        (one_line(_in_words(name, value), 60), links.search(**{**asked, name: None}))
        for name in _ACTIVE
        if (value := asked.get(name))
    ]


def _in_words(name: str, value: str) -> str:
    if name == "rated":
        return RATED_WORDS.get(value, value)
    return {"named": "named only", "since": f"from {value}", "until": f"to {value}"}.get(name, f"{name} {value}")


def group(links: Links, found: SessionHits, words: str | None) -> dict[str, Any]:
    """Return the hits of a session for the page. Each leads to its exchange, where the words are marked."""
    here = found.line.reference
    return {
        "url": links.session(here),
        "title": one_line(found.line.heading, 100) or found.line.thread_id,
        "named": found.line.name is not None,
        "called": one_line(found.line.title, 120) if found.line.name else "",
        "archived": bool(found.line.archived_utc),
        "hits": [
            {
                "url": links.exchange(here, hit.turn_id, q=words),
                "number": hit.number,
                "utc": hit.datetime_utc,
                "model": one_line(hit.model, 60),
                "prompt": marked(hit.prompt),
                "reply": marked(hit.reply),
                "speaker": _SPEAKERS.get(hit.side) or one_line(hit.model, 60) or "Model",
            }
            for hit in found.hits
        ],
    }


def fields(absolute: Callable[[str], str], links: Links, found: SessionHits, words: str | None) -> dict[str, Any]:
    """Return the hits of a session for JSON. `absolute` adds the server to a URL."""
    line = found.line

    def hit_fields(hit: Hit) -> dict[str, Any]:
        return {
            "number": hit.number,
            "turn_id": hit.turn_id,
            "model": hit.model,
            "datetime_utc": hit.datetime_utc,
            "prompt": _plain(hit.prompt),
            "reply": _plain(hit.reply),
            "reply_from": hit.side,
            "html_url": absolute(links.exchange(line.reference, hit.turn_id, q=words)),
        }

    return {
        "session": line.reference,
        "name": line.name,
        "thread_id": line.thread_id,
        "first_words": line.first_words,
        "title": line.title or None,
        "archived_utc": line.archived_utc,
        "url": absolute(links.session(line.reference, "json")),
        "html_url": absolute(links.session(line.reference)),
        "hits": [hit_fields(hit) for hit in found.hits],
    }


def _plain(snippet: str) -> str:
    return snippet.replace(MARK, "").replace(UNMARK, "")
