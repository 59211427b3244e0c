"""Ask a model for a title, through llm. The request is not part of the conversation and never logged as such."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from ..errors import ModelFailed, SessionError
from ..model import Session, Settings, Title
from ..rules.safe_text import one_line
from ..rules.titles import MOST_TOKENS
from ..services.bundle import Services
from ..services.summarise import Say
from .models import Models, default_model
from .summaries import SummaryModel

RELIED_ON: dict[str, str] = {}
"""The parts of llm that this module relies on (see `shape`): those of `summaries`."""

PATIENCE = 20.0
"""How many seconds the end of a command waits for a title that is being written."""

_WIDTH = 200
"""How many characters of an error are shown."""


class TitleModel(SummaryModel):
    """The model that writes a title. Raises ModelFailed, whatever goes wrong."""

    def __init__(
        self,
        memory: Services,
        thread_id: str,
        model_id: str | None,
        key: str | None = None,
        models: Models | None = None,
    ) -> None:
        """Take the model's id (None: llm's default), the API key that was given for it, and models found already."""
        session = memory.sessions.of_thread(thread_id)
        known = session.settings if session else Settings()
        chosen = model_id or default_model()
        options = known.options if chosen == known.model else {}
        super().__init__(memory, thread_id, Settings(chosen, options=options), key)
        self._models = models or Models(async_=False)

    def _found(self) -> Any:
        if self._model is None:
            try:
                self._model = self._models.of(self.settings.model or "")
            except Exception as error:
                raise ModelFailed(str(error) or type(error).__name__) from error
        return self._model

    def call_options(self, model: Any) -> dict[str, Any]:
        """Return the options of the call. A model that finds no end is stopped."""
        options = super().call_options(model)
        if "num_predict" in options:
            options["num_predict"] = min(options["num_predict"], MOST_TOKENS)
        return options


class TitleWriter:
    """Writes titles on request, with one model or with the one of each conversation."""

    def __init__(self, memory: Services, model_id: str | None = None) -> None:
        """Take the model. None: the one that is set for titles, or else the conversation's own."""
        self._memory = memory
        self._model_id = model_id
        self._models = Models(async_=False)

    def write(self, thread_id: str, *, again: bool = True) -> Title:
        """Have a conversation's title written, and keep it. Unless `again`, a title that it has got meanwhile stays.

        Raises NoSuchSession if there is nothing to read, ModelFailed if the model fails or writes no title.
        """
        chosen = self._model_id or self._memory.titles.model_of(thread_id)
        ask = TitleModel(self._memory, thread_id, chosen, models=self._models)
        return self._memory.titles.make(thread_id, ask, again=again)


class Titling(Thread):
    """Writes a session's first title while the person reads the reply, with a connection of its own.

    It never fails: it says what went wrong, and the title is tried again some exchanges later.
    """

    def __init__(
        self, log: Path, session: Session, ask: tuple[str | None, str | None], say: Say, *, waits: bool
    ) -> None:
        """Take the log, the session, and the model's id and API key. `waits`: Python waits for it when it ends."""
        super().__init__(daemon=not waits)
        self._log = log
        self._session = session
        self._ask = ask
        self._say = say

    def run(self) -> None:
        """Write the title."""
        try:
            with Services.open(self._log) as memory:
                model_id, key = self._ask
                ask = TitleModel(memory, self._session.thread_id, model_id, key)
                memory.titles.make(self._session.thread_id, ask, again=False)
        except Exception as error:  # noqa: BLE001  the reply is logged, and nothing that happens here may matter
            self._tell(error.message if isinstance(error, SessionError) else str(error) or type(error).__name__)

    def _tell(self, why: str) -> None:
        off = "llm sessions title --auto off stops this"
        self._say(f"session {self._session.name}: no title was made ({one_line(why, _WIDTH).rstrip('.')}); {off}.")

    def awaited(self) -> None:
        """Wait for the title at the end of a command, but not for long, and no longer after Ctrl-C."""
        with suppress(KeyboardInterrupt):
            self.join(PATIENCE)
            if self.is_alive():
                self._tell(f"the model took more than {PATIENCE:.0f} seconds")


def begun(memory: Services, session: Session, key: str | None, say: Say, *, waits: bool) -> Titling | None:
    """Begin to write a session's first title, unless that would exceed a budget, and return what writes it."""
    if not memory.titles.is_affordable(session):
        return None
    model_id = memory.titles.model_of(session.thread_id)
    ask = (model_id, key if model_id == session.settings.model else None)
    titling = Titling(memory.path, session, ask, say, waits=waits)
    titling.start()
    return titling
