"""`llm sessions summary --redo`: making a summary anew, from the exchanges themselves."""

from __future__ import annotations

from dataclasses import replace

import click

from ..errors import ModelFailed, SessionError
from ..services.bundle import Services
from ..services.summarise import Summariser
from .models import session_model
from .summaries import SummaryModel


def redo(memory: Services, name: str, model_id: str | None = None) -> None:
    """Make the summary in use anew from all exchanges up to the last that it covers, with the model that is named.

    Raises SessionError where there is none, or where it can't be made: the one before stays in use then.
    """
    session = memory.sessions.get(name)
    last = _last_number(memory, name)
    settings = replace(session.settings, summary_model=model_id or session.settings.summary_model)
    own = session_model(session)
    ask = SummaryModel(memory, session.thread_id, replace(settings, model=own.model_id))

    def say(sentence: str) -> None:
        click.echo(f"session {session.name}: {sentence}", err=True)

    summariser = Summariser(memory.desk, session.thread_id, ask, say)
    measure = memory.requests.measure(session.thread_id, own)
    try:
        summariser.anew(memory.sessions.exchanges(name, 1, last), memory.requests.budget(own, settings), measure)
    except ModelFailed as error:
        why = error.message.rstrip(".")
        raise ModelFailed(f"The summary was not made anew ({why}).", "The one before stays in use.") from error


def _last_number(memory: Services, name: str) -> int:
    """Return the number of the last exchange that the summary in use covers. Raises SessionError without one."""
    covered = {summary.last_turn_id for summary in memory.notes.summaries(name)[:1]}
    for number, turn_ids in enumerate(memory.sessions.turn_ids(name), 1):
        if turn_ids[0] in covered:
            return number
    raise SessionError(f"Session “{memory.sessions.get(name).name}” has no summary of exchanges that are in the log.")
