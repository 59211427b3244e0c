"""What the prompts of a job will take, before any is sent: tokens and dollars by model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..model.jobs import Item
from ..rules import tokens
from ..rules.tokens import Measure
from .bundle import Services


@dataclass
class Amount:
    """The prompts for one model: how many, their tokens, and the usual tokens of a reply (None: not known)."""

    prompts: int = 0
    tokens: float = 0.0
    reply_tokens: int | None = None

    @property
    def replies(self) -> int | None:
        """The tokens of all replies, if they are of the usual length."""
        return None if self.reply_tokens is None else self.reply_tokens * self.prompts


@dataclass
class Estimate:
    """The prompts of a job by model. `model` returns llm's model by its id."""

    services: Services
    model: Callable[[str], Any]
    settings: Mapping[str, Any]
    amounts: dict[str, Amount] = field(default_factory=dict)
    _measures: dict[str, Measure] = field(default_factory=dict)
    _shared: dict[str, float] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Count the prompt of an item."""
        model = item.model or str(self.settings.get("model"))
        if model not in self.amounts:
            known = self.services.desk.log.has_sessions()  # a log without our tables is only read here
            self._measures[model] = measure = (
                self.services.requests.measure("", self.model(model)) if known else Measure()
            )
            usual = self.services.requests.usual_reply(model) if known else None
            self.amounts[model] = Amount(reply_tokens=usual)
            self._shared[model] = measure.tokens(self._beside(measure, self.settings))
        measure, amount = self._measures[model], self.amounts[model]
        system = item.input.get("system") or self.settings.get("system") or ""
        base = measure.text(str(item.input.get("prompt") or "")) + tokens.TOKENS_A_MESSAGE
        base += measure.text(system) + tokens.TOKENS_A_MESSAGE if system else 0
        amount.prompts += 1
        amount.tokens += measure.tokens(base + self._beside(measure, item.input)) + self._shared[model]

    def dollars(self, model: str, *, replies: bool) -> float | None:
        """Return the cost of a model's prompts, with or without usual replies; None if the price is unknown."""
        amount = self.amounts[model]
        if amount.prompts == 0:
            return None
        written = (amount.reply_tokens or 0) if replies else 0
        each = self.services.costs.of_call(model, round(amount.tokens / amount.prompts), written)
        return None if each is None else each * amount.prompts

    def _beside(self, measure: Measure, given: Mapping[str, Any]) -> float:
        """Return the base of what goes with a prompt. Only files are looked at: nothing is fetched from the web."""
        base = tokens.TOKENS_AN_ATTACHMENT * len(given.get("attachments") or ())
        names = (*(given.get("fragments") or ()), *(given.get("system_fragments") or ()))
        return base + tokens.base_of_data(given.get("schema")) + sum(measure.text(_content(name)) for name in names)


def _content(name: str) -> str:
    """Return the text of a fragment that is a file, or nothing."""
    try:
        return Path(name).read_text("utf-8", "replace")
    except (OSError, ValueError):
        return ""
