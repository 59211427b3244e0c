"""The lines of an export, as values: what the log holds of a session, in the words of `records`."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

from ..llm_seam.writing import is_server_side, raw_response, whole_system
from ..model import Attempt, Exchange, Message, Part, Settings, Turn
from ..store import details, held
from . import attempts, beside, ratings, recalls
from .gathering import Gathering
from .records import FORMAT, VERSION, Place, place_record
from .wire import message_record


class Lines:
    """The lines of an export, as values."""

    def __init__(self, gathering: Gathering) -> None:
        self.gathering = gathering
        self.system = gathering.session.settings.system or None
        self.places = gathering.places()
        self.blocks: dict[int, int] = {}
        self.detailed = details.Detailed(gathering.log)

    def header(self, now: str) -> dict[str, Any]:
        """Return the header."""
        session = self.gathering.session
        kept = beside.gathered(self.gathering.log, session.thread_id, self.gathering.numbers)
        settings = {one.name: getattr(session.settings, one.name) for one in fields(Settings)}
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": session.name,
            **_said({**settings, "options": dict(session.settings.options)}),
            "created_utc": session.created_utc,
            "exported_utc": now,
            "exchanges": self.gathering.total,
            **_said(kept),
        }

    def exchange(self, exchange: Exchange) -> dict[str, Any]:
        """Return an exchange's line."""
        found = self.detailed.of([turn.id for turn in exchange.turns])
        pinned = self.gathering.pins.get(exchange.id)
        turns = [self._turn(turn, found[turn.id], exchange.number) for turn in exchange.turns]
        judged = ratings.record(self.gathering.ratings.get(exchange.id), self.gathering.bookmarks.get(exchange.id))
        return {"exchange": exchange.number, **({"pinned": pinned} if pinned else {}), **judged, "turns": turns}

    def attempt(self, attempt: Attempt) -> dict[str, Any]:
        """Return what an attempt's line says."""
        return attempts.record(attempt, self._place(attempt.answered_by), self.gathering.filled)

    def _turn(self, turn: Turn, more: details.Details, number: int) -> dict[str, Any]:
        if more.old:
            turn = _with_old(turn, more)
        system = whole_system(more)
        said = {
            "model": turn.model,
            "resolved_model": more.resolved_model,
            "datetime_utc": turn.datetime_utc,
            "duration_ms": turn.duration_ms,
            "input_tokens": turn.input_tokens,
            "output_tokens": turn.output_tokens,
            "token_details": more.token_details,
            "options": more.options,
            "schema": more.schema,
            "fragments": [_said({"of": f.side, "source": f.source}) | {"content": f.content} for f in more.fragments],
            "tools": [_tool(tool) for tool in more.tools],
            "instances": more.instances,
            "response_json": raw_response(turn, more),
            "context": self._context(more.why, number) if more.why else None,
        }
        return {
            "input": [message_record(self.gathering.with_bytes(message)) for message in turn.input],
            "output": [message_record(self.gathering.with_bytes(message)) for message in turn.output],
            **({"system": system} if system != self.system else {}),
            **_said(said),
        }

    def _context(self, why: details.Why, exchange: int) -> dict[str, Any]:
        known = why.block_id in self.blocks
        number = self.blocks.setdefault(why.block_id, len(self.blocks) + 1)
        described = None if known else self._block(held.block(self.gathering.log, why.block_id))
        return {
            "block": number,
            "base": why.base,
            "estimate": why.estimate,
            **_said(
                {
                    "cut": why.cut,
                    "number": why.number if why.number != exchange else None,
                    "after": self._place(why.after_turn_id),
                    "recalled": [recalls.record(one, self.places.get(one.turn_id or "")) for one in why.recalled],
                    "described": described,
                }
            ),
        }

    def _block(self, row: dict[str, Any]) -> dict[str, Any]:
        numbers = self.gathering.numbers
        pinned = [numbers[id_] for id_ in json.loads(row["pinned_json"]) if id_ in numbers]
        start = numbers.get(row["start_turn_id"] or "")
        return _said(
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
        place: Place | None = self.places.get(turn_id or "")
        return place_record(place)


def _said(values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that say something: not null, not an empty text, list or object."""
    return {name: value for name, value in values.items() if value is not None and value not in ("", [], {})}


def _tool(tool: details.Tool) -> dict[str, Any]:
    server_side = tool.instance_name if is_server_side(tool) else None
    said = {
        "description": tool.description,
        "plugin": tool.plugin,
        "server_side": server_side,
        "arguments": tool.arguments,
    }
    return {
        "name": tool.name,
        "input_schema": tool.input_schema,
        **{name: value for name, value in said.items() if value is not None},
    }


def _with_old(turn: Turn, more: details.Details) -> Turn:
    """Return a call that an older llm logged with what it kept beside its messages: reasoning, tools' attachments."""
    asked, said = list(turn.input), list(turn.output)
    if asked and asked[0].role == "tool":
        results = (
            Part({**part.data, "exception": result.exception}, result.attachments)
            for part, result in zip(asked[0].parts, more.results, strict=True)
        )
        asked[0] = replace(asked[0], parts=tuple(results))
    if more.reasoning:
        reasoning = Part({"type": "reasoning", "text": more.reasoning})
        first = said[0] if said else Message("assistant", ())
        said[:1] = [replace(first, parts=(reasoning, *first.parts))]
    return replace(turn, input=tuple(asked), output=tuple(said))
