"""Texts of deleted exchanges in requests that stay: as history, as excerpts, and in summaries.

A request is a chain of messages with hashes that cover each other, so a blanked message and all that come after it get
new hashes. They are stored as new messages, and the turns are moved to them; what no turn reaches then goes with the
deletion, and another conversation with the same messages keeps them.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..rules.fences import fenced_summary
from . import history
from .deletion_excerpts import rewritten
from .log import Log
from .message_parts import Messages, Stored, as_stored, blanked, without_fragments, without_text
from .schema import statement

Found = tuple[str, str]
"""A kind of trace (history, excerpt, summary), and the exchange that it is of."""

_CLIPPED = re.compile(r"\n?\[… [^\]\n]* left out here; the log keeps (?:them|it) …\]\n?")
"""The mark of a text that was cut before it was sent (see rules/clipping.py)."""

_SHORT = 12
"""How many characters of a cut text must be in the deleted one to call it a copy."""


def recalling(log: Log, threads: Collection[str], going: Collection[str]) -> dict[str, list[str]]:
    """Return the threads that stay in which excerpts of these threads were sent, each with those threads."""
    if "thread_id" not in log.columns("memory_recalls"):
        return {}
    asked = {"threads": json.dumps(sorted(threads)), "going": json.dumps(sorted(going))}
    found: dict[str, list[str]] = defaultdict(list)
    for thread_id, source in log.tuples(statement("deletion_elsewhere"), asked):
        found[thread_id].append(source)
    return dict(found)


class Traces:
    """The traces of some exchanges in the requests of one thread. Read them before anything is deleted."""

    def __init__(
        self,
        log: Log,
        thread_id: str,
        gone: Mapping[str, str],
        summaries: Mapping[str, str],
        *,
        only_excerpts: bool = False,
    ) -> None:
        """Find the traces.

        Args:
            log: The log.
            thread_id: The thread whose requests stay.
            gone: Each turn that goes, with its exchange.
            summaries: The texts of summaries that go, each with an exchange that it covers.
            only_excerpts: The thread never had those exchanges itself; excerpts of them may have been sent in it.
        """
        self.only_excerpts = only_excerpts
        self.log, self.thread_id, self.gone = log, thread_id, gone
        self.messages = Messages(log)
        self.summaries = {fenced_summary(text): exchange for text, exchange in summaries.items() if text.strip()}
        sql = "select id, parent_message_hash, tip_message_hash from turns where thread_id = :id order by rowid"
        self.turns = [row for row in log.tuples(sql, {"id": thread_id}) if row[0] not in gone]
        tip = log.value("select tip_message_hash from threads where id = :id", {"id": thread_id})
        ends = {end for _, *both in self.turns for end in both if end} | ({tip} if tip and self.turns else set())
        self.ends = sorted(ends)

    @cached_property
    def chain(self) -> dict[str, Stored]:
        """The messages of all requests, each after the one before it."""
        rows = {
            row["hash"]: row for row in self.log.rows(statement("deletion_reached"), {"ends": json.dumps(self.ends)})
        }
        after: dict[str | None, list[str]] = defaultdict(list)
        for row in rows.values():
            after[row["parent_hash"]].append(row["hash"])
        ordered, new = [], list(after[None])
        while new:
            ordered.append(new.pop())
            new += after[ordered[-1]]
        return self.messages.read([rows[hash_] for hash_ in ordered])

    @cached_property
    def excerpts(self) -> list[dict[str, Any]]:
        """The excerpts that were sent, as rows of deletion_excerpts."""
        left = json.dumps([row[0] for row in self.turns])
        return self.log.rows(statement("deletion_excerpts"), {"left": left, "gone": json.dumps(list(self.gone))})

    @cached_property
    def own(self) -> dict[str, tuple[Found, ...]]:
        """The traces that each message has itself."""
        found: dict[str, tuple[Found, ...]] = {}
        fragments: dict[int, list[Found]] = defaultdict(list)
        for row in self.excerpts:
            fragments[row["fragment_id"]].append(("excerpt", self.gone[row["from_turn_id"]]))
        copies = {} if self.only_excerpts else self._copies()
        for hash_, message in self.chain.items():
            here: list[Found] = [("history", copies[hash_])] if hash_ in copies else []
            ids = [id_ for part in message.parts for id_ in part.fragments]
            here += [one for id_ in ids for one in fragments.get(id_, ())]
            if message.role == "system" and self.summaries:
                text = "".join(map(self.messages.text, message.parts))
                here += [("summary", exchange) for summary, exchange in self.summaries.items() if summary in text]
            if here:
                found[hash_] = tuple(dict.fromkeys(here))
        return found

    def _copies(self) -> dict[str, str]:
        """Return the messages that are a deleted exchange's own, or a copy of one, with that exchange."""
        own = self._own_messages(list(self.gone))
        left = {hash_ for hash_, _ in self._own_messages([row[0] for row in self.turns])}
        theirs = dict(own)
        said = {(one.role, self.messages.said(one)): theirs[hash_] for hash_, one in self._read(theirs).items()}
        said = {key: exchange for key, exchange in (self._old_said() | said).items() if key[1]}
        kept = {(one.role, self.messages.said(one)) for hash_, one in self.chain.items() if hash_ in left}
        found: dict[str, str] = {}
        for hash_, message in self.chain.items():
            if hash_ in left:
                continue
            if hash_ in theirs:
                found[hash_] = theirs[hash_]
            elif message.role != "system":
                text = self.messages.said(message)
                exchange = said.get((message.role, text)) or _cut(message.role, text, said)
                if exchange and (message.role, text) not in kept:
                    found[hash_] = exchange
        return found

    def _old_said(self) -> dict[tuple[str, str], str]:
        """What was said in exchanges that only an older llm logged, by role and text. They have no messages to compare.

        A session that such a conversation became sends them as messages.
        """
        found: dict[tuple[str, str], str] = {}
        old = self._old()
        if not old:  # without older conversations, a log may lack columns of their table
            return found
        for turn in history.old_turns(self.log, old, with_content=False).values():
            for message in (*turn.input, *turn.output):
                found[message.role, self.messages.said(as_stored(message))] = self.gone[turn.id]
        return found

    def _old(self) -> list[str]:
        if not self.log.columns("responses"):
            return []
        sql = (
            "select id from responses where id in (select value from json_each(:ids))"
            " and id not in (select id from turns) order by id"
        )
        return [id_ for (id_,) in self.log.tuples(sql, {"ids": json.dumps(list(self.gone))})]

    def _own_messages(self, turn_ids: list[str]) -> Iterator[tuple[str, str]]:
        for start in range(0, len(turn_ids), 500):
            ids = json.dumps(turn_ids[start : start + 500])
            for row in self.log.rows(statement("turn_messages"), {"ids": ids}):
                yield row["hash"], self.gone.get(row["turn_id"], "")

    def _read(self, hashes: Collection[str]) -> dict[str, Stored]:
        sql = "select * from messages where hash in (select value from json_each(:hashes))"
        return self.messages.read(self.log.rows(sql, {"hashes": json.dumps(list(hashes))}))

    def requests(self) -> dict[str, tuple[Found, ...]]:
        """Return the turns that were sent with a trace, with what they were sent with."""
        if not self.own:
            return {}
        up_to: dict[str | None, tuple[Found, ...]] = {None: ()}
        for hash_, message in self.chain.items():
            before = up_to.get(message.parent, ())
            more = [one for one in self.own.get(hash_, ()) if one not in before]
            up_to[hash_] = (*before, *more) if more else before
        found = {turn_id: up_to.get(tip or parent, ()) for turn_id, parent, tip in self.turns}
        return {turn_id: traces for turn_id, traces in found.items() if traces}

    # -- blanking ------------------------------------------------------

    def blank(self, changed_utc: str) -> list[str]:
        """Blank the traces, mark the requests as changed, and return the old ends of their chains."""
        changed = self.requests()
        if not changed:
            return []
        fragments = rewritten(self.log, self.excerpts)
        moved: dict[str | None, str | None] = {}
        for hash_, message in self.chain.items():
            parent = moved.get(message.parent, message.parent)
            made = self._without(message, fragments)
            if made is message and parent == message.parent:
                continue
            made = replace(made, hash=self.messages.hash(made, parent), parent=parent)
            self.messages.add(made)
            moved[hash_] = made.hash
        self._move(moved)
        for row in self.excerpts:
            self.log.run("delete from memory_recalls where turn_id = :turn_id and rank = :rank", row)
            sql = "delete from turn_fragments where turn_id = :turn_id and fragment_id = :fragment_id"
            new = fragments[row["fragment_id"]]
            if new is not None:
                sql = (
                    "update or replace turn_fragments set fragment_id = :new"
                    " where turn_id = :turn_id and fragment_id = :fragment_id"
                )
            self.log.run(sql, {**row, "new": new})
        self.log.many(
            "insert or replace into memory_changed (turn_id, changed_utc) values (:id, :at)",
            ({"id": turn_id, "at": changed_utc} for turn_id in changed),
        )
        return self.ends

    def _without(self, message: Stored, fragments: Mapping[int, int | None]) -> Stored:
        traces = dict(self.own.get(message.hash, ()))
        if "history" in traces:
            return blanked(message)
        parts = message.parts
        if "excerpt" in traces:
            parts = tuple(without_fragments(part, fragments) for part in parts)
        if "summary" in traces:
            for summary in self.summaries:
                parts = tuple(without_text(part, summary) for part in parts)
        return message if parts == message.parts else replace(message, parts=parts)

    def _move(self, moved: Mapping[str | None, str | None]) -> None:
        self.log.many(
            "update turns set parent_message_hash = :parent, tip_message_hash = :tip where id = :id",
            (
                {"id": turn_id, "parent": moved.get(parent, parent), "tip": moved.get(tip, tip)}
                for turn_id, parent, tip in self.turns
                if parent in moved or tip in moved
            ),
        )
        tip = self.log.value("select tip_message_hash from threads where id = :id", {"id": self.thread_id})
        if tip in moved:
            sql = "update threads set tip_message_hash = :tip where id = :id"
            self.log.run(sql, {"id": self.thread_id, "tip": moved[tip]})


def _cut(role: str, text: str, said: Mapping[tuple[str, str], str]) -> str | None:
    """Return the exchange of which a text is a cut copy, or None."""
    if not _CLIPPED.search(text):
        return None
    pieces = [piece.strip() for piece in _CLIPPED.split(text) if piece.strip()]
    if sum(map(len, pieces)) < _SHORT:
        return None
    whole = (exchange for (one, full), exchange in said.items() if one == role and all(p in full for p in pieces))
    return next(whole, None)
