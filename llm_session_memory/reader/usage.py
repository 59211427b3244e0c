"""Which conversations used which model: every model that a log ever used, also in the middle of a conversation.

llm has no index on the model of a turn. All turns are read once; afterwards, only those that were added since. llm adds
turns and never changes one, and if any were deleted, all are read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .cache import CACHE, kept
from .older import older_log
from .source import Source

Threads = frozenset[str]


@dataclass(frozen=True)
class Usage:
    """The conversations of today's tables that used each model, and all that have a turn."""

    by_model: Mapping[str, Threads] = field(default_factory=dict)
    threads: Threads = frozenset()
    last: tuple[int, int, str] = (0, 0, "")
    """The number of turns that were read, and the row and id of the newest one."""


def models_used(source: Source) -> dict[str, Threads]:
    """Return the conversations that used each model or whose next prompt will, from both generations of tables."""
    return kept(source, "models used, as of now", lambda: _models_used(source))


def _models_used(source: Source) -> dict[str, Threads]:
    found = dict(_called(source).by_model)
    added: dict[str, set[str]] = {}
    for table in ("memory_sessions", "memory_attempts"):
        for row in source.query(f"select distinct thread_id, model from {table} where model <> ''"):  # noqa: S608  ours
            if row["thread_id"] not in found.get(row["model"], ()):
                added.setdefault(row["model"], set()).add(row["thread_id"])
    return found | {model: found.get(model, frozenset()) | threads for model, threads in added.items()}


def models_called(source: Source) -> tuple[str, ...]:
    """Return all models that were ever called, in the order of their names."""
    return tuple(sorted(_called(source).by_model))


def everything(source: Source) -> Threads:
    """Return all conversations that a list can have: those with a call, and all sessions."""

    def read() -> Threads:
        found, sessions = _called(source).threads, source.column("select thread_id from memory_sessions")
        return found if found.issuperset(sessions) else found.union(sessions)

    return kept(source, "everything, as of now", read)


def _called(source: Source) -> Usage:
    """Return which conversations of both generations used which model."""
    old, today = older_log(source), usage(source)
    if not len(old):
        return today

    def both() -> Usage:
        models = old.by_model.keys() | today.by_model.keys()
        return Usage(
            {one: old.by_model.get(one, frozenset()) | today.by_model.get(one, frozenset()) for one in models},
            old.threads | today.threads,
            today.last,
        )

    state = (old, today.last)  # the object itself: an id may be that of a later one
    return CACHE.get((source.log, source.tables, "called"), lambda: state, both, lambda found: len(found.threads))


def usage(source: Source) -> Usage:
    """Return which conversations of today's tables used which model."""
    return kept(source, "usage, as of now", lambda: _usage(source))


def _usage(source: Source) -> Usage:
    key = (source.log, source.tables, "usage")
    counted = source.value("select count(*) from turns")
    if not counted:
        return Usage()
    (newest,) = source.query("select rowid as row, id from turns order by rowid desc limit 1")
    state = (counted, newest["row"], newest["id"])
    cached = CACHE.peek(key)
    if cached is not None and cached[0] == state:
        known: Usage = cached[1]
        return known
    before = cached[1] if cached is not None and _only_grew(source, cached[1].last, counted) else Usage()
    sql = "select distinct thread_id, model from turns where rowid > :last and thread_id is not null"
    found = _with(before, source.query(sql, last=before.last[1]), state)
    CACHE.put(key, state, found, len(found.threads))
    return found


def _only_grew(source: Source, last: tuple[int, int, str], counted: int) -> bool:
    """Return whether turns were only added since `last`."""
    rows, row, id_ = last
    added = source.value("select count(*) from turns where rowid > :row", row=row)
    same = source.value("select id from turns where rowid = :row", row=row) == id_
    return bool(same and rows + added == counted)


def _with(before: Usage, rows: Iterable[Mapping[str, str | None]], last: tuple[int, int, str]) -> Usage:
    threads = {thread: thread for thread in before.threads}  # one string for a thread, not one for each of its models
    added: dict[str, set[str]] = {}
    for row in rows:
        thread = threads.setdefault(str(row["thread_id"]), str(row["thread_id"]))
        if row["model"]:
            added.setdefault(row["model"], set()).add(thread)
    by_model = {
        **before.by_model,
        **{model: before.by_model.get(model, frozenset()) | new for model, new in added.items()},
    }
    return Usage(by_model, frozenset(threads), last)
