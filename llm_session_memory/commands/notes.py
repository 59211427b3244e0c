"""`llm sessions note` and `tag`: keep notes and tags with a session."""

from __future__ import annotations

import click

from ..llm_seam.models import session_model
from ..memory import Memory
from ..reader.files.fields import note_fields
from ..reader.files.markdown import listed
from ..rules.safe_text import plain
from .common import as_json, opened, session_argument, session_command


@session_command("note", short_help="Keep a note that is always sent")
@session_argument()
@click.argument("text", required=False)
@click.option("--list", "list_", is_flag=True, help="List the session's notes (as without TEXT)")
@click.option("--delete", type=click.IntRange(min=1), metavar="N", help="Delete note number N")
@click.option("json_", "--json", is_flag=True, help="Output the notes as JSON")
def note_command(  # noqa: PLR0913  one parameter an option
    name: str,
    text: str | None,
    list_: bool,  # noqa: FBT001  a flag
    delete: int | None,
    json_: bool,  # noqa: FBT001  a flag
    database: str | None,
) -> None:
    """Keep a note that is sent with every prompt of a session, like a pin. Without TEXT, list the notes.

    \b
        llm sessions note work "The harbour office signs off"
        llm sessions note work --delete 1
    """
    if text is not None and (list_ or delete):
        raise click.UsageError("TEXT can't be combined with --list or --delete.")
    with opened(database) as memory:
        if text is not None:
            memory.notes.add(name, text, model=session_model(memory.sessions.get(name)))
        if delete:
            gone = memory.notes.delete(name, delete)
            click.echo(f"Deleted: {plain(gone.text)}", err=True)
        _print_notes(memory, name, json_=json_)


def _print_notes(memory: Memory, name: str, *, json_: bool) -> None:
    notes = list(enumerate(memory.notes.list(name), 1))
    if json_:
        as_json([note_fields(number, note) for number, note in notes])
        return
    if not notes:
        click.echo(f"Session “{memory.sessions.get(name).name}” has no notes.")
    for number, note in notes:
        click.echo(listed(number, note))


@session_command("tag", short_help="Tag a session, to find it later")
@session_argument()
@click.argument("tags", nargs=-1)
@click.option("--delete", is_flag=True, help="Delete TAGS")
@click.option("json_", "--json", is_flag=True, help="Output the tags as JSON")
def tag_command(
    name: str,
    tags: tuple[str, ...],
    delete: bool,  # noqa: FBT001  a flag
    json_: bool,  # noqa: FBT001  a flag
    database: str | None,
) -> None:
    """Tag a session, to find it later with: llm sessions list --tag TAG. Without TAGS, show its tags.

    \b
        llm sessions tag work bridge lisbon
        llm sessions tag work --delete lisbon
    """
    if delete and not tags:
        raise click.UsageError("--delete needs the tags to delete.")
    with opened(database) as memory:
        session = memory.sessions.get(name)
        change = {"delete" if delete else "add": tags}
        kept = memory.notes.change_tags(name, **change) if tags else memory.notes.tags(name)
    if json_:
        as_json(kept)
    else:
        click.echo(f"{session.name}: {', '.join(map(plain, kept)) or 'no tags'}")
