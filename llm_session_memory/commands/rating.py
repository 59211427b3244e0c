"""`llm sessions rate`, `bookmark`: what a person thinks of an exchange, and a label to find it by."""

from __future__ import annotations

import click

from ..memory import Memory
from ..terminal import plain
from ..transcript import bookmark_fields, rating_fields, rating_words
from .door import as_json, opened, session_argument, session_command


@session_command("rate", short_help="Rate an exchange: up, down, or 1 to 5")
@session_argument()
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.argument("mark", required=False, metavar="up|down|1-5")
@click.option("--note", default="", metavar="TEXT", help="Why")
@click.option("--delete", is_flag=True, help="Take the rating away")
@click.option("json_", "--json", is_flag=True, help="Output the session's ratings as JSON")
def rate_command(  # noqa: PLR0913  one parameter an option
    name: str,
    number: int | None,
    mark: str | None,
    note: str,
    delete: bool,  # noqa: FBT001  a flag
    json_: bool,  # noqa: FBT001  a flag
    database: str | None,
) -> None:
    """Rate exchange NUMBER of a session: up, down, or 1 to 5 (5 is best). Without NUMBER: list the ratings.

    A model never sees them.

    \b
        llm sessions rate work 12 up --note "Found the right paragraph"
        llm sessions rate work 12 --delete
    """
    if number is not None and (mark is None) != delete:
        raise click.UsageError("Say what to rate it (up, down, or 1 to 5), or --delete.")
    if number is None and (delete or note):
        raise click.UsageError("Say which exchange by its number.")
    with opened(database) as memory:
        if number is not None and mark is not None:
            memory.rate(name, number, mark, note)
        elif number is not None:
            gone = memory.unrate(name, number)
            click.echo(f"Deleted: {rating_words(gone)}", err=True)
        _print_ratings(memory, name, json_=json_)


def _print_ratings(memory: Memory, name: str, *, json_: bool) -> None:
    found, numbers = memory.ratings(name), memory.numbers(name)
    numbered = sorted((numbers[turn_id], rating) for turn_id, rating in found.items() if turn_id in numbers)
    if json_:
        as_json([{"number": number, **rating_fields(rating)} for number, rating in numbered])
        return
    if not numbered:
        click.echo(f"{memory.session(name).name} has no ratings.")
    for number, rating in numbered:
        click.echo(f"#{number} {rating_words(rating)}")


@session_command("bookmark", short_help="Label an exchange, to find it again")
@session_argument()
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.argument("label", required=False)
@click.option("--delete", is_flag=True, help="Take the label away")
@click.option("json_", "--json", is_flag=True, help="Output the session's bookmarks as JSON")
def bookmark_command(  # noqa: PLR0913  one parameter an option
    name: str,
    number: int | None,
    label: str | None,
    delete: bool,  # noqa: FBT001  a flag
    json_: bool,  # noqa: FBT001  a flag
    database: str | None,
) -> None:
    """Give exchange NUMBER of a session a label. Without NUMBER: list the bookmarks.

    \b
        llm sessions bookmark work 12 "The deadline moves"
        llm sessions bookmark work 12 --delete
    """
    if number is not None and (label is None) != delete:
        raise click.UsageError("Say the label, or --delete.")
    if number is None and delete:
        raise click.UsageError("Say which exchange by its number.")
    with opened(database) as memory:
        if number is not None and label is not None:
            memory.bookmark(name, number, label)
        elif number is not None:
            gone = memory.unbookmark(name, number)
            click.echo(f"Deleted: {plain(gone.label)}", err=True)
        _print_bookmarks(memory, name, json_=json_)


def _print_bookmarks(memory: Memory, name: str, *, json_: bool) -> None:
    found, numbers = memory.bookmarks(name), memory.numbers(name)
    numbered = sorted((numbers[turn_id], bookmark) for turn_id, bookmark in found.items() if turn_id in numbers)
    if json_:
        as_json([{"number": number, **bookmark_fields(bookmark)} for number, bookmark in numbered])
        return
    if not numbered:
        click.echo(f"{memory.session(name).name} has no bookmarks.")
    for number, bookmark in numbered:
        click.echo(f"#{number} {plain(bookmark.label)}")
