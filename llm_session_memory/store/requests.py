"""The record of what was sent, why, and what the servers counted: blocks, and the requests within them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..model import SIDES, Block, Recalled, Turn
from ..model.frozen import dataclass
from .log import Log
from .schema import statement

_RECENT_TURNS = 40
"""How many turns are examined to learn a model's rate; turns of other models among them are ignored."""


@dataclass(frozen=True)
class ContextRow:
    """A row of memory_contexts: why a turn's request contained what it did. The schema describes its columns."""

    turn_id: str
    thread_id: str
    block_id: int
    exchange_turn_id: str
    number: int
    after_turn_id: str | None
    base: float
    estimate: int
    cut: str | None


class Requests:
    """The record of what was sent and why: the blocks of a log's sessions and the requests within them.

    Make every change inside `with log.writing()`.
    """

    def __init__(self, log: Log) -> None:
        self.log = log

    def latest(self, thread_id: str, policy: str | None = None, budget: int | None = None) -> Block | None:
        """Return the newest block of a thread, or the newest of a policy and budget that was not oversized.

        A block that began without earlier exchanges starts with the exchange that it was made for.
        """
        rows = self.log.rows(
            "select * from memory_blocks where thread_id = :thread_id"
            " and (:policy is null or (policy = :policy and budget = :budget and oversized = 0))"
            " order by id desc limit 1",
            {"thread_id": thread_id, "policy": policy, "budget": budget},
        )
        if not rows:
            return None
        row = rows[0]
        within = "select %s from memory_contexts where block_id = :id order by rowid %s limit 1"
        first = self.log.value(within % ("exchange_turn_id", "asc"), {"id": row["id"]})
        last = self.log.value(within % ("turn_id", "desc"), {"id": row["id"]})
        return Block(
            id=row["id"],
            start_id=row["start_turn_id"] or first,
            pinned=tuple(json.loads(row["pinned_json"])),
            policy=row["policy"],
            budget=row["budget"],
            front=row["front"],
            reason=row["reason"],
            clip=row["clip"],
            oversized=bool(row["oversized"]),
            start_number=row["start_number"],
            first_id=first,
            last_turn_id=last,
        )

    def block(self, block_id: int) -> dict[str, Any]:
        """Return a block as a row of memory_blocks."""
        return self.log.row("select * from memory_blocks where id = :id", {"id": block_id}) or {}

    def add(self, thread_id: str, block: Block, window: tuple[int | None, str], began_utc: str) -> int:
        """Add a block and return its id."""
        return self.log.run(
            "insert into memory_blocks (thread_id, start_turn_id, start_number, pinned_json, policy, budget, window,"
            " window_source, front, clip, oversized, reason, began_utc) values (:thread_id, :start, :start_number,"
            " :pinned, :policy, :budget, :window, :window_source, :front, :clip, :oversized, :reason, :began_utc)",
            {
                "thread_id": thread_id,
                "start": block.start_id,
                "start_number": block.start_number,
                "pinned": json.dumps(block.pinned),
                "policy": block.policy,
                "budget": block.budget,
                "window": window[0],
                "window_source": window[1],
                "front": block.front,
                "clip": block.clip,
                "oversized": int(block.oversized),
                "reason": block.reason,
                "began_utc": began_utc,
            },
        )

    def add_context(self, row: ContextRow) -> None:
        """Record why a turn's request contained what it did."""
        self.log.run(
            "insert or replace into memory_contexts values (:turn_id, :thread_id, :block_id, :exchange_turn_id,"
            " :number, :after_turn_id, :base, :estimate, :cut)",
            vars(row),
        )

    def add_recalls(self, turn_id: str, recalled: Iterable[Recalled]) -> None:
        """Record which excerpts were sent with a turn, best first."""
        self.log.many(
            "insert or replace into memory_recalls"
            " (turn_id, rank, passage_id, number, side, score, tokens, words_json, thread_id) values (:turn_id, :rank,"
            " :passage_id, :number, :side, :score, :tokens, :words, :thread_id)",
            (
                {
                    "turn_id": turn_id,
                    "rank": rank,
                    "passage_id": one.passage_id,
                    "number": one.number,
                    "side": SIDES.index(one.side),
                    "score": one.score,
                    "tokens": one.tokens,
                    "words": json.dumps(one.words, ensure_ascii=False),
                    "thread_id": one.thread_id,
                }
                for rank, one in enumerate(recalled, 1)
            ),
        )

    def newest_id(self, thread_id: str) -> str | None:
        """Return the id of the turn that was logged last in a thread, or None."""
        sql = "select id from turns where thread_id = :thread_id order by rowid desc limit 1"
        found = self.log.value(sql, {"thread_id": thread_id})
        return str(found) if found else None

    def is_logged(self, turn_id: str) -> bool:
        """Return whether a turn is in the log."""
        return bool(self.log.value("select 1 from turns where id = :id", {"id": turn_id}))

    def logged_since(self, thread_id: str, turn_id: str | None) -> bool:
        """Return whether a thread got turns after this one (None: any at all)."""
        sql = (
            "select 1 from turns where thread_id = :thread_id"
            " and rowid > coalesce((select rowid from turns where id = :turn_id), 0) limit 1"
        )
        return bool(self.log.value(sql, {"thread_id": thread_id, "turn_id": turn_id}))

    def keep_original(self, turn_id: str, messages: list[Any]) -> None:
        """Store a turn's own input in full, if it had to be cut before it was sent."""
        self.log.run(
            "insert or replace into memory_originals values (:turn_id, :messages)",
            {"turn_id": turn_id, "messages": json.dumps(messages)},
        )

    def made_at(self, turn_id: str) -> tuple[int, str | None] | None:
        """Return the number of a turn's exchange, and the newest turn of the session when it was requested.

        Returns None if this was not recorded. Exchanges can be deleted, so the newest turn alone is not enough.
        """
        row = self.log.row("select number, after_turn_id from memory_contexts where turn_id = :id", {"id": turn_id})
        return (row["number"], row["after_turn_id"]) if row else None

    def counted_turns(self, thread_id: str, model: str) -> list[Turn]:
        """Return the newest counted requests to a model, without their messages: this session's, or else any."""
        parameters = {"thread_id": thread_id, "model": model, "count": _RECENT_TURNS}
        for name in ("counted_turns", "counted_elsewhere"):
            rows = self.log.rows(statement(name), parameters)
            if rows:
                return [
                    Turn(
                        id=row["id"],
                        model=row["model"],
                        input=(),
                        output=(),
                        input_tokens=row["input_tokens"],
                        output_tokens=row["output_tokens"],
                        request_base=row["base"],
                        block_id=row["block_id"],
                        window=row["window"],
                        cut=row["cut"],
                    )
                    for row in rows
                ]
        return []

    def counted_replies(self, model: str) -> list[tuple[int, str]]:
        """Return (output tokens, reply) of the model's newest turns in the whole log."""
        rows = self.log.rows(statement("counted_replies"), {"model": model, "count": _RECENT_TURNS})
        return [(row["output_tokens"], row["response"]) for row in rows]

    def wants_title(self, thread_id: str, project: str | None) -> bool:
        """Return whether a session gets a title by itself, and never had one."""
        return bool(self.log.value(statement("wants_title"), {"thread_id": thread_id, "project": project}))

    def tip(self, turn_id: str) -> str | None:
        """Return the last message of what a turn sent and received."""
        found = self.log.value("select tip_message_hash from turns where id = :id", {"id": turn_id})
        return str(found) if found else None
