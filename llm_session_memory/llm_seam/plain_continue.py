"""`llm -c` without a session: it continues the newest conversation that was held here, never in an imported one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import llm

from ..reader.newest import newest_conversation
from ..rules.ulids import is_imported

RELIED_ON = {
    "llm": "user_dir",
    "options of prompt": "_continue conversation_id database",
    "options of chat": "_continue database",
}
"""The parts of llm that this module relies on (see `shape`)."""


def without_imports(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of `llm prompt -c` or `llm chat -c`, without -c if everything in the log was imported.

    llm continues the conversation with the greatest id, and those of imports are less than any other. So only if there
    is no other would it go on in one: with a model that its file named, or that nobody knows. A log that can't be read
    is left to llm, which has its own words for it.
    """
    if parameters.get("conversation_id"):
        return parameters
    database = parameters.get("database")
    newest = newest_conversation(Path(database) if database else llm.user_dir() / "logs.db")
    return {**parameters, "_continue": None} if newest is not None and is_imported(newest) else parameters
