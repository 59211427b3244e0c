"""`llm sessions salvage`: save what can be read of a damaged log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..rules.words import counted
from .common import echo, progress_line
from .ending import ending_in_order

if TYPE_CHECKING:
    from ..services.salvage import Salvaged
    from ..store.salvaging import Saved

_EXAMPLES = 5


@click.command("salvage", short_help="Save what can be read of a damaged log")
@click.argument("damaged", type=click.Path(dir_okay=False))
@click.option("--to", required=True, metavar="NEW", type=click.Path(), help="The new log, which must not exist yet")
@ending_in_order()
def salvage_command(damaged: str, to: str) -> None:
    """Copy what can be read of the log DAMAGED into a new one, row by row, and say what could not be read.

    DAMAGED is only read. Close other programs that use it. The new log is whole: it passes `llm sessions check`. It
    has llm's tables as the installed llm makes them.

    \b
        llm sessions salvage "$(llm logs path)" --to salvaged.db
        llm sessions list -d salvaged.db
    """
    from ..errors import SessionError
    from ..llm_seam.tables import migrated
    from ..rules.safe_text import unbroken
    from ..services.desk import now_utc
    from ..services.salvage import salvage

    try:
        with progress_line("", patience=1) as line:
            done = salvage(Path(damaged), Path(to), migrated, now_utc(), line.say)
    except SessionError as error:
        raise click.ClickException(unbroken(str(error))) from error
    for text in _lines(done, damaged, to):
        echo(text)
    if done.checked.wrong:
        raise click.exceptions.Exit(1)


def _lines(done: Salvaged, damaged: str, to: str) -> Iterator[str]:
    """Yield what was saved and what was lost."""
    from ..store.salvaging import SCHEMA

    turns = sum(one.rows for one in done.tables if one.table in ("turns", "responses"))
    rows = sum(one.rows for one in done.tables)
    tables = sum(one.table != SCHEMA for one in done.tables)
    yield f"Saved {counted(turns, 'turn')} ({counted(rows, 'row')} of {counted(tables, 'table')}) to {to}"
    unread = [one for one in done.tables if one.losses.pages or one.losses.rows or one.refused]
    if done.cut_off:
        whole = done.pages + done.cut_off
        yield f"{damaged} was cut off: {done.cut_off:,} of its {counted(whole, 'page')} are missing."
    if not unread and not done.partly and not done.cut_off:
        yield f"Everything in {damaged} could be read."
    for one in unread:
        yield _lost(one)
    for number, what in (
        (done.turns, "lost turn was rebuilt from its prompt and reply in the search index"),
        (done.whole, "lost message was rebuilt completely"),
        (done.partly, "message is incomplete; “[lost: …]” marks the missing text"),
        (done.conversations, "conversation has lost its name; it is called “Salvaged”"),
    ):
        if number:
            yield f"{number:,} {what if number == 1 else _many(what)}"
    for finding in done.checked.wrong:
        yield f"The new log is not intact: {finding.message}"


def _many(what: str) -> str:
    """Return a sentence about one thing as one about several."""
    plural = {
        "turn was": "turns were", "message was": "messages were", "message is": "messages are", "it was": "they were",
        "it is": "they are", "conversation has lost its name": "conversations have lost their names",
        "its prompt and reply": "their prompts and replies",
    }  # fmt: skip
    for one, several in plural.items():
        what = what.replace(one, several)
    return what


def _lost(one: Saved) -> str:
    from ..store.salvaging import SCHEMA

    pages = sorted(set(one.losses.pages))
    said = []
    if pages:
        shown = ", ".join(map(str, pages[:_EXAMPLES])) + (", …" if len(pages) > _EXAMPLES else "")
        said.append(f"{counted(len(pages), 'page')} could not be read ({shown})")
    if one.losses.rows:
        said.append(f"{counted(one.losses.rows, 'row')} could not be read")
    if one.refused:
        said.append(
            f"{counted(one.refused, 'row')} had damaged values or {'was' if one.refused == 1 else 'were'} there twice"
        )
    if one.table == SCHEMA:
        return f"The list of tables: {'; '.join(said)}, so more may be lost than is said here"
    return f"{one.table}: {counted(one.rows, 'row')} saved; {'; '.join(said)}"
