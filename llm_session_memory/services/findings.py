"""What a check found, as sentences, each with what to do about it. Pure: figures in, findings out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ..model.checking import Finding, Level, LogFacts
from ..rules.words import counted
from ..store.check_hashes import Hashes
from ..store.checks import Pages

AREAS = ("pages", "references", "search", "tables", "hashes", "sessions", "settings", "attachments", "file")
"""What is looked at, in the order in which it is told."""

RESTORE = "If you have a backup from before, restore it with: llm sessions restore FILE"

_EXAMPLES = 3

_LEFT_OVER = ("turn_search", "turns")
"""Rows of llm's search table without a turn: an import that was killed leaves them, and nothing sees them."""

_DAYS = re.compile(r"\d{1,6}")

_OTHERS = 0o077
"""The bits of a file's mode that are not its owner's."""


def salvage(path: Path) -> str:
    """Return what to do with a file that is damaged."""
    import shlex

    return f"Save what can be read with: llm sessions salvage {shlex.quote(str(path))} --to salvaged.db"


def about_pages(pages: Pages, path: Path) -> list[Finding]:
    """Return what SQLite's integrity check means."""
    found: list[Finding] = []
    if pages.damaged:
        message = f"The file is damaged: SQLite found {_at_least(len(pages.damaged), 'problem')} in its pages."
        found.append(Finding("pages", "wrong", message, salvage(path), pages.damaged[:_EXAMPLES]))
        return found
    for name in pages.indexes:
        message = f"The index {name} does not have every row of its table."
        found.append(Finding("pages", "wrong", message, _FIX, mend=f"reindex {name}"))
    for name in pages.twice:
        message = f"Two rows have the same values, which the index {name} forbids."
        found.append(Finding("pages", "wrong", message, RESTORE))
    if pages.values:
        message = f"{_at_least(len(pages.values), 'row')} of a kind that their table forbids."
        found.append(Finding("pages", "wrong", message, RESTORE, pages.values[:_EXAMPLES]))
    if pages.unused:
        message = f"{_at_least(pages.unused, 'page')} of the file can't be used, because nothing refers to them."
        found.append(Finding("pages", "wrong", message, "Rewrite the file with: llm sessions maintenance --vacuum"))
    return found


_CHECK = "llm sessions check --fix"
_FIX = f"Repair it with: {_CHECK}"


def about_references(missing: Counter[tuple[str, str]]) -> list[Finding]:
    """Return what it means that rows refer to others that are not there. Our own tables have rules of their own."""
    found: list[Finding] = []
    for (table, other), rows in sorted(missing.items()):
        if table.startswith("memory_"):
            continue
        if (table, other) == _LEFT_OVER:
            has = "has" if rows == 1 else "have"
            cause = "An import or a merge that was broken off leaves such rows."
            message = f"{counted(rows, 'row')} of {table} {has} no turn. {cause}"
            found.append(Finding("references", "wrong", message, _FIX, mend="left over"))
            continue
        refer = "refers to a row" if rows == 1 else "refer to rows"
        message = f"{counted(rows, 'row')} of {table} {refer} of {other} that {'is' if rows == 1 else 'are'} not there."
        found.append(Finding("references", "wrong", message, f"Something else deleted from llm's tables. {RESTORE}"))
    return found


def about_full_text(broken: Sequence[tuple[str, str]]) -> list[Finding]:
    """Return what it means that full-text indexes do not agree with their tables."""
    found = []
    for name, said in broken:
        mend = "index" if name == "memory_words" else f"rebuild {name}"
        message = f"The full-text index {name} does not agree with its table, so searches may miss something."
        found.append(Finding("search", "wrong", message, _FIX, (said,), mend))
    return found


def about_shape(message: str, hint: str) -> Finding:
    """Return what it means that llm's tables are not as today's llm makes them."""
    level: Level = "wrong" if " has no " in message else "note"
    return Finding("tables", level, message, hint)


def about_llms_record(path: Path) -> Finding:
    """Return what it means that llm's record of its own migrations is missing or empty."""
    message = "llm's list of the changes that made its tables is missing, so llm can't use this log."
    return Finding("tables", "wrong", message, salvage(path))


def about_lost(names: Collection[str], *, pending: bool) -> Iterator[Finding]:
    """Yield what it means that some of our tables are missing. A migration that is pending makes them."""
    if names and not pending:
        message = f"The log has lost {'a table' if len(names) == 1 else 'tables'}: {', '.join(sorted(names))}."
        yield Finding("tables", "wrong", message, f"Recreate it, empty, with: {_CHECK}", mend="tables")


def about_lost_parts(names: Collection[str]) -> Iterator[Finding]:
    """Yield what it means that indexes or triggers of our tables are missing."""
    if names:
        what = "an index or trigger" if len(names) == 1 else "indexes or triggers"
        message = f"The log has lost {what} of the plugin's tables: {', '.join(sorted(names))}."
        yield Finding("tables", "wrong", message, f"Recreate them with: {_CHECK}", mend="parts")


def about_pending(names: Sequence[str]) -> Iterator[Finding]:
    """Yield what it means that migrations were not applied."""
    if names:
        message = (
            f"The plugin's tables are from an earlier version; {counted(len(names), 'migration')} not applied yet."
        )
        yield Finding("tables", "note", message, "The next prompt in a session applies them.", tuple(names))


def about_hashes(found: Hashes) -> Iterator[Finding]:
    """Yield what it means that stored content does not have its hash, or that files are gone."""
    for noun, broken in (("message", found.messages), ("fragment", found.fragments), ("attachment", found.attachments)):
        if broken:
            have = f"{counted(len(broken), noun)} {'differs' if len(broken) == 1 else 'differ'}"
            message = f"{have} from what was stored: the hash is another one. Somebody or something changed the log."
            yield Finding("hashes", "wrong", message, RESTORE, tuple(broken[:_EXAMPLES]))
    for paths, what, hint in (
        (found.gone, "is gone", "Put it back if later prompts should have it; the log keeps only its path."),
        (
            found.changed,
            "has changed since it was sent",
            "The log keeps only its path, so replays send what it is now.",
        ),
    ):
        if paths:
            message = f"The file of {counted(len(paths), 'attachment')} {what}."
            yield Finding("attachments", "note", message, hint, tuple(paths[:_EXAMPLES]))


def about_invariant(  # noqa: PLR0913  what a rule has
    name: str, rule: str, rows: int, examples: Sequence[str], mend: str | None, *, harmless: bool
) -> Finding:
    """Return what it means that rows of our tables break a rule."""
    breaks = "breaks" if rows == 1 else "break"
    message = f"{counted(rows, 'row')} of {name.partition('.')[0]} {breaks} a rule: {rule[0].lower()}{rule[1:]}"
    if harmless:
        hint = "They do no harm, and they have something that you wrote or asked for, so they stay."
        return Finding("sessions", "note", message, hint, tuple(examples))
    kind = "index" if mend == "index" else f"rule {name}"
    return Finding("sessions", "wrong", message, _FIX if mend else RESTORE, tuple(examples), kind if mend else None)


def about_name(table: str, whose: str) -> Finding:
    """Return what it means that a name can't be found by its key."""
    message = f"The {whose} can't be found by its name in other letters: its key is not that of the name."
    return Finding("settings", "wrong", message, _FIX, mend=f"key {table}")


def about_settings(whose: str, message: str, hint: str) -> Finding:
    """Return what it means that a setting is not one that the program would store."""
    again = f"Set it again with: llm sessions {'project' if whose.startswith('project') else 'set'} NAME"
    return Finding("settings", "wrong", f"A setting of the {whose} can't be used: {message}", f"{hint} {again}".strip())


def about_log_setting(key: str, value: str) -> Iterator[Finding]:
    """Yield what is wrong with a setting of the whole log."""
    if key == "retention.days" and not _DAYS.fullmatch(value):
        message = f"The number of days that conversations are kept is “{value}”, which is not a number."
        yield Finding("settings", "wrong", message, "Set it again with: llm sessions retention --days N")


def about_the_file(facts: LogFacts) -> Iterator[Finding]:
    """Yield what a person may want to know about the file itself."""
    if facts.mode is not None and facts.mode & _OTHERS:
        message = f"Other people on this computer may be able to use the log (its mode is {facts.mode:04o})."
        yield Finding("file", "note", message, "If only you should: chmod 600, with its path.")


def _at_least(number: int, noun: str) -> str:
    from ..store.checks import MOST_PROBLEMS

    return f"at least {counted(number, noun)}" if number >= MOST_PROBLEMS else counted(number, noun)
