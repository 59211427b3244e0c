"""`llm sessions note` and `tag`: keep notes and tags with a session, and notes for all sessions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import click

from ..errors import SessionError
from ..llm_seam.models import log_path, session_model
from ..memory import Memory
from ..model import Filters, Note, Session
from ..reader.files.fields import note_fields
from ..reader.files.markdown import listed
from ..rules.limits import LONGEST_TAG, checked_note
from ..rules.names import key
from ..rules.safe_text import one_line, plain
from .common import as_json, complete, opened, session_command
from .selecting import Selection, dry_run_option, matching_options, one_transaction, selection, summed_up


def _complete_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of the session, unless the note is for all sessions."""
    return [] if ctx.params.get("everywhere") else complete(ctx, param, incomplete)


@session_command("note", short_help="Keep a note that is always sent")
@click.argument("name", required=False, shell_complete=_complete_name)
@click.argument("text", required=False)
@click.option("--global", "everywhere", is_flag=True, help="A note for all sessions; leave out NAME")
@click.option("--list", "list_", is_flag=True, help="List the notes, as without TEXT")
@click.option("--delete", type=click.IntRange(min=1), metavar="N", help="Delete note number N")
@click.option("json_", "--json", is_flag=True, help="Output the notes as JSON")
def note_command(
    name: str | None,
    text: str | None,
    everywhere: bool,
    list_: bool,
    delete: int | None,
    json_: bool,
    database: str | None,
) -> None:
    """Keep a note that is sent with every prompt of a session, like a pin. Without TEXT, list the notes.

    With --global, the note is sent in all sessions, except those with: llm sessions set NAME --no-global-notes

    \b
        llm sessions note work "The harbour office signs off"
        llm sessions note work --delete 1
        llm sessions note --global "I write British English"
        llm sessions note --global --delete 1
    """
    if everywhere:
        if name is not None and text is not None:
            raise click.UsageError("With --global, leave out NAME: the note is for all sessions.")
        name, text = None, name
    elif name is None:
        raise click.UsageError("Missing argument 'NAME'. For a note in all sessions, use --global.")
    if text is not None and (list_ or delete):
        raise click.UsageError("TEXT can't be combined with --list or --delete.")
    if name is None:
        _note_for_all(text, delete, database, json_=json_)
        return
    with opened(database) as memory:
        if text is not None:
            memory.notes.add(name, text, model=session_model(memory.sessions.get(name)))
        if delete:
            gone = memory.notes.delete(name, delete)
            click.echo(f"Deleted: {plain(gone.text)}", err=True)
        none = f"Session “{memory.sessions.get(name).name}” has no notes."
        _print_notes(memory.notes.list(name), none, json_=json_)


def _note_for_all(text: str | None, delete: int | None, database: str | None, *, json_: bool) -> None:
    """Add, delete or list notes for all sessions. They can be kept before there is any session."""
    path, none = log_path(database), "There are no notes for all sessions."
    text = text if text is None else checked_note(text)  # before there is a file
    if text is None and not delete and not path.exists():
        _print_notes([], none, json_=json_)
        return
    with closing(Memory(path, create=text is not None, typed=database)) as memory:
        if text is not None:
            named = memory.sessions.find(text)
            if named is not None:
                hint = 'Give the text of the note: llm sessions note --global "TEXT"'
                raise SessionError(f"“{named.name}” is the name of a session, and --global is for all sessions.", hint)
            memory.notes.add_global(text, model_of=_model_of)
        if delete:
            gone = memory.notes.delete_global(delete)
            click.echo(f"Deleted: {plain(gone.text)}", err=True)
        _print_notes(memory.notes.list_global(), none, json_=json_)


def _model_of(session: Session) -> Any:
    """Return a session's model, or None if llm doesn't have it at the moment."""
    try:
        return session_model(session)
    except SessionError:
        return None


def _print_notes(notes: Sequence[Note], none: str, *, json_: bool) -> None:
    numbered = list(enumerate(notes, 1))
    if json_:
        as_json([note_fields(number, note) for number, note in numbered])
        return
    if not numbered:
        click.echo(none)
    for number, note in numbered:
        click.echo(listed(number, note))


def _complete_first(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of the session, which is the first word unless options choose sessions."""
    given = ctx.params.get("words") or ctx.params.get("sessions") or ctx.params.get("all_matching")
    return [] if given else complete(ctx, param, incomplete)


@session_command("tag", short_help="Tag sessions, to find them later")
@click.argument("words", nargs=-1, metavar="NAME [TAG]...", shell_complete=_complete_first)
@click.option(
    *("-s", "--session", "sessions"),
    multiple=True,
    metavar="NAME",
    shell_complete=complete,
    help="Tag this session (repeat for several); then all arguments are tags",
)
@matching_options()
@click.option("--delete", is_flag=True, help="Delete TAGs")
@dry_run_option()
@click.option("json_", "--json", is_flag=True, help="Output the tags as JSON")
def tag_command(
    words: tuple[str, ...],
    sessions: tuple[str, ...],
    matching: Filters | None,
    delete: bool,
    dry_run: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Tag a session, to find it later with: llm sessions list --tag TAG. Without TAGs, show its tags.

    To tag several sessions, choose them with -s or with --all-matching.

    \b
        llm sessions tag work bridge lisbon
        llm sessions tag work --delete lisbon
        llm sessions tag -s work -s play bridge
        llm sessions tag --all-matching --until 2025 finished --dry-run
    """
    if not sessions and matching is None:
        if not words:
            raise click.UsageError("Missing argument 'NAME'.")
        sessions, words = words[:1], words[1:]
    chosen = selection(sessions, matching)
    if delete and not words:
        raise click.UsageError("--delete needs the tags to delete.")
    with opened(database) as memory:
        if words:
            with one_transaction(memory, dry_run=dry_run):
                found = _tagged(memory, chosen, words, delete=delete)
        else:
            kept = [(session, memory.notes.tags(session.name)) for session in chosen.sessions(memory)]
            found = [(session, tags, tags) for session, tags in kept]
    if json_ and chosen.several:
        as_json([{"name": session.name, "tags": after} for session, _, after in found])
    elif json_:
        as_json(found[0][2])
    else:
        for session, _, after in found:
            click.echo(f"{plain(session.name)}: {', '.join(map(plain, after)) or 'no tags'}")
    if words and (dry_run or chosen.several):
        changed = sum(before != after for _, before, after in found)
        click.echo(summed_up(changed, len(found), dry_run=dry_run), err=True)


def _tagged(
    memory: Memory, chosen: Selection, tags: tuple[str, ...], *, delete: bool
) -> list[tuple[Session, Sequence[str], Sequence[str]]]:
    """Add or delete tags, and return each session with its tags before and after.

    Of several sessions not every one must have the tags to delete, but each tag must be on one of them.
    """
    before = [(session, memory.notes.tags(session.name)) for session in chosen.sessions(memory)]
    change = {"delete" if delete else "add": tags}
    if delete and chosen.several:
        there = {key(tag) for _, kept in before for tag in kept}
        for tag in tags:
            if key(tag) not in there:
                raise SessionError(f"No selected session has the tag “{one_line(tag, LONGEST_TAG)}”.")
    return [
        (session, kept, memory.notes.change_tags(session.name, **change, missing_ok=chosen.several))
        for session, kept in before
    ]
