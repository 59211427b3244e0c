"""`llm sessions memory`: what is remembered for a session's prompts, and how each part of it is removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from ..reader.files.fields import note_fields
from ..reader.files.markdown import listed
from ..rules.safe_text import one_line, plain
from ..rules.words import counted
from .common import as_json, echo, local_time, opened, session_argument, session_command

if TYPE_CHECKING:
    from ..services.remembered import Remembered

_WIDTH = 80
"""How many characters of a prompt, a title or a line of a summary are shown."""

_LINES = 6
"""How many lines of a summary are shown."""

_NAMES = 5
"""How many other sessions are named."""

Command = Callable[..., str]
"""Makes an `llm sessions` command as a person would type it for this log."""


@session_command("memory", short_help="Show all that is remembered, and how to take it back")
@session_argument()
@click.option("json_", "--json", is_flag=True, help="Output as JSON, with the command that removes each part")
def memory_command(name: str, json_: bool, database: str | None) -> None:
    """Show what is remembered for the prompts of a session, each part with the command that removes it.

    These are notes, notes for all sessions, pinned exchanges, the summary and the title, and what recall may send
    again. To see what would be sent with a prompt, use `llm sessions context`.

    \b
        llm sessions memory work
    """
    with opened(database) as memory:
        found, command = memory.remembered(name), memory.desk.command
    if json_:
        as_json(_fields(found, command))
        return
    parts = (_everywhere(found, command), _notes(found, command), _pins(found, command), _summary(found, command))
    blocks = ["\n".join(part) for part in (*parts, _title(found, command), _recall(found, command))]
    echo("\n\n".join(block for block in blocks if block))


def _everywhere(found: Remembered, command: Command) -> Iterator[str]:
    if not found.everywhere:
        return
    on, off = ("set", found.session.name, "--global-notes"), ("set", found.session.name, "--no-global-notes")
    if not found.sends_everywhere:
        yield f"Notes for all sessions: {counted(len(found.everywhere), 'note')}, not sent in this one"
        yield f"   To send them: {command(*on)}"
        return
    yield "Notes for all sessions, sent with every prompt"
    for number, note in enumerate(found.everywhere, 1):
        yield listed(number, note)
        yield f"   {command('note', '--global', '--delete', str(number))}"
    yield f"   To keep them out of this session: {command(*off)}"


def _notes(found: Remembered, command: Command) -> Iterator[str]:
    if not found.notes:
        return
    yield "Notes, sent with every prompt"
    for number, note in enumerate(found.notes, 1):
        yield listed(number, note)
        yield f"   {command('note', found.session.name, '--delete', str(number))}"


def _pins(found: Remembered, command: Command) -> Iterator[str]:
    if not found.pins:
        return
    yield "Pinned exchanges, sent with every prompt"
    for number, prompt in found.pins:
        yield f"#{number} {one_line(prompt, _WIDTH)}"
        yield f"   {command('unpin', found.session.name, str(number))}"


def _summary(found: Remembered, command: Command) -> Iterator[str]:
    if found.summary is None or found.covered is None:
        return
    first, last = found.covered
    made = f"by {one_line(found.summary.model or 'you', _WIDTH)}, {local_time(found.summary.made_utc)}"
    sent = "sent in place of them" if found.sends_summary else f"not sent under the policy {found.policy}"
    yield f"Summary of #{first:,} to #{last:,}, {sent} ({made})"
    lines = [line for line in found.summary.text.splitlines() if line.strip()]
    yield from (f"   {one_line(line, _WIDTH)}" for line in lines[:_LINES])
    if len(lines) > _LINES:
        yield f"   … and {counted(len(lines) - _LINES, 'line')}: {command('summary', found.session.name)}"
    yield f"   To change it: {command('summary', found.session.name, '--edit')}"
    if found.sends_summary:
        yield f"   To send no summary: {command('set', found.session.name, '--memory', 'recall')}"


def _title(found: Remembered, command: Command) -> Iterator[str]:
    if found.title is None:
        return
    yield "Title, never sent"
    yield f"   {one_line(found.title.text, _WIDTH)}"
    yield f"   {command('title', found.session.name, '--remove')}"


def _recall(found: Remembered, command: Command) -> Iterator[str]:
    name = found.session.name
    many = counted(found.exchanges, "exchange")
    if not found.recalls:
        yield f"Recall is off (policy {found.policy}); the log has {many}"
        yield f"   To turn it on: {command('set', name, '--memory', 'recall')}"
    else:
        sources = ["this session", *_others(found)]
        waiting = f"; {found.exchanges - found.indexed:,} not indexed yet" if found.indexed < found.exchanges else ""
        yield f"Recall from {' and '.join(sources)}: {many} in the log{waiting}"
        yield f"   To turn it off: {command('set', name, '--memory', 'window')}"
        if found.recalls_beyond:
            yield f"   To recall from this session only: {command('set', name, '--recall-from', 'self')}"
        if found.session.settings.recall_fragments is False:
            yield f"   Fragments and attachments are left out. To include them: {_fragments(command, name, 'yes')}"
        else:
            yield f"   To leave out fragments and attachments: {_fragments(command, name, 'no')}"
    if found.exchanges:
        yield f"   To take out the last exchange: {command('undo', name)}"
        yield f"   To delete an exchange for good: {command('delete', name, '--exchange', str(found.exchanges))}"


def _fragments(command: Command, name: str, value: str) -> str:
    return command("set", name, "--recall-fragments", value)


def _others(found: Remembered) -> Iterator[str]:
    names = sorted(found.others.names.values())
    if names:
        shown = ", ".join(f"“{one_line(name, _WIDTH)}”" for name in names[:_NAMES])
        yield shown if len(names) <= _NAMES else f"{counted(len(names), 'other session')} ({shown} …)"
    elif found.recalls_beyond:
        yield f"{plain(found.session.settings.recall_from or '')} (no session at the moment)"


def _fields(found: Remembered, command: Command) -> dict[str, Any]:
    session, summary, title = found.session, found.summary, found.title
    return {
        "session": session.name,
        "notes_for_all_sessions": {
            "sent": found.sends_everywhere,
            "notes": [
                {**note_fields(number, note), "remove": command("note", "--global", "--delete", str(number))}
                for number, note in enumerate(found.everywhere, 1)
            ],
        },
        "notes": [
            {**note_fields(number, note), "remove": command("note", session.name, "--delete", str(number))}
            for number, note in enumerate(found.notes, 1)
        ],
        "pins": [
            {"exchange": number, "prompt": prompt, "remove": command("unpin", session.name, str(number))}
            for number, prompt in found.pins
        ],
        "summary": summary
        and found.covered
        and {
            "text": summary.text,
            "first": found.covered[0],
            "last": found.covered[1],
            "by": summary.model or "you",
            "made_utc": summary.made_utc,
            "sent": found.sends_summary,
            "change": command("summary", session.name, "--edit"),
        },
        "title": title and {"text": title.text, "remove": command("title", session.name, "--remove")},
        "recall": {
            "policy": found.policy,
            "on": found.recalls,
            "exchanges": found.exchanges,
            "indexed": found.indexed,
            "fragments": session.settings.recall_fragments is not False,
            "from": session.settings.recall_from or "self",
            "other_sessions": sorted(found.others.names.values()),
        },
    }
