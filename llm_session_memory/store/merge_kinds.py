"""The tables that people change, as values: what names a row, when it was changed, and what can differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A table that people change.

    `keys` name a row, `key` is the same without the thread as memory_changes has it, `time` is the column with the time
    of the last change (None: only memory_changes knows), `values` are the columns that can differ. Without values, all
    that counts is whether a row exists. `numbered`: the rows have numbers, which are in the order of the times.
    `theirs`: where the other log's rows are, if not in its table of this name. `near`: a condition that lets an index
    find the row of a change, if `key` alone doesn't.
    """

    name: str
    table: str
    keys: tuple[str, ...]
    key: str
    time: str | None = None
    values: tuple[str, ...] = ()
    numbered: bool = False
    theirs: str = ""
    near: str = ""

    @property
    def source(self) -> str:
        """The other log's table of these rows."""
        return self.theirs or f"other.{self.table}"

    def thread(self, row: str) -> str:
        """Return the expression for a row's thread, as memory_changes has it."""
        return f"{row}.thread_id" if "thread_id" in self.keys else "''"

    def same_change(self, change: str, row: str) -> str:
        """Return the condition that a row of memory_changes is about a row."""
        key = self.key.format(row=row)
        return f"{change}.kind = '{self.name}' and {change}.thread_id = {self.thread(row)} and {change}.key = {key}"

    def at(self, row: str, change: str) -> str:
        """Return the expression for a row's time: its own or that of its change, whichever is later."""
        own = f"coalesce({row}.{self.time}, '')" if self.time else "''"
        return f"max({own}, coalesce(case when {change}.removed then '' else {change}.changed_utc end, ''))"

    def json(self, row: str) -> str:
        """Return the expression for a row's values, by which rows of the same time are ordered."""
        return f"json_array({', '.join(f'{row}.{name}' for name in self.values)})"

    def fields(self, row: str) -> str:
        """Return the expression for a row's values with their names."""
        pairs = (f"'{name}', {row}.{name}" for name in self.values)
        return f"json_object({', '.join(pairs)})"

    def on(self, one: str, other: str) -> str:
        """Return the condition that two rows are the same one."""
        return " and ".join(f"{one}.{name} = {other}.{name}" for name in self.keys)

    def among(self, table: str) -> str:
        """Return the condition that the keys of a row are in a table."""
        names = ", ".join(self.keys)
        return f"({names}) in (select {names} from {table})"  # noqa: S608  constants


_NOTE = "{row}.created_utc || ' ' || length({row}.text)"
_VOTE = "{row}.a_turn_id || ' ' || {row}.b_turn_id"
_RATED = ("mark", "note")

KINDS = (
    Kind("pin", "memory_pins", ("thread_id", "turn_id"), "{row}.turn_id", "pinned_utc"),
    Kind("undo", "memory_undone", ("thread_id", "turn_id"), "{row}.turn_id", "undone_utc"),
    Kind("tag", "memory_tags", ("thread_id", "tag_key"), "{row}.tag_key"),
    Kind("fact", "memory_meta", ("thread_id", "key"), "{row}.key", None, ("value",)),
    Kind(
        *("rating", "memory_ratings", ("thread_id", "turn_id"), "{row}.turn_id", "rated_utc", _RATED),
        theirs="temp.merge_own_ratings",
    ),
    Kind(
        *("other rating", "memory_other_ratings", ("thread_id", "turn_id", "person")),
        *("{row}.turn_id || ' ' || {row}.person", "rated_utc", _RATED),
        theirs="temp.merge_other_ratings",
    ),
    Kind("bookmark", "memory_bookmarks", ("thread_id", "turn_id"), "{row}.turn_id", "created_utc", ("label",)),
    Kind("title", "memory_titles", ("thread_id",), "''", "made_utc", ("title", "author")),
    Kind("origin", "memory_origins", ("thread_id",), "''", "imported_utc"),
    Kind("group", "memory_groups", ("name_key",), "{row}.name_key", "created_utc", ("name",)),
    Kind("member", "memory_group_members", ("name_key", "thread_id"), "{row}.name_key", "added_utc"),
    Kind(
        *("vote", "memory_votes", ("a_turn_id", "b_turn_id"), _VOTE, "voted_utc", ("better", "blind")),
        near="{row}.a_turn_id = substr({change}.key, 1, instr({change}.key, ' ') - 1)",
    ),
    Kind(
        *("snapshot", "memory_snapshots", ("thread_id", "label_key"), "{row}.label_key", "made_utc"),
        values=("label", "turn_id", "state_json"),
        numbered=True,
    ),
    Kind(
        *("note", "memory_notes", ("thread_id", "created_utc", "author", "text"), _NOTE, "created_utc"), numbered=True
    ),
    Kind("note", "memory_global_notes", ("created_utc", "author", "text"), _NOTE, "created_utc", numbered=True),
    Kind(
        *("summary", "memory_summaries", ("thread_id", "made_utc", "first_turn_id", "last_turn_id", "text")),
        *("{row}.made_utc", "made_utc"),
        numbered=True,
    ),
)
