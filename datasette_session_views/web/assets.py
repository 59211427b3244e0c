"""Which style sheets and scripts each of our pages loads."""

from __future__ import annotations

_EVERY = ("colours", "frame")

_SHEETS = {
    "sv_all": ("list",),
    "sv_list": ("list",),
    "sv_search": ("reply", "transcript", "search"),
    "sv_transcript": ("reply", "transcript", "acts", "head"),
    "sv_context": ("reply", "transcript", "acts", "window", "context"),
    "sv_replay": ("reply", "transcript", "acts", "window", "replay"),
    "sv_analytics": ("reply", "list", "analytics"),
}
"""The style sheets of a page, between those of all pages and the one for paper."""

_SCRIPTS = {"sv_transcript": ("transcript/main.js",), "sv_replay": ("replay/main.js",)}


def is_ours(view: str | None) -> bool:
    """Return whether a view is one of our pages."""
    return (view or "").startswith("sv_")


def sheets(view: str | None) -> list[str]:
    """Return the style sheets of a page, as paths below our static folder, in their order. Other pages have none."""
    if not is_ours(view):
        return []
    return [f"css/{name}.css" for name in (*_EVERY, *_SHEETS.get(view or "", ()), "print")]


def scripts(view: str | None) -> list[str]:
    """Return the modules of a page, as paths below our static folder. Other pages have none."""
    return ["common/main.js", *_SCRIPTS.get(view or "", ())] if is_ours(view) else []
