"""A log read as documents: portions of about 500 turns at a time, so that memory stays bounded."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model.remotes import Document
from ..rules.portable import bucket, months, number, stamp_of_response, stamp_of_turn
from .document_content import Content
from .document_tables import ABOUT_CALLS, OWNED, Row, stamp_of_thread
from .document_threads import Threads, number_of_row, ordered
from .log import Log

_MOST = 500
"""How many turns a portion has, unless one of its conversations has no more."""

_FRAGMENTS = ("turn_fragments", "prompt_fragments", "system_fragments")


@dataclass
class _Portion:
    """Some conversations, or a stretch of a long one: the turns and responses with their threads and places."""

    turns: dict[str, tuple[str, int]] = field(default_factory=dict)
    responses: dict[str, tuple[str, int]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    """The conversations that end here."""

    def __len__(self) -> int:
        return len(self.turns) + len(self.responses)


class Reading:
    """Reads conversations of a log as documents."""

    def __init__(self, log: Log, machine: str, person: str) -> None:
        self._log = log
        self._by = {"machine": machine, "person": person}
        self._threads = Threads(log, person)
        self._content = Content(log, machine, person)
        self._month = months()
        self._listed: dict[str, set[str]] = defaultdict(set)
        """The messages that the turns of a conversation referred to so far."""

    def documents(self, threads: Collection[str]) -> Iterator[Document]:
        """Yield the documents of some conversations, content before what refers to it."""
        there = set(self._threads.ids(threads))
        for portion in self._portions([one for one in dict.fromkeys(threads) if one in there]):
            yield from self._portion(portion)

    # -- portions ------------------------------------------------------

    def _portions(self, threads: list[str]) -> Iterator[_Portion]:
        old = self._responses(threads)
        portion = _Portion()
        for thread_id, turns in self._turns(threads):
            calls = [("responses", one, place) for place, one in enumerate(old.get(thread_id, ()), 1)]
            calls += [("turns", one, place) for place, one in enumerate(turns, 1)]
            if portion.ended and len(portion) + len(calls) > _MOST:
                yield portion
                portion = _Portion()
            for table, id_, place in calls:
                if len(portion) >= _MOST:
                    yield portion
                    portion = _Portion()
                getattr(portion, table)[id_] = (thread_id, place)
            portion.ended.append(thread_id)
            if len(calls) > _MOST:  # alone: its messages are not listed again
                yield portion
                portion = _Portion()
        if portion.ended:
            yield portion

    def _turns(self, threads: list[str]) -> Iterator[tuple[str, list[str]]]:
        """Yield some conversations with their turns, in the order in which they were logged."""
        sql = "select thread_id, id from turns where thread_id in (select value from json_each(:ids)) order by rowid"
        for start in range(0, len(threads), _MOST):
            some = threads[start : start + _MOST]
            found: dict[str, list[str]] = {one: [] for one in some}
            if self._content.columns("turns"):
                for thread_id, id_ in self._log.tuples(sql, {"ids": json.dumps(some)}):
                    found[thread_id].append(id_)
            yield from found.items()

    def _responses(self, threads: list[str]) -> dict[str, list[str]]:
        """Return the responses of some conversations. There is no index for them, so all are looked through, once."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        if self._content.columns("responses"):
            sql = (
                "select conversation_id, id from responses"
                " where conversation_id in (select value from json_each(:ids)) order by id"
            )
            for thread_id, id_ in self._log.tuples(sql, {"ids": json.dumps(threads)}):
                found[thread_id].append(id_)
        return found

    def _portion(self, portion: _Portion) -> Iterator[Document]:
        turns = self._rows("turn", portion.turns)
        responses = self._rows("response", portion.responses)
        about = self._threads.rows(portion.ended)
        tips = {one: [row["tip_message_hash"] for row in about[one].get("threads", ())] for one in portion.ended}
        first = next(iter(portion.turns.values()), None)
        known = self._listed[first[0]] if first is not None and first[1] > 1 else ()  # a stretch of a long one
        ends = (row[end] for some in turns["turns"].values() for row in some for end in _ENDS)
        wanted: list[Any] = [*ends, *(one for some in tips.values() for one in some)]
        messages = self._content.messages(wanted, known)
        made: list[Document] = [self._response(id_, *place, responses) for id_, place in portion.responses.items()]
        needed: list[Row] = []
        for id_, (thread_id, place) in portion.turns.items():
            chain = [one for end in _ENDS for one in self._new(thread_id, turns["turns"][id_][0][end], messages)]
            needed += chain
            made.append(self._turn(id_, thread_id, place, turns, chain))
        for thread_id in portion.ended:
            chain = [one for tip in tips[thread_id] for one in self._new(thread_id, tip, messages)]
            needed += chain
            made.append(self._thread(thread_id, about[thread_id], chain))
            self._listed.pop(thread_id, None)
        yield from self._content.message_documents(needed)
        yield from self._content.documents(ref for one in made for ref in one.refs if not ref.startswith("message "))
        yield from made

    def _new(self, thread_id: str, end: Any, messages: Mapping[str, Row]) -> list[Row]:
        """Return the messages up to one that the conversation did not refer to before, oldest first."""
        found: list[Row] = []
        listed = self._listed[thread_id]
        while end in messages and end not in listed:
            listed.add(end)
            found.append(messages[end])
            end = messages[end]["parent_hash"]
        return found[::-1]

    # -- documents -----------------------------------------------------

    def _rows(self, kind: str, ids: Collection[str]) -> dict[str, dict[Any, list[Row]]]:
        """Return the rows about some turns or responses, by table and id, with portable numbers."""
        found = {table: self._content.rows(table, column, ids) for table, column in OWNED[kind].items() if column}
        every = [(table, row) for table, some in found.items() for rows in some.values() for row in rows]
        fragments = [row["fragment_id"] for table, row in every if table in _FRAGMENTS]
        tools = [row["tool_id"] for _, row in every if "tool_id" in row]
        self._content.find(fragments, tools, [row["instance_id"] for _, row in every if "instance_id" in row])
        self._with_blocks(found)
        if kind == "response":
            found["tool_results_attachments"] = self._attachments_of_results(found)
            also_turns = self._content.rows("turns", "id", ids)  # these have our rows already
            for table in ABOUT_CALLS:
                found[table] = {id_: rows for id_, rows in found[table].items() if id_ not in also_turns}
        return {
            table: {id_: self._portable(table, id_, some) for id_, some in of.items()} for table, of in found.items()
        }

    def _portable(self, table: str, id_: str, rows: list[Row]) -> list[Row]:
        content = self._content
        if table in _FRAGMENTS:
            rows = content.portable(rows, "fragment_id", content.fragments)
        if rows and "tool_id" in rows[0]:
            rows = content.portable(rows, "tool_id", content.tools, blank=table in ("tool_calls", "tool_results"))
        if rows and "instance_id" in rows[0]:
            rows = content.portable(rows, "instance_id", content.instances, blank=True)
        if table == "turn_search":
            rows = [{**row, "id": number("search", id_)} for row in rows]
        elif table in ("tool_calls", "tool_results"):
            rows = [{**row, "id": number(table, id_, place)} for place, row in enumerate(rows)]
        elif table == "memory_recalls":
            rows = [{**row, "passage_id": 0} for row in rows]  # each machine makes its own index
        return ordered(table, rows)

    def _with_blocks(self, found: dict[str, dict[Any, list[Row]]]) -> None:
        """Give contexts the portable numbers of their blocks. A context whose block is gone is left out."""
        ids = {row["block_id"] for some in found["memory_contexts"].values() for row in some}
        numbers = {
            id_: number_of_row("memory_blocks", rows[0])
            for id_, rows in self._content.rows("memory_blocks", "id", ids).items()
        }
        for id_, some in found["memory_contexts"].items():
            found["memory_contexts"][id_] = [
                {**row, "block_id": numbers[row["block_id"]]} for row in some if row["block_id"] in numbers
            ]

    def _attachments_of_results(self, found: Mapping[str, Mapping[str, list[Row]]]) -> dict[Any, list[Row]]:
        results = {
            row["id"]: (id_, number("tool_results", id_, place))
            for id_, rows in found["tool_results"].items()
            for place, row in enumerate(rows)
        }
        made: defaultdict[str, list[Row]] = defaultdict(list)
        for result, rows in self._content.rows("tool_results_attachments", "tool_result_id", results).items():
            id_, portable = results[result]
            made[id_] += ({**row, "tool_result_id": portable} for row in rows)
        return made

    def _turn(self, id_: str, thread_id: str, place: int, found: Mapping[str, Any], chain: list[Row]) -> Document:
        rows = {table: of[id_] for table, of in found.items() if of.get(id_)}
        row = rows["turns"][0]
        refs = [*self._refs(rows), *(f"message {one['hash']}" for one in chain)]
        stamp = stamp_of_turn(id_, thread_id, row["tip_message_hash"], row["parent_message_hash"])
        return Document("turn", id_, rows, thread_id, tuple(refs), place, self._month(id_), stamp, **self._by)

    def _response(self, id_: str, thread_id: str, place: int, found: Mapping[str, Any]) -> Document:
        rows = {table: of[id_] for table, of in found.items() if of.get(id_)}
        refs, stamp = tuple(self._refs(rows)), stamp_of_response(id_, thread_id)
        return Document("response", id_, rows, thread_id, refs, place, self._month(id_), stamp, **self._by)

    def _thread(self, thread_id: str, rows: Mapping[str, list[Row]], chain: Iterable[Row]) -> Document:
        refs = tuple(f"message {one['hash']}" for one in chain)
        stamp = stamp_of_thread(thread_id, rows)
        return Document("thread", thread_id, rows, thread_id, refs, 0, bucket("s", thread_id), stamp, **self._by)

    def _refs(self, rows: Mapping[str, list[Row]]) -> Iterator[str]:
        """Yield what the rows about a call refer to, each once: schema, attachments, fragments, tools, instances."""
        every = [row for some in rows.values() for row in some]
        yield from self._content.there("schema", (row["schema_id"] for row in every if "schema_id" in row))
        yield from self._content.there("attachment", (row["attachment_id"] for row in every if "attachment_id" in row))
        for column in ("fragment_id", "tool_id", "instance_id"):
            yield from dict.fromkeys(self._content.ref_of[row[column]] for row in every if row.get(column) is not None)


_ENDS = ("parent_message_hash", "tip_message_hash")
