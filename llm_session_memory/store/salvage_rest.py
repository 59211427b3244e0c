"""Make the rows of a salvaged log refer to rows that are there, and make lost turns and conversations again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ..errors import SessionError
from ..rules.policy import checked
from ..rules.ulids import moment_of
from .index_mending import remake_words
from .invariants import broken, condition
from .log import Log
from .log_facts import settings
from .message_parts import Messages, Stored, StoredPart
from .salvage_messages import add
from .schema import statement
from .sessions import SETTINGS_COLUMNS, settings_of

_MOST_ROUNDS = 20
"""How often references are looked through: what is deleted may leave others without their row."""


def restored_turns(log: Log) -> int:
    """Rebuild lost turns whose prompt and reply are in llm's search table. Return how many."""
    sql = (
        "select s.turn_id, s.prompt, s.response, c.thread_id, m.model from turn_search s"
        " left join memory_contexts c on c.turn_id = s.turn_id"
        " left join memory_sessions m on m.thread_id = c.thread_id"
        " where s.turn_id is not null and s.turn_id not in (select id from turns) order by s.turn_id"
    )
    messages = Messages(log)
    done = 0
    for turn_id, prompt, response, thread_id, model in log.tuples(sql):
        asked = _stored(messages, "user", prompt or "", None)
        replied = _stored(messages, "assistant", response or "", asked.hash)
        for message in (asked, replied):
            add(messages, message)
        moment = moment_of(turn_id) or datetime.fromtimestamp(0, timezone.utc)
        log.run(
            "insert into turns (id, thread_id, parent_message_hash, tip_message_hash, model, datetime_utc)"
            " values (:id, :thread, :parent, :tip, :model, :datetime)",
            {
                "id": turn_id,
                "thread": thread_id or turn_id,
                "parent": asked.hash,
                "tip": replied.hash,
                "model": model or "unknown",
                "datetime": moment.isoformat(),
            },
        )
        done += 1
    return done


def dropped_deleted(log: Log) -> int:
    """Delete turns that were deleted before, and messages that nothing leads to. Return how many turns.

    If the free pages of the damaged file are not known, what was deleted may have been read from them.
    """
    buried = "(select id from memory_tombstones where kind = 'turn')"
    threads = "(select id from memory_tombstones where kind = 'thread')"
    if not log.value("select 1 from memory_tombstones limit 1"):
        return 0
    count = log.value(f"select count(*) from turns where id in {buried} or thread_id in {threads}")  # noqa: S608
    log.run(f"delete from turn_search where turn_id in {buried}")  # noqa: S608
    log.run(f"delete from turns where id in {buried} or thread_id in {threads}")  # noqa: S608
    log.run(f"delete from threads where id in {threads}")  # noqa: S608
    log.run(statement("unreached_parts"))
    log.run("delete from messages where hash not in (select message_hash from parts)")
    return int(count)


def _stored(messages: Messages, role: str, text: str, parent: str | None) -> Stored:
    made = Stored("", parent, role, None, (StoredPart("text", text, {}, None),))
    return Stored(messages.hash(made, parent), parent, role, None, made.parts)


def restored_conversations(log: Log) -> int:
    """Recreate lost conversations whose turns are there. Return how many."""
    before = log.database.conn.total_changes
    log.run(
        "insert into threads (id, name, tip_message_hash, datetime_utc)"
        " select t.thread_id, 'Salvaged', max(t.tip_message_hash), min(t.datetime_utc) from turns t"
        " where t.thread_id is not null and t.thread_id not in (select id from threads) group by t.thread_id"
    )
    if log.columns("responses") and log.columns("conversations"):
        log.run(
            "insert into conversations (id, name, model)"
            " select r.conversation_id, 'Salvaged', max(r.model) from responses r where r.conversation_id is not null"
            " and r.conversation_id not in (select id from conversations) group by r.conversation_id"
        )
    return log.database.conn.total_changes - before


def dropped_references(log: Log) -> int:
    """Delete rows of llm's tables that only link a lost row to others; empty all other references to lost rows."""
    done = 0
    for _ in range(_MOST_ROUNDS):
        broken = [row for row in log.tuples("pragma foreign_key_check") if not row[0].startswith("memory_")]
        if not broken:
            break
        for table, rowid, _, number in broken:
            keys = log.rows("select * from pragma_foreign_key_list(:table)", {"table": table})
            column = next(str(key["from"]) for key in keys if key["id"] == number)
            _let_go(log, table, column, rowid)
            done += 1
    return done


def _let_go(log: Log, table: str, column: str, rowid: int) -> None:
    described = log.rows('select name, pk, "notnull" from pragma_table_info(:table)', {"table": table})
    of = next(one for one in described if one["name"] == column)
    if of["pk"] or of["notnull"] or table in {"turn_search", "parts"}:
        log.run(f'delete from "{table}" where rowid = :rowid', {"rowid": rowid})  # noqa: S608  a table that is there
    else:
        log.run(f'update "{table}" set "{column}" = null where rowid = :rowid', {"rowid": rowid})  # noqa: S608


def without_triggers(log: Log) -> Callable[[], None]:
    """Drop the triggers of a new log, and return what recreates them, after llm's full-text indexes."""
    triggers = log.tuples("select name, sql from sqlite_master where type = 'trigger'")
    for name, _ in triggers:
        log.run(f'drop trigger "{name}"')

    def made_again() -> None:
        for index in ("turn_search_fts", "responses_fts"):
            if log.columns(index):
                log.run(f"insert into {index} ({index}) values ('rebuild')")  # noqa: S608  constants
        for _, sql in triggers:
            log.run(sql)
        if log.columns("memory_words"):
            remake_words(log)

    return made_again


_INSTEAD = {
    "options_json": "'{}'",
    "pinned_json": "'[]'",
    "words_json": "'[]'",
    "state_json": "'{}'",
    "request_json": "'{}'",
}
"""What stands for JSON that is damaged."""


def mended_values(log: Log) -> None:
    """Replace damaged values of our tables: JSON, settings, and forks of conversations that were lost."""
    for one in broken(log):
        about = one.invariant
        if about.mend or about.harmless:
            continue
        which = condition(log, about)
        if about.column in _INSTEAD:
            log.run(f"update {about.table} as r set {about.column} = {_INSTEAD[about.column]} where {which}")  # noqa: S608
        else:
            log.run(f"delete from {about.table} as r where {which}")  # noqa: S608  constants
    for table, row in settings(log):
        if not _can_be_used(row):
            names = ", ".join(f"{column} = null" for column in SETTINGS_COLUMNS if column != "options_json")
            sql = f"update {table} set {names}, options_json = '{{}}' where name_key = :key"  # noqa: S608  constants
            log.run(sql, {"key": row["name_key"]})


def _can_be_used(row: Mapping[str, Any]) -> bool:
    try:
        checked(settings_of(row))
    except (SessionError, ValueError, TypeError, AttributeError, KeyError):
        return False
    return True


def mark_changed(log: Log, turns: set[str], now: str) -> None:
    """Mark turns whose request is no longer as it was sent."""
    sql = "insert or ignore into memory_changed (turn_id, changed_utc) values (:id, :now)"
    log.many(sql, ({"id": id_, "now": now} for id_ in sorted(turns)))
