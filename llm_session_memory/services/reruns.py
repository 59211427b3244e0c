"""Use cases for asking the prompts of a session again, in a new session: the job, and what its items ask."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import NoSuchJob, NoSuchSession, SessionError
from ..model import Session, Settings
from ..model.frozen import dataclass
from ..model.jobs import Item, Job
from ..rules import names
from ..rules.ulids import Ulids
from ..store import Sessions, asked, forks, history
from ..store.numbering import Numbering
from .asked_again import Again, asked_again, check_recorded
from .desk import Desk
from .forks import Forks
from .jobs import Jobs

_TOGETHER = 100
"""How many exchanges are read at a time."""


@dataclass(frozen=True)
class Rerun:
    """What is to be asked again.

    Attributes:
        name: The session whose prompts they are.
        settings: The settings of the new session, with its model.
        as_: The name of the new session; None makes one.
        start: The number of the first exchange. Those before it are shared, as a fork shares them.
        options: The model options that replace those that a prompt was sent with; None: it is sent without.
        same_context: Whether each prompt is sent with the messages that were sent before it then.
        run_tools: Whether tools are run; otherwise they get the results that were recorded.
        jobs: How many prompts are asked at the same time, if they have the same context.
        max_cost: The most that it may cost, in US dollars, or None.
    """

    name: str
    settings: Settings
    as_: str | None = None
    start: int = 1
    options: Mapping[str, Any] | None = None
    same_context: bool = False
    run_tools: bool = False
    jobs: int = 1
    max_cost: float | None = None


class Reruns:
    """Sessions that are asked again."""

    def __init__(self, desk: Desk, jobs: Jobs) -> None:
        self._desk = desk
        self._jobs = jobs
        self._store = Sessions(desk.log)

    def begin(self, wanted: Rerun) -> Job:
        """Make the new session and the job that asks its prompts, all or nothing. Return the job.

        Raises:
            NoSuchSession: There is no session of that name, or no exchange with the first number.
            NameRefused: The name of the new session breaks the rules or is taken.
            SessionError: No exchange has a prompt, or a context that is wanted was not recorded.
        """
        self._desk.prepare()
        session = self._desk.session(wanted.name)
        turns = history.exchange_turns(self._desk.log, session.thread_id)
        if not 1 <= wanted.start <= len(turns):
            has = f"It has {len(turns):,}, numbered from 1." if turns else "It has none yet."
            raise NoSuchSession(f"Session “{session.name}” has no exchange #{wanted.start}.", has)
        prompts = [*self._prompts(turns, wanted)]  # before the log is locked
        if not prompts:
            what = f"Session “{session.name}” has no prompt from #{wanted.start} on."
            raise SessionError(what, "Begin with an earlier exchange: --from N")
        settings = {
            "source": session.thread_id,
            "source_name": session.name,
            "model": wanted.settings.model,
            "system": wanted.settings.system,
            "source_system": session.settings.system,
            "new_system": wanted.settings.system != session.settings.system,
            "options": dict(wanted.options or {}),
            "from": wanted.start,
            "same_context": wanted.same_context,
            "run_tools": wanted.run_tools,
            "jobs": wanted.jobs,
        }
        with self._desk.writing():
            made = self._made(session, wanted)
            more = {"thread_id": made.thread_id, "max_cost": wanted.max_cost}
            job = self._jobs.new("rerun", self._jobs.free_name(made.name), settings, **more)
            return self._jobs.add(job, _items(prompts, wanted))

    def _made(self, session: Session, wanted: Rerun) -> Session:
        """Make the new session. It gets what a fork gets."""
        taken = self._store.names()
        name = names.check(wanted.as_) if wanted.as_ is not None else _name(session, wanted.settings, taken)
        if wanted.start > 1:
            all_forks = Forks(self._desk)
            return all_forks.make(all_forks.point(session.name, wanted.start - 1), name, settings=wanted.settings)
        made = Session(
            Ulids(self._desk.now()).next(""),
            name,
            self._desk.timestamp(),
            wanted.settings,
            session.project,
            session.template,
            budget_usd=session.budget_usd,
            private=session.private,
        )
        self._store.add(made)
        forks.copy_beside(self._desk.log, made.thread_id, session.thread_id, ())
        return made

    def _prompts(self, turns: Numbering, wanted: Rerun) -> Iterator[tuple[int, str]]:
        """Yield the number and the first turn of each exchange that has a prompt, from the first one to ask."""
        log = self._desk.log
        for first in range(wanted.start, len(turns) + 1, _TOGETHER):
            numbered = [
                (number, turns.turns(number)[:1]) for number in range(first, min(first + _TOGETHER, len(turns) + 1))
            ]
            for exchange in history.exchanges(log, numbered, with_content=False):
                if exchange.has_prompt and any(message.role == "user" for message in exchange.turns[0].input):
                    if wanted.same_context:
                        check_recorded(log, exchange.number, exchange.id)
                    yield exchange.number, exchange.id

    def asked(self, job: Job, item: Item) -> Again:
        """Return what an item asks. Raises SessionError if it was deleted or undone meanwhile."""
        turns = history.exchange_turns(self._desk.log, str(job.settings["source"]))
        number = turns.number_of(str(item.input["turn_id"]))
        if number is None:
            message = f"Exchange #{item.input['number']} of “{job.settings['source_name']}” was deleted or undone."
            raise SessionError(message, "It is not asked again.")
        return asked_again(self._desk.log, number, turns.turns(number), same_context=bool(job.settings["same_context"]))

    def session(self, job: Job) -> Session:
        """Return the new session of a job. Raises NoSuchSession if it was deleted."""
        found = self._store.session_of_thread(job.thread_id) if job.thread_id else None
        if found is None:
            raise NoSuchSession(f"The session of job “{job.name}” was deleted.", "Start the rerun again.")
        return found

    def keep_excerpts(self, job: Job, again: Again, turn_id: str) -> None:
        """Record the excerpts that a prompt was sent with again. Call it in the transaction that logs its answer."""
        asked.copy_recalls(self._desk.log, again.turn_id, turn_id, str(job.settings["source"]))

    def unfinished(self, name: str, as_: str | None = None) -> Job:
        """Return the newest rerun of a session that has prompts without an answer. Raises NoSuchJob.

        `as_` is the name of its new session, if there are several.
        """
        source = self._desk.session(name)
        for job in self._jobs.list():
            if job.kind != "rerun" or job.settings.get("source") != source.thread_id:
                continue
            made = self._store.session_of_thread(job.thread_id) if job.thread_id else None
            if made is None or (as_ is not None and names.key(made.name) != names.key(as_)):
                continue
            if any(job.counts.get(state) for state in ("waiting", "running", "failed", "cancelled")):
                return job
        new = f" as “{as_}”" if as_ is not None else ""
        what = f"No rerun of “{source.name}”{new} has prompts left to ask."
        raise NoSuchJob(what, f"Start one with: {self._desk.command('rerun', source.name, '-m', 'MODEL')}")


def _items(prompts: Sequence[tuple[int, str]], wanted: Rerun) -> Iterator[Item]:
    """Yield an item for each exchange. Unless it has its own context, it waits for the one before."""
    for position, (number, turn_id) in enumerate(prompts, 1):
        yield Item(
            "",
            position,
            hashlib.blake2b(turn_id.encode(), digest_size=16).hexdigest(),
            {"number": number, "turn_id": turn_id},
            id=f"exchange {number}",
            model=wanted.settings.model,
            needs=(position - 1,) if position > 1 and not wanted.same_context else (),
        )


def _name(session: Session, settings: Settings, taken: Iterable[str]) -> str:
    """Return a name for the new session that is not taken: `work-llama3`."""
    other = settings.model if settings.model != session.settings.model else None
    ending = "-" + "".join(c for c in other or "again" if c.isprintable()).replace("/", "-")
    name = session.name[: max(1, names.LONGEST - len(ending) - 4)] + ending
    keys = {names.key(one) for one in taken}
    return name if names.key(name) not in keys else names.forked(name, taken)
