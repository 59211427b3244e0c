"""A session as a file: Markdown and HTML for people, JSONL for programs. And as fields, for the JSON twin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

from llm_session_memory.reader import transcript as reader
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.values import (
    Attempt,
    Call,
    Exchange,
    Held,
    Judged,
    Piece,
    Said,
    Transcript,
    small_dollars,
)
from llm_session_memory.rules.safe_text import one_line, visible

from .cards import counted, moment, span
from .markup import code_block, plain, rendered

_AT_ONCE = 200
"""Exchanges that are read at once."""

_ALL = 10**9


def fields(page: Transcript) -> dict[str, Any]:
    """Return a page of a transcript as plain values, texts as they are in the log."""
    line, settings = page.line, page.settings
    return {
        "name": line.name,
        "thread_id": line.thread_id,
        "first_words": line.first_words,
        "model": line.model,
        "system": settings.system,
        "tags": list(line.tags),
        "notes": [{"text": n.text, "author": n.author, "created_utc": n.created_utc} for n in page.notes],
        "pins": list(page.pins),
        "summaries": [
            {"first": s.first, "last": s.last, "model": s.model, "made_utc": s.made_utc, "text": s.text}
            for s in page.summaries
        ],
        "exchanges_in_all": page.total,
        "input_tokens": line.figures.input_tokens,
        "output_tokens": line.figures.output_tokens,
        "cost_usd": line.figures.cost.dollars,
        "exchanges": [exchange_fields(exchange) for exchange in page.exchanges],
        "attempts": [attempt_fields(attempt) for attempt in page.attempts],
    }


def exchange_fields(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as plain values."""
    return {
        "number": exchange.number,
        "id": exchange.id,
        "pinned": exchange.pinned,
        "rating": rating_fields(exchange.judged),
        "bookmark": exchange.judged.label or None,
        "cut_before": None if exchange.start is None else exchange.start.first_sent,
        "recalled": [{"number": r.number, "words": list(r.words), "tokens": r.tokens} for r in exchange.recalls],
        "calls": [
            {
                "id": call.id,
                "model": call.model,
                "datetime_utc": call.datetime_utc,
                "duration_ms": call.duration_ms,
                "input_tokens": call.input_tokens,
                "output_tokens": call.output_tokens,
                "cost_usd": call.cost,
                "cut": call.cut,
                "tools": list(call.tools),
                "messages": [message_fields(said) for said in call.messages],
            }
            for call in exchange.calls
        ],
    }


def rating_fields(judged: Judged) -> dict[str, str] | None:
    """Return a rating as plain values; None where there is none."""
    return {"mark": judged.mark, "note": judged.note, "rated_utc": judged.rated_utc} if judged.mark else None


def message_fields(said: Said) -> dict[str, Any]:
    """Return a message as plain values."""
    return {"role": said.role, "parts": [_piece_fields(piece) for piece in said.pieces]}


def _piece_fields(piece: Piece) -> dict[str, Any]:
    found: dict[str, Any] = {"type": piece.kind, "text": piece.text}
    if piece.name:
        found["name"] = piece.name
    if piece.attachments:
        found["attachments"] = [
            {"id": held.id, "type": held.type, "path": held.path, "url": held.url, "bytes": held.size}
            for held in piece.attachments
        ]
    return found


def attempt_fields(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as plain values."""
    return {
        "id": attempt.id,
        "model": attempt.model,
        "prompt": attempt.prompt,
        "partial": attempt.partial,
        "error": attempt.error,
        "datetime_utc": attempt.datetime_utc,
        "duration_ms": attempt.duration_ms,
        "answered_by": attempt.answered_by,
    }


@dataclass(frozen=True)
class _Reading:
    """A thread to be written: read a stretch at a time, so that a long one is never held whole in its parts."""

    source: Source
    thread_id: str
    begin: int | None
    end: int | None

    def page(self) -> Transcript:
        """Return what is said of the whole thread."""
        return reader.transcript(self.source, self.thread_id, start=1, count=1)

    def entries(self) -> Iterator[Exchange | Attempt]:
        """Yield exchanges, and attempts in their places where the whole thread is asked for, oldest first."""
        attempts: list[Attempt] = []
        if self.begin is None and self.end is None:
            attempts = list(reader.attempts_of(self.source, self.thread_id))
        begin, last = self.begin or 1, self.end or _ALL
        while begin <= last:
            end = min(begin + _AT_ONCE - 1, last)
            found = reader.in_pieces(self.source, self.thread_id, begin, end)
            for exchange in found:
                while attempts and attempts[0].id < exchange.id:
                    yield attempts.pop(0)
                yield exchange
            if len(found) < end - begin + 1:
                break
            begin = end + 1
        yield from attempts


class _Writer:
    """A form that a session is written in."""

    content_type: ClassVar[str] = "text/plain; charset=utf-8"

    def write(self, source: Source, thread_id: str, begin: int | None, end: int | None) -> str:
        """Return a thread as a file: all of it, or its exchanges from a number to a number."""
        made = _Reading(source, thread_id, begin, end)
        return "".join([*self.head(made.page()), *map(self.entry, made.entries()), *self.foot()])

    def head(self, page: Transcript) -> Iterator[str]:
        raise NotImplementedError

    def entry(self, entry: Exchange | Attempt) -> str:
        raise NotImplementedError

    def foot(self) -> Iterator[str]:
        yield ""


class _Jsonl(_Writer):
    """One JSON object a line: first the session, then each exchange and attempt."""

    content_type = "application/x-ndjson; charset=utf-8"

    def head(self, page: Transcript) -> Iterator[str]:
        about = fields(page)
        del about["exchanges"], about["attempts"]
        yield _json({"kind": "session", "format": 1, **about})

    def entry(self, entry: Exchange | Attempt) -> str:
        if isinstance(entry, Attempt):
            return _json({"kind": "attempt", **attempt_fields(entry)})
        return _json({"kind": "exchange", **exchange_fields(entry)})


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=True) + "\n"


class _Markdown(_Writer):
    """A document that reads as the transcript does. What was said stands as it was written."""

    content_type = "text/markdown; charset=utf-8"

    def head(self, page: Transcript) -> Iterator[str]:
        facts = f"{counted(page.total, 'exchange')} · {_inert(page.line.model)} · {page.line.thread_id}"
        yield f"# {_inert(page.line.title)}\n\n{facts}\n"
        if page.settings.system:
            yield f"\n**System prompt**\n\n{_quoted(page.settings.system)}\n"

    def entry(self, entry: Exchange | Attempt) -> str:
        if isinstance(entry, Attempt):
            said = f"\n{visible(entry.partial)}\n" if entry.partial else ""
            head = f"\n## Not answered · {moment(entry.datetime_utc)} UTC\n"
            return f"{head}\n{_quoted(entry.prompt)}\n{said}\n*Failed: {_inert(entry.error)}*\n"
        return "".join([f"\n## {_heading(entry, _inert)}\n", *(f"\n{text}\n" for text in _texts(entry))])


def _heading(exchange: Exchange, written: Callable[[str], str]) -> str:
    facts = [f"#{exchange.number}", f"{moment(exchange.calls[0].datetime_utc)} UTC", written(exchange.calls[0].model)]
    if exchange.duration_ms:
        facts.append(span(exchange.duration_ms / 1000))
    if exchange.output_tokens is not None:
        facts.append(f"{exchange.input_tokens or 0:,} → {exchange.output_tokens:,} tokens")
    if exchange.cost is not None:
        facts.append(small_dollars(exchange.cost))
    if exchange.pinned:
        facts.append("pinned")
    if exchange.judged.mark:
        facts.append(written(exchange.judged.words))
    if exchange.judged.label:
        facts.append(f"“{written(exchange.judged.label)}”")
    return " · ".join(facts)


def _texts(exchange: Exchange) -> Iterator[str]:
    for call in exchange.calls:
        for said in call.messages:
            for piece in said.pieces:
                yield from _text_of(said.role, piece)


def _text_of(role: str, piece: Piece) -> Iterator[str]:
    match piece.kind:
        case "text":
            yield visible(piece.text) if role == "assistant" else _quoted(piece.text)
        case "reasoning":
            yield f"**Reasoning**\n\n{_quoted(piece.text or 'withheld by the provider')}"
        case "fragment":
            yield f"**Fragment** {_inert(piece.name)}\n\n{_fenced(piece.text)}"
        case "tool_call":
            yield f"**Tool call** {_inert(piece.name)}\n\n{_fenced(piece.text)}"
        case "tool_result":
            yield f"**Result of** {_inert(piece.name)}\n\n{_fenced(piece.text)}"
        case "other":
            yield f"**{_inert(piece.name)}**\n\n{_fenced(piece.text)}"
        case _:
            pass
    for held in piece.attachments:
        yield f"*Attachment: {_inert(_file(held))}*"


def _file(held: Held) -> str:
    where = held.url or held.path or f"{held.id[:12]}, {held.size or 0:,} bytes in the log"
    return f"{held.type or 'a file'}, {where}"


def _inert(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", one_line(text, 300))


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in visible(text).split("\n"))


def _fenced(text: str) -> str:
    fence = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence}\n{visible(text)}\n{fence}"


class _Html(_Writer):
    """One file that stands alone: no script, nothing loaded, styles inside."""

    content_type = "text/html; charset=utf-8"

    def head(self, page: Transcript) -> Iterator[str]:
        title, thread = escape(one_line(page.line.title, 300)), escape(page.line.thread_id)
        facts = f"{counted(page.total, 'exchange')} · {escape(one_line(page.line.model))} · {thread}"
        yield (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>' + title + "</title>"
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            f"<style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n"
            f"<p>{facts}</p>\n"
        )
        if page.settings.system:
            yield f"<details><summary>System prompt</summary>{plain(page.settings.system)}</details>\n"

    def entry(self, entry: Exchange | Attempt) -> str:
        if isinstance(entry, Attempt):
            head = f"<article><h2>Not answered · {escape(moment(entry.datetime_utc))} UTC</h2>"
            said = f'<div class="you">{plain(entry.prompt)}</div>{plain(entry.partial)}{plain(entry.error)}'
            return f"{head}{said}</article>\n"
        head = f'<article id="{entry.number}"><h2>{escape(_heading(entry, _one_line))}</h2>'
        return head + "".join(_html_of(call) for call in entry.calls) + "</article>\n"

    def foot(self) -> Iterator[str]:
        yield "</body></html>\n"


def _one_line(text: str) -> str:
    return one_line(text, 300)


def _html_of(call: Call) -> str:
    html = ""
    for said in call.messages:
        for piece in said.pieces:
            if piece.kind == "text" and said.role == "assistant":
                html += rendered(piece.text)
            elif piece.kind == "text":
                html += f'<div class="you">{plain(piece.text)}</div>'
            elif piece.kind not in ("attachment", "fence"):
                title = escape(one_line(f"{piece.kind.replace('_', ' ').capitalize()} {piece.name}", 200))
                html += f"<details><summary>{title}</summary>{code_block(piece.text)}</details>"
            html += "".join(f"<p>Attachment: {escape(one_line(_file(held), 300))}</p>" for held in piece.attachments)
    return html


_STYLE = """
body{max-width:50rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 Helvetica,Arial,sans-serif;color:#111a35}
h2{font-size:.9rem;color:#54627a;border-top:1px solid #dbe3ea;padding-top:.7rem}
.you{background:#eaf2f7;border-left:4px solid #276890;padding:.5rem .8rem}
.sv-plain{white-space:pre-wrap}.sv-plain,.sv-md{overflow-wrap:anywhere}
pre{background:#f1f5f8;padding:.7rem;overflow:auto}
details{border:1px solid #dbe3ea;padding:.3rem .6rem;margin:.4rem 0}
.sv-table{overflow:auto}table{border-collapse:collapse}td,th{border:1px solid #dbe3ea;padding:.2rem .5rem}
"""

WRITERS: dict[str, _Writer] = {"md": _Markdown(), "jsonl": _Jsonl(), "html": _Html()}
"""The forms that a session is written in, by the ending of the file."""
