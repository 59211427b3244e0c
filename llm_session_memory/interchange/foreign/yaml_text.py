"""Read YAML from anyone: texts stay texts, and nothing in it grows when it is read. Pure."""

from __future__ import annotations

from typing import Any

from ...services.yaml_loader import loader
from ..lines import FileRefused

_DEEPEST = 60


def parsed(content: bytes, where: str) -> Any:
    """Return the value of a YAML text. Raises FileRefused, with the line, if it isn't YAML; errors call it `where`."""
    import yaml

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(f"{where} is not UTF-8 text.") from error
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader()):
            if isinstance(event, yaml.AliasEvent):
                raise FileRefused(f"{where} has an alias (*), which can't be imported.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise FileRefused(f"{where} is nested too deeply.")
        return yaml.load(text, Loader=loader())  # noqa: S506  a safe loader
    except yaml.MarkedYAMLError as error:
        line = f"Line {error.problem_mark.line + 1:,} of {where}" if error.problem_mark else where
        raise FileRefused(f"{line} is not YAML ({error.problem}).") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FileRefused(f"{where} is not YAML.") from error
