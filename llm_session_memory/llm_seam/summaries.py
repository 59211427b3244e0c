"""Ask a model for a summary, through llm. The request is not part of the conversation and never logged as such."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
import llm

from ..errors import ModelFailed, SessionError
from ..model import Budget, Session, Settings
from ..rules.tokens import Measure
from ..services.beginning import Fold
from ..services.bundle import Services
from ..services.summarise import ModelAnswer, Say, Summariser
from ..services.windows import is_ollama
from .models import model_of, session_model

RELIED_ON = {
    "llm": "KeyModel get_default_model",
    "models.Response": "duration_ms text usage",
}
"""The parts of llm that this module relies on (see `shape`)."""


class SummaryModel:
    """The model that makes a session's summaries: `--summary-model`, else the session's own.

    It is looked up when first needed, and always as a synchronous model, so a prompt under --async waits for it too.
    """

    def __init__(self, memory: Services, thread_id: str, settings: Settings, key: str | None = None) -> None:
        """Take the settings of the prompt, and the API key that was given for the session's own model."""
        self.memory = memory
        self.thread_id = thread_id
        self.settings = settings
        self.key = key if settings.summary_model in (None, settings.model) else None
        self._model: Any = None
        self._budget: Budget | None = None

    def name(self) -> str:
        """Return the model's id. Raises ModelFailed if llm has no such model."""
        return str(self._found().model_id)

    def room(self) -> tuple[int, Measure]:
        """Return the most tokens that a request to the model may have, and the model's measure. Raises ModelFailed."""
        model = self._found()
        return self._limit().tokens, self.memory.requests.measure(self.thread_id, model)

    def __call__(self, instruction: str, material: str) -> ModelAnswer:
        """Ask the model. Raises ModelFailed whatever goes wrong, but lets Ctrl-C and signals through."""
        model = self._found()
        given: dict[str, Any] = {**self.call_options(model)}
        if self.key is not None and isinstance(model, llm.KeyModel):
            given["key"] = self.key
        try:
            response = model.prompt(material, system=instruction, stream=False, **given)
            text = response.text()
            usage, took = response.usage(), response.duration_ms()
        except Exception as error:
            raise ModelFailed(str(error) or type(error).__name__) from error
        return ModelAnswer(model.model_id, text, usage.input, usage.output, took)

    def _found(self) -> Any:
        if self._model is None:
            try:
                self._model = model_of(self.settings.summary_model or self.settings.model or llm.get_default_model())
            except Exception as error:
                raise ModelFailed(str(error) or type(error).__name__) from error
        return self._model

    def _limit(self) -> Budget:
        """Return the budget of a request to the model, without the session's num_predict, which is for its replies."""
        if self._budget is None:
            options = {name: value for name, value in self.settings.options.items() if name == "num_ctx"}
            asked = Settings(options=options, max_context_tokens=self.settings.max_context_tokens)
            self._budget = self.memory.requests.budget(self._found(), asked)
        return self._budget

    def call_options(self, model: Any) -> dict[str, Any]:
        """Return the options of the call. The session's own are for its replies (a format, a stop, a mood).

        num_ctx stays, because for another value an Ollama server would load the model again, twice. A small model may
        not find an end, and one that thinks may think until the window is full.
        """
        if not is_ollama(model):
            return {}
        known = set(getattr(model.Options, "model_fields", {}))
        options = {"num_ctx": self.settings.options.get("num_ctx") or self._limit().window.num_ctx, "think": False}
        options["num_predict"] = self._limit().room or None
        return {name: value for name, value in options.items() if name in known and value is not None}


def fold_of(memory: Services, session: Session, settings: Settings, key: str | None, say: Say) -> Fold:
    """Return the summariser of a session whose policy has a summary; `say` shows a message to the person."""
    thread_id = session.thread_id
    ask = SummaryModel(memory, thread_id, settings, key)
    return Summariser(memory.desk, thread_id, ask, say).fold


# -- remaking a summary --------------------------------------------------


def redo(memory: Services, name: str, model_id: str | None = None) -> None:
    """Remake the current summary from all exchanges up to the last one it covers, with the given model.

    Raises SessionError if there is no summary or if it can't be remade; the previous one then stays in use.
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
        summariser.redo(memory.sessions.exchanges(name, 1, last), memory.requests.budget(own, settings), measure)
    except ModelFailed as error:
        why = error.message.rstrip(".")
        raise ModelFailed(
            f"The summary could not be rewritten ({why}).", "The previous summary stays in use."
        ) from error


def _last_number(memory: Services, name: str) -> int:
    """Return the number of the last exchange that the current summary covers. Raises SessionError without a summary."""
    covered = {summary.last_turn_id for summary in memory.notes.summaries(name)[:1]}
    for number, turn_ids in enumerate(memory.sessions.turn_ids(name), 1):
        if turn_ids[0] in covered:
            return number
    raise SessionError(f"Session “{memory.sessions.get(name).name}” has no summary of exchanges that it still has.")
