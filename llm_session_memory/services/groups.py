"""Use cases for groups of conversations, and for comparing conversations or models with each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..errors import NameRefused, NoSuchSession, SessionError
from ..model.groups import Group
from ..rules import names
from ..store import groups as store
from .conversations import Conversations
from .desk import Desk

if TYPE_CHECKING:
    from ..insight.comparing.values import Verdict
    from ..reader.compared import By, Compared, Matching


class Groups:
    """The groups of a log. Sessions are given by name, conversations without a name by id."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = store.Groups(desk.log)
        self._conversations = Conversations(desk)

    def list(self) -> Sequence[Group]:
        """Return all groups by name."""
        return self._store.groups()

    def names(self) -> Sequence[str]:
        """Return the names of all groups."""
        return self._store.names()

    def get(self, name: str) -> Group:
        """Return the group of that name. Raises NoSuchSession, suggesting a similar name if there is one."""
        found = self._store.group(name)
        if found is None:
            near = names.near(name, self._store.names())
            hint = f"List groups with: {self._desk.command('compare', 'list')}"
            raise NoSuchSession(f"Group “{name}” not found.", f"Did you mean “{near}”? {hint}" if near else hint)
        return found

    def create(self, name: str, references: Iterable[str]) -> Group:
        """Make a group of conversations. Raises NameRefused if the name breaks the rules or is taken, NoSuchSession."""
        kept = names.check(name, "group")
        thread_ids = self._threads(references)
        self._desk.prepare()
        with self._desk.writing():
            taken = self._store.group(kept)
            if taken is not None:
                add = self._desk.command("compare", "add", taken.name)
                raise NameRefused(f"Group “{taken.name}” already exists.", f"Add sessions to it with: {add} SESSION")
            self._store.make(kept, self._desk.timestamp())
            self._store.add(kept, thread_ids, self._desk.now())
        return self.get(kept)

    def add(self, name: str, references: Iterable[str]) -> int:
        """Add conversations to a group; return how many were not in it. Raises NoSuchSession."""
        self.get(name)
        thread_ids = self._threads(references)
        self._desk.prepare()
        with self._desk.writing():
            return self._store.add(self.get(name).name, thread_ids, self._desk.now())

    def take_out(self, name: str, references: Iterable[str]) -> Group:
        """Take conversations out of a group; they stay in the log. Raises NoSuchSession if one is not in it."""
        group, wanted = self.get(name), list(references)
        thread_ids = self._threads(wanted)
        for reference, thread_id in zip(wanted, thread_ids, strict=True):
            if thread_id not in group.thread_ids:
                show = self._desk.command("compare", "show", group.name)
                raise NoSuchSession(f"“{reference}” is not in the group “{group.name}”.", f"See what is in it: {show}")
        with self._desk.writing():
            self._store.take_out(group.name, thread_ids)
        return self.get(name)

    def delete(self, name: str) -> Group:
        """Delete a group and return it; its conversations stay in the log. Raises NoSuchSession."""
        group = self.get(name)
        with self._desk.writing():
            self._store.delete(group.name)
        return group

    def compared(
        self,
        references: Sequence[str] = (),
        *,
        group: str | None = None,
        by: By = "session",
        matching: Matching = "prompt",
    ) -> tuple[Compared, Verdict]:
        """Return the answers of conversations side by side, and what they show. Writes nothing.

        Args:
            references: names of sessions, or ids of conversations
            group: the name of a group, whose members come before these
            by: whether the sides are the conversations, or the models that answered in them
            matching: which answers belong together: those to the same prompt, or those with the same number

        Raises:
            NoSuchSession: a session or the group doesn't exist.
            SessionError: there are fewer than two sides, or too many.
        """
        from ..insight.comparing.verdict import verdict
        from ..reader.comparison import compared
        from ..reader.open_log import opened

        kept = self.get(group) if group is not None else None
        threads = [*(kept.thread_ids if kept else ()), *self._threads(references)]
        if kept is not None and not threads:
            add = self._desk.command("compare", "add", kept.name)
            raise SessionError(f"The group “{kept.name}” has no sessions.", f"Add some with: {add} SESSION ...")
        with opened(self._desk.path) as source:
            found = compared(source, threads, by=by, matching=matching, group=kept.name if kept else None)
        return found, verdict(found)

    def _threads(self, references: Iterable[str]) -> Sequence[str]:
        return [self._conversations.get(one).thread_id for one in references]
