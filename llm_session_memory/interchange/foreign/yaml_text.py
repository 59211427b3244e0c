"""Read YAML from anyone: texts stay texts, and nothing in it grows when it is read. Pure.

PyYAML takes `yes` for a truth and `12:30` for a number, as YAML 1.1 does. Programs that write YAML 1.2 put no quotes
around them, so only what YAML 1.2 says is read as something other than a text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from ..lines import FileRefused

_DEEPEST = 60

_SCALARS = {
    "null": (r"~|null|Null|NULL|", "~nN"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+", "-+0123456789"),
    "float": (r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
}
"""YAML 1.2's scalars that are no texts, by the pattern and the first characters."""


@cache
def _loader() -> Any:
    import yaml  # llm needs it too, but imports it late

    safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    made: Any = type("_Loader", (safe,), {"yaml_implicit_resolvers": {}})
    for name, (pattern, first) in _SCALARS.items():
        made.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(f"(?:{pattern})$"), [*first])
    return made


def parsed(content: bytes, where: str) -> Any:
    """Return the value of a YAML text. Raises FileRefused, with the line, if it is none; errors call it `where`."""
    import yaml

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(f"{where} is not UTF-8 text.") from error
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_loader()):
            if isinstance(event, yaml.AliasEvent):
                raise FileRefused(f"{where} has an alias (*), which can't be imported.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise FileRefused(f"{where} is nested too deeply.")
        return yaml.load(text, Loader=_loader())  # noqa: S506  a safe loader
    except yaml.MarkedYAMLError as error:
        line = f"Line {error.problem_mark.line + 1:,} of {where}" if error.problem_mark else where
        raise FileRefused(f"{line} is not YAML ({error.problem}).") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FileRefused(f"{where} is not YAML.") from error
