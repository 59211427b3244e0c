"""What stands above and beside a transcript: its figures, its family, settings, notes, pins, snapshots, times. Pure."""

from __future__ import annotations

import json
from typing import Any

from llm_session_memory.reader.entries import Line, Relative
from llm_session_memory.reader.values import Transcript
from llm_session_memory.rules.safe_text import one_line, visible
from llm_session_memory.rules.words import counted

from ..web.links import Links
from .points import snapshot_url
from .showing import Showing
from .words import day, moment, span

_FORKS = 20
"""The most forks named above a transcript."""


def facts(line: Line) -> list[tuple[str, str]]:
    """Return the facts in the header, each a figure and its label."""
    figures = line.figures
    found = [(f"{figures.exchanges:,}", "exchange" if figures.exchanges == 1 else "exchanges")]
    if line.model:
        found.append(("", one_line(line.model, 80)))
    first, last = day(figures.first_utc), day(figures.last_utc)
    if first:
        found.append(("", first if first == last else f"{first} – {last}"))
    if figures.input_tokens is not None or figures.output_tokens is not None:
        found.append((f"{figures.input_tokens or 0:,}", "tokens in since the fork" if line.origin else "tokens in"))
        found.append((f"{figures.output_tokens or 0:,}", "out"))
    if figures.cost.words:
        found.append((figures.cost.words, ""))
    if line.attempts:
        found.append((f"{line.attempts:,}", "failed prompt" if line.attempts == 1 else "failed prompts"))
    return found


def family(links: Links, page: Transcript) -> dict[str, Any]:
    """Return what the session was forked from, what was forked from it and, if there are more, the whole family."""
    near, here = page.family, page.line

    def kin(one: Relative, reference: str = "", number: int | None = None) -> tuple[str, str, str, str]:
        """Return a relative's name and URL, and the last exchange that both have, with its URL in `reference`."""
        url = links.exchange(reference, number) if number else ""
        return one_line(one.heading, 80), links.session(one.reference), f"#{one.number:,}" if one.number else "", url

    return {
        "parent": near.parent and kin(near.parent, near.parent.reference, page.number_in_parent),
        "forks": [kin(one, here.reference, one.number) for one in near.forks[:_FORKS]],
        "more": max(len(near.forks) - _FORKS, 0),
        "tree": [
            (branch.depth, *kin(branch.session)[:3], branch.session.thread_id == here.thread_id) for branch in page.tree
        ],
    }


def options_in_words(text: str) -> str:
    """Return options as `llm sessions set` shows them (`num_ctx=8192`), or the text itself if it is no JSON object."""
    try:
        options = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return " ".join(f"{name}={value}" for name, value in options.items()) if isinstance(options, dict) else text


def rail(links: Links, page: Transcript, showing: Showing) -> dict[str, Any]:
    """Return the contents of the sidebar."""
    settings, figures = page.settings, page.line.figures
    chosen = [
        ("Policy", settings.policy),
        ("Budget", settings.budget and f"{settings.budget:,}"),
        ("Window", f"{settings.window:,}" if settings.window else settings.window_source),
        ("Options", one_line(options_in_words(settings.options), 200)),
        ("Recall from", settings.recall_from and one_line(settings.recall_from, 100)),
        ("Private", "yes" if settings.is_private else ""),
        ("Template", page.line.template and one_line(page.line.template, 100)),
    ]
    clock = []
    if page.exchanges and figures.first_utc and figures.last_utc:
        clock.append(("First", moment(figures.first_utc)))
        clock.append(("Last", moment(figures.last_utc)))
    if figures.duration_ms:
        clock.append(("Model time", span(figures.duration_ms / 1000)))
    sent = None
    if settings.last_number and settings.last_estimate is not None:
        words = f"#{settings.last_number:,}: about {settings.last_estimate:,}"
        sent = {
            "words": f"{words} of {settings.last_budget:,} tokens" if settings.last_budget else f"{words} tokens",
            "part": settings.last_estimate,
            "whole": max(settings.last_budget or settings.last_estimate, 1),
            "start": settings.last_start,
        }
    return {
        "system": showing.text(settings.system) if settings.system else None,
        "system_size": counted(len(settings.system or ""), "character"),
        "settings": [(name, value) for name, value in chosen if value],
        "window_source": visible(settings.window_source) if settings.window else "",
        "notes": [
            (visible(note.text), f"{one_line(note.author, 60)}, {day(note.created_utc)}{where}")
            for notes, where in ((page.everywhere, ", for all sessions"), (page.notes, ""))
            for note in notes
        ],
        "pins": [(number, links.exchange(page.line.reference, number)) for number in page.pins],
        "snapshots": [
            (one_line(one.label, 100), one.number, bool(one.undone), day(one.made_utc), snapshot_url(page, one, links))
            for one in page.snapshots
        ],
        "clock": clock,
        "sent": sent,
    }
