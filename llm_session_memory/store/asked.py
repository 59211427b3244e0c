"""Reading what went with a prompt when it was asked, to ask it again: fragments, tools, and the messages before it."""

from __future__ import annotations

from typing import Any

from ..model import Message
from .history import chain
from .log import Log
from .schema import statement


def fragments(log: Log, turn_id: str) -> list[tuple[str, str | None]]:
    """Return the fragments of a turn's prompt in order, the excerpts of a session among them: contents and sources."""
    sql = (
        "select f.content, f.source from turn_fragments tf join fragments f on f.id = tf.fragment_id"
        " where tf.kind = 'prompt' and tf.turn_id = :turn_id order by tf.\"order\""
    )
    return log.tuples(sql, {"turn_id": turn_id})


def tools(log: Log, turn_id: str) -> list[dict[str, Any]]:
    """Return the tools that a turn offered, as rows of llm's tables."""
    return log.rows(statement("turn_offered"), {"turn_id": turn_id})


def before(log: Log, turn_id: str) -> tuple[Message, ...] | None:
    """Return the messages that a turn was sent with before its own input, exactly as they were sent.

    Return None if that is not in the log: an older llm logged the turn.
    """
    row = log.row("select parent_message_hash as tip from turns where id = :id", {"id": turn_id})
    if row is None:
        return None
    sent = chain(log, row["tip"])
    end = len(sent)
    while end and sent[end - 1].role in ("user", "tool"):
        end -= 1
    return sent[:end]


def logged_in(log: Log, turn_id: str) -> tuple[str | None, bool]:
    """Return the thread of a turn, None if an older llm logged it, and whether a session recorded its request."""
    sql = (
        "select t.thread_id, c.turn_id is not null as by_session"
        " from turns t left join memory_contexts c on c.turn_id = t.id where t.id = :id"
    )
    row = log.row(sql, {"id": turn_id})
    return (str(row["thread_id"]), bool(row["by_session"])) if row else (None, False)


def copy_recalls(log: Log, turn_id: str, to_turn_id: str, thread_id: str) -> None:
    """Record the excerpts that a turn of this thread was sent with for another turn, which was sent with the same.

    Make this change inside `with log.writing()`.
    """
    log.run(
        "insert or replace into memory_recalls"
        " (turn_id, rank, passage_id, number, side, score, tokens, words_json, thread_id)"
        " select :to, rank, passage_id, number, side, score, tokens, words_json, coalesce(thread_id, :thread_id)"
        " from memory_recalls where turn_id = :turn_id",
        {"turn_id": turn_id, "to": to_turn_id, "thread_id": thread_id},
    )
