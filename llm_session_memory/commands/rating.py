"""`llm sessions rate` and `bookmark`: rate an exchange, or label it to find it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from ..memory import Memory
from ..reader.files.fields import bookmark_fields, opinion_fields, rating_fields
from ..reader.files.markdown import opinion_words, rating_words
from ..rules.safe_text import plain
from .common import as_json, echo, opened, session_argument, session_command


@session_command("rate", short_help="Rate an exchange: up, down, or 1 to 5")
@session_argument()
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.argument("mark", required=False, metavar="up|down|1-5")
@click.option("--note", default="", metavar="TEXT", help="Reason for the rating")
@click.option("--delete", is_flag=True, help="Delete the rating")
@click.option("json_", "--json", is_flag=True, help="Output the session's ratings as JSON")
def rate_command(
    name: str,
    number: int | None,
    mark: str | None,
    note: str,
    delete: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Rate exchange NUMBER of a session: up, down, or 1 to 5 (5 is best). Without NUMBER, list the ratings.

    Ratings are never sent to a model.

    \b
        llm sessions rate work 12 up --note "Found the right paragraph"
        llm sessions rate work 12 --delete
    """
    if number is not None and (mark is None) != delete:
        raise click.UsageError("Give either a rating (up, down, or 1 to 5) or --delete.")
    if number is None and (delete or note):
        raise click.UsageError("Give the number of the exchange.")
    with opened(database) as memory:
        if number is not None and mark is not None:
            memory.ratings.rate(name, number, mark, note)
        elif number is not None:
            gone = memory.ratings.unrate(name, number)
            echo(f"Deleted: {rating_words(gone)}", err=True)
        said = {id_: [(rating_words(one), rating_fields(one))] for id_, one in memory.ratings.of(name).items()}
        for id_, some in memory.ratings.opinions(name).items():
            said.setdefault(id_, []).extend((opinion_words(one), opinion_fields(one)) for one in some)
        _print(memory, name, "ratings", said, json_)


@session_command("bookmark", short_help="Label an exchange to find it again")
@session_argument()
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.argument("label", required=False)
@click.option("--delete", is_flag=True, help="Delete the bookmark")
@click.option("json_", "--json", is_flag=True, help="Output the session's bookmarks as JSON")
def bookmark_command(
    name: str,
    number: int | None,
    label: str | None,
    delete: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Bookmark exchange NUMBER of a session with a label. Without NUMBER, list the bookmarks.

    \b
        llm sessions bookmark work 12 "The deadline moves"
        llm sessions bookmark work 12 --delete
    """
    if number is not None and (label is None) != delete:
        raise click.UsageError("Give either a label or --delete.")
    if number is None and delete:
        raise click.UsageError("Give the number of the exchange.")
    with opened(database) as memory:
        if number is not None and label is not None:
            memory.ratings.bookmark(name, number, label)
        elif number is not None:
            gone = memory.ratings.unbookmark(name, number)
            echo(f"Deleted: {gone.label}", err=True)
        said = {id_: [(plain(one.label), bookmark_fields(one))] for id_, one in memory.ratings.bookmarks(name).items()}
        _print(memory, name, "bookmarks", said, json_)


def _print(
    memory: Memory,
    name: str,
    what: str,
    said: Mapping[str, Sequence[tuple[str, dict[str, Any]]]],
    json_: bool,
) -> None:
    """Print a session's ratings or bookmarks. `said` has each one in words and as JSON fields, by first turn."""
    numbers = memory.sessions.numbers(name).items()
    numbered = [(number, *one) for id_, number in numbers for one in said.get(id_, ())]
    if json_:
        as_json([{"number": number, **fields} for number, _, fields in numbered])
    elif not numbered:
        echo(f"Session “{memory.sessions.get(name).name}” has no {what}.")
    else:
        for number, words, _ in numbered:
            echo(f"#{number} {words}")
