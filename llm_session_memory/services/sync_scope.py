"""Which conversations may go to a remote, which are held back and why, and which of them belong together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..errors import SessionError
from ..model.remotes import RemoteSettings
from ..rules import names, recall_from
from ..rules.syncing import lineage
from ..store import sealing
from ..store import sync_scope as store
from ..store.log import Log


@dataclass(frozen=True)
class Eligible:
    """The conversations of a log, as far as a remote is concerned.

    `going` are those that belong there: sessions, what went there before, and what these were forked from; with
    `everything`, all. `held` has the reason for each one that never goes, `names` and `projects` the names of
    sessions and the keys of their projects by thread.
    `here` are all conversations of the log, and `sealed` the sessions that were sealed, with their names. `origins`
    says what each fork comes from, and `related` has all pairs of threads that share exchanges, `branches` those of a
    branch and the thread that it was set apart from. `hidden` are threads
    with votes that also name an answer in one that is held back. `kept` are calls that were deleted elsewhere and stay
    here in a fork, with their conversations.
    """

    going: frozenset[str]
    held: Mapping[str, str]
    names: Mapping[str, str]
    projects: Mapping[str, str | None]
    here: frozenset[str]
    sealed: Mapping[str, str]
    origins: Mapping[str, Collection[str]]
    related: tuple[tuple[str, str], ...]
    branches: tuple[tuple[str, str], ...]
    hidden: frozenset[str]
    kept: Mapping[str, str]

    @property
    def special(self) -> frozenset[str]:
        """The conversations of which a part is left out when they are sent."""
        return self.hidden | self.beside_kept

    @cached_property
    def beside_kept(self) -> frozenset[str]:
        """The conversations with calls that were deleted elsewhere, and those that share exchanges with these.

        Their own rows, such as votes, may name such a call.
        """
        return frozenset(kin(self, self.kept.values())) if self.kept else frozenset()


def eligible(log: Log, settings: RemoteSettings, *, everything: bool = False) -> Eligible:
    """Find out which conversations belong on a remote."""
    sessions = store.sessions(log)
    here = store.conversations(log)
    forks, branches = store.forks(log), store.branches(log)
    held = _held(log, settings, sessions, here, forks, branches)
    origins: dict[str, list[str]] = defaultdict(list)
    for one, other in (*forks, *branches):
        origins[one].append(other)
    wanted = {one.thread_id for one in sessions} | store.known(log, names.key(settings.name))
    wanted = here if everything else wanted & here
    going = (lineage(wanted - held.keys(), origins) & here) - held.keys()
    hidden = {a for a, b in store.compared(log) if b in held and a not in held} if held else set()
    return Eligible(
        frozenset(going),
        held,
        {one.thread_id: one.name for one in sessions},
        {one.thread_id: one.project for one in sessions},
        frozenset(here),
        {one.thread_id: one.name for one in sealing.sealed(log)},
        origins,
        (*forks, *branches),
        (*branches,),
        frozenset(hidden),
        store.kept(log),
    )


def _held(  # noqa: PLR0913  what it depends on
    log: Log,
    settings: RemoteSettings,
    sessions: Collection[store.NamedSession],
    here: Collection[str],
    forks: store.Pairs,
    branches: store.Pairs,
) -> dict[str, str]:
    """Return the conversations that never go, with the reason: their own, or that of one whose texts they have."""
    held: dict[str, str] = {}
    if settings.project is not None:
        project = names.key(settings.project)
        inside = {one.thread_id for one in sessions if one.project == project}
        held.update(dict.fromkeys(set(here) - inside, "project"))
    held.update(dict.fromkeys(store.tagged(log, [names.key(one) for one in settings.exclude_tags]), "tag"))
    held.update((one.thread_id, "private") for one in sessions if one.private)
    after: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one, other in forks:
        after[other].append((one, "fork"))
    for one, other in branches:
        after[other].append((one, "branch"))
        after[one].append((other, "branch"))
    for one, other in (*store.recalled(log), *_sources(sessions)):
        after[other].append((one, "recall"))
    waiting = [*held]
    while waiting:
        for one, reason in after.get(waiting.pop(), ()):
            if one not in held:
                held[one] = reason
                waiting.append(one)
    return held


def _sources(sessions: Collection[store.NamedSession]) -> Iterator[tuple[str, str]]:
    """Yield each session with those that it recalls from by their names: the setting would tell these names."""
    by_key = {one.name_key: one.thread_id for one in sessions}
    for one in sessions:
        for text in filter(None, (one.recall_from, one.projects_recall_from)):
            try:
                sources = recall_from.read(text)
            except SessionError:  # written by hand
                continue
            for source in sources:
                other = by_key.get(names.key(source.value)) if source.kind == recall_from.NAME else None
                if other is not None and other != one.thread_id:
                    yield one.thread_id, other


def kin(found: Eligible, threads: Iterable[str]) -> set[str]:
    """Return threads with all that share exchanges with them in this log."""
    near: dict[str, list[str]] = defaultdict(list)
    for one, other in found.related:
        near[one].append(other)
        near[other].append(one)
    return lineage(threads, near)
