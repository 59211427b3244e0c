"""What a check of a log found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["wrong", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        area: What was looked at: one of the areas of the check, such as `pages`.
        level: `wrong` if the log is not as it should be; `note` if it is, and a person should know this all the same.
        message: What was found, as a sentence.
        hint: What to do about it, or empty.
        details: Examples: at most a few lines, row ids or paths.
        mend: The name of what `--fix` does about it; None if a person has to.
    """

    area: str
    level: Level
    message: str
    hint: str = ""
    details: tuple[str, ...] = ()
    mend: str | None = None


@dataclass(frozen=True)
class LogFacts:
    """What a log is like. Sizes are in bytes.

    Attributes:
        size: The size of the file with its write-ahead log.
        page_size: The size of one page.
        free_pages: Pages that are not in use: the space that `VACUUM` gives back.
        journal_mode: SQLite's, such as `delete` or `wal`.
        mode: The file's mode, such as 0o600; None if the system has none.
        counts: The numbers of rows of some tables, by their names, if the tables are there.
        oldest: The time of the first call, as llm stored it; None without calls.
        newest: The time of the last call, likewise.
        tables: The sizes of tables with their indexes, largest first; None if this SQLite can't tell.
        pending: The migrations of our tables that were not applied yet.
    """

    size: int
    page_size: int = 0
    free_pages: int = 0
    journal_mode: str = ""
    mode: int | None = None
    counts: Mapping[str, int] | None = None
    oldest: str | None = None
    newest: str | None = None
    tables: Mapping[str, int] | None = None
    pending: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """The result of a check: what was found, the areas that were looked at, and what the log is like."""

    findings: tuple[Finding, ...]
    areas: tuple[str, ...]
    facts: LogFacts

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What is wrong."""
        return tuple(one for one in self.findings if one.level == "wrong")

    @property
    def mendable(self) -> tuple[Finding, ...]:
        """What `--fix` can repair."""
        return tuple(one for one in self.findings if one.mend)


@dataclass(frozen=True)
class Mended:
    """What `--fix` did: a sentence each, the backup from before, and what a check found afterwards."""

    done: tuple[str, ...]
    backup: str | None
    after: Checked


def as_fields(checked: Checked) -> dict[str, Any]:
    """Return the result of a check as values for JSON."""
    facts = {name: value for name, value in vars(checked.facts).items() if value is not None}
    if checked.facts.mode is not None:
        facts["mode"] = f"{checked.facts.mode:04o}"
    return {
        "ok": not checked.wrong,
        "checked": list(checked.areas),
        "findings": [
            {
                "area": one.area,
                "level": one.level,
                "message": one.message,
                "hint": one.hint,
                "details": list(one.details),
                "fixable": one.mend is not None,
            }
            for one in checked.findings
        ],
        "facts": facts | {"pending": list(checked.facts.pending)},
    }
