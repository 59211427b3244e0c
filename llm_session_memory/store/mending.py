"""Mend what a check found, as far as nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable

from ..rules.names import key
from ..rules.words import counted
from . import invariants
from .index_mending import remake_words
from .log import Log

_KINDS = ("reindex", "rule", "key", "left", "rebuild", "index")
"""The kinds of mending in the order in which they are done; the tables come before all of them."""


def in_order(mends: list[str]) -> list[str]:
    """Return what to mend (`Finding.mend`), each once, in the order in which it is done."""
    return sorted(dict.fromkeys(mends), key=lambda one: _KINDS.index(one.partition(" ")[0]))


def mend(log: Log, what: str) -> str:
    """Mend one thing and return what was done, as a sentence. Call it inside `log.writing()`."""
    kind, _, name = what.partition(" ")
    return _HOW[kind](log, name)


def _reindex(log: Log, name: str) -> str:
    quoted = name.replace('"', '""')
    log.run(f'reindex "{quoted}"')
    return f"The index {name} was rebuilt."


def _rebuild(log: Log, name: str) -> str:
    quoted = name.replace('"', '""')
    log.run(f'insert into "{quoted}" ("{quoted}") values (\'rebuild\')')  # noqa: S608  the name of a table
    return f"The full-text index {name} was rebuilt."


def _index(log: Log, name: str) -> str:
    del name
    return f"The plugin's search index was rebuilt, with {counted(remake_words(log), 'passage')}."


def _rule(log: Log, name: str) -> str:
    found = next(one for one in invariants.INVARIANTS if one.name == name and one.mend)
    return f"{counted(invariants.mend(log, found), 'row')} of {found.table} {found.does}."


def _key(log: Log, table: str) -> str:
    done = 0
    taken = {one for (one,) in log.tuples(f"select name_key from {table}")}  # noqa: S608  one of two constants
    for old, name in log.tuples(f"select name_key, name from {table}"):  # noqa: S608
        new = key(str(name))
        if new != old and new not in taken:
            log.run(f"update {table} set name_key = :new where name_key = :old", {"new": new, "old": old})  # noqa: S608
            taken.add(new)
            done += 1
    return f"{counted(done, 'name')} can be found again."


def _left(log: Log, name: str) -> str:
    del name
    which = "turn_id not in (select id from turns)"
    count = log.value(f"select count(*) from turn_search where {which}")  # noqa: S608  a constant
    log.run(f"delete from turn_search where {which}")  # noqa: S608
    return f"{counted(count, 'row')} that an import had left over {'was' if count == 1 else 'were'} deleted."


_HOW: dict[str, Callable[[Log, str], str]] = {
    "reindex": _reindex,
    "rebuild": _rebuild,
    "index": _index,
    "rule": _rule,
    "key": _key,
    "left": _left,
}
