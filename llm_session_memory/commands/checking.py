"""`llm sessions check`: whether a log is as it should be."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from ..model.checking import Checked, Finding, LogFacts, Mended, as_fields
from ..rules.sizes import in_words
from ..rules.words import counted
from .common import as_json, echo, existing_log, progress_line, session_command
from .ending import ending_in_order

_WORDS = {
    "pages": "pages, indexes and values",
    "references": "references between tables",
    "search": "full-text indexes",
    "tables": "tables",
    "hashes": "hashes of messages, fragments and attachments",
    "sessions": "what belongs to sessions",
    "settings": "settings",
    "attachments": "files of attachments",
    "file": "the file",
}
"""What the areas of a check are called."""

_COMMANDS = re.compile(r"llm sessions (?!salvage|restore)\S+( --?[a-z]+| NAME| N\b)*")
"""A command in a hint that works on the log."""

_LARGEST = 5
"""How many tables are named with their sizes."""


@session_command("check", short_help="Check the log: pages, indexes, hashes, references, settings")
@click.option(
    "--fix", is_flag=True, help="Repair what can be repaired without loss, after making a backup beside the log"
)
@click.option("--json", "json_", is_flag=True, help="Output the findings and figures as JSON")
@ending_in_order()
def check_command(fix: bool, json_: bool, database: str | None) -> None:
    """Check whether everything in the log is as it should be, and say what to do if not.

    Without --fix, nothing is changed. Other programs can use the log meanwhile, because a private copy of it is
    checked; that needs temporary space for the copy. The exit status is 1 if something is wrong, after --fix if
    something still is.

    \b
        llm sessions check
        llm sessions check --fix
        llm sessions check -d backup.db --json
    """
    path = existing_log(database)
    with progress_line("", patience=1) as line:
        mended = _mended(path, line.say) if fix else None
        checked = mended.after if mended else _checked(path, line.say)
    if json_:
        did = {"fixed": list(mended.done), "backup": mended.backup} if mended else {}
        as_json({"log": str(path)} | as_fields(checked) | did)
    else:
        echo(f"{path}\n")
        for text in (
            *_facts(checked.facts),
            "",
            *_lines(checked, database),
            "",
            *(_done(mended) if mended else ()),
            _end(checked),
        ):
            echo(text)
    if checked.wrong:
        raise click.exceptions.Exit(1)


def _checked(path: Path, say: Callable[[str], None]) -> Checked:
    from ..services.checking import check

    return check(path, say)


def _mended(path: Path, say: Callable[[str], None]) -> Mended:
    from ..services.desk import now_utc
    from ..services.mending import fix

    return fix(path, now_utc(), say)


def _done(mended: Mended) -> Iterator[str]:
    """Yield what `--fix` did."""
    if not mended.backup:
        yield "There was nothing to repair."
        return
    yield from (f"repaired: {text}" for text in mended.done)
    yield f"The log as it was before is in {mended.backup}"


def _facts(facts: LogFacts) -> Iterator[str]:
    """Yield what the log is like."""
    free = facts.free_pages * facts.page_size
    mode = f"journal mode {facts.journal_mode}" if facts.journal_mode else ""
    yield ", ".join(filter(None, [in_words(facts.size), f"{in_words(free)} of it free" if free else "", mode]))
    if facts.counts is None:
        return
    counts = facts.counts
    turns = counts.get("turns", 0) + counts.get("responses", 0)
    conversations = counts.get("threads", 0) + counts.get("conversations", 0)
    sessions = counts.get("memory_sessions", 0)
    when = ""
    if facts.oldest and facts.newest:
        first, last = facts.oldest[:10], facts.newest[:10]
        when = f", of {first}" if first == last else f", from {first} to {last}"
    yield f"{counted(turns, 'turn')} in {counted(conversations, 'conversation')}{when}; {counted(sessions, 'session')}"
    if facts.tables:
        largest = [f"{name} {in_words(size)}" for name, size in [*facts.tables.items()][:_LARGEST]]
        yield f"largest tables: {', '.join(largest)}"


def _lines(checked: Checked, typed: str | None) -> Iterator[str]:
    """Yield a line for each area, with what was found there. `typed` is the -d option, which commands in hints get."""
    for area in checked.areas:
        found = [one for one in checked.findings if one.area == area]
        if not found:
            yield f"ok     {_WORDS[area]}"
        for one in found:
            yield from _finding(one, typed)


def _finding(one: Finding, typed: str | None) -> Iterator[str]:
    yield f"{'WRONG' if one.level == 'wrong' else 'note':<6} {_WORDS[one.area]}: {one.message}"
    for detail in one.details:
        yield f"         {detail}"
    if one.hint:
        log = f" -d {shlex.quote(typed)}" if typed else ""
        yield f"       {_COMMANDS.sub(lambda found: found[0] + log, one.hint)}"


def _end(checked: Checked) -> str:
    if not checked.wrong:
        return "Nothing is wrong."
    number = len(checked.wrong)
    return f"{counted(number, 'thing')} {'is' if number == 1 else 'are'} wrong."
