"""All use cases of one log in one object, for the skins and the Python API."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .desk import Clock, Desk, now_utc
from .record import Record
from .requests import Requests

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from .backup import Backups
    from .conversations import Conversations
    from .costs import Costs
    from .deletion import Deletion
    from .forks import Forks
    from .groups import Groups
    from .indexing import Indexing
    from .jobs import Jobs
    from .maintenance import Maintenance
    from .merging import Merging
    from .notes import Notes
    from .projects import Projects
    from .ratings import Ratings
    from .remembered import Remembered
    from .remotes import Remotes
    from .reruns import Reruns
    from .retention import Retention
    from .search import Search
    from .secrets import Secrets
    from .sessions import Sessions
    from .several import Several
    from .snapshots import Snapshots
    from .stats import Stats
    from .titles import Titles
    from .undoing import Undoing
    from .votes import Votes


class Services:
    """The use cases of one log, grouped by subject; a context manager that closes the file.

    `desk` is what they share: the clock, hints, and the log itself, for the layers that write through llm.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.requests = Requests(desk)
        self.record = Record(desk)

    @cached_property
    def notes(self) -> Notes:
        """What is kept with a conversation. Imported late: a prompt reads it through the store."""
        from .notes import Notes

        return Notes(self.desk, self.requests)

    @cached_property
    def sessions(self) -> Sessions:
        """The sessions. Imported late: a prompt in a session that exists finds it through the desk."""
        from .sessions import Sessions

        return Sessions(self.desk, self.requests, self.notes)

    @cached_property
    def costs(self) -> Costs:
        """What sessions have cost, and their budgets. Imported late: only prompts of sessions with a budget need it."""
        from .costs import Costs

        return Costs(self.desk)

    @cached_property
    def projects(self) -> Projects:
        """Projects. Imported late: only a prompt that creates a session in a project needs them."""
        from .projects import Projects

        return Projects(self.desk)

    @cached_property
    def ratings(self) -> Ratings:
        """Ratings and bookmarks. Imported late, because no prompt needs them."""
        from .ratings import Ratings

        return Ratings(self.desk)

    @cached_property
    def deletion(self) -> Deletion:
        """Deletion of conversations and exchanges: `plan(...)` and `delete(...)`. No prompt needs it."""
        from .deletion import Deletion

        return Deletion(self.desk)

    @cached_property
    def backups(self) -> Backups:
        """Copies of the whole log. Imported late, because no prompt needs them."""
        from .backup import Backups

        return Backups(self.desk)

    @cached_property
    def maintenance(self) -> Maintenance:
        """Upkeep of the log's file, and migrations. Imported late, because no prompt needs it."""
        from .maintenance import Maintenance

        return Maintenance(self.desk)

    @cached_property
    def undoing(self) -> Undoing:
        """Undo and redo. Imported late, because no prompt needs it."""
        from .undoing import Undoing

        return Undoing(self.desk)

    @cached_property
    def forks(self) -> Forks:
        """Sessions that share the exchanges of others. Imported late, because few prompts make one."""
        from .forks import Forks

        return Forks(self.desk)

    @cached_property
    def conversations(self) -> Conversations:
        """All conversations, with a name and without. Imported late, because no prompt needs them."""
        from .conversations import Conversations

        return Conversations(self.desk)

    @cached_property
    def groups(self) -> Groups:
        """Groups of conversations, and comparing them: `groups.compared(...)`. No prompt needs it."""
        from .groups import Groups

        return Groups(self.desk)

    @cached_property
    def snapshots(self) -> Snapshots:
        """Named points of sessions. Imported late, because no prompt needs them."""
        from .snapshots import Snapshots

        return Snapshots(self.desk, self.undoing)

    @cached_property
    def retention(self) -> Retention:
        """Deletes old conversations, if that is set. Imported late: a prompt needs it once a day."""
        from .retention import Retention

        return Retention(self.desk, self.deletion)

    @cached_property
    def indexing(self) -> Indexing:
        """Brings the index of a session up to date at once. Imported late, because no prompt needs it."""
        from .indexing import Indexing

        return Indexing(self.desk)

    @cached_property
    def merging(self) -> Merging:
        """Merges other logs into this one. Imported late, because no prompt needs it."""
        from .merging import Merging

        return Merging(self.desk)

    @cached_property
    def remotes(self) -> Remotes:
        """The remotes that this log knows. Imported late, because no prompt needs them."""
        from .remotes import Remotes

        return Remotes(self.desk)

    @cached_property
    def reruns(self) -> Reruns:
        """Sessions that are asked again. Imported late, because no prompt needs them."""
        from .reruns import Reruns

        return Reruns(self.desk, self.jobs)

    @cached_property
    def jobs(self) -> Jobs:
        """Jobs and their items: many prompts. Imported late, because no single prompt needs them."""
        from .jobs import Jobs

        return Jobs(self.desk)

    def remembered(self, name: str) -> Remembered:
        """Return everything that is remembered for the prompts of a session: notes, pins, summary, sources of recall.

        Writes nothing. Raises NoSuchSession.
        """
        from .remembered import remembered

        return remembered(self.desk, name)

    @cached_property
    def search(self) -> Search:
        """The full-text search: `search(...)`. Imported late, because no prompt needs it."""
        from .search import Search

        return Search(self.desk)

    @cached_property
    def secrets(self) -> Secrets:
        """Keys, tokens and passwords in the log. Imported late, because no prompt needs them."""
        from .secrets import Secrets

        return Secrets(self.desk)

    @cached_property
    def titles(self) -> Titles:
        """One-line titles of conversations. Imported late, because few prompts need them."""
        from .titles import Titles

        return Titles(self.desk)

    @cached_property
    def several(self) -> Several:
        """Several models that are asked the same prompt. Imported late, because no other prompt needs it."""
        from .several import Several

        return Several(self.desk, self.sessions, self.forks, self.groups, self.deletion)

    @cached_property
    def votes(self) -> Votes:
        """Which answers people found better. Imported late, because no prompt needs them."""
        from .votes import Votes

        return Votes(self.desk)

    @classmethod
    def open(cls, path: Path, *, now: Clock = now_utc, typed: str | None = None) -> Services:
        """Open an existing log. `typed` is the -d option as the person gave it. Raises LogUnusable."""
        return Services(Desk.open(path, now, typed))

    @property
    def path(self) -> Path:
        """The log's file."""
        return self.desk.path

    def stats(
        self,
        session: str | None = None,
        *,
        since: str | None = None,
        until: str | None = None,
        model: str | None = None,
        project: str | None = None,
    ) -> Stats:
        """Return statistics of all conversations, of one session, or of a project's sessions.

        They are about tokens, cost, speed, pruning and recall. `since` and `until` are days (`YYYY-MM-DD`, both
        included); `model` is an id. Raises NoSuchSession.
        """
        from .stats import stats

        return stats(self.desk, session, since, until, model, project)

    def writing(self) -> AbstractContextManager[None]:
        """Hold one transaction for writes that belong together."""
        return self.desk.writing()

    def close(self) -> None:
        """Close the file."""
        self.desk.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
