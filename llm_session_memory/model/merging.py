"""What a merge of two logs did, or would do. No prompt needs these, so import them from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Merged:
    """What a merge added and changed.

    `conversations`, `turns`, `messages`, `fragments` and `attachments` are the numbers of what is new to the log.
    `sessions` has each new session: its name in the other log, and its name here. `branches` are the conversations that
    continued in both logs: the names of the sessions (or ids of the threads) that they are now, the one that kept the
    thread first. `changed` are the settings, notes and so on that were newer in the other log, `conflicts` the rows
    that lost and are kept. `deleted` are the exchanges that the other log had deleted, `left_out` those that this log
    had. `stayed` says why something that was deleted in the other log is still here, a sentence each.
    """

    conversations: int = 0
    turns: int = 0
    messages: int = 0
    fragments: int = 0
    attachments: int = 0
    sessions: tuple[tuple[str, str], ...] = ()
    branches: tuple[tuple[str, ...], ...] = ()
    changed: int = 0
    conflicts: int = 0
    deleted: int = 0
    left_out: int = 0
    stayed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conflict:
    """A row that lost to a newer one when logs were merged.

    `kind` says what it is (session, name, project, rating, other rating, bookmark, fact, title, group,
    vote, snapshot), `name` is the session's
    name or the thread's id, `key` what it is about: the number of an exchange, the key of a fact, the name of a
    project, or empty. `row` has the values that lost, and `changed_utc` is when they were set, or empty. `machine` and
    `person` say where they were set and by whom, and are empty if that is not known.
    """

    kind: str
    thread_id: str
    name: str
    key: str
    row: Mapping[str, Any] = field(default_factory=dict)
    changed_utc: str = ""
    merged_utc: str = ""
    machine: str = ""
    person: str = ""
