"""Make the messages of a salvaged log whole again: each has the hash of its content, and the message before it.

Texts are in a log twice: in the parts of messages, and in llm's search table. So a message that was lost is made from
what there is of it, and if that gives its hash, nothing is lost. Otherwise it is made as far as possible. Its hash is
another one then, and so are those of all messages after it, which move with the turns that end there.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from .check_hashes import hashes, hashes_of_content
from .log import Log
from .message_parts import Messages, Stored, StoredPart, without_fragments

LOST = "[lost: this message could not be read]"
"""Stands for a message that could not be read at all."""

_MOST_ROUNDS = 4
"""How often messages are looked through: one that gets its hash back may meet the one that was made instead of it."""


class Mender:
    """Mends the messages of a log. Call `mend` inside `log.writing()`; then ask what was done."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._messages = Messages(log)
        self._new: dict[str, str] = {}
        self.whole = 0
        """Messages that were lost, at least in part, and are as they were."""
        self.partly = 0
        """Messages that lack something."""
        self.changed: set[str] = set()
        """Turns whose request has something in it that is not as it was sent."""

    def mend(self) -> None:
        """Mend all messages."""
        self._drop_damaged_content()
        self._drop_lost_references()
        for _ in range(_MOST_ROUNDS):
            broken = {*hashes(self.log).messages} | self._lost()
            if not broken:
                return
            self._look_up_ends()
            for hash_ in sorted(broken):
                self._resolve(hash_)
            self._move()

    def _look_up_ends(self) -> None:
        """Keep at hand which turns end at which message."""
        self.log.run("drop table if exists temp.ends")
        self.log.run("create temp table ends (hash text, turn integer)")
        for column in ("parent_message_hash", "tip_message_hash"):
            self.log.run(f"insert into temp.ends select {column}, rowid from turns where {column} is not null")  # noqa: S608
        self.log.run("create index temp.ends_hash on ends (hash)")

    def _drop_damaged_content(self) -> None:
        """Give fragments the hash of what was read of them, and drop attachments whose bytes are damaged."""
        wrong = []
        for id_, hash_, content in self.log.stream("select id, hash, content from fragments"):
            right = hashlib.sha256(str(content or "").encode("utf-8", "surrogatepass")).hexdigest()
            if right != hash_:
                wrong.append({"hash": right, "id": id_})
        self.log.many("update or replace fragments set hash = :hash where id = :id", wrong)
        for named in hashes_of_content(self.log).attachments:
            self.log.run("delete from attachments where id = :id", {"id": named.removeprefix("attachment ")})

    def _drop_lost_references(self) -> None:
        """Replace references of parts to fragments and attachments that were lost."""
        fragments = {id_ for (id_,) in self.log.tuples("select id from fragments")}
        attachments = {id_ for (id_,) in self.log.tuples("select id from attachments")}
        sql = "select id, type, text, payload, tool_name from parts where payload is not null"
        changed: list[tuple[int, StoredPart]] = []
        for id_, type_, text, payload, tool in self.log.stream(sql):
            try:
                part = StoredPart(type_, text, json.loads(payload), tool)
                gone = {one: None for one in part.fragments if one not in fragments}
                lost = [one for one in part.attachments if one not in attachments]
            except (ValueError, TypeError, KeyError, AttributeError):
                part, gone, lost = StoredPart(type_, text, {}, tool), {}, ["?"]
            if gone:
                changed.append((id_, without_fragments(part, gone)))
            elif lost:
                changed.append((id_, StoredPart("text", part.text or LOST, {}, None)))
        for id_, part in changed:
            self._store_part(id_, part)

    def _store_part(self, id_: int, part: StoredPart) -> None:
        values = {"type": part.type, "text": part.text, "tool": part.tool_name, "id": id_}
        payload = json.dumps(part.payload) if part.payload else None
        self.log.run(
            "update parts set type = :type, text = :text, payload = :payload, tool_name = :tool where id = :id",
            {**values, "payload": payload},
        )

    def _lost(self) -> set[str]:
        """Return the hashes of messages that something refers to and that are not there."""
        sql = (
            "select parent_hash from messages union select parent_message_hash from turns"
            " union select tip_message_hash from turns union select tip_message_hash from threads"
            " union select message_hash from parts except select hash from messages"
        )
        return {hash_ for (hash_,) in self.log.tuples(sql) if hash_ is not None}

    def _resolve(self, hash_: str) -> None:
        """Make a message that was lost, or that has another hash, from what there is of it."""
        best: Stored | None = None
        for candidate in self._candidates(hash_):
            if self._messages.hash(candidate, candidate.parent) == hash_:
                self._replace(hash_, candidate)
                self.whole += 1
                return
            best = best or candidate
        made = best or Stored(hash_, None, "user", None, (StoredPart("text", LOST, {}, None),))
        self._replace(hash_, made)
        self.partly += 1

    def _candidates(self, hash_: str) -> Iterator[Stored]:
        """Yield what a message may have been, most likely first; at least one."""
        row = self.log.row(
            "select hash, parent_hash, role, provider_metadata from messages where hash = :hash", {"hash": hash_}
        )
        rows = [row or {"hash": hash_, "parent_hash": None, "role": "user", "provider_metadata": None}]
        there = self._messages.read(rows)[hash_]
        said = self._said(hash_)
        if row:
            yield from self._with_texts(there, [text for _, text, _ in said])
            return
        after = [parent for role, _, parent in said if role == "assistant"]
        before = [*dict.fromkeys([*after, *self._tips_near(hash_), None])]
        roles = [*dict.fromkeys([role for role, _, _ in said] + [_role(there.parts), "user", "tool", "system"])]
        for role in roles:
            for parent in before:
                yield from self._with_texts(
                    replace(there, role=role, parent=parent), [text for one, text, _ in said if one == role]
                )

    def _with_texts(self, message: Stored, texts: list[str]) -> Iterator[Stored]:
        """Yield a message with the parts that it has, and with a text in their place or in addition."""
        if message.parts:
            yield message
        for text in dict.fromkeys(texts):
            if text:
                yield replace(message, parts=(StoredPart("text", text, {}, None),))
        if not message.parts:
            yield replace(message, parts=(StoredPart("text", next(filter(None, texts), LOST), {}, None),))

    def _said(self, hash_: str) -> list[tuple[str, str, str | None]]:
        """Return what turns that end at a message say about it: its role, its text, and the message before it."""
        found: list[tuple[str, str, str | None]] = []
        sql = (
            "select t.parent_message_hash = :hash as is_input, t.parent_message_hash, s.prompt, s.response"
            " from turns t left join turn_search s on s.turn_id = t.id where t.rowid in"
            " (select turn from temp.ends where hash = :hash)"
        )
        for is_input, parent, prompt, response in self.log.tuples(sql, {"hash": hash_}):
            found.append(("user", prompt or "", None) if is_input else ("assistant", response or "", parent))
        return found

    def _tips_near(self, hash_: str) -> list[str]:
        """Return the messages that the input which ends at this one may have come after: replies of its thread."""
        sql = (
            "select b.tip_message_hash from temp.ends e join turns t on t.rowid = e.turn"
            " join turns b on b.thread_id = t.thread_id and b.rowid < t.rowid"
            " where e.hash = :hash and b.tip_message_hash is not null order by b.rowid desc limit 20"
        )
        return [tip for (tip,) in self.log.tuples(sql, {"hash": hash_})]

    def _replace(self, hash_: str, message: Stored) -> None:
        """Store a message under the hash that was lost. If it has another hash, it is moved at the end."""
        values = {"hash": hash_, "parent": message.parent, "role": message.role, "metadata": message.provider_metadata}
        self.log.run(
            "insert or replace into messages (rowid, hash, parent_hash, role, provider_metadata)"
            " values ((select rowid from messages where hash = :hash), :hash, :parent, :role, :metadata)",
            values,
        )
        known = self._messages.read([{"hash": hash_, "parent_hash": None, "role": "", "provider_metadata": None}])
        if known[hash_].parts == message.parts:
            return
        self.log.run("delete from parts where message_hash = :hash", {"hash": hash_})
        for position, part in enumerate(message.parts):
            self.log.run(
                "insert into parts (message_hash, position, type, tool_name, text, payload)"
                " values (:hash, :position, :type, :tool, :text, :payload)",
                {
                    "hash": hash_,
                    "position": position,
                    "type": part.type,
                    "tool": part.tool_name,
                    "text": part.text,
                    "payload": json.dumps(part.payload) if part.payload else None,
                },
            )

    def _move(self) -> None:
        """Give messages whose content or whose message before is another one their new hashes, and all after them."""
        self._new = {}
        waiting = [*hashes(self.log).messages]
        children = defaultdict(list)
        for hash_, parent in self.log.tuples("select hash, parent_hash from messages where parent_hash is not null"):
            children[parent].append(hash_)
        first = set(waiting)
        waiting = [one for one in waiting if not self._has_broken_ancestor(one, first)]
        while waiting:
            hash_ = waiting.pop()
            row = self.log.row("select * from messages where hash = :hash", {"hash": hash_})
            if row is None or hash_ in self._new:
                continue
            stored = self._messages.read([row])[hash_]
            parent = self._new.get(stored.parent or "", stored.parent)
            new = self._messages.hash(stored, parent)
            self._new[hash_] = new
            if new == hash_:
                sql = "update messages set parent_hash = :parent where hash = :hash"
                self.log.run(sql, {"parent": parent, "hash": hash_})
            else:
                add(self._messages, replace(stored, hash=new, parent=parent))
            waiting += children[hash_]
        self._follow()

    def _has_broken_ancestor(self, hash_: str, broken: set[str]) -> bool:
        parents = "select parent_hash from messages where hash = :hash"
        seen = set()
        while hash_ not in seen:
            seen.add(hash_)
            parent = self.log.value(parents, {"hash": hash_})
            if parent is None:
                return False
            if parent in broken:
                return True
            hash_ = parent
        return False

    def _follow(self) -> None:
        """Let turns and threads end at the new messages, and delete the old ones."""
        moved = [{"old": old, "new": new} for old, new in self._new.items() if old != new]
        if not moved:
            return
        self.log.run("drop table if exists temp.moved")
        self.log.run("create temp table moved (old text primary key, new text) without rowid")
        self.log.many("insert into temp.moved values (:old, :new)", moved)
        turns = "select id from turns where parent_message_hash in (select old from temp.moved)"
        self.changed |= {id_ for (id_,) in self.log.tuples(turns)}
        for table, column in (
            ("turns", "parent_message_hash"),
            ("turns", "tip_message_hash"),
            ("threads", "tip_message_hash"),
        ):
            self.log.run(
                f"update {table} set {column} = (select new from temp.moved where old = {column})"  # noqa: S608
                f" where {column} in (select old from temp.moved)"
            )
        for table in ("part_fragments", "part_attachments"):
            self.log.run(
                f"delete from {table} where part_id in (select p.id from parts p"  # noqa: S608
                " join temp.moved m on m.old = p.message_hash)"
            )
        self.log.run("delete from parts where message_hash in (select old from temp.moved)")
        self.log.run("delete from messages where hash in (select old from temp.moved)")


def add(messages: Messages, message: Stored) -> None:
    """Store a message, unless it is there. Parts of it that lost their message are replaced."""
    sql = "delete from parts where message_hash = :hash and :hash not in (select hash from messages)"
    messages.log.run(sql, {"hash": message.hash})
    messages.add(message)


def _role(parts: tuple[StoredPart, ...]) -> str:
    """Return the role that a message with such parts has."""
    types = {part.type for part in parts}
    if "tool_result" in types:
        return "tool"
    return "assistant" if types & {"tool_call", "reasoning"} else "user"
