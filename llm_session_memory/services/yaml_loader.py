"""How YAML is read: as YAML 1.2 says, so that `yes` and `12:30` stay texts, and nothing in it runs.

PyYAML takes `yes` for a truth and `12:30` for a number, as YAML 1.1 does. Programs that write YAML 1.2 put no quotes
around them, and people don't expect it either.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_SCALARS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    "int": (r"[-+]?[0-9]+", [*"-+0123456789"]),
    "float": (r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
}
"""YAML 1.2's scalars that are not texts, by the pattern and the first characters, "" if there is none."""


@cache
def loader() -> Any:
    """Return a safe loader of PyYAML that knows only these scalars."""
    import yaml  # llm needs it too, but imports it late

    safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    made: Any = type("_Loader", (safe,), {"yaml_implicit_resolvers": {}})
    for name, (pattern, first) in _SCALARS.items():
        made.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(f"(?:{pattern})$"), first)
    return made
