"""Where llm keeps its log, so that a command on a page names the log only if llm would take another one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_FOLDER = "io.datasette.llm"


def usual_log() -> Path:
    """Return the path of the log that llm uses if it is not told another: as `llm logs path` prints it.

    llm itself is not asked: the pages also run without it.
    """
    folder = os.environ.get("LLM_USER_PATH")
    return (Path(folder) if folder else _configuration() / _FOLDER) / "logs.db"


def _configuration() -> Path:
    """Return the folder in which programs of this system keep their settings, as click's `get_app_dir` knows it."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home())
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def to_name(path: str | None) -> str:
    """Return the path that a command must give with `-d` for this log, or nothing if llm uses it anyway.

    A log in memory has no path, so no command reaches it.
    """
    if not path:
        return ""
    try:
        return "" if Path(path).resolve() == usual_log().resolve() else str(Path(path).resolve())
    except OSError:
        return str(path)
