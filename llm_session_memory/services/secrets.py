"""Use cases for secrets in a log: find them, and say which conversation and exchange has each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..model import Redacted, Secret, SecretPlace
from ..rules.secrets import RULES, hinted, matches, texts_of
from ..store import secret_places, secret_texts
from ..store.log import Log
from .desk import Desk
from .secret_rules import more

Progress = Callable[[int], object]
"""Called with the number of rows that were looked at."""

_WHERE = {
    ("turn_search", "prompt"): "prompt",
    ("turn_search", "response"): "reply",
    ("turns", "response_json"): "raw reply",
    ("turns", "options_json"): "options",
    ("threads", "name"): "llm's name of the conversation",
    ("conversations", "name"): "llm's name of the conversation",
    ("responses", "prompt"): "prompt",
    ("responses", "system"): "system prompt",
    ("responses", "prompt_json"): "raw prompt",
    ("responses", "response_json"): "raw reply",
    ("responses", "options_json"): "options",
    ("responses", "response"): "reply",
    ("responses", "reasoning"): "reasoning",
    ("tool_calls", "arguments"): "tool call",
    ("tool_results", "output"): "tool result",
    ("tool_results", "exception"): "tool result",
    ("tool_instances", "arguments"): "settings of a toolbox",
    ("fragments", "content"): "fragment",
    ("fragments", "source"): "name of a fragment",
    ("attachments", "content"): "attachment",
    ("attachments", "url"): "URL of an attachment",
    ("memory_sessions", "name"): "name",
    ("memory_sessions", "system"): "system prompt",
    ("memory_sessions", "options_json"): "options",
    ("memory_attempts", "prompt"): "failed prompt",
    ("memory_attempts", "partial"): "reply of a failed prompt",
    ("memory_attempts", "error"): "error of a failed prompt",
    ("memory_attempts", "request_json"): "request of a failed prompt",
    ("memory_originals", "messages_json"): "tool result in full",
    ("memory_notes", "text"): "note",
    ("memory_global_notes", "text"): "note for all sessions",
    ("memory_meta", "key"): "name of a fact",
    ("memory_meta", "value"): "fact",
    ("memory_tags", "tag"): "tag",
    ("memory_ratings", "note"): "note of a rating",
    ("memory_other_ratings", "note"): "note of somebody else’s rating",
    ("memory_shared_names", "name"): "name of a session on other machines",
    ("memory_bookmarks", "label"): "bookmark",
    ("memory_summaries", "text"): "summary",
    ("memory_snapshots", "state_json"): "snapshot",
    ("memory_snapshots", "label"): "name of a snapshot",
    ("memory_titles", "title"): "title",
    ("memory_projects", "name"): "name of a project",
    ("memory_projects", "options_json"): "options of a project",
    ("memory_projects", "system"): "system prompt of a project",
    ("memory_jobs", "name"): "name of a job",
    ("memory_jobs", "reason"): "reason that a job stopped",
    ("memory_jobs", "settings_json"): "settings of a job",
    ("memory_jobs", "definition"): "workflow",
    ("memory_jobs", "inputs_json"): "inputs of a workflow",
    ("memory_job_items", "input_json"): "prompt of a job",
    ("memory_job_items", "needs_json"): "item of a job",
    ("memory_job_items", "error"): "error of a prompt of a job",
    ("memory_job_items", "output_json"): "output of a step",
    ("memory_groups", "name"): "name of a group",
    ("memory_conflicts", "row_json"): "row that a merge left out",
    ("memory_recalls", "words_json"): "words of a prompt",
}
"""How places are called. Another column is named as it is in the database."""

_ROLES = {"user": "prompt", "assistant": "reply", "tool": "tool result", "system": "system prompt"}


class SecretHit(NamedTuple):
    """A secret in a row: its value and kind, the table and column, and whose row it is."""

    value: str
    kind: str
    table: str
    column: str
    owner: Any


class Secrets:
    """The secrets of a log."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def has_package(self) -> bool:
        """Return whether the rules of the extra `secrets` are used beside our own."""
        return more() is not None

    def find(self, thread_id: str | None = None, progress: Progress | None = None) -> list[Secret]:
        """Return the secrets of a log, or of one conversation, in the order of conversations and exchanges.

        Nothing is written, so the log may be read-only.

        Args:
            thread_id: The conversation: its messages as they were sent, and everything that is kept about it.
            progress: Called with the number of rows that were looked at, after each portion.
        """
        return _find(self._desk, thread_id, progress)

    def plan(self, found: Sequence[Secret]) -> Redacted:
        """Return what `redact` would replace, without changing anything. The log may be read-only."""
        from .redaction import plan

        return plan(self._desk, found)

    def back_up(self, say: Callable[[str], None] = lambda _text: None) -> Path:
        """Copy the log to a file beside it that only its owner can read. It has the secrets. Raises LogUnusable."""
        from .redaction import backed_up

        return backed_up(self._desk, say)

    def redact(self, found: Sequence[Secret], say: Callable[[str], None] = lambda _text: None) -> Redacted:
        """Replace secrets everywhere in the log, in one transaction, and rewrite its file without their bytes.

        llm's hashes stay valid. Requests that had a secret are marked as changed.

        Args:
            found: The secrets, as `find` returned them. They are replaced in all conversations.
            say: Called with what is being done, in a few words.

        Raises:
            SessionError: Another process is sending a prompt in a session that has one. Nothing was changed.
            LogUnusable: The log can't be written; or its secrets are replaced, and its file can't be rewritten now.
        """
        from .redaction import redact

        return redact(self._desk, found, say)


def _find(desk: Desk, thread_id: str | None, progress: Progress | None) -> list[Secret]:
    log = desk.log
    if not log.columns("turns"):
        log.check_shape()
    with secret_places.reached(log, thread_id):
        hits = list(_hits(log, thread_id, progress))
        return _Places(log, thread_id).sorted(hits) if hits else []


def _hits(log: Log, thread_id: str | None, progress: Progress | None) -> Iterator[SecretHit]:
    done = 0
    find_more = more()
    for texts in secret_texts.tables(log):
        where = secret_places.narrowing(texts, thread_id)
        if where is None:
            continue
        for rows in secret_texts.portions(log, texts, where, {"thread_id": thread_id}):
            joined = "\x00".join(secret_texts.as_text(one) for _, _, values in rows for one in values if one)
            rules = hinted(joined, RULES)
            for _, owner, values in rows:
                for (column, is_json), value in zip(texts.columns, values, strict=True):
                    for text in texts_of(secret_texts.as_text(value), is_json=is_json):
                        for one in matches(text, hinted(text, rules), find_more):
                            yield SecretHit(text[one.start : one.end], one.kind, texts.table, column, owner)
            done += len(rows)
            if progress:
                progress(done)


class _Places:
    """Says where hits are: in which conversation, and in which exchange."""

    def __init__(self, log: Log, thread_id: str | None) -> None:
        self._log, self._only = log, thread_id
        self._threads = secret_places.SecretThreads(log, thread_id)

    def sorted(self, hits: Sequence[SecretHit]) -> list[Secret]:
        """Return secrets, each once, with their places."""
        kinds: dict[str, str] = {}
        places: dict[str, dict[SecretPlace, None]] = defaultdict(dict)
        repeated: dict[str, set[str]] = defaultdict(set)
        for hit in hits:
            kinds.setdefault(hit.value, hit.kind)
        for hit, where, turn_id, thread_id, is_own in self._placed(hits):
            if is_own:
                places[hit.value].setdefault(self._threads.place(where, turn_id, thread_id))
            elif turn_id:
                repeated[hit.value].add(turn_id)
        for value, turn_ids in repeated.items():
            if value not in places:  # as in a history that was pruned, and whose exchange was deleted
                places[value].setdefault(self._threads.place("request", min(turn_ids), None))
        found = [Secret(kinds[value], value, tuple(sorted(some, key=_order))) for value, some in places.items()]
        return sorted(found, key=lambda one: _order(one.places[0]))

    def _placed(self, hits: Iterable[SecretHit]) -> Iterator[tuple[SecretHit, str, str | None, str | None, bool]]:
        """Yield each hit with where it is, the turn and the conversation, and whether it was said there."""
        shared: dict[str, list[SecretHit]] = defaultdict(list)
        for hit in hits:
            if hit.table in secret_places.SHARED:
                shared[hit.table].append(hit)
            else:
                where = _WHERE.get((hit.table, hit.column), f"{hit.table}.{hit.column}")
                turn_id, thread_id = self._threads.owner(hit.table, hit.owner)
                yield hit, where, turn_id, thread_id, True
        for table, some in shared.items():
            users = secret_places.users(self._log, table, {hit.owner for hit in some})
            for hit in some:
                named = _WHERE.get((hit.table, hit.column))
                if not users.get(hit.owner):
                    yield hit, named or f"{hit.table}.{hit.column}", None, None, True
                for use in users.get(hit.owner, ()):
                    if self._only is None or self._threads.has(use.turn_id):
                        is_own = use.is_own or use.role == "system" or named is not None
                        yield hit, named or _ROLES.get(use.role, use.role), use.turn_id, None, is_own


def _order(place: SecretPlace) -> tuple[Any, ...]:
    return place.name, place.thread_id or "", place.number or 0, place.turn_id or "", place.where
