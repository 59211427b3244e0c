"""Sessions as lines of a list: filtered, ordered by last use, page by page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..model import RATED, Filters, Session, SessionSummary
from ..rules.names import key
from . import projects
from .attempts import Attempts
from .families import origins
from .history import exchange_turns
from .log import Log
from .notes import Notes
from .ratings import Ratings
from .schema import statement
from .sessions import session_of
from .titles import titles

_PARAMETERS = ("count", "threads", "model", "called", "since", "until", "after_key", "after_used", "touched")

_NO_OLDER = (
    "with conversations (id) as (select null where 0),"
    " responses (rowid, conversation_id, model, datetime_utc) as (select null, null, null, null where 0), logged"
)
"""The beginning of the statement for a log without the tables of an older llm."""


def page(
    log: Log, count: int = -1, after: Session | None = None, filters: Filters | None = None
) -> list[SessionSummary]:
    """Return the sessions that match the filters, newest use first, after a given one. `count` -1 means all."""
    if not log.has_sessions():
        return []
    parameters = _filtering(log, filters or Filters()) | {"count": count}
    if after is not None:
        parameters |= {"after_key": key(after.name), "after_used": _line(log, after.thread_id).last_used_utc}
    return _counted(log, _lines(log, parameters))


def matching(log: Log, filters: Filters) -> list[Session]:
    """Return all sessions that match the filters, newest use first."""
    return [line.session for line in uncounted(log, filters)]


def uncounted(log: Log, filters: Filters, *, touched: bool = False) -> list[SessionSummary]:
    """Return all sessions that match the filters as lines without figures, newest use first.

    With `touched`, a session counts as used when it was created too, for what deletes: a conversation of last year that
    was imported or named today is not forgotten.
    """
    if not log.has_sessions():
        return []
    return _lines(log, _filtering(log, filters) | {"count": -1, "touched": touched})


def thread_ids(log: Log) -> frozenset[str]:
    """Return the threads that have a name."""
    if not log.columns("memory_sessions"):
        return frozenset()
    return frozenset(id_ for (id_,) in log.tuples("select thread_id from memory_sessions"))


def _filtering(log: Log, asked: Filters) -> dict[str, Any]:
    """Return the parameters of the list that filter it."""
    threads = _threads(log, asked)
    return {
        "threads": None if threads is None else json.dumps(threads),
        "model": asked.model,
        "called": asked.called,
        "since": asked.since,
        "until": asked.until,
    }


def _threads(log: Log, asked: Filters) -> list[str] | None:
    """Return the threads that match all filters but those on model and time, or None if nothing is asked for."""
    tagged, ratings = Notes(log).threads(asked.tags, asked.meta), Ratings(log)
    found = [projects.threads(log, asked), None if tagged is None else set(tagged)]
    if asked.rated is not None:
        rated = ratings.unrated_sessions() if asked.rated == "none" else ratings.rated(RATED[asked.rated])
        found.append(set(rated))
    wanted = [one for one in found if one is not None]
    return sorted(set.intersection(*wanted)) if wanted else None


def summary(log: Log, session: Session) -> SessionSummary:
    """Return one session as a line of the list."""
    return _counted(log, [_line(log, session.thread_id)])[0]


def _line(log: Log, thread_id: str) -> SessionSummary:
    return _lines(log, {"count": 1, "threads": json.dumps([thread_id])})[0]


def _lines(log: Log, parameters: Mapping[str, Any]) -> list[SessionSummary]:
    """Return lines without their counts."""
    sql = statement("session_list")
    if not log.columns("responses") or not log.columns("conversations"):
        sql = sql.replace("with logged", _NO_OLDER, 1)
    rows = log.rows(sql, {**dict.fromkeys(_PARAMETERS), **parameters})
    return [
        SessionSummary(
            session_of(row), 0, 0, 0, row["last_used_utc"] or row["created_utc"], 0, last_model=row["last_model"]
        )
        for row in rows
    ]


def _counted(log: Log, lines: list[SessionSummary]) -> list[SessionSummary]:
    """Return lines with their counts, tags, meta values and project's name."""
    kept, thread_ids = Notes(log), [line.session.thread_id for line in lines]
    tags, meta = kept.tags_of(thread_ids), kept.meta_of(thread_ids)
    titled = {id_: one.text for id_, one in titles(log, thread_ids).items()}
    old = bool(log.columns("responses"))
    sent = json.dumps(Attempts(log).in_progress())
    named = projects.Projects(log).names() if any(line.session.project for line in lines) else {}
    forked = origins(log, thread_ids)
    return [
        replace(
            _with_counts(log, line, sent, old=old, forked=id_ in forked),
            tags=tuple(tags.get(id_, ())),
            meta=meta.get(id_, {}),
            project=named.get(line.session.project or "", line.session.project),
            title=titled.get(id_, ""),
            origin=forked.get(id_),
        )
        for line, id_ in zip(lines, thread_ids, strict=True)
    ]


def _with_counts(log: Log, line: SessionSummary, sent: str, *, old: bool, forked: bool) -> SessionSummary:
    """Return a line with its counts. A fork has the exchanges that it shares; its tokens are its own."""
    asked = {"thread_id": line.session.thread_id, "open": sent}
    found = [log.row(statement(name), asked) or {} for name in ("session_counts", *(["old_counts"] if old else []))]
    sums = Counter[str]()
    for counts in found:
        sums.update(counts)
    return replace(
        line,
        exchanges=len(exchange_turns(log, line.session.thread_id)) if forked else sums["exchanges"],
        input_tokens=sums["input_tokens"],
        output_tokens=sums["output_tokens"],
        attempts=sums["attempts"],
    )
