"""A session's transcript as Markdown, for `llm sessions show`, exports and downloads.

Pure: values in, text out. Text from models and tools is made safe to print; the log is not changed. Names appear in
headings and facts, so Markdown in them is escaped.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ...model import Attempt, Beside, Bookmark, Exchange, Message, Note, Opinion, Part, Rating, Relative, Session
from ...rules.file_names import without_folders
from ...rules.order import together
from ...rules.safe_text import one_line, plain
from ...rules.server_cuts import counts_all
from ...rules.thinking import as_reasoning
from ...rules.words import counted
from ..given import given_with
from .quoting import code, fenced, inert, quoted, spoken
from .segments import as_json

_AUTHOR_WIDTH = 60
_OPINION_WIDTH = 300


@dataclass(frozen=True)
class ShownTranscript:
    """The part of a session that is shown: some of its `total` exchanges, the attempts among them, pinned numbers."""

    session: Session
    total: int
    exchanges: tuple[Exchange, ...]
    attempts: tuple[Attempt, ...]
    pinned: frozenset[int]
    retry: str = ""
    """The command that sends a failed prompt again."""
    beside: Beside = field(default_factory=Beside)
    ratings: Mapping[str, Rating] = field(default_factory=dict)
    """Ratings by the ids of exchanges, like bookmarks."""
    opinions: Mapping[str, Sequence[Opinion]] = field(default_factory=dict)
    """What other people think of exchanges, likewise."""
    bookmarks: Mapping[str, Bookmark] = field(default_factory=dict)
    snapshots: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The labels of snapshots, by the ids of the exchanges that they were made after."""


def as_markdown(transcript: ShownTranscript) -> str:
    """Return a transcript as Markdown, with attempts in order between exchanges."""
    session = transcript.session
    shown = (transcript.exchanges[0].number, transcript.exchanges[-1].number) if transcript.exchanges else None
    numbers = {turn.id: exchange.number for exchange in transcript.exchanges for turn in exchange.turns}
    again = transcript.retry or retry_command(session.name)
    above = {one.id: schema_of(before) for before, one in pairwise(transcript.exchanges)}
    entries = [
        attempt_block(one, again, numbers)
        if isinstance(one, Attempt)
        else exchange_block(
            one,
            schema_above=above.get(one.id, ""),
            pinned=one.number in transcript.pinned,
            rating=transcript.ratings.get(one.id),
            opinions=transcript.opinions.get(one.id, ()),
            bookmark=transcript.bookmarks.get(one.id),
            snapshots=transcript.snapshots.get(one.id, ()),
        )
        for one in together(transcript.exchanges, transcript.attempts)
    ]
    head = heading(session, transcript.total, shown, transcript.beside)
    return "\n\n".join([head, *entries]) + "\n"


def retry_command(name: str) -> str:
    """Return the command that sends a session's failed prompt again, quoted for a shell."""
    return shlex.join(["llm", "sessions", "retry", name])


def heading(
    session: Session,
    total: int,
    shown: tuple[int, int] | None = None,
    beside: Beside | None = None,
    title: str | None = None,
) -> str:
    """Return the beginning of a transcript as Markdown; `shown` has the first and last exchange, if there are any."""
    blocks = [f"# {inert(headline(session, beside, title or session.name))}", _facts(session, total, shown)]
    blocks += _beside(session, beside or Beside())
    if session.settings.system:
        blocks.append(f"**System prompt:** {plain(session.settings.system)}")
    return "\n\n".join(blocks)


def headline(session: Session, beside: Beside | None, name: str) -> str:
    """Return a session's name with its title; the title alone, if the conversation has no name but llm's own."""
    if not (beside and beside.title):
        return name
    return f"{session.name}: {beside.title}" if session.name else beside.title


def family_words(beside: Beside) -> Iterator[tuple[str, str]]:
    """Yield what a session was forked from, and its forks, each as a label and a text that is not escaped."""
    if beside.origin:
        yield "Forked from", _relative(beside.origin)
    if beside.forks:
        yield "Forks", ", ".join(map(_relative, beside.forks))


def _relative(one: Relative) -> str:
    """Return a relative with the last exchange that both have: `work at #12`."""
    return one.reference + (f" at #{one.number:,}" if one.number else "")


def _beside(session: Session, beside: Beside) -> Iterator[str]:
    if beside.project:
        yield f"**Project:** {inert(beside.project)}"
    if session.template:
        yield f"**Template:** {inert(session.template)}"
    for label, text in family_words(beside):
        yield f"**{label}:** {inert(text)}"
    if beside.tags:
        yield f"**Tags:** {inert(', '.join(beside.tags))}"
    if beside.meta:
        yield f"**Facts:** {inert(', '.join(f'{key}={value}' for key, value in beside.meta.items()))}"
    if beside.notes:
        notes = [listed(number, note) for number, note in enumerate(beside.notes, 1)]
        yield "\n".join(["**Notes:**\n", *notes])
    if beside.everywhere:
        notes = [listed(number, note) for number, note in enumerate(beside.everywhere, 1)]
        yield "\n".join(["**Notes for all sessions:**\n", *notes])


def listed(number: int, note: Note) -> str:
    """Return a note as a list item, safe to print; its lines are indented so that none looks like another item."""
    by = "" if note.author == "you" else f" (added by {one_line(note.author, _AUTHOR_WIDTH)})"
    mark = f"{number}. "
    return mark + f"\n{' ' * len(mark)}".join(plain(note.text).split("\n")) + by


def _facts(session: Session, total: int, shown: tuple[int, int] | None) -> str:
    model = session.settings.model or "no model yet"
    return f"{exchanges_words(total, shown)} · {inert(model)} · {session.thread_id}"


def exchanges_words(total: int, shown: tuple[int, int] | None) -> str:
    """Return in words which exchanges are shown, and how many there are in total."""
    many = counted(total, "exchange")
    if shown and shown[1] - shown[0] + 1 < total:
        first, last = shown
        which = f"exchange {first:,}" if first == last else f"exchanges {first:,} to {last:,}"
        many = f"{which} of {total:,}"
    return many


def exchange_block(  # noqa: PLR0913  what is known of one exchange
    exchange: Exchange,
    *,
    pinned: bool,
    rating: Rating | None = None,
    opinions: Sequence[Opinion] = (),
    bookmark: Bookmark | None = None,
    snapshots: Sequence[str] = (),
    schema_above: str = "",
) -> str:
    """Return an exchange as Markdown, followed by the labels of the snapshots that were made after it.

    A schema that is also that of the exchange above, `schema_above`, is not repeated.
    """
    facts = _facts_of(exchange, pinned=pinned, rating=rating)
    lines = [f"## #{exchange.number} · {' · '.join(filter(None, facts))}"]
    if bookmark:
        lines.append(f"*Bookmark: {inert(bookmark.label)}*")
    for turn in exchange.turns:
        lines.extend(_sources(turn.fragments))
        if not exchange.has_prompt and turn is exchange.turns[0]:
            lines.append("**You:** (no text)")
        for message in turn.input:
            lines.extend(_message(message))
        if turn.schema not in ("", schema_above):
            lines.append(f"*Schema:*\n\n{fenced(as_json(plain(turn.schema)) or plain(turn.schema))}")
        schema_above = turn.schema
        for message in turn.output:
            lines.extend(_message(message))
    if not exchange.has_reply:
        lines.append("**Model:** (no text)")
    if rating and rating.note:
        lines.append(quoted("Reason for the rating", rating.note))
    lines += [f"*Rated by {inert(opinion_words(one))}*" for one in opinions]
    lines += [f"*Snapshot “{inert(label)}”*" for label in snapshots]
    return "\n\n".join(lines)


def schema_of(exchange: Exchange) -> str:
    """Return the schema of an exchange's last call, or nothing."""
    return exchange.turns[-1].schema


def _facts_of(exchange: Exchange, *, pinned: bool, rating: Rating | None) -> list[str]:
    first, last = exchange.turns[0], exchange.turns[-1]
    facts = [_minute(first.datetime_utc), inert(first.model)]
    if last.input_tokens is not None or last.output_tokens is not None:
        facts.append(f"{last.input_tokens or 0:,} → {sum(t.output_tokens or 0 for t in exchange.turns):,} tokens")
    took = sum(turn.duration_ms or 0 for turn in exchange.turns)
    if took:
        facts.append(f"{took / 1000:.1f} s")
    if pinned:
        facts.append("pinned")
    if rating:
        facts.append(f"rated {mark_words(rating.mark)}")
    if not all(counts_all(turn.cut) for turn in exchange.turns):
        facts.append("cut by the server")
    elif any(turn.cut for turn in exchange.turns):
        facts.append("filled the context window")
    return facts


def mark_words(mark: str) -> str:
    """Return a mark in words: `up`, `down`, `4 of 5`."""
    return f"{mark} of 5" if mark.isdigit() else mark


def rating_words(rating: Rating) -> str:
    """Return a rating on one line, safe to print."""
    note = " ".join(plain(rating.note).split())
    return mark_words(rating.mark) + (f": {note}" if note else "")


def opinion_words(opinion: Opinion) -> str:
    """Return what another person thinks of an exchange, on one line, safe to print."""
    return one_line(opinion.words, _OPINION_WIDTH)


def _sources(fragments: tuple[str, ...]) -> Iterator[str]:
    if fragments:
        yield f"*Fragments: {', '.join(map(inert, fragments))}*"


def _message(message: Message) -> Iterator[str]:
    who = {"user": "**You:**", "assistant": "**Model:**"}.get(message.role, f"**{message.role.capitalize()}:**")
    for part in as_reasoning(message).parts:
        data = part.data
        match part.type:
            case "text" if not str(data.get("text") or "").strip():
                pass
            case "text":
                yield spoken(who, str(data.get("text") or ""), is_reply=message.role == "assistant")
            case "reasoning":
                yield quoted("Reasoning", str(data.get("text") or "")) if data.get("text") else "*Reasoning withheld*"
            case "tool_call":
                arguments = json.dumps(data.get("arguments") or {}, ensure_ascii=False)
                yield f"*Tool call* {code(str(data.get('name')))} {code(arguments)}"
            case "tool_result":
                yield quoted(f"Result of {code(str(data.get('name')))}", str(data.get("output") or ""))
            case _:
                pass
        yield from _attachments(part)


def _attachments(part: Part) -> Iterator[str]:
    for attachment in part.attachments:
        where = attachment.url or without_folders(attachment.path or "") or f"{attachment.id[:12]}, stored in the log"
        yield f"*Attachment: {inert(attachment.type or 'unknown type')}, {inert(where)}*"


def attempt_block(attempt: Attempt, again: str, numbers: Mapping[str, int]) -> str:
    """Return a failed attempt as Markdown.

    `again` is the command that sends the newest unanswered prompt again; `numbers` maps turn ids to exchange numbers.
    """
    lines = [f"## Not answered · {_minute(attempt.datetime_utc)} · {inert(attempt.model)}"]
    if attempt.answered_by:
        number = numbers.get(attempt.answered_by)
        later = f"by exchange #{number}" if number else "later"
        lines[0] += f" · answered {later}"
    lines.append(f"**You:** {plain(attempt.prompt)}")
    lines += [f"*{inert(one.words)}*" for one in given_with(attempt.request)]
    if attempt.partial:
        lines.append(spoken("**Model (partial reply):**", attempt.partial, is_reply=True))
    if attempt.in_progress:
        return "\n\n".join([*lines, "*In progress*"])
    lines.append("*Interrupted*" if attempt.error == "interrupted" else f"*Failed: {plain(attempt.error)}*")
    if not attempt.answered_by:
        lines.append(f"*Retry sends the newest unanswered prompt again:* {code(again)}")
    return "\n\n".join(lines)


def _minute(utc: str) -> str:
    return utc[:16].replace("T", " ") + " UTC" if utc else ""
