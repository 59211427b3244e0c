"""Which tables and queries Datasette 0.65 can't tell apart, so that one question is enough for all of them.

Datasette takes each table as a question of its own: it looks the table up in the file, collects all its metadata, and
asks every plugin. A page reads some 50 tables, and most logs are served without a rule for any of them. The answers can
differ only if there is a rule for a table, or a plugin that is told which table it is asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KNOWN = frozenset({"datasette.default_permissions", __package__})
"""The plugins that are told the table or query, but whose answers are known: Datasette's own rules, and ours."""


def tables_are_alike(hooks: Any, metadata: Any) -> bool:
    """Return whether Datasette has the same answer for all tables. Views of ours are as open as their tables."""
    return _told_nobody(hooks) and not _plugins_with(hooks.get_metadata) and not _has_rule(metadata)


def queries_are_alike(hooks: Any) -> bool:
    """Return whether Datasette has the same answer for all queries that we offer, apart from what we say ourselves.

    The rule for a query is in the query itself, and no plugin but ours may change those that we offer.
    """
    return _told_nobody(hooks) and not _plugins_with(hooks.get_metadata) and not _plugins_with(hooks.canned_queries)


def _told_nobody(hooks: Any) -> bool:
    """Return whether no other plugin that decides on permissions is told which table or query it is asked about.

    A plugin is told only what it names among its arguments.
    """
    return not any("resource" in implementation.argnames for implementation in _plugins_with(hooks.permission_allowed))


def _plugins_with(hook: Any) -> list[Any]:
    """Return what plugins other than the known ones do for a hook."""
    return [one for one in hook.get_hookimpls() if getattr(one.plugin, "__name__", "") not in _KNOWN]


def _has_rule(metadata: Any, *, of_tables: bool = False) -> bool:
    """Return whether there is an `allow` anywhere below a `tables`."""
    if isinstance(metadata, list):
        return any(_has_rule(value, of_tables=of_tables) for value in metadata)
    if not isinstance(metadata, Mapping):
        return False
    return any(
        (of_tables and key == "allow") or _has_rule(value, of_tables=of_tables or key == "tables")
        for key, value in metadata.items()
    )
