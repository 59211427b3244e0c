"""Use cases for money: what sessions have cost, and whether a prompt still fits a budget in US dollars.

No prompt needs it unless its session or its project has a budget, so it is imported late.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..model import Session
from ..reader.figures import Cost
from ..reader.prices import cost, installed, is_local
from ..rules.money import Limit, exact
from ..store import costs
from .desk import Desk


@dataclass(frozen=True)
class Spent:
    """What one or several sessions have cost, and the mean number of tokens of a reply in them (0: not known)."""

    cost: Cost
    reply_tokens: int = 0

    @property
    def dollars(self) -> float:
        """The known part of the cost, in US dollars."""
        return self.cost.dollars or 0.0

    @property
    def words(self) -> str:
        """The cost as text: an amount, “at least” an amount if some prices are unknown, or “unknown”."""
        if self.is_unknown:
            return "unknown"
        known = self.cost.priced + self.cost.local
        return exact(self.dollars) if known >= self.cost.calls else f"at least {exact(self.dollars)}"

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known but that some calls have no known price."""
        return not self.dollars and self.cost.priced + self.cost.local < self.cost.calls


class Costs:
    """What a log's sessions have cost, and their budgets."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def of_call(self, model: str, input_tokens: int | None, output_tokens: int | None) -> float | None:
        """Return the cost of a call at today's price, or None if it is unknown or the model is local."""
        return cost(model, input_tokens, output_tokens, self._desk.timestamp())

    def of_session(self, session: Session) -> Spent:
        """Return what a session's own calls have cost. Those that a fork shares count for the session they were in."""
        return self._of([session.thread_id])

    def of_project(self, name_key: str) -> Spent:
        """Return what all sessions of a project have cost together."""
        return self._of(costs.threads_of(self._desk.log, name_key))

    def set_budget(self, name: str, dollars: float | None) -> Session:
        """Set the most that a session may cost, in US dollars; None removes the limit."""
        session = self._desk.session(name)
        self._desk.prepare()
        with self._desk.writing():
            costs.set_budget(self._desk.log, session.thread_id, dollars)
        return replace(session, budget_usd=dollars)

    def project_budget(self, session: Session) -> tuple[str, float] | None:
        """Return the name and the budget of a session's project, or None without a limit."""
        return costs.project_budget(self._desk.log, session.project) if session.project else None

    def unknown(self, model: str) -> str:
        """Return why the price of a model is not known, with what to do, or nothing if it is known or needs none."""
        if is_local(model) or self.of_call(model, 1, 1) is not None:
            return ""
        if not installed():
            return "prices are unknown without the package genai-prices. Install it with: llm install genai-prices"
        return f"the price of {model} is unknown. A newer list may have it: llm install -U genai-prices"

    def limits(self, session: Session) -> list[tuple[Limit, Spent]]:
        """Return the budgets that a session's prompts must fit: its own and its project's."""
        found: list[tuple[Limit, Spent]] = []
        if session.budget_usd is not None:
            spent = self.of_session(session)
            change = self._desk.command("set", session.name, "--budget-usd", "N")
            found.append((Limit(f"Session “{session.name}”", session.budget_usd, spent.dollars, change), spent))
        of_project = self.project_budget(session)
        if of_project is not None and session.project is not None:
            name, most = of_project
            spent = self.of_project(session.project)
            change = self._desk.command("project", name, "--budget-usd", "N")
            found.append((Limit(f"Project “{name}”", most, spent.dollars, change), spent))
        return found

    def check(self, session: Session, model: str, tokens: int | None) -> None:
        """Raise TooExpensive if a request of about this many tokens, and a usual reply, would exceed a budget.

        Before the size of the request is known (None), it is refused only if nothing is left of the budget.
        The usual reply is as long as the mean of the replies so far; the first one counts nothing. A model without a
        price is never refused, because its cost is unknown or nothing.
        """
        if self.of_call(model, 1, 1) is None:
            return
        for limit, spent in self.limits(session):
            limit.check(None if tokens is None else self.of_call(model, tokens, spent.reply_tokens))

    def _of(self, thread_ids: Sequence[str]) -> Spent:
        log = self._desk.log
        if not thread_ids or not log.has_sessions():
            return Spent(Cost())
        replies: list[int] = []
        made = _priced(costs.calls(log, thread_ids), replies)
        titles = costs.for_titles(log, thread_ids)
        return Spent(made + Cost(titles) if titles else made, round(sum(replies) / len(replies)) if replies else 0)


def _priced(calls: Iterable[costs.PaidCall], replies: list[int]) -> Cost:
    """Return the cost of calls, each at its day's price; append the tokens of each reply to `replies`."""
    dollars, count, counted, priced, local = 0.0, 0, 0, 0, 0
    for kind, model, given, written, utc in calls:
        count += 1
        counted += given is not None
        if kind == "turn" and written is not None:
            replies.append(written)
        amount = cost(model, given, written, utc)
        if amount is None:
            local += is_local(model)
        else:
            priced += 1
            dollars += amount
    return Cost(dollars if priced else None, count, counted, priced, local)
