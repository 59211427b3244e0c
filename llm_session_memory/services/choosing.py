"""Choose the context window that one prompt counts on, by what fits in it, and let the server say what it gives."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from ..errors import OverBudget
from ..model import DEFAULT_MAX_CONTEXT_TOKENS, Budget, Settings, WindowFacts
from ..rules.policy import budget_for
from ..rules.windows import SMALL
from ..store import Sessions
from .desk import Desk
from .windows import loaded_as_usual, window_of

T_co = TypeVar("T_co", covariant=True)


class Compose(Protocol[T_co]):
    """Makes a request within a budget, and returns whether everything is in it. Unless `final`, it must cost nothing.

    Raises OverBudget.
    """

    def __call__(self, limit: Budget, *, final: bool) -> tuple[T_co, bool]:
        """Return what was made, and whether it is complete."""


class WindowBudgets:
    """The budgets that a prompt to a model may have under these settings, one for each window it may count on.

    `remember` allows storing what the server says. `sending` allows making the server load the model, which the prompt
    is about to do anyway.
    """

    def __init__(
        self, desk: Desk, model: Any, settings: Settings, *, remember: bool = False, sending: bool = False
    ) -> None:
        self._desk, self._model, self._settings = desk, model, settings
        self._store, self._remember, self._sending = Sessions(desk.log), remember, sending
        self._known = self._store.window(model.model_id)
        self._find()

    def _find(self) -> None:
        """Find the windows and their budgets, leaving out windows that make no difference to the budget."""
        asked = window_of(self._model, dict(self._settings.options), self._known, self._desk.now)
        self._learn(asked.news)
        self.choices = asked.choices
        setting = self._settings.max_context_tokens or DEFAULT_MAX_CONTEXT_TOKENS
        options = self._settings.options
        predict = options.get("num_predict", options.get("max_tokens"))  # the names of Ollama and of OpenAI
        room = predict if isinstance(predict, int) else None
        budgets = [budget_for(setting, window, room) for window in asked.choices.windows]
        self.budgets = [one for one, before in zip(budgets, [None, *budgets], strict=False) if not _same(one, before)]

    def _learn(self, news: WindowFacts | None) -> None:
        if news is None:
            return
        self._known = news
        if self._remember:
            with self._desk.writing():
                self._store.remember_window(self._model.model_id, news)

    @property
    def largest(self) -> Budget:
        """The budget of the largest window."""
        return self.budgets[-1]

    def fitting(self, compose: Compose[T_co]) -> T_co:
        """Return what `compose` makes within the first window that is large enough for everything, or else the largest.

        If the model is about to be loaded, its default is not known, and the request is too long to let the server
        show it, the server loads the model first without num_ctx.

        Args:
            compose: makes the request

        Raises:
            OverBudget: `compose` raised it for the largest window
        """
        for limit in self.budgets[:-1]:
            found = _tried(compose, limit)
            if found is not None:
                return found
        asking = self._sending and self.choices.unsure and self.largest.tokens < self.largest.setting
        if asking and self.choices.reloads:
            found = _tried(compose, self.largest)
            if found is not None:
                return found
            self._load()
            asking = False
        try:
            return compose(self.largest, final=True)[0]
        except OverBudget:
            if not asking:
                raise
        self._load()
        return compose(self.largest, final=True)[0]

    def enough(self, limit: Budget, tokens: int) -> bool:
        """Return whether a request for which nothing is left out may be sent within this budget at once."""
        return limit is not self.largest or self.unnamed(tokens)

    def unnamed(self, tokens: int) -> bool:
        """Return whether a request is best sent without num_ctx, so that the server shows its default.

        That is so if the model is about to be loaded, its default is not known, and the request fits in any default.
        """
        return self.choices.unsure and self.choices.loaded is None and tokens <= SMALL

    def _load(self) -> None:
        news = loaded_as_usual(self._model, self._known or WindowFacts(), self._desk.now)
        if news is not None:
            self._learn(news)
            self._find()


def without_num_ctx(limit: Budget) -> Budget:
    """Return the budget of a request that doesn't name its window."""
    return replace(limit, window=replace(limit.window, num_ctx=None))


def _tried(compose: Compose[T_co], limit: Budget) -> T_co | None:
    """Return what is made within a budget if everything is in it, or None."""
    with contextlib.suppress(OverBudget):
        found, complete = compose(limit, final=False)
        if complete:
            return found
    return None


def _same(one: Budget, before: Budget | None) -> bool:
    return before is not None and one.tokens == before.tokens
