"""What a transcript's page shows of the whole session and of its neighbours, beside the exchanges of the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .cache import kept
from .entries import Relative
from .families import called
from .numbering import family_line, numbering
from .older import Older, older_log
from .source import Source


@dataclass(frozen=True)
class Around:
    """The models of a session, its bookmarks (number, label), and the sessions last used before and after it."""

    models: tuple[str, ...] = ()
    """Those that answered most often first."""
    bookmarks: tuple[tuple[int, str], ...] = ()
    before: Relative | None = None
    after: Relative | None = None


def around(source: Source, thread_id: str) -> Around:
    """Return what a transcript's page shows of the whole session and of its neighbours."""
    return Around(
        kept(source, ("models", thread_id), lambda: models_of(source, thread_id)),
        bookmarks_of(source, thread_id),
        *neighbours(source, thread_id),
    )


def models_of(source: Source, thread_id: str) -> tuple[str, ...]:
    """Return the models that answered in a session, most calls first. A fork has those of what it shares, too."""
    sql = (
        "select model, count(*) as calls from turns where thread_id in (select value from json_each(:ids))"
        " and model <> '' group by model"
    )
    calls = {row["model"]: row["calls"] for row in source.query(sql, ids=family_line(source, thread_id))}
    older = older_log(source).get(thread_id)
    if older:
        sql = (
            "select model, count(*) as calls from responses where rowid between :first and :last"
            " and conversation_id = :id and model <> '' group by model"
        )
        for row in source.query(sql, id=thread_id, first=older.first_row, last=older.last_row):
            calls[row["model"]] = calls.get(row["model"], 0) + row["calls"]
    return tuple(sorted(calls, key=lambda model: (-calls[model], model)))


def bookmarks_of(source: Source, thread_id: str) -> tuple[tuple[int, str], ...]:
    """Return the number and the label of a session's bookmarked exchanges, in order."""
    sql = "select turn_id, label from memory_bookmarks where thread_id = :thread_id and label <> ''"
    found = source.query(sql, thread_id=thread_id)
    numbers = numbering(source, thread_id) if found else None
    placed = [(numbers.number_of(row["turn_id"]), row["label"]) for row in found] if numbers else []
    return tuple(sorted((number, label) for number, label in placed if number is not None))


def neighbours(source: Source, thread_id: str) -> tuple[Relative | None, Relative | None]:
    """Return the sessions and conversations that were last used just before and just after one, if there are any.

    Archived sessions are left out, and so are those that have neither an exchange nor a failed prompt.
    """
    older = older_log(source)
    key = _last_use(source, thread_id, older.get(thread_id))
    before = [_nearest(source, "used_before", thread_id, key), _first_kept(source, thread_id, older.before(key))]
    after = [_nearest(source, "used_after", thread_id, key), _first_kept(source, thread_id, older.after(key))]
    chosen = max(filter(None, before), default=None), min(filter(None, after), default=None)
    known = called(source, [one[1] for one in chosen if one])
    earlier, later = (known.get(one[1]) if one else None for one in chosen)
    return earlier, later


def _last_use(source: Source, thread_id: str, older: Older | None) -> str:
    """Return the id of a thread's newest turn, response or failed prompt or, if it has none, its own id."""
    sql = (
        "select (select id from turns where thread_id = :id order by rowid desc limit 1) as turn,"
        " (select max(id) from memory_attempts where thread_id = :id) as attempt"
    )
    (row,) = source.query(sql, id=thread_id)
    return max(filter(None, (row["turn"], row["attempt"], older and older.last_id)), default=thread_id)


def _nearest(source: Source, statement: str, thread_id: str, key: str) -> tuple[str, str] | None:
    row = source.first(statement, thread_id=thread_id, key=key)
    return (row["last_id"], row["thread_id"]) if row else None


def _first_kept(source: Source, thread_id: str, conversations: Iterable[Older]) -> tuple[str, str] | None:
    """Return the first conversation of an older llm that did not go on since and is not archived."""
    sql = (
        "select exists (select 1 from turns where thread_id = :id)"
        " or exists (select 1 from memory_attempts where thread_id = :id)"
        " or exists (select 1 from memory_sessions where thread_id = :id and archived_utc is not null)"
    )
    left = (one for one in conversations if one.thread_id != thread_id)
    return next(((one.last_id, one.thread_id) for one in left if not source.value(sql, id=one.thread_id)), None)
