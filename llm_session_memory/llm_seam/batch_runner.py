"""Ask the items of a batch: each prompt alone, into the session of the job or one of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import llm
from llm import cli as llm_cli
from llm import models

from ..errors import SessionError
from ..model import Session
from ..model.jobs import Item, Job
from ..rules.names import LONGEST, check, forked
from ..services.bundle import Services
from .asking import Question, ask, ask_async
from .creating import Wanted
from .models import Models

if TYPE_CHECKING:
    from .working import Also, Runner

RELIED_ON = {
    "llm": "Attachment Fragment",
    "cli": "AttachmentError FragmentNotFound resolve_attachment resolve_fragments",
    "models": "_combine_system",
    "parameters of cli.resolve_fragments": "allow_attachments db fragments",
    "parameters of cli.resolve_attachment": "value",
}
"""The parts of llm that this module relies on (see `shape`)."""


def runner(job: Job) -> Runner:
    """Return what asks the items of a batch: on threads, or on asyncio if its models are asynchronous."""
    batch = Asker(job)
    return batch.ask_async if job.settings.get("async") else batch.ask


class Asker:
    """A batch whose items are being asked. Its workers share it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._settings = job.settings
        self._async = bool(job.settings.get("async"))
        self._models = Models(async_=self._async)
        self._width = len(str(sum(job.counts.values())))
        self._check()

    def _check(self) -> None:
        """Raise SessionError if llm lacks the model of the job."""
        if isinstance(self._settings.get("model"), str):
            self._models.of(self._settings["model"])

    def ask(self, services: Services, item: Item, also: Also) -> None:
        """Ask an item in this thread."""
        where, question, model = self._where(services, item), self.question(services, item), self._model(item)
        with _without_empty(services, where):
            ask(services, where, question, model, also=also, keep_attempt=False)

    async def ask_async(self, services: Services, item: Item, also: Also) -> None:
        """Ask an item on this loop."""
        where, question, model = self._where(services, item), self.question(services, item), self._model(item)
        with _without_empty(services, where):
            await ask_async(services, where, question, model, also=also, keep_attempt=False)

    def _model(self, item: Item) -> Any:
        return self._models.of(item.model or self._settings["model"])

    def _where(self, services: Services, item: Item) -> Session | Wanted:
        """Return the session of the job, or the one that an item gets."""
        if self._job.thread_id is not None:
            found = services.sessions.of_thread(self._job.thread_id)
            if found is None:
                what = f"The session of job “{self._job.name}” is not in the log any more."
                raise SessionError(what, "Start the batch again, with another session.")
            return found
        ending = f"-{item.position:0{self._width}}"
        name = check(self._job.name[: LONGEST - len(ending)] + ending)
        found = services.sessions.find(name)
        if found is None:
            return Wanted(name)
        if services.sessions.exchange_count(found) == 0:  # the process that made it was killed before the answer
            return found
        return Wanted(forked(name, services.sessions.names()))

    def question(self, services: Services, item: Item) -> Question:
        """Return the question of an item. Raises SessionError if a fragment or an attachment is gone."""
        given, shared = item.input, self._settings
        names = [*(shared.get("fragments") or ()), *(given.get("fragments") or ())]
        found = resolved(services, names, attachments=True)
        places = [*(shared.get("attachments") or ()), *(given.get("attachments") or ())]
        system = given.get("system") or shared.get("system")
        system_fragments = resolved(services, shared.get("system_fragments") or ())
        if system_fragments:
            system = models._combine_system(system, system_fragments)  # noqa: SLF001
        return Question(
            prompt=str(given.get("prompt") or ""),
            system=system,
            fragments=[one for one in found if isinstance(one, llm.Fragment)],
            attachments=[*map(attachment, places), *(one for one in found if isinstance(one, llm.Attachment))],
            options=given.get("options") or shared.get("options") or {},
            schema=given.get("schema") or shared.get("schema"),
            tools=shared.get("tools") or (),
            context="none",
        )


@contextmanager
def _without_empty(services: Services, where: Session | Wanted) -> Iterator[None]:
    """Remove the session that was made for an item if the item fails: it would stay empty."""
    try:
        yield
    except Exception:
        if isinstance(where, Wanted) and where.name is not None and services.sessions.find(where.name) is not None:
            services.sessions.remove_empty(where.name)
        raise


def resolved(services: Services, names: Iterable[str], *, attachments: bool = False) -> list[Any]:
    """Return fragments by their names. Raises SessionError."""
    wanted = [*names]
    if not wanted:
        return []
    try:
        database = services.desk.log.database
        return [*llm_cli.resolve_fragments(database, wanted, allow_attachments=attachments)]
    except llm_cli.FragmentNotFound as error:
        raise SessionError(f"{str(error).rstrip('.')}.") from error


def attachment(place: str) -> Any:
    """Return the attachment at a path or an address. Raises SessionError."""
    try:
        return llm_cli.resolve_attachment(place)
    except llm_cli.AttachmentError as error:
        raise SessionError(f"Attachment “{place}” can't be used: {str(error).rstrip('.')}.") from error
