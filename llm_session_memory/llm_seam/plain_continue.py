"""`llm -c` without a session: it goes on in the newest conversation that was held here, never in an imported one."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from ..errors import SessionError
from ..rules.ulids import is_imported
from ..store import Log, history
from .models import log_path

RELIED_ON = {"options of prompt": "_continue conversation_id database", "options of chat": "_continue database"}
"""The parts of llm that this module relies on (see `shape`)."""


def without_imports(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of `llm prompt -c` or `llm chat -c`, without -c if everything in the log was imported.

    llm continues the conversation with the greatest id, and those of imports are less than any other. So only if there
    is no other would it go on in one: with a model that its file named, or that nobody knows.
    """
    if parameters.get("conversation_id"):
        return parameters
    try:
        with closing(Log.open(log_path(parameters.get("database")))) as log:
            newest = history.newest_thread(log)
    except SessionError:  # llm has its own words for a log that it can't read
        return parameters
    return {**parameters, "_continue": None} if newest is not None and is_imported(newest) else parameters
