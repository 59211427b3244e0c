"""Use cases for what is sent with a prompt: its context and its budget."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..model import DEFAULT_MAX_CONTEXT_TOKENS, POLICIES, Budget, Context, Message, Session, Settings, Window
from ..model.frozen import replace
from ..rules import tokens
from ..rules.policy import budget_for, check_tokens, effective, parsed_policy, plan
from ..rules.tokens import Measure
from ..store import Sessions, history
from .choosing import WindowBudgets, without_num_ctx
from .composer import Composer
from .desk import Desk
from .seen_session import Request, SeenSession
from .windows import sends_reasoning

if TYPE_CHECKING:
    from .beginning import Fold
    from .nearness import Near


class Requests:
    """The requests of a log's sessions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = Sessions(desk.log)

    def context(  # noqa: PLR0913  what a person can ask for, each on its own
        self,
        name: str,
        prompt: str,
        budget: int | None = None,
        policy: str | None = None,
        before: int | None = None,
        *,
        model: Any = None,
        asked: Settings | None = None,
        near: Near | None = None,
    ) -> Context:
        """Return exactly what would be sent for `prompt`, and why: `.messages`, `.items`, `.tokens`.

        Sends nothing, and writes only the full-text index.

        Args:
            name: The session's name.
            prompt: The new prompt; may be empty.
            budget: Tokens of the whole request, instead of the session's budget.
            policy: A policy instead of the session's.
            before: Use only exchanges with a smaller number than this.
            model: An llm model object, which is asked for its context window. Without it the window is unknown; and
                if the log has no counts of the session's model either, 4 ASCII characters count as a token.
            asked: Settings that replace the session's.
            near: Finds passages by meaning (see recall). Without it, recall searches by words only.

        Raises:
            NoSuchSession: There is no session of that name.
            OverBudget: The prompt and everything that is always sent don't fit in the budget.
            SessionError: The policy or the budget is invalid.
        """
        session = self._desk.session(name)
        settings = effective(session.settings, asked or Settings())
        if budget is not None:
            settings = replace(settings, max_context_tokens=check_tokens(budget))
        if policy is not None:
            settings = replace(settings, memory=parsed_policy(policy))
        request = Request(
            model=model.model_id if model is not None else settings.model or "",
            policy=settings.memory or POLICIES[0],
            system=settings.system,
            input=(Message.of_text("user", prompt),) if prompt else (),
            tools=self._tools(session),
            recall_share=settings.recall_share,
            before=before,
            think=settings.think,
            global_notes=settings.global_notes is not False,
            recall_fragments=settings.recall_fragments is not False,
            recall_from=settings.recall_from,
        )
        thread_id = session.thread_id
        if model is None:
            seen = self._seen(thread_id, request, settings, None)
            made, composer = Composer(seen, near=near, writing=True, now=self._desk.now).compose()
        else:
            limits = WindowBudgets(self._desk, model, settings)
            made, composer = self._within(limits, thread_id, request, model, fold=None, near=near, writing=True)
        from .explain import explain

        return replace(made, items=explain(composer.seen, made))

    def compose(  # noqa: PLR0913  one parameter a collaborator
        self,
        thread_id: str,
        request: Request,
        model: Any,
        settings: Settings,
        *,
        remember: bool = True,
        fold: Fold | None = None,
        near: Near | None = None,
    ) -> tuple[Context, Composer]:
        """Return what is sent for a prompt that is about to be sent, and the composer for its tool calls.

        `remember` allows writing what is learned on the way, including the full-text index. `fold` makes summaries,
        `near` finds passages by meaning.
        """
        limits = WindowBudgets(self._desk, model, settings, remember=remember, sending=True)
        return self._within(limits, thread_id, request, model, fold=fold, near=near, writing=remember)

    def given(  # noqa: PLR0913  one parameter a collaborator
        self,
        thread_id: str,
        request: Request,
        model: Any,
        settings: Settings,
        messages: tuple[Message, ...] | None,
        *,
        remember: bool = True,
    ) -> tuple[Context, Composer]:
        """Return the same for a prompt that is sent with exactly these messages before it (None: its system prompt)."""
        from .given import composed  # only prompts of jobs and comparisons

        return composed(self._desk, thread_id, request, model, settings, messages, remember=remember)

    def _within(  # noqa: PLR0913  one parameter a collaborator
        self,
        limits: WindowBudgets,
        thread_id: str,
        request: Request,
        model: Any,
        *,
        fold: Fold | None,
        near: Near | None,
        writing: bool,
    ) -> tuple[Context, Composer]:
        """Return a request within the window that it needs, and its composer."""
        reasoning = sends_reasoning(model)

        def compose(limit: Budget, *, final: bool) -> tuple[tuple[Context, Composer], bool]:
            seen = SeenSession.read(self._store, thread_id, request, limit, reasoning=reasoning)
            makers = (fold, near) if final else (None, None)
            composer = Composer(seen, *makers, writing=writing, now=self._desk.now)
            made, composer = composer.compose()
            # a tool's results may need any window, and so may excerpts of other sessions
            complete = not (made.leaves_out or request.tools or request.recalls_beyond)
            return (made, composer), complete and limits.enough(limit, made.tokens)

        made, composer = limits.fitting(compose)
        if limits.unnamed(made.tokens) and not request.tools:
            made = replace(made, budget=without_num_ctx(made.budget))
        return made, replace(composer, fold=fold, near=near)

    def _tools(self, session: Session) -> tuple[tuple[str, float], ...]:
        return tuple(
            (row["name"], tokens.base_of_tool(row["name"], row["description"], json.loads(row["input_schema"] or "{}")))
            for row in history.first_turn_tools(self._desk.log, session.thread_id)
            if row["plugin"]
        )

    def always_sent(self, session: Session, model: Any = None, more: tuple[str, ...] = ()) -> tuple[int, int]:
        """Return about how many tokens go with every prompt of a session (system prompt, notes, pins), and its budget.

        Without a model the context window is unknown. `more` are notes for all sessions that are not stored yet.
        """
        settings = session.settings
        asked = model.model_id if model is not None else settings.model or ""
        request = Request(
            asked,
            settings.memory or POLICIES[0],
            settings.system,
            (),
            think=settings.think,
            global_notes=settings.global_notes is not False,
        )
        seen = self._seen(session.thread_id, request, settings, model)
        seen = replace(seen, everywhere=(*seen.everywhere, *more))
        system = seen.tokens_of_system(seen.system())
        return system + sum(pin.tokens for pin in seen.pins()), seen.budget.tokens

    def _seen(self, thread_id: str, request: Request, settings: Settings, model: Any) -> SeenSession:
        measure: Measure | None = None
        if model is not None:
            limit, reasoning = self.budget(model, settings), sends_reasoning(model)
        else:
            setting = settings.max_context_tokens or DEFAULT_MAX_CONTEXT_TOKENS
            limit, reasoning = budget_for(setting, Window(None, "not asked for"), None), True
            counted = self._store.requests.counted_turns(thread_id, request.model)
            measure = None if tokens.learn(counted, request.model) else Measure(characters=True)
        return SeenSession.read(self._store, thread_id, request, limit, measure, reasoning=reasoning)

    def alone(self, request: Request, tokens: int, model: Any, settings: Settings) -> tuple[Budget, bool]:
        """Return the budget of a prompt without history, and whether the prompt exceeds it. Raises OverBudget."""
        limits = WindowBudgets(self._desk, model, settings, sending=True)

        def compose(limit: Budget, *, final: bool) -> tuple[tuple[Budget, bool], bool]:
            del final  # it costs nothing
            oversized = plan(request.policy, (), (), fixed=tokens, limit=limit, insist=request.insist).oversized
            return (limit, oversized), not oversized and limits.enough(limit, tokens)

        limit, oversized = limits.fitting(compose)
        return (without_num_ctx(limit) if limits.unnamed(tokens) else limit), oversized

    def measure(self, thread_id: str, model: Any) -> Measure:
        """Return how to estimate a model's tokens, learned from counts in a session, or else from the whole log."""
        id_ = model.model_id
        rate = tokens.learn(self._store.requests.counted_turns(thread_id, id_), id_)
        rate = rate or tokens.learn_from_replies(self._store.requests.counted_replies(id_)) or 1.0
        return Measure(rate, sends_reasoning(model))

    def usual_reply(self, model: str) -> int | None:
        """Return the mean number of tokens of a model's newest replies in the log, or None if it has none."""
        counts = [count for count, _ in self._store.requests.counted_replies(model)]
        return round(sum(counts) / len(counts)) if counts else None

    def budget(self, model: Any, settings: Settings, *, remember: bool = False) -> Budget:
        """Return the budget for a model under these settings; `remember` stores what the server says about it."""
        return WindowBudgets(self._desk, model, settings, remember=remember).largest
