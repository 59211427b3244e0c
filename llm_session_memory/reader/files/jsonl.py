"""The lines of a session's JSONL as values, in the format of `rules.records`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ...model import SIDES, Attempt, Exchange, Message, Part, Settings, Summary, Turn
from ...rules.records import (
    FORMAT,
    VERSION,
    attempt_record,
    forked_record,
    judged_record,
    message_record,
    note_record,
    place_record,
    said,
)
from ...store import Requests, details
from .gathering import Gathering
from .snapshots import snapshot_record


def as_logged(turn: Turn, more: details.Details) -> Any:
    """Return a call's raw response, or None if llm stored it in a shortened form that only llm can expand."""
    del turn
    return None if more.response is None or '"$"' in more.response else json.loads(more.response)


def offered(tool: details.Tool) -> bool:
    """Return False, because only llm knows whether the model's server runs a tool."""
    del tool
    return False


def joined_system(more: details.Details) -> str | None:
    """Return a call's system prompt. An older llm stored its fragments separately; they are joined here as llm did."""
    if not more.old:
        return more.system
    texts = [fragment.content for fragment in more.fragments if fragment.side == "system"]
    return "\n\n".join(text.strip() for text in [*texts, more.system or ""] if text.strip()) or None


@dataclass(frozen=True)
class Known:
    """Facts about a call that only llm knows; the defaults, used by the pages, leave them out."""

    raw_response: Callable[[Turn, details.Details], Any] = as_logged
    is_server_side: Callable[[details.Tool], bool] = offered


class Lines:
    """The lines of an export as values."""

    def __init__(self, gathering: Gathering, known: Known) -> None:
        self.gathering = gathering
        self.known = known
        self.system = gathering.session.settings.system or None
        self.places = gathering.places
        self.blocks: dict[int, int] = {}
        self.detailed = details.Detailed(gathering.log)

    def header(self, now: str) -> dict[str, Any]:
        """Return the header line."""
        session, beside = self.gathering.session, self.gathering.beside
        settings = {one.name: getattr(session.settings, one.name) for one in fields(Settings)}
        return {
            "format": FORMAT,
            "version": VERSION,
            **said({"name": session.name, **settings, "options": dict(session.settings.options)}),
            **said({"created_utc": session.created_utc}),
            "exported_utc": now,
            "exchanges": self.gathering.total,
            **said(
                {
                    "project": beside.project,
                    "template": session.template,
                    "private": session.private or None,
                    "forked_from": forked_record(beside.origin) if beside.origin else None,
                    "tags": list(beside.tags),
                    "meta": dict(beside.meta),
                    "title": self._title(),
                    "notes": [note_record(note) for note in beside.notes],
                    "summaries": [one for one in map(self._summary, self.gathering.summaries) if one],
                    "snapshots": [one for one in map(self._snapshot, self.gathering.points) if one],
                }
            ),
        }

    def _title(self) -> dict[str, Any] | None:
        one = self.gathering.titled
        if one is None or not one.text:
            return None
        return {
            "text": one.text,
            "author": one.author,
            "made_utc": one.made_utc,
            **said(
                {
                    "input_tokens": one.input_tokens,
                    "output_tokens": one.output_tokens,
                    "duration_ms": one.duration_ms,
                    "spent_usd": one.spent_usd,
                }
            ),
        }

    def _summary(self, one: Summary) -> dict[str, Any] | None:
        """Return a summary, or None if the file lacks exchanges that it covers."""
        numbers = self.gathering.numbers
        if one.first_turn_id not in numbers or not one.is_usable(numbers):
            return None
        return {
            "text": one.text,
            "first": numbers[one.first_turn_id],
            "last": numbers[one.last_turn_id],
            "exchanges": one.exchanges,
            "model": one.model,
            "input_tokens": one.input_tokens,
            "output_tokens": one.output_tokens,
            "duration_ms": one.duration_ms,
            "made_utc": one.made_utc,
        }

    def _snapshot(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        return snapshot_record(row, self.gathering.numbers, self._summary)

    def exchange(self, exchange: Exchange) -> dict[str, Any]:
        """Return the line of an exchange."""
        found = self.detailed.of([turn.id for turn in exchange.turns])
        pinned = self.gathering.pins.get(exchange.id)
        turns = [self._turn(turn, found[turn.id], exchange.number) for turn in exchange.turns]
        judged = judged_record(self.gathering.ratings.get(exchange.id), self.gathering.bookmarks.get(exchange.id))
        return {"exchange": exchange.number, **({"pinned": pinned} if pinned else {}), **judged, "turns": turns}

    def attempt(self, attempt: Attempt) -> dict[str, Any]:
        """Return the line of an attempt."""
        return attempt_record(attempt, self._place(attempt.answered_by), self.gathering.filled)

    def _turn(self, turn: Turn, more: details.Details, number: int) -> dict[str, Any]:
        if more.old:
            turn = _with_old(turn, more)
        system = joined_system(more)
        values = {
            "model": turn.model,
            "resolved_model": more.resolved_model,
            "datetime_utc": turn.datetime_utc,
            "duration_ms": turn.duration_ms,
            "input_tokens": turn.input_tokens,
            "output_tokens": turn.output_tokens,
            "token_details": more.token_details,
            "options": more.options,
            "schema": more.schema,
            "fragments": [said({"of": f.side, "source": f.source}) | {"content": f.content} for f in more.fragments],
            "tools": [self._tool(tool) for tool in more.tools],
            "instances": more.instances,
            "response_json": self.known.raw_response(turn, more),
            "context": self._context(more.why, number) if more.why else None,
        }
        return {
            "input": [message_record(self.gathering.with_bytes(message)) for message in turn.input],
            "output": [message_record(self.gathering.with_bytes(message)) for message in turn.output],
            **({"system": system} if system != self.system else {}),
            **said(values),
        }

    def _tool(self, tool: details.Tool) -> dict[str, Any]:
        values = {
            "description": tool.description,
            "plugin": tool.plugin,
            "server_side": tool.instance_name if self.known.is_server_side(tool) else None,
            "arguments": tool.arguments,
        }
        more = {name: value for name, value in values.items() if value is not None}
        return {"name": tool.name, "input_schema": tool.input_schema, **more}

    def _context(self, why: details.LoggedWhy, exchange: int) -> dict[str, Any] | None:
        known = why.block_id in self.blocks
        row = None if known else Requests(self.gathering.log).block(why.block_id)
        if not known and not row:
            return None  # the visitor may see contexts but not their blocks
        number = self.blocks.setdefault(why.block_id, len(self.blocks) + 1)
        described = self._block(row) if row else None
        return {
            "block": number,
            "base": why.base,
            "estimate": why.estimate,
            **said(
                {
                    "cut": why.cut,
                    "number": why.number if why.number != exchange else None,
                    "after": self._place(why.after_turn_id),
                    "recalled": [self._recall(one) for one in why.recalled],
                    "described": described,
                }
            ),
        }

    def _recall(self, recall: details.LoggedRecall) -> dict[str, Any]:
        """Return an excerpt by its turn, side and part, because passage ids differ from log to log."""
        place = None if recall.thread_id else self.places.get(recall.turn_id or "")
        values = {
            "from": place_record(place),
            "thread": recall.thread_id,
            "part": recall.part or None,
            "number": recall.number if place is None or recall.number != place[0] else None,
            "side": SIDES[recall.side],
            "score": recall.score,
            "tokens": recall.tokens,
            "words": list(recall.words) or None,
        }
        return {name: value for name, value in values.items() if value is not None}

    def _block(self, row: dict[str, Any]) -> dict[str, Any]:
        numbers = self.gathering.numbers
        pinned = [numbers[id_] for id_ in json.loads(row["pinned_json"]) if id_ in numbers]
        start = numbers.get(row["start_turn_id"] or "")
        return said(
            {
                "start": start,
                "start_number": row["start_number"] if row["start_number"] != start else None,
                "pinned": pinned,
                "policy": row["policy"],
                "budget": row["budget"],
                "window": row["window"],
                "window_source": row["window_source"],
                "front": row["front"],
                "clip": row["clip"],
                "oversized": bool(row["oversized"]) or None,
                "reason": row["reason"],
                "began_utc": row["began_utc"],
            }
        )

    def _place(self, turn_id: str | None) -> Any:
        return place_record(self.places.get(turn_id or ""))


def _with_old(turn: Turn, more: details.Details) -> Turn:
    """Return an older llm's call with the parts that were stored outside its messages: reasoning, tool attachments."""
    asked, replied = list(turn.input), list(turn.output)
    if asked and asked[0].role == "tool":
        results = (
            Part({**part.data, "exception": result.exception}, result.attachments)
            for part, result in zip(asked[0].parts, more.results, strict=True)
        )
        asked[0] = replace(asked[0], parts=tuple(results))
    if more.reasoning:
        reasoning = Part({"type": "reasoning", "text": more.reasoning})
        first = replied[0] if replied else Message("assistant", ())
        replied[:1] = [replace(first, parts=(reasoning, *first.parts))]
    return replace(turn, input=tuple(asked), output=tuple(replied))
