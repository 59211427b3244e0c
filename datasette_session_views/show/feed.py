"""A list as an Atom feed (RFC 4287): an entry for each session, the last used first. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from llm_session_memory.reader.entries import Line
from llm_session_memory.rules.safe_text import one_line, visible
from llm_session_memory.rules.words import counted

from .words import iso_moment

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't have, even escaped."""

_LONG_AGO = "1970-01-01T00:00:00Z"
"""The time of a session whose log has none: Atom needs one."""


def atom(title: str, url: str, html_url: str, entries: Iterable[tuple[Line, str]]) -> str:
    """Return an Atom feed of sessions, each with the address of its page. `url` is the feed's own address."""
    given = [*entries]
    newest = max((_updated(line) for line, _ in given), default=_LONG_AGO)
    return "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            '<feed xmlns="http://www.w3.org/2005/Atom">',
            f"  <title>{_text(title)}</title>",
            f"  <id>{_text(url)}</id>",
            f"  <updated>{newest}</updated>",
            "  <author><name>llm sessions</name></author>",
            f'  <link rel="self" type="application/atom+xml" href={_attribute(url)}/>',
            f'  <link rel="alternate" type="text/html" href={_attribute(html_url)}/>',
            *(_entry(line, address) for line, address in given),
            "</feed>",
            "",
        ]
    )


def _entry(line: Line, url: str) -> str:
    figures = line.figures
    facts = [counted(figures.exchanges, "exchange"), one_line(line.listed_model, 60), figures.cost.words]
    summary = " · ".join(filter(None, [line.opening, *facts]))
    return "\n".join(
        [
            "  <entry>",
            f"    <title>{_text(one_line(line.heading, 100) or line.thread_id)}</title>",
            f"    <id>urn:llm-session:{_text(re.sub('[^0-9A-Za-z-]', '_', line.thread_id))}</id>",
            f"    <updated>{_updated(line)}</updated>",
            *([f"    <published>{first}</published>"] if (first := iso_moment(figures.first_utc)) else []),
            f'    <link rel="alternate" type="text/html" href={_attribute(url)}/>',
            *(f"    <category term={_attribute(tag)}/>" for tag in line.tags),
            f"    <summary>{_text(summary)}</summary>",
            "  </entry>",
        ]
    )


def _updated(line: Line) -> str:
    return iso_moment(line.figures.last_utc) or _LONG_AGO


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", visible(text)))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", visible(text)))
