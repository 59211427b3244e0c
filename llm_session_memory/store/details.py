"""Reading what llm logged of a call beyond its messages, so that an export loses nothing.

Reads both generations of llm's tables, and never writes. JSON is returned as values, except a call's raw response: it
is returned as the text that llm stores, condensed by its own rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..model import Attachment
from . import history
from .attachments import attachments
from .log import Log
from .schema import statement

_ROOTS_REMEMBERED = 10_000
"""How many tips' system prompts are remembered, so that not every turn has to walk its chain to the start."""

_CONDENSED = re.compile(r'"((?:f|r):[0-9a-zA-Z]+)"')
"""How llm up to 0.31 replaced a text by a reference to a fragment or to another reply."""


@dataclass(frozen=True)
class Fragment:
    """A fragment that was sent with a prompt; `side` is prompt or system."""

    side: str
    source: str | None
    content: str


@dataclass(frozen=True)
class Tool:
    """A tool that a call offered, as in llm's tables, with the arguments of the toolbox behind it."""

    name: str
    description: str | None
    input_schema: Mapping[str, Any]
    plugin: str | None
    hash: str
    instance_name: str | None
    arguments: Any


@dataclass(frozen=True)
class OldToolResult:
    """The parts of a tool result, besides its text, that only an older llm kept."""

    exception: str | None
    attachments: tuple[Attachment, ...]


@dataclass(frozen=True)
class LoggedRecall:
    """An excerpt that was sent with a call: the turn it is from, if known, and the side and part of its text.

    `thread_id` is the thread of the session that it is from, if that is another one.
    """

    turn_id: str | None
    side: int
    part: int
    number: int
    score: float
    tokens: int
    words: tuple[str, ...]
    thread_id: str | None = None


@dataclass(frozen=True)
class LoggedWhy:
    """Our record of a call's context."""

    block_id: int
    base: float
    estimate: int
    cut: str | None
    number: int
    after_turn_id: str | None
    recalled: tuple[LoggedRecall, ...]


@dataclass(frozen=True)
class Details:
    """A call, beyond its messages.

    `response` is the raw reply as llm condensed it, `replacements` the texts that an older llm took out of it.
    `instances` are the arguments of the toolboxes that ran tool calls, by the ids of the calls. `reasoning` and
    `results` are what an older llm stored beside the messages.
    """

    system: str | None
    resolved_model: str | None
    options: Mapping[str, Any]
    token_details: Mapping[str, Any] | None
    schema: Mapping[str, Any] | None
    response: str | None
    fragments: tuple[Fragment, ...]
    tools: tuple[Tool, ...]
    instances: Mapping[str, Any] = field(default_factory=dict)
    why: LoggedWhy | None = None
    old: bool = False
    replacements: Mapping[str, str] = field(default_factory=dict)
    reasoning: str | None = None
    results: tuple[OldToolResult, ...] = ()


class Detailed:
    """The reader of the details of calls, a few calls at a time."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._roots: dict[str, str | None] = {}
        self._systems: dict[str, str | None] = {}

    def of(self, ids: Sequence[str]) -> dict[str, Details]:
        """Return the details of calls, by id."""
        found = dict(self._new(ids))
        missing = [id_ for id_ in ids if id_ not in found]
        return found | (dict(self._old(missing)) if missing else {})

    # -- the current tables ------------------------------------------------

    def _new(self, ids: Sequence[str]) -> Iterator[tuple[str, Details]]:
        rows = self.log.rows(statement("turn_details"), _wanted(ids))
        fragments = self._fragments("turn_fragments", "turn_id", "kind", ids)
        tools = self._tools(statement("turn_tools"), ids)
        instances: dict[str, dict[str, Any]] = {}
        for row in self.log.rows(
            "select x.turn_id, x.tool_call_id, i.arguments from tool_instantiations x"
            " join tool_instances i on i.id = x.instance_id"
            " where x.turn_id in (select value from json_each(:ids)) order by x.rowid",
            _wanted(ids),
        ):
            instances.setdefault(row["turn_id"], {})[row["tool_call_id"]] = _value(row["arguments"])
        recalls = self._recalls(ids)
        for row in rows:
            why = None
            if row["block_id"] is not None:
                why = LoggedWhy(
                    block_id=row["block_id"],
                    base=row["base"],
                    estimate=row["estimate"],
                    cut=row["cut"],
                    number=row["number"],
                    after_turn_id=row["after_turn_id"],
                    recalled=tuple(recalls.get(row["id"], ())),
                )
            yield (
                row["id"],
                Details(
                    system=self._system(row["parent_message_hash"]),
                    resolved_model=row["resolved_model"],
                    options=_value(row["options_json"]) or {},
                    token_details=_value(row["token_details"]),
                    schema=_value(row["schema_json"]),
                    response=row["response_json"],
                    fragments=tuple(fragments.get(row["id"], ())),
                    tools=tuple(tools.get(row["id"], ())),
                    instances=instances.get(row["id"], {}),
                    why=why,
                ),
            )

    def _recalls(self, ids: Sequence[str]) -> dict[str, list[LoggedRecall]]:
        found: dict[str, list[LoggedRecall]] = {}
        columns = self.log.columns("memory_recalls")
        sql = statement("turn_recalls")
        if "thread_id" not in columns:  # a log that has not been used recently
            sql = sql.replace("r.thread_id", "null as thread_id")
        rows = self.log.rows(sql, _wanted(ids)) if columns else []
        for row in rows:
            recall = LoggedRecall(
                turn_id=row["from_turn_id"],
                side=row["side"],
                part=row["part"] or 0,
                number=row["number"],
                score=row["score"],
                tokens=row["tokens"],
                words=tuple(json.loads(row["words_json"])),
                thread_id=row["thread_id"],
            )
            found.setdefault(row["turn_id"], []).append(recall)
        return found

    def _system(self, tip: str | None) -> str | None:
        """Return the system prompt at the start of the chain that ends at `tip`."""
        root = self._root(tip) if tip else None
        if root is None:
            return None
        if root not in self._systems:
            self._systems[root] = history.chain(self.log, root)[0].text
        return self._systems[root]

    def _root(self, tip: str) -> str | None:
        """Return the first message of a chain if it is a system prompt. Most chains extend one walked before."""
        passed: list[str] = []
        at: str | None = tip
        root: str | None = None
        while at is not None:
            if at in self._roots:
                root = self._roots[at]
                break
            row = self.log.row("select parent_hash, role from messages where hash = :hash", {"hash": at})
            if row is None:
                break
            passed.append(at)
            root = at if row["role"] == "system" else None
            at = row["parent_hash"]
        if len(self._roots) > _ROOTS_REMEMBERED:
            self._roots.clear()
        self._roots |= dict.fromkeys(passed, root)
        return root

    # -- both ----------------------------------------------------------

    def _fragments(self, table: str, key: str, side: str, ids: Sequence[str]) -> dict[str, list[Fragment]]:
        found: dict[str, list[Fragment]] = {}
        for row in self.log.rows(
            f"select x.{key} as id, {side} as side, f.source, f.content"  # noqa: S608  names from llm's schema
            f" from {table} x join fragments f on f.id = x.fragment_id"
            f' where x.{key} in (select value from json_each(:ids)) order by x.{key}, x."order"',
            _wanted(ids),
        ):
            found.setdefault(row["id"], []).append(Fragment(row["side"], row["source"], row["content"]))
        return found

    def _tools(self, sql: str, ids: Sequence[str]) -> dict[str, list[Tool]]:
        found: dict[str, list[Tool]] = {}
        for row in self.log.rows(sql, _wanted(ids)):
            tool = Tool(
                name=row["name"],
                description=row["description"],
                input_schema=_value(row["input_schema"]) or {},
                plugin=row["plugin"],
                hash=row["hash"],
                instance_name=row["instance_name"],
                arguments=_value(row["arguments"]),
            )
            found.setdefault(row["turn_id"], []).append(tool)
        return found

    # -- the tables of llm up to 0.31 ----------------------------------

    def _old(self, ids: Sequence[str]) -> Iterator[tuple[str, Details]]:
        if not self.log.columns("responses"):
            return
        rows = self.log.rows(statement("old_details"), _wanted(ids))
        sides = [
            self._fragments(table, "response_id", f"'{side}'", ids)
            for table, side in (("prompt_fragments", "prompt"), ("system_fragments", "system"))
        ]
        tools = self._tools(
            "select x.response_id as turn_id, tools.*, null as instance_name, null as arguments"
            " from tool_responses x join tools on tools.id = x.tool_id"
            " where x.response_id in (select value from json_each(:ids)) order by x.rowid",
            ids,
        )
        results: dict[str, list[OldToolResult]] = {}
        instances: dict[str, dict[str, Any]] = {}
        for row in self.log.rows(statement("old_results"), _wanted(ids)):
            held = attachments(self.log, json.loads(row["attachment_ids"]))
            results.setdefault(row["response_id"], []).append(OldToolResult(row["exception"], held))
            if row["arguments"] is not None and row["tool_call_id"]:
                instances.setdefault(row["response_id"], {})[row["tool_call_id"]] = _value(row["arguments"])
        for row in rows:
            id_ = row["id"]
            yield (
                id_,
                Details(
                    system=row["system"],
                    resolved_model=row["resolved_model"],
                    options=_value(row["options_json"]) or {},
                    token_details=_value(row["token_details"]),
                    schema=_value(row["schema_json"]),
                    response=row["response_json"],
                    fragments=tuple(one for side in sides for one in side.get(id_, ())),
                    tools=tuple(tools.get(id_, ())),
                    instances=instances.get(id_, {}),
                    old=True,
                    replacements=self._replacements(row["response_json"]),
                    reasoning=row["reasoning"] or None,
                    results=tuple(results.get(id_, ())),
                ),
            )

    def _replacements(self, condensed: str | None) -> dict[str, str]:
        """Return the texts that an older llm took out of a raw reply: fragments, and replies of this conversation."""
        keys = set(_CONDENSED.findall(condensed or ""))
        found: dict[str, str | None] = {}
        for key in keys:
            id_ = key[2:]
            sql = "select content from fragments where id = :id"
            if key.startswith("r:"):
                sql = "select response from responses where id = :id"
            found[key] = self.log.value(sql, {"id": id_})
        return {key: text for key, text in found.items() if text is not None}


def _wanted(ids: Sequence[str]) -> dict[str, str]:
    return {"ids": json.dumps(list(ids))}


def _value(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):  # not written by llm: a damaged or forged log
        return None
