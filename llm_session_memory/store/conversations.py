"""All conversations of a log, with a name and without, from both generations of llm's tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator

from ..model import Conversation, Filters
from . import session_list
from .log import Log
from .schema import statement


def conversations(log: Log, filters: Filters, *, unnamed: bool = False) -> list[Conversation]:
    """Return the conversations that match the filters, the longest unused first. `unnamed` leaves sessions out.

    Only sessions have tags, facts, ratings and the like, so other conversations match no filters but `model`, `since`
    and `until`. The model is that of the session, or of the newest reply. If the age is unknown, no date matches.
    """
    found = [] if unnamed else [*_named(log, filters)]
    if filters == Filters(model=filters.model, called=filters.called, since=filters.since, until=filters.until):
        names = session_list.thread_ids(log)
        found += [one for one in _unnamed(log, names) if _matches(one, filters)]
    return sorted(found, key=lambda one: (one.last_used_utc or "", one.thread_id))


def conversation(log: Log, thread_id: str) -> Conversation | None:
    """Return a conversation without a name by its id, or None."""
    for table in ("threads", "conversations"):
        if log.columns(table):
            row = log.row(f"select name from {table} where id = :id", {"id": thread_id})  # noqa: S608  constants
            if row is not None:
                return Conversation(thread_id, None, None, None, row["name"] or "")
    return None


def cherished(log: Log) -> frozenset[str]:
    """Return the threads that somebody marked to be kept: with a pin, tag, bookmark or snapshot, or archived."""
    return frozenset(thread_id for (thread_id,) in log.tuples(statement("cherished")))


def newest_utc(log: Log, before_turn: str | None = None) -> str | None:
    """Return the newest time among the calls logged last, or among those logged before a turn."""
    found = log.value(
        "select max(datetime_utc) from (select datetime_utc from turns"
        " where rowid < coalesce((select rowid from turns where id = :id), 1e18) order by rowid desc limit 1000)",
        {"id": before_turn},
    )
    return str(found) if found else None


def fragment_numbers(log: Log, hashes: Iterable[str]) -> list[int]:
    """Return the numbers of the fragments with these hashes."""
    if not log.columns("fragments"):
        return []
    sql = "select id from fragments where hash in (select value from json_each(:hashes))"
    return [id_ for (id_,) in log.tuples(sql, {"hashes": json.dumps([*hashes])})]


def _named(log: Log, filters: Filters) -> Iterator[Conversation]:
    for line in session_list.uncounted(log, filters, touched=True):
        session = line.session
        yield Conversation(session.thread_id, session.name, line.last_used_utc, session.settings.model)


def _unnamed(log: Log, names: Collection[str]) -> Iterator[Conversation]:
    """Yield the conversations whose ids are not among these."""
    used: dict[str, Conversation] = {}
    older = ["old_last_uses"] if log.columns("responses") and log.columns("conversations") else []
    for name in ("last_uses", *older):
        for id_, model, last_used_utc, words in log.tuples(statement(name)):
            known = used.get(id_)
            if id_ not in names and (known is None or (known.last_used_utc or "") < (last_used_utc or "")):
                used[id_] = Conversation(id_, None, last_used_utc, model, words or "")
    yield from used.values()


def _matches(one: Conversation, filters: Filters) -> bool:
    """Return whether the filters on model and date include a conversation."""
    if filters.model is not None and one.model not in (filters.model, f"ollama/{filters.model}", filters.called):
        return False
    if one.last_used_utc is None:
        return filters.since is None and filters.until is None
    after = filters.since is None or one.last_used_utc >= filters.since
    return after and (filters.until is None or one.last_used_utc < filters.until)
