"""Use cases for retention: conversations that have not been used for long are deleted, if a person wants that.

It is off unless set. Old conversations are deleted at most once a day, after a prompt in a session. It is said first
which ones, a day before. Conversations with a pin, tag, bookmark or snapshot, archived sessions and imports stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..errors import SessionError
from ..model import Conversation, Filters, Target
from ..rules import retention as rules
from ..rules.ulids import is_imported
from ..rules.words import counted
from ..store import conversations, log_settings, projects
from .deletion import Deletion
from .desk import Desk
from .projects import Projects

DAYS, NEXT, REPORTED = "retention.days", "retention.next_utc", "retention.reported_utc"

NEVER = 0
"""The days of a project whose conversations are always kept."""

_MOST = 500
"""The most conversations that are deleted after one prompt, the longest unused first; the others go the next day."""


@dataclass(frozen=True)
class Keeping:
    """How many days conversations are kept (None: for ever), and those of projects with their own limit, by name.

    `next_utc` is when old ones are looked for again at the earliest. If it was not said yet which ones would go
    (`reported_utc` is None), that comes first.
    """

    days: int | None = None
    projects: Mapping[str, int] = field(default_factory=dict)
    next_utc: str | None = None
    reported_utc: str | None = None

    @property
    def shortest(self) -> int | None:
        """The least number of days that any conversation is kept, or None if all are kept for ever."""
        limits = [days for days in (self.days, *self.projects.values()) if days]
        return min(limits, default=None)


class Retention:
    """Deletes the old conversations of a log."""

    def __init__(self, desk: Desk, deletion: Deletion) -> None:
        self._desk = desk
        self._deletion = deletion

    def keeping(self) -> Keeping:
        """Return what is set."""
        log = self._desk.log
        days = log_settings.get(log, DAYS)
        limits = {one.project.name: one.project.retention_days for one in Projects(self._desk).list()}
        return Keeping(
            int(days) if days else None,
            {name: limit for name, limit in limits.items() if limit is not None},
            log_settings.get(log, NEXT),
            log_settings.get(log, REPORTED),
        )

    def set(self, days: int | None, project: str | None = None) -> Keeping:
        """Keep conversations this many days after their last use (None: as long as all others, or for ever).

        With a project, only those of its sessions; NEVER means that they are always kept. Raises NoSuchSession.
        """
        self._desk.prepare()
        with self._desk.writing():
            log = self._desk.log
            if project is not None:
                Projects(self._desk).set(project, retention_days=days)
            elif days is None:
                log_settings.remove(log, DAYS)
            else:
                log_settings.put(log, DAYS, str(days))
            log_settings.remove(log, REPORTED)
            if self.keeping().shortest is None:
                log_settings.remove(log, NEXT)
            else:
                log_settings.put(log, NEXT, self._desk.timestamp())
        return self.keeping()

    def old(self, present: str | None = None) -> Sequence[Conversation]:
        """Return the conversations that are old enough to go, the longest unused first, but not the present thread."""
        kept, log, now = self.keeping(), self._desk.log, self._desk.now()
        if kept.shortest is None:
            return []
        apart: dict[str, set[str]] = {}
        for name in kept.projects:
            apart[name] = projects.threads(log, Filters(project=name)) or set()
        found: list[Conversation] = []
        if kept.days:
            others = set().union(*apart.values())
            filters = Filters(until=rules.limit(now, kept.days))
            found += [one for one in conversations.conversations(log, filters) if one.thread_id not in others]
        for name, days in kept.projects.items():
            if days != NEVER:
                found += conversations.conversations(log, Filters(project=name, until=rules.limit(now, days)))
        stays = conversations.cherished(log) | {present}
        return [one for one in found if one.thread_id not in stays and not is_imported(one.thread_id)]

    def run(self, present: str, before_turn: str, kept_fragments: Sequence[int] = ()) -> str | None:
        """Delete what is old, or say what would go; return a sentence for the person, or None if there is nothing.

        Args:
            present: The thread that has just been used.
            before_turn: The first turn that has just been logged in it.
            kept_fragments: Numbers of fragments that stay, because templates name them.
        """
        now = self._desk.now()
        if not self._claimed(now):
            return None
        kept, old = self.keeping(), self.old(present)
        days = kept.shortest
        if days is None or not old:
            return None
        stop = f"Stop it with: {self._desk.command('retention', 'off')}"
        if kept.days is None:  # only projects have a limit
            stop = f"See: {self._desk.command('retention')}"
        doubt = rules.distrusted(now, conversations.newest_utc(self._desk.log, before_turn), days)
        if doubt is not None:
            return f"nothing old was deleted, because {doubt}. Check the clock. {stop}"
        if kept.reported_utc is None:
            with self._desk.writing():
                log_settings.put(self._desk.log, REPORTED, now.isoformat())
            begins = (now + rules.EVERY).astimezone().strftime("%Y-%m-%d %H:%M")
            what = f"{counted(len(old), 'conversation')} not used for {_days(kept)} will be deleted"
            return f"{what} with the next prompt after {begins}. {stop}"
        targets = [Target(one.thread_id) for one in old[:_MOST]]
        done = self._deletion.delete(targets, kept_fragments=kept_fragments)
        gone = done.amounts.conversations
        rest = f" {len(old) - _MOST:,} more follow tomorrow." if len(old) > _MOST else ""
        return f"deleted {counted(gone, 'conversation')} not used for {_days(kept)}.{rest} {stop}" if gone else None

    def _claimed(self, now: datetime) -> bool:
        """Return whether this process is the one to look for old conversations today, and keep others from it."""
        with self._desk.writing():
            due = log_settings.get(self._desk.log, NEXT)
            if not is_due(due, now):
                return False
            log_settings.put(self._desk.log, NEXT, (now + rules.EVERY).isoformat())
        return True


def is_due(next_utc: str | None, now: datetime) -> bool:
    """Return whether it is time to look for old conversations: also if the clock has gone back by more than a day."""
    if next_utc is None:
        return False
    try:
        next_ = datetime.fromisoformat(next_utc)
    except ValueError as error:
        hint = "Set the time for retention again: llm sessions retention TIME"
        raise SessionError(f"The log's setting {NEXT} is not a time.", hint) from error
    return now >= next_ or next_ - now > 2 * rules.EVERY


def _days(kept: Keeping) -> str:
    """Return how long conversations are kept, in words."""
    limits = sorted({days for days in (kept.days, *kept.projects.values()) if days})
    return " or ".join(counted(days, "day") for days in limits)
