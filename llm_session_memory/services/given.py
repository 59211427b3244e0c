"""Compose a request whose history is given, not chosen: nothing at all, or exactly these messages.

Reads only the end of the session, however long that is: a batch asks 100,000 prompts in one session.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..model import Block, Budget, Context, Message, Settings
from ..rules.blocks import NewBlock
from ..rules.policy import plan
from ..rules.request import system_messages
from ..rules.tokens import Measure
from ..store import Sessions, history
from ..store.numbering import Numbering
from .choosing import WindowBudgets, without_num_ctx
from .composer import Composer
from .desk import Desk
from .seen_session import Request, SeenSession, rate_of
from .windows import sends_reasoning


def composed(  # noqa: PLR0913  one parameter a collaborator
    desk: Desk,
    thread_id: str,
    request: Request,
    model: Any,
    settings: Settings,
    given: tuple[Message, ...] | None,
    *,
    remember: bool = True,
) -> tuple[Context, Composer]:
    """Return what is sent for a prompt with this history, and the composer for its tool calls.

    Args:
        desk: the open log
        thread_id: the session's thread, which the prompt is logged in
        request: the prompt; its system prompt is sent only if no messages are given
        model: the llm model object
        settings: the prompt's settings
        given: exactly the messages before the prompt, with any system message; None: the system prompt alone
        remember: whether what the server says about the context window may be stored

    Raises:
        OverBudget: It exceeds the model's context window.
    """
    store = Sessions(desk.log)
    limits = WindowBudgets(desk, model, settings, remember=remember, sending=True)
    rate, calibrated = rate_of(store, thread_id, request.model)
    measure = Measure(rate, sends_reasoning(model))
    newest, exchanges = history.end(desk.log, thread_id)
    chain = system_messages(request.system) if given is None else given
    system = chain[0].text if chain and chain[0].role == "system" else None
    reason = NewBlock.GIVEN if len(chain) > (system is not None) else NewBlock.ALONE

    def compose(limit: Budget, *, final: bool) -> tuple[tuple[Context, Composer], bool]:
        del final  # it costs nothing
        seen = SeenSession(store, thread_id, request, limit, measure, calibrated, Numbering(()), (), (), (), None)
        tokens = measure.tokens(measure.base(chain) + seen.new_base())
        oversized = plan("window", (), (), fixed=tokens, limit=limit, insist=request.insist).oversized
        block = Block(None, None, (), request.policy, limit.tokens, "", reason.value, oversized=oversized)
        made = replace(
            seen.context(chain, block, None, tokens),
            after_turn_id=newest,
            exchanges=exchanges,
            greatest_id=newest,
            system=system,
            given=True,
        )
        return (made, Composer(seen)), not request.tools and limits.enough(limit, tokens)

    made, composer = limits.fitting(compose)
    if limits.unnamed(made.tokens) and not request.tools:
        made = replace(made, budget=without_num_ctx(made.budget))
    return made, composer
