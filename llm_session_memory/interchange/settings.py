"""Read the settings of a session, or of a snapshot, from a file."""

from __future__ import annotations

from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

from ..errors import SessionError
from ..model import Settings
from ..rules.policy import parsed_policy
from ..rules.recall_from import normal
from ..rules.safe_text import plain
from ..rules.thinking import parsed_think
from .fields import Fields
from .lines import FileRefused


def settings_of(header: Fields) -> Settings:
    """Return the settings in a header or in a snapshot. Raises FileRefused."""
    values: dict[str, Any] = {}
    for one in fields_of(Settings):
        match str(one.type).partition(" ")[0]:
            case "str":
                values[one.name] = header.text(one.name)
            case "int":
                values[one.name] = header.whole(one.name)
            case "float":
                values[one.name] = header.number(one.name)
            case "bool":
                values[one.name] = header.switch(one.name)
            case _:
                values[one.name] = header.mapping(one.name) or {}
    made = Settings(**values)
    try:
        if made.memory is not None:
            made = replace(made, memory=parsed_policy(made.memory))
        if made.think is not None:
            made = replace(made, think=parsed_think(made.think))
        if made.recall_from is not None:
            made = replace(made, recall_from=normal(made.recall_from))
    except SessionError as error:
        raise FileRefused(f"{header.place}: {plain(error.message)}") from error
    return made
