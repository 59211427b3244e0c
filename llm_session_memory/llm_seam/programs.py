"""Conversations for programs: `memory.conversation("work")`. Its arguments match the options on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import llm

from ..errors import SessionError
from ..model import Session, Settings
from ..rules import names
from ..rules.policy import checked
from ..services.bundle import Services
from .conversation import AsyncSessionConversation, SessionConversation
from .creating import Wanted, place_of
from .models import found, model_of, valid_options
from .prompted import Say
from .prompting import Prompting
from .tables import migrated

RELIED_ON = {
    "llm": "AsyncKeyModel AsyncModel get_default_model",
    "parameters of models.Conversation": "model tools before_call after_call chain_limit",
    "parameters of models.AsyncConversation": "model tools before_call after_call chain_limit",
}
"""The parts of llm that this module relies on (see `shape`)."""


def conversation(  # noqa: PLR0913  what a program can ask for, each on its own
    services: Services,
    name: str | None,
    model: Any = None,
    *,
    async_: bool | None = None,
    new: bool = False,
    project: str | None = None,
    notice: Say | None = None,
    settings: Mapping[str, Any],
    llms: Mapping[str, Any],
) -> Any:
    """Return a conversation in a session. `settings` are fields of model.Settings; `llms` are llm's own arguments."""
    insist, over_budget = bool(settings.get("send_anyway")), bool(settings.get("over_budget"))
    said = found(
        said_of_program({name_: settings[name_] for name_ in settings if name_ not in ("send_anyway", "over_budget")})
    )
    said = services.desk.settled(said)
    place = place_of(services, name, project, new=new)
    if isinstance(place, Wanted) and place.over is None and name is not None:
        names.check(name)
    known = place.defaults if isinstance(place, Wanted) else place.settings
    used = _model(model if model is not None else known.model or llm.get_default_model(), async_)
    said = replace(said, options=valid_options(used, dict(said.options)))
    notices: list[str] = []

    def say(sentence: str) -> None:
        notices.append(sentence)
        if notice is not None:
            notice(sentence)

    if not services.desk.log.columns("turns"):
        migrated(services.desk.log)
    made: Any = (AsyncSessionConversation if _is_async(used) else SessionConversation)(model=used, **llms)
    made.prompting = Prompting(services, place, said, say, by_itself=True, insist=insist, over_budget=over_budget)
    made.notices = notices
    if isinstance(place, Session):
        made.id = place.thread_id
    return made


def said_of_program(settings: Mapping[str, Any]) -> Settings:
    """Return a program's settings. Raises TypeError for an unknown setting, SessionError for an invalid value."""
    allowed = [one.name for one in fields(Settings) if one.name != "model"]
    unknown = sorted(set(settings) - set(allowed))
    if unknown:
        raise TypeError(f"Unknown setting “{unknown[0]}”. Choose from: {', '.join(allowed)}.")
    return checked(Settings(**settings))


def _model(model: Any, async_: bool | None) -> Any:  # noqa: FBT001  None: as the model is
    """Return the model object, looked up if it is an id. Raises SessionError if `async_` contradicts it."""
    if isinstance(model, str):
        return model_of(model, async_=bool(async_))
    if async_ is not None and async_ != _is_async(model):
        kind = "asynchronous" if _is_async(model) else "synchronous"
        raise SessionError(
            f"The model “{model.model_id}” is {kind}.", "Pass its id instead, with async_=True or async_=False."
        )
    return model


def _is_async(model: Any) -> bool:
    return isinstance(model, (llm.AsyncModel, llm.AsyncKeyModel))
