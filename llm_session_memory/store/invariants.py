"""The rules that our own tables keep, as values: what a check looks for, and what the documentation lists.

Each rule says which rows break it. Rows that only say where something was, such as where a block began, may outlive an
exchange that was deleted; they have no rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .log import Log

_EXAMPLES = 3

_TURNS = {"turns": "id", "responses": "id"}
_THREADS = {
    "threads": "id",
    "conversations": "id",
    "memory_sessions": "thread_id",
}


@dataclass(frozen=True)
class Invariant:
    """A rule about the rows of one of our tables.

    Attributes:
        table: The table.
        column: The column that the rule is about. Its values are given as examples.
        rule: The rule as a sentence.
        broken: A condition of SQL about a row `r` that breaks the rule. `{turn}` and `{thread}` stand for “is the id of
            a turn (or conversation) of this log”, of either generation of llm's tables.
        needs: The tables that the condition reads besides. If one is missing, nothing is looked for.
        mend: The statement that mends the rows, in which `{broken}` is the condition; None if a person has to.
        does: What that does, in words, after a number of rows.
        harmless: The rows have something that a person wrote, and do no harm; so they stay, and are only mentioned.
    """

    table: str
    column: str
    rule: str
    broken: str
    needs: tuple[str, ...] = ()
    mend: str | None = None
    does: str = ""
    harmless: bool = False

    @property
    def name(self) -> str:
        """What it is called in findings."""
        return f"{self.table}.{self.column}"


_DELETE = "delete from {table} as r where {broken}"

_NOT_DELETED = "not exists (select 1 from memory_tombstones b where b.kind = '{kind}' and b.id = r.{column})"
"""A fork of what another machine deleted goes on naming it, so that all machines have the same row."""


def _of_turn(table: str, noun: str, column: str = "turn_id", *, harmless: bool = False) -> Invariant:
    return Invariant(
        table,
        column,
        f"{noun} belongs to a turn in the log.",
        f"r.{column} is not null and not {{turn}}",
        mend=None if harmless else _DELETE,
        does="" if harmless else "deleted",
        harmless=harmless,
    )


def _of_thread(table: str, noun: str, *, harmless: bool = False, column: str = "thread_id") -> Invariant:
    return Invariant(
        table,
        column,
        f"{noun} belongs to a conversation or session in the log.",
        "not {thread}",
        mend=None if harmless else _DELETE,
        does="" if harmless else "deleted",
        harmless=harmless,
    )


def _json(table: str, column: str) -> Invariant:
    rule = "The column holds valid JSON."
    return Invariant(table, column, rule, f"r.{column} is not null and not json_valid(r.{column})")


INVARIANTS: tuple[Invariant, ...] = (
    _json("memory_sessions", "options_json"),
    Invariant(
        "memory_sessions",
        "project",
        "A session's project is in memory_projects.",
        "r.project is not null and not exists (select 1 from memory_projects p where p.name_key = r.project)",
        needs=("memory_projects",),
        mend="insert or ignore into memory_projects (name_key, name, created_utc)"
        " select r.project, r.project, r.created_utc from memory_sessions r where {broken}",
        does="got their project back, without its defaults",
    ),
    _json("memory_projects", "options_json"),
    _of_thread("memory_blocks", "A block"),
    _json("memory_blocks", "pinned_json"),
    _of_turn("memory_contexts", "A reason for a request"),
    Invariant(
        "memory_contexts",
        "block_id",
        "The block of a reason for a request exists.",
        "not exists (select 1 from memory_blocks b where b.id = r.block_id)",
        needs=("memory_blocks",),
        mend=_DELETE,
        does="deleted",
    ),
    Invariant(
        "memory_contexts",
        "thread_id",
        "A reason for a request has the same conversation as its turn.",
        "exists (select 1 from turns t where t.id = r.turn_id and t.thread_id <> r.thread_id)",
        needs=("turns",),
        mend="update memory_contexts as r set thread_id = (select t.thread_id from turns t where t.id = r.turn_id)"
        " where {broken}",
        does="got the conversation of their turn",
    ),
    _of_turn("memory_contexts", "The exchange of a request", "exchange_turn_id"),
    _of_turn("memory_pins", "A pin"),
    _of_thread("memory_attempts", "A prompt without a complete reply", harmless=True),
    _json("memory_attempts", "request_json"),
    Invariant(
        "memory_attempts",
        "answered_by",
        "The turn that answered a failed prompt is in the log.",
        "r.answered_by is not null and not {turn}",
        mend="update memory_attempts as r set answered_by = null where {broken}",
        does="are open again",
    ),
    _of_turn("memory_originals", "A tool result in full", harmless=True),
    _json("memory_originals", "messages_json"),
    _of_thread("memory_notes", "A note", harmless=True),
    _of_thread("memory_tags", "A tag", harmless=True),
    _of_thread("memory_meta", "A fact", harmless=True),
    _of_thread("memory_summaries", "A summary", harmless=True),
    _of_turn("memory_ratings", "A rating", harmless=True),
    _of_turn("memory_bookmarks", "A bookmark", harmless=True),
    _of_turn("memory_recalls", "A recalled excerpt"),
    _json("memory_recalls", "words_json"),
    _of_thread("memory_index", "An index entry"),
    Invariant(
        "memory_index",
        "passages",
        "The number of a conversation's passages in the index is right.",
        "(r.number, r.passages) not in (select i.number, coalesce(p.count, 0) from memory_index i left join"
        " (select thread, count(*) as count from memory_passages group by thread) p on p.thread = i.number)",
        needs=("memory_passages",),
        mend="index",
    ),
    Invariant(
        "memory_passages",
        "thread",
        "A passage in the index belongs to a conversation in memory_index.",
        "not exists (select 1 from memory_index i where i.number = r.thread)",
        needs=("memory_index",),
        mend="index",
    ),
    Invariant(
        "memory_passages",
        "turn_id",
        "A passage in the index belongs to a turn in the log.",
        "not {turn}",
        mend="index",
    ),
    Invariant(
        "memory_words_docsize",
        "id",
        "The words in the index belong to a passage.",
        "not exists (select 1 from memory_passages p where p.id = r.id)",
        needs=("memory_passages",),
        mend="index",
    ),
    Invariant(
        "memory_vectors",
        "passage_id",
        "A vector belongs to a passage in the index.",
        "not exists (select 1 from memory_passages p where p.id = r.passage_id and p.thread = r.thread)",
        needs=("memory_passages",),
        mend=_DELETE,
        does="deleted",
    ),
    _of_thread("memory_forks", "A fork", column="thread_id"),
    Invariant(
        "memory_forks",
        "from_thread_id",
        "The conversation that a fork was forked from is in the log, or was deleted.",
        "not {thread} and " + _NOT_DELETED.format(kind="thread", column="from_thread_id"),
        needs=("memory_tombstones",),
    ),
    Invariant(
        "memory_forks",
        "at_turn_id",
        "The exchange that a fork was forked at is in the log, or was deleted.",
        "not {turn} and " + _NOT_DELETED.format(kind="turn", column="at_turn_id"),
        needs=("memory_tombstones",),
    ),
    _of_turn("memory_undone", "An undone exchange"),
    _of_thread("memory_undone", "An undone exchange"),
    _of_thread("memory_snapshots", "A snapshot", harmless=True),
    _of_turn("memory_snapshots", "A snapshot's last exchange", harmless=True),
    _json("memory_snapshots", "state_json"),
    _of_thread("memory_titles", "A title", harmless=True),
    Invariant(
        "memory_tombstones",
        "id",
        "A deleted exchange or conversation is not in the log, unless somebody restored it.",
        "(r.kind = 'turn' and {turn}) or (r.kind = 'thread' and {thread})",
        harmless=True,
    ),
    _of_turn("memory_changed", "A changed request"),
    _of_thread("memory_origins", "An origin"),
    Invariant(
        "memory_sealed",
        "thread_id",
        "A sealed session is not in the log.",
        "{thread}",
        mend=_DELETE,
        does="deleted: the sessions are here",
    ),
    _json("memory_jobs", "settings_json"),
    _json("memory_jobs", "inputs_json"),
    _json("memory_job_items", "input_json"),
    _json("memory_job_items", "needs_json"),
    _json("memory_job_items", "output_json"),
    Invariant(
        "memory_job_items",
        "job_id",
        "An item belongs to a job in the log.",
        "not exists (select 1 from memory_jobs j where j.id = r.job_id)",
        needs=("memory_jobs",),
        mend=_DELETE,
        does="deleted",
    ),
    Invariant(
        "memory_job_items",
        "turn_id",
        "The answer of an item is a turn that is in the log.",
        "r.turn_id is not null and not {turn}",
        mend=_DELETE,
        does="deleted",
    ),
    Invariant(
        "memory_group_members",
        "name_key",
        "A member belongs to a group in the log.",
        "not exists (select 1 from memory_groups g where g.name_key = r.name_key)",
        needs=("memory_groups",),
        mend=_DELETE,
        does="deleted",
    ),
    _of_thread("memory_group_members", "A member of a group"),
    _of_turn("memory_votes", "The first answer in a vote", "a_turn_id"),
    _of_turn("memory_votes", "The second answer in a vote", "b_turn_id"),
    _json("memory_remotes", "exclude_tags_json"),
    _json("memory_remotes", "options_json"),
    _of_thread("memory_shared_names", "The name of a session elsewhere"),
    _of_turn("memory_other_ratings", "A rating by somebody else", harmless=True),
)
"""All rules, in the order of the tables in the documentation."""

HISTORY: Mapping[str, str] = {
    "memory_blocks.start_turn_id": "where the block began, even if that exchange was deleted since",
    "memory_contexts.after_turn_id": "the newest turn when the request was made, even if it was deleted since",
    "memory_summaries.first_turn_id": "what the summary covers, even if that exchange was deleted since",
    "memory_summaries.last_turn_id": "what the summary covers, even if that exchange was deleted since",
    "memory_pins.thread_id": "as its turn, or a fork of its conversation",
    "memory_ratings.thread_id": "as its turn, or a fork of its conversation",
    "memory_other_ratings.thread_id": "as its turn, or a fork of its conversation",
    "memory_bookmarks.thread_id": "as its turn, or a fork of its conversation",
    "memory_recalls.thread_id": "the session that an excerpt came from, even if it was deleted since",
    "memory_sessions.thread_id": "the conversation may not have begun",
    "memory_jobs.thread_id": "the session of a job may not have begun",
    "memory_job_items.thread_id": "as its turn",
    "memory_branches.thread_id": "a branch that was merged, even if it was deleted since",
    "memory_branches.turn_id": "where that branch began, likewise",
    "memory_branches.kept_turn_id": "where the other branch began, likewise",
    "memory_remote_threads.thread_id": "a conversation on a remote, even if it was deleted here since",
    "memory_changes.thread_id": "where a row was changed or removed, even if the conversation was deleted since",
    "memory_conflicts.thread_id": "where a row lost in a merge, even if the conversation was deleted since",
}
"""Columns that name a turn or conversation and have no rule, each with the reason."""


@dataclass(frozen=True)
class Broken:
    """The rows that break a rule: how many, and some values of the column."""

    invariant: Invariant
    rows: int
    examples: tuple[str, ...]


def broken(log: Log, invariants: Collection[Invariant] = INVARIANTS) -> Iterator[Broken]:
    """Yield the rules that rows of a log break."""
    there = _tables(log, invariants)
    for invariant in invariants:
        which = _condition(there, invariant)
        if which is None:
            continue
        of = f"from {invariant.table} r where {which}"
        count = log.value(f"select count(*) {of}")
        if count:
            shown = log.tuples(f"select r.{invariant.column} {of} limit {_EXAMPLES}")
            yield Broken(invariant, count, tuple(str(value) for (value,) in shown))


def mend(log: Log, invariant: Invariant) -> int:
    """Mend the rows that break a rule, with its statement, and return how many did. Call it inside `log.writing()`."""
    which = condition(log, invariant)
    if which is None or invariant.mend is None:
        return 0
    count = log.value(f"select count(*) from {invariant.table} r where {which}")  # noqa: S608
    log.run(invariant.mend.format(table=invariant.table, broken=which))
    return int(count)


def _tables(log: Log, invariants: Collection[Invariant]) -> dict[str, frozenset[str]]:
    """Return the columns of all tables that these rules ask for, with one query."""
    named = {table for one in invariants for table in (one.table, *one.needs)}
    return log.columns_of({*named, *_TURNS, *_THREADS})


def condition(log: Log, invariant: Invariant) -> str | None:
    """Return the condition for a log, with the tables that it has; None if it lacks one that the rule needs."""
    return _condition(_tables(log, [invariant]), invariant)


def _condition(there: Mapping[str, frozenset[str]], invariant: Invariant) -> str | None:
    if not there[invariant.table] >= {invariant.column}:
        return None
    if not all(there[table] for table in invariant.needs):
        return None
    names: dict[str, Any] = {
        word: _there(there, tables, f"r.{invariant.column}")
        for word, tables in (("turn", _TURNS), ("thread", _THREADS))
        if f"{{{word}}}" in invariant.broken
    }
    return invariant.broken.format(**names)


def _there(there: Mapping[str, frozenset[str]], tables: Mapping[str, str], value: str) -> str:
    """Return a condition: one of these tables has a row with this id."""
    found = [
        f"exists (select 1 from {table} x where x.{id_} = {value})"  # noqa: S608  constants
        for table, id_ in tables.items()
        if there[table]
    ]
    return f"({' or '.join(found) or '0'})"
