"""The items of a job as its page shows them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llm_session_memory.model.jobs import ItemState
from llm_session_memory.reader.figures import small_dollars
from llm_session_memory.reader.jobs import Entry
from llm_session_memory.rules.safe_text import one_line

from ..web.links import Links
from .graph import SIGNS
from .jobs import in_a_line, took
from .words import span

DID: tuple[ItemState, ...] = ("done", "failed")
"""The states of items that took time."""

_WORDS = 160
"""The most characters of a prompt that are shown of it in a table."""


def entry_row(links: Links, entry: Entry) -> dict[str, Any]:
    """Return what a job's page shows of an item."""
    item = entry.item
    why = one_line(item.error, 500) if item.error and item.state not in ("done", "running") else ""
    output = None if item.output is None or entry.session else in_a_line(item.output)
    return {
        "anchor": f"i-{item.position}",
        "number": f"{item.position:,}",
        "id": one_line(item.id, 80) if item.id else "",
        "kind": item.kind if item.kind != "prompt" else "",
        "words": _words(item.input),
        "output": output,
        "model": one_line(item.model, 60) if item.model else "",
        "sign": SIGNS.get(item.state, ""),
        "state": item.state,
        "tries": f"{item.tries:,} tries" if item.tries > 1 else "",
        "error": "" if item.state == "skipped" else why,
        "why": why if item.state == "skipped" else "",
        "later": item.not_before_utc if item.state == "waiting" and item.tries else None,
        "answer": links.turn(item.turn_id) if entry.session and item.turn_id else "",
        "session": one_line(entry.session or "", 60),
        "took": _seconds(entry),
        **took(entry.figures),
        **({} if item.cost_usd is None else {"cost": small_dollars(item.cost_usd)}),
    }


def _words(given: Mapping[str, Any]) -> str:
    """Return what was asked on one line: the value of a list, the prompt, or all of the input if it has neither."""
    if "item" in given:
        return in_a_line(given["item"])
    if given.keys() == {"number", "turn_id"}:  # the exchange that is asked again, which is its id too
        return ""
    prompt = next((given[name] for name in ("prompt", "shell", "text") if isinstance(given.get(name), str)), None)
    if prompt is None:
        return one_line(json.dumps(given, ensure_ascii=False), _WORDS) if given else ""
    return one_line(prompt, _WORDS)


def _seconds(entry: Entry) -> str:
    """Return how long an item took, if it did something."""
    return span(entry.seconds) if entry.seconds is not None and entry.item.state in DID else ""
