"""What `llm -u` says about money: the cost of the prompt, and what its session and its project have cost so far."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Session
from ..reader.prices import is_local
from ..rules.money import exact
from ..rules.safe_text import one_line
from ..services.costs import Spent
from .calls import Call
from .prompting import Prompting

RELIED_ON = {"an instance of models.Response": "input_tokens model output_tokens"}
"""The parts of llm that this module relies on (see `shape`)."""


def cost_of(one: Prompting) -> str:
    """Return the sentence about a finished prompt; empty if no price is known that would make one."""
    if one.latest is None:
        return ""
    facts = [_call(one, one.latest.answered or one.latest.calls)]
    if one.session is not None:
        facts += _so_far(one, one.session)
    said = "; ".join(filter(None, facts))
    return said[:1].upper() + said[1:]


def _call(one: Prompting, calls: Sequence[Call]) -> str:
    """Return the cost of a prompt: of all its calls, if its tools made it several."""
    costs: list[float | None] = []
    local = bool(calls)
    for call in calls:
        response = call.response
        model = response.model.model_id
        local = local and is_local(model)
        costs.append(one.services.costs.of_call(model, response.input_tokens, response.output_tokens))
    if local:
        return "cost: free (local model)"
    known = [amount for amount in costs if amount is not None]
    if not known:
        return ""
    return f"cost: {'' if len(known) == len(costs) else 'at least '}{exact(sum(known))}"


def _so_far(one: Prompting, session: Session) -> list[str]:
    """Return what the session and its project have cost so far, with their budgets."""
    costs = one.services.costs
    facts = [_of(f"session {session.name}", costs.of_session(session), session.budget_usd)]
    limited = costs.project_budget(session)
    if limited is not None and session.project is not None:
        name, most = limited
        facts.append(_of(f"project {name}", costs.of_project(session.project), most))
    return facts


def _of(whose: str, spent: Spent, budget: float | None) -> str:
    if not spent.dollars and (budget is None or spent.is_unknown):
        return ""
    most = "" if budget is None else f" of {exact(budget)}"
    return f"{one_line(whose)} so far: {spent.words}{most}"
