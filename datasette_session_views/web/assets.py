"""Which style sheets and scripts each of our pages loads."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

_STATIC = Path(__file__).parent.parent / "static"

_EVERY = ("colours", "frame")

_SHEETS: dict[str, tuple[str, ...]] = {
    "sv_error": (),
    "sv_all": ("list",),
    "sv_list": ("list", "filters"),
    "sv_search": ("reply", "transcript", "search", "filters"),
    "sv_transcript": ("reply", "transcript", "acts", "head"),
    "sv_context": ("reply", "transcript", "acts", "window", "context"),
    "sv_replay": ("reply", "transcript", "acts", "window", "replay"),
    "sv_analytics": ("reply", "list", "analytics"),
    "sv_jobs": ("list", "jobs"),
    "sv_compare": ("reply", "list", "acts", "jobs", "compare"),
    "sv_choose": ("list", "compare"),
    "sv_job": ("reply", "list", "acts", "jobs"),
    "sv_queries": ("queries",),
}
"""The style sheets of a page, between those of all pages and the one for paper."""

_SCRIPTS = {"sv_transcript": ("transcript/main.js",), "sv_replay": ("replay/main.js",)}

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)

_COMMENT_LINE = re.compile(r"^ *//.*", re.MULTILINE)
"""A comment in a module. Others stay: only at the start of a line `//` can be nothing else."""


def is_ours(view: str | None) -> bool:
    """Return whether a view is one of our pages."""
    return (view or "").startswith("sv_")


def is_page(view: str) -> bool:
    """Return whether this is the name of one of our pages."""
    return view in _SHEETS


def style_url(view: str | None) -> str | None:
    """Return the address of a page's style, or None for pages that are not ours. It changes with its content."""
    return f"/-/sessions/style/{view}.css?_hash={style_hash(view)}" if view and is_ours(view) else None


def style_hash(view: str) -> str:
    """Return what tells one content of a page's style from another."""
    return hashlib.sha256(style(view)).hexdigest()[:12]


@cache
def style(view: str) -> bytes:
    """Return the style of a page: its sheets in their order, in one piece, without comments and indentation.

    A page appears when it has its whole style, and one request is there sooner than seven.
    """
    names = (*_EVERY, *_SHEETS.get(view, ()), "print")
    return _without(_COMMENT, *(_STATIC / "css" / f"{name}.css" for name in names))


def scripts(view: str | None) -> list[str]:
    """Return the modules that a page loads, as paths below our static folder. Other pages have none."""
    return ["common/main.js", *_SCRIPTS.get(view or "", ())] if is_ours(view) else []


def script_urls(view: str | None) -> list[str]:
    """Return the addresses of a page's modules. They change with any module, as modules import others."""
    return [f"/-/sessions/script/{scripts_hash()}/{name}" for name in scripts(view)]


@cache
def scripts_hash() -> str:
    """Return what tells one content of all modules from another."""
    return hashlib.sha256(b"".join(modules().values())).hexdigest()[:12]


@cache
def modules() -> dict[str, bytes]:
    """Return our modules by their path, without indentation and lines of comments: those are a quarter when zipped."""
    paths = sorted(_STATIC.rglob("*.js"))
    return {path.relative_to(_STATIC).as_posix(): _without(_COMMENT_LINE, path) for path in paths}


def _without(comment: re.Pattern[str], *sheets: Path) -> bytes:
    text = "".join(path.read_text("utf-8") for path in sheets)
    lines = comment.sub("", text).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip()).encode()
