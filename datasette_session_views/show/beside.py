"""What stands beside a transcript: its family, settings, notes, pins, snapshots, times. Pure."""

from __future__ import annotations

import json
from typing import Any

from llm_session_memory.reader.entries import Relative
from llm_session_memory.reader.values import Settings, Transcript
from llm_session_memory.rules.safe_text import one_line, visible
from llm_session_memory.rules.words import counted

from ..web.links import Links
from .compare import asked
from .points import snapshot_url
from .showing import Showing
from .words import day, span

_FORKS = 20
"""The most forks named above a transcript."""

_SIDES = 5
"""The most relatives that a session is compared with by one link."""

_NOTES, _PINS, _SNAPSHOTS = 20, 60, 40
"""The most notes, pins and snapshots listed beside a transcript."""

_NOTE = 600
"""The most characters shown of a note."""


def family(links: Links, page: Transcript) -> dict[str, Any]:
    """Return what the session was forked from, what was forked from it and, if there are more, the whole family."""
    near, here = page.family, page.line

    def kin(one: Relative, reference: str = "", number: int | None = None) -> tuple[str, str, str, str]:
        """Return a relative's name and URL, and the last exchange that both have, with its URL in `reference`."""
        url = links.exchange(reference, number) if number else ""
        return one_line(one.heading, 80), links.session(one.reference), f"#{one.number:,}" if one.number else "", url

    relatives = [one.reference for one in (near.parent, *near.forks) if one is not None][:_SIDES]
    return {
        "compare_url": links.compare(**asked((here.reference, *relatives))) if relatives else "",
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
    notes = [*((note, ", for all sessions") for note in page.everywhere), *((note, "") for note in page.notes)]
    asked = bool(page.exchanges and figures.first_utc and figures.last_utc)
    return {
        "system": showing.text(settings.system) if settings.system else None,
        "system_size": counted(len(settings.system or ""), "character"),
        "settings": [(name, value) for name, value in chosen if value],
        "window_source": visible(settings.window_source) if settings.window else "",
        "notes": [
            (_short(visible(note.text)), f"{one_line(note.author, 60)}, {day(note.created_utc)}{where}")
            for note, where in notes[:_NOTES]
        ],
        "more_notes": max(len(notes) - _NOTES, 0),
        "pins": [(number, links.exchange(page.line.reference, number)) for number in page.pins[:_PINS]],
        "more_pins": max(len(page.pins) - _PINS, 0),
        "snapshots": [
            (one_line(one.label, 100), one.number, bool(one.undone), day(one.made_utc), snapshot_url(page, one, links))
            for one in page.snapshots[-_SNAPSHOTS:]
        ],
        "more_snapshots": max(len(page.snapshots) - _SNAPSHOTS, 0),
        "times": (figures.first_utc, figures.last_utc) if asked else None,
        "model_time": span(figures.duration_ms / 1000) if figures.duration_ms else "",
        "sent": _sent(settings, links, page.line.reference),
    }


def _short(text: str) -> str:
    return text if len(text) <= _NOTE else f"{text[:_NOTE].rstrip()}…"


def _sent(settings: Settings, links: Links, reference: str) -> dict[str, Any] | None:
    """Return the size of the newest request in words and as a percentage of its budget, if there was one."""
    if not settings.last_number or settings.last_estimate is None:
        return None
    budget = settings.last_budget
    whole = max(budget or settings.last_estimate, 1)
    return {
        "number": settings.last_number,
        "url": links.context(reference, settings.last_id),
        "words": f"about {settings.last_estimate:,}{f' of {budget:,}' if budget else ''} tokens",
        "percent": min(round(100 * settings.last_estimate / whole, 1), 100),
        "start": settings.last_start,
    }
