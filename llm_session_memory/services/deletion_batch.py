"""One batch of a deletion: what goes of it, what stays and why, and what changes with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from ..model import Covering, Stay, Target, Trace
from ..rules.deletion import FORK, Decision, Reason, decide
from ..rules.words import counted
from ..store import Sessions, history
from ..store.deletion import Deletion as Working
from ..store.deletion_beside import covering, drop, name_of, rename, summary_texts
from ..store.deletion_family import DeletionFamily, related, relink, take_out
from ..store.deletion_traces import Traces, recalling
from ..store.tombstones import bury
from .desk import Desk


class DeletionBatch:
    """Some targets that go together. `apply` what was chosen only if nobody has written to the log since `choose`."""

    def __init__(self, desk: Desk, targets: Sequence[Target], going: Collection[str] = ()) -> None:
        """Make a batch. `going` are all conversations that go, in this batch and others."""
        self._desk, self._all, self._going = desk, targets, going
        self._store = Sessions(desk.log)
        some = {target.thread_id: {*target.exchanges} for target in targets if target.exchanges is not None}
        self._ending = {target.thread_id: some.pop(target.thread_id) for target in targets if target.ends}
        self.threads = [target.thread_id for target in targets if target.thread_id not in some]
        self.single = some
        self.number = 0
        self.stays: list[Stay] = []
        self.covering: list[Covering] = []
        self.traces: list[Trace] = []
        self.blanked = 0
        self.moved: list[tuple[str, str, int]] = []
        self.seconds = 0.0
        """How long its transaction took; 0 if nothing was deleted yet."""
        self._files: list[str] = []

    def anew(self) -> DeletionBatch:
        """Return the same batch, with nothing known about it yet."""
        return DeletionBatch(self._desk, self._all, self._going)

    # -- what goes -----------------------------------------------------

    def turns(self) -> Iterator[str]:
        """Yield the turns of the single exchanges, as if nothing else had them."""
        for exchange in (exchange for some in self.single.values() for exchange in some):
            yield from self._family.turns.get(exchange, ())

    @cached_property
    def _family(self) -> DeletionFamily:
        """Those of the targets that may share exchanges, and their relatives."""
        families = related(self._desk.log, [*self.threads, *self.single])
        return DeletionFamily(self._desk.log, {*self.single}.union(*families.values()))

    @cached_property
    def _decision(self) -> Decision:
        whole = [thread_id for thread_id in self.threads if thread_id in self._family.views]
        return decide(self._family.views, whole, self.single)

    def choose(self, working: Working, *, last: bool, blank: bool = False) -> None:
        """Find out what goes. A conversation that another process is sending a prompt in stays.

        `blank`: blank texts that go in the requests that stay, which changes the log.
        """
        self._leave_busy()
        self._leave_continued()
        family, decision = self._family, self._decision
        turns = [turn_id for exchange in decision.gone for turn_id in family.turns[exchange]]
        traces = [self._traces(thread_id) for thread_id in self._losing()]
        self.traces = [one for some in traces for one in self._told(some)]
        for elsewhere, some in self._elsewhere():
            self.traces += elsewhere
            traces.append(some)
        ends: list[str] = []
        if blank:
            ends = [end for some in traces for end in some.blank(self._desk.timestamp())]
            self.blanked = len({one.turn_id for one in self.traces})
        self.number = working.choose(self.threads, turns, family.moved(decision.heirs), ends, last=last)
        self._tell()

    def emptied(self) -> dict[str, tuple[str, ...]]:
        """Return the threads that lose all exchanges of their own, one by one, with what goes of them."""
        views = self._family.views
        return {
            one: (*sorted(some | views[one].own),)
            for one, some in self.single.items()
            if views[one].own and views[one].own <= self._decision.gone
        }

    def _losing(self) -> list[str]:
        """Return the threads that stay and lose exchanges."""
        views = self._family.views
        return [one for one in self.single if self._decision.gone.intersection(views[one].exchanges)]

    def _traces(self, thread_id: str) -> Traces:
        gone = {turn: exchange for exchange in self._decision.gone for turn in self._family.turns[exchange]}
        view = self._family.views[thread_id]
        return Traces(self._desk.log, thread_id, gone, summary_texts(self._desk.log, view, self._decision.gone))

    def _told(self, traces: Traces) -> Iterator[Trace]:
        """Yield the requests that were sent with text that goes."""
        view = self._family.views[traces.thread_id]
        name = self._name(view.thread_id)
        heads = {turn: ids[0] for ids in self._family.turns.values() for turn in ids}
        places = {one: number for number, one in enumerate(self._numbered(view.thread_id), 1)}
        for turn_id, found in traces.requests().items():
            number = places.get(heads.get(turn_id, turn_id), 0)
            for kind, of in found:
                yield Trace(kind, view.thread_id, name, number, turn_id, view.thread_id, name, places.get(of, 0))

    def _elsewhere(self) -> Iterator[tuple[list[Trace], Traces]]:
        """Yield what is told of each other session that was sent excerpts of what goes, with its traces."""
        log, family = self._desk.log, self._family
        whole = {*self.threads}.difference(family.views)
        found = recalling(log, {*self.threads, *self.single, *family.views}, {*self._going, *self.threads})
        if not found:
            return
        gone = {turn: exchange for exchange in self._decision.gone for turn in family.turns[exchange]}
        owners = {exchange: one for one, view in family.views.items() for exchange in view.exchanges}
        numbers = {e: n for one in family.views for n, e in enumerate(self._numbered(one), 1)}
        for thread_id in whole.intersection(one for some in found.values() for one in some):
            every = history.every_exchange(log, thread_id)
            gone.update((turn, ids[0]) for ids in every for turn in ids)
            owners.update(dict.fromkeys(every.first, thread_id))
            numbers.update(history.exchange_turns(log, thread_id).numbers())
        for thread_id in found:
            turns = history.exchange_turns(log, thread_id)
            some = Traces(log, thread_id, gone, {}, only_excerpts=True)
            name = self._name(thread_id)
            yield (
                [
                    Trace(
                        kind,
                        thread_id,
                        name,
                        turns.number_of(turn_id) or 0,
                        turn_id,
                        owners[of],
                        self._name(owners[of]),
                        numbers.get(of, 0),
                    )
                    for turn_id, parts in some.requests().items()
                    for kind, of in parts
                ],
                some,
            )

    def _numbered(self, thread_id: str) -> list[str]:
        """Return the exchanges of a session that have numbers, in order."""
        view = self._family.views[thread_id]
        return [one for one in view.exchanges if one not in view.undone]

    def _leave_busy(self) -> None:
        busy = self._store.attempts.busy()
        for thread_id in [*self.threads, *self.single]:
            if thread_id in busy:
                name = self._name(thread_id)
                why = f"“{name}” stays, because another process is sending a prompt in it."
                hint = "Try again when that prompt is answered, or after you have stopped it."
                self.stays.append(Stay(thread_id, name, (), "busy", "", why, hint))
                self.single.pop(thread_id, None)
        self.threads = [thread_id for thread_id in self.threads if thread_id not in busy]

    def _leave_continued(self) -> None:
        """Let a conversation that should end with its exchanges lose only these, if it has another one by now."""
        for thread_id, exchanges in self._ending.items():
            own = history.own_exchanges(self._desk.log, thread_id).first
            if thread_id in self.threads and not exchanges.issuperset(own):
                self.threads.remove(thread_id)
                self.single[thread_id] = exchanges

    # -- what is told --------------------------------------------------

    def _name(self, thread_id: str) -> str:
        return name_of(self._desk.log, thread_id)

    def _tell(self) -> None:
        groups: dict[tuple[str, str, str], list[str]] = {}
        heirs: Counter[tuple[str, str]] = Counter()
        for reason in self._decision.reasons:
            if reason.thread_id in self.threads and reason.exchange in self._family.views[reason.thread_id].own:
                heirs[reason.thread_id, self._decision.heirs[reason.exchange]] += 1
                continue
            groups.setdefault((reason.thread_id, reason.kind, reason.by), []).append(reason.exchange)
        for (thread_id, kind, by), exchanges in groups.items():
            self.stays.append(self._stay(Reason(thread_id, "", kind, by), exchanges))
        self.moved = [(self._name(one), self._name(heir), count) for (one, heir), count in heirs.items()]
        for thread_id in self._losing():
            view = self._family.views[thread_id]
            self.covering += covering(self._desk.log, view, self._decision.gone, self._name(thread_id))

    def _stay(self, reason: Reason, exchanges: Sequence[str]) -> Stay:
        """Return why exchanges stay, and what to do about it."""
        name, whole = self._name(reason.thread_id), reason.thread_id not in self.single
        numbers = self._numbers(reason.thread_id, exchanges)
        one = len(exchanges) == 1
        what = f"{ranges(numbers) or counted(len(exchanges), 'undone exchange')} of “{name}”"
        stays, them = ("stays", "it") if one else ("stay", "them")
        if reason.kind == FORK:
            by = self._name(reason.by)
            why = f"{what} {stays} in the log, because “{by}” has {them}."
            there = self._numbers(reason.by, exchanges)
            if there or whole:
                words = ("delete", by, *(["--exchange", ranges(there, "")] if there else []))
                hint = f"Delete {them} there too: {self._desk.command(*words)}"
            else:  # undone there, so without a number
                purge = self._desk.command("purge", "--undone")
                hint = f"{'It is' if one else 'They are'} undone there too. Delete {them} from both with: {purge}"
        else:
            by = reason.by
            why = f"{what} {stays} in the log, because the snapshot “{by}” goes back to {them}."
            hint = f"Delete the snapshot first: {self._desk.command('snapshot', name, by, '--delete')}"
        return Stay(
            reason.thread_id, name, tuple(numbers), reason.kind, by, why, hint, undone=bool(numbers) and not whole
        )

    def _numbers(self, thread_id: str, exchanges: Sequence[str]) -> list[int]:
        numbers = {one: number for number, one in enumerate(self._numbered(thread_id), 1)}
        return sorted(numbers[one] for one in exchanges if one in numbers)

    # -- doing it ------------------------------------------------------

    def apply(self, working: Working, *, tombstones: bool) -> None:
        """Delete what was chosen."""
        log, family, decision = self._desk.log, self._family, self._decision
        now = self._desk.timestamp()
        if tombstones:
            bury(log, self.number, now)
        relink(log, decision.links)
        take_out(log, decision.undone, now)
        gone = {turn_id for exchange in decision.gone for turn_id in family.turns[exchange]}
        for thread_id in self._losing():
            drop(log, family.views[thread_id], decision.gone)
        owners = [one for one, view in family.views.items() if decision.gone & view.own and one not in self.threads]
        rename(log, owners, gone)
        self._files = working.attempts(self.number)
        working.apply()

    def close(self) -> None:
        """Remove the files beside the log of attempts that went."""
        self._store.attempts.close(self._files)


def ranges(numbers: Sequence[int], mark: str = "#") -> str:
    """Return ascending numbers in words: `#3, #5–#7`, or without a mark, as a person types them: `3,5-7`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    dash, comma = ("–", ", ") if mark else ("-", ",")
    return comma.join(mark + str(some[0]) + (f"{dash}{mark}{some[-1]}" if len(some) > 1 else "") for some in found)
