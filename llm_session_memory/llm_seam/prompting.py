"""One command in one session: from the prompt that llm hands over to the turn in the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import click
import llm
from llm import models

from ..errors import NameRefused
from ..model import POLICIES, Attempt, Context, Session, Settings
from ..rules import fences, server_cuts, tokens
from ..rules.names import near
from ..rules.policy import effective, plan
from ..rules.request import system_messages
from ..services import current
from ..services.beginning import Fold
from ..services.bundle import Services
from ..services.composer import Composer
from ..services.record import Sent
from ..services.snapshot import Request
from ..services.windows import sends_reasoning
from . import convert, record
from .calls import Round, complete, cut_of, own_input
from .embedding import Embedding, embedding_of
from .summaries import fold_of

_CHAIN = "prompt attachments tool_results explicit_messages fragments"

RELIED_ON = {
    "llm": "Fragment",
    "models": "AsyncConversation AsyncResponse Response _combine_system",
    "models.Response": "log_to_db",
    "models.AsyncResponse": "_to_sync_response",
    "parameters of models.Conversation._build_full_chain": _CHAIN,
    "parameters of models.AsyncConversation._build_full_chain": _CHAIN,
    "an instance of models.Conversation": "id model responses tools",
    "an instance of models.AsyncConversation": "id model responses tools",
    "an instance of models.Response": "done_callbacks id model prompt",
    "an instance of models.AsyncResponse": "done_callbacks id model prompt",
    "an instance of models.Prompt": "messages",
}
"""What of llm is relied on here (see `shape`)."""


class Run:
    """The state of one `llm prompt` or `llm chat` in a session.

    `session` is None until the first prompt of a new session is about to be sent. `asked` is what the flags of this
    command say; `recording` is False under -n.
    """

    def __init__(  # noqa: PLR0913  what a command line says, each on its own
        self,
        memory: Services,
        session: Session | None,
        name: str | None,
        *,
        new: bool,
        asked: Settings,
        recording: bool,
        request: dict[str, Any],
        retrying: Attempt | None = None,
    ) -> None:
        self.memory = memory
        self.session = session
        self.name = name
        self.new = new
        self.asked = asked
        self.recording = recording
        self.request = request
        self.retrying = retrying
        self.rounds: list[Round] = []
        self.prompt = ""
        self.inputs: dict[str, Any] = {}
        self.composing_for: str | None = None
        """The model, while the request is being chosen: a summary may be made then, which takes its time."""
        self._composer: Composer | None = None
        self._context: Context | None = None
        self._embedding: Embedding | None = None

    # -- before the call -----------------------------------------------

    def compose(self, conversation: Any, prompt: str | None, parameters: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return prompt and parameters as they are to be sent: with the chosen history, under the session's system."""
        self.rounds = []
        if self.retrying is not None:
            prompt, parameters = record.resumed(self.retrying, parameters)
        settings = self._settings(conversation.model, parameters)
        if settings.system != _system(parameters):
            parameters = {**parameters, "system": settings.system, "system_fragments": None}
        self.prompt = prompt or ""
        self.inputs = {name: parameters.get(name) for name in ("fragments", "attachments", "schema")}
        self.inputs["options"] = dict(settings.options)
        self.composing_for = conversation.model.model_id
        if self.recording:
            self.memory.desk.prepare()
            if self.session is None and self.name is not None:
                self.session = self.memory.sessions.find(
                    self.name
                )  # another process may have created it in the meantime
        elif self.session is None or self.new:
            what = "not started over, since" if self.session else "does not exist, and"
            _say(f"session {self.name or '(new)'}: {what} -n records nothing; sent without a history")
            self._check_alone(conversation, settings, prompt, parameters)
            return prompt, parameters
        if self.session is not None and not self.new:
            conversation.id = self.session.thread_id
        request = self._request(conversation, settings, prompt, parameters)
        self._embedding = embedding_of(self.memory, settings)
        made, self._composer = self.memory.requests.compose(
            conversation.id,
            request,
            conversation.model,
            settings,
            remember=self.recording,
            fold=self._fold(settings, parameters.get("key")) if self.recording else None,
            near=self._embedding.near if self._embedding else None,
        )
        self._context = made
        session = self._ensured(conversation, settings)  # not before: a refused prompt creates nothing
        for notice in made.notices:
            _say(f"session {session.name}: {notice} See: {self.memory.desk.command('context', session.name)}")
        if made.recalled:
            texts = [
                llm.Fragment(text, source) for text, source in fences.fragments_of(made.recalled, session.thread_id)
            ]
            parameters = {**parameters, "fragments": [*texts, *(parameters.get("fragments") or ())]}
        if made.system != settings.system:
            parameters = {**parameters, "system": made.system}
        model_id, most = conversation.model.model_id, made.budget.tokens
        current.hold(current.Current(self.memory.path, session.name, model_id, most, self.recording))
        chain = convert.to_llm(made.chain)
        asynchronous = isinstance(conversation, models.AsyncConversation)
        conversation.responses = convert.as_responses(chain, conversation, async_=asynchronous)
        self.composing_for = None
        return prompt, {**parameters, "messages": chain}

    def _fold(self, settings: Settings, key: str | None) -> Fold | None:
        session = self.session
        if session is None or self.new:
            return None
        return fold_of(self.memory, session, settings, key, lambda told: _say(f"session {session.name}: {told}"))

    def _check_alone(
        self, conversation: Any, settings: Settings, prompt: str | None, parameters: dict[str, Any]
    ) -> None:
        """Hold a prompt without a session to the window as well: told where it fills the budget, refused beyond."""
        request = self._request(conversation, settings, prompt, parameters)
        measure = tokens.Measure(1.0, sends_reasoning(conversation.model))
        messages = (*system_messages(request.system), *request.input)
        weight = measure.base(messages) + request.beside
        needed = measure.tokens(weight)
        limit = self.memory.requests.budget(conversation.model, settings)
        if plan(request.policy, (), (), fixed=needed, limit=limit).oversized:
            _say(f"This prompt alone exceeds the budget of {limit.tokens:,} tokens: about {needed:,} are sent.")

    def _settings(self, model: Any, parameters: dict[str, Any]) -> Settings:
        """Return this prompt's settings. A system prompt given once holds for the rest of a chat."""
        self.asked = replace(self.asked, system=_system(parameters) or self.asked.system)
        known = self.session.settings if self.session else Settings()
        settings = effective(known, replace(self.asked, model=model.model_id))
        return replace(settings, options=record.options_of(model, parameters))

    def _request(
        self, conversation: Any, settings: Settings, prompt: str | None, parameters: dict[str, Any]
    ) -> Request:
        new = conversation._build_full_chain(  # noqa: SLF001  llm's own way to make a turn's input
            prompt=prompt,
            attachments=parameters.get("attachments"),
            tool_results=parameters.get("tool_results"),
            explicit_messages=[],
            fragments=parameters.get("fragments"),
        )
        tools = parameters.get("tools") or conversation.tools or []
        schema = parameters.get("schema")
        return Request(
            model=settings.model or "",
            policy=settings.memory or POLICIES[0],
            system=settings.system,
            input=convert.from_llm(new),
            tools=tuple(convert.tool_weights(tools)),
            extra=tokens.base_of_data(schema) if isinstance(schema, dict) else 0.0,
            recall_share=settings.recall_share,
        )

    def _ensured(self, conversation: Any, settings: Settings) -> Session:
        """Return the session of this prompt; create it where it is new."""
        if self.session is not None and not self.new:
            return self.session
        if self.session is not None:
            made, retired = self.memory.sessions.start_over(self.session, conversation.id, settings)
            _say(f"session {made.name}: started over with {settings.model}; the old one is {retired} now")
        else:
            existing = self.memory.sessions.names()
            try:
                made = self.memory.sessions.create(self.name, conversation.id, settings)
            except NameRefused:
                found = self.memory.sessions.find(self.name) if self.name is not None else None
                if found is None:
                    raise
                made = found  # created by another process since we looked: this prompt is its next
                conversation.id = made.thread_id
            else:
                alike = near(made.name, existing)
                doubt = f" (did you mean {alike}?)" if alike and self.name is not None else ""
                _say(f"session {made.name}: created with {settings.model}{doubt}")
        self.session, self.new = made, False
        return made

    # -- during the call -----------------------------------------------

    def round(self, response: Any) -> None:
        """Take note of a response that is about to be sent; cut what a tool loop added beyond the budget."""
        made, composer = self._context, self._composer
        if made is None or composer is None:
            return
        response.session_run = self
        response.done_callbacks.append(complete)
        if not self.rounds:
            self.rounds.append(Round(response, made.base, made.tokens, made))
            return
        messages = response.prompt.messages
        snapshot = composer.snapshot
        base = snapshot.measure.base(convert.from_llm(messages)) + snapshot.request.beside
        before = self.rounds[-1]
        estimate = tokens.continued(before.turn, base, snapshot.measure)
        current = Round(response, base, estimate, made)
        if estimate > made.budget.tokens:
            self._bound(current, len(made.chain))
        self.rounds.append(current)

    def _bound(self, current: Round, before: int) -> None:
        """Send an exchange in progress in a new block, cut where need be."""
        composer = self._composer
        assert composer is not None
        messages = current.response.prompt.messages
        whole = convert.from_llm(messages[before:])
        made, sent = composer.in_progress(whole)
        own = own_input(whole)
        if own_input(sent) != own:
            current.original = own
        tail = messages[before:] if sent == whole else convert.to_llm(sent)
        convert.send_instead(current.response, [*convert.to_llm(made.chain), *tail], len(own))
        current.base, current.estimate, current.context = made.base, made.tokens, made
        self._context = made

    # -- after the call ------------------------------------------------

    def log(self, db: Any, responses: Iterable[Any]) -> None:
        """Log finished responses, and why they were sent what they were sent."""
        finished = [r._to_sync_response() if isinstance(r, models.AsyncResponse) else r for r in responses]  # noqa: SLF001
        if not self.recording or self.session is None:
            for response in finished:
                models.Response.log_to_db(response, db)
            return
        sent = [self._sent(number, one) for number, one in enumerate(self.rounds[: len(finished)])]
        originals = {one.response.id: one.original for one in self.rounds if one.original is not None}
        rounds, self.rounds = self.rounds, []
        record.log(self, db, finished, sent, originals)
        for one in rounds:
            if one.cut is not None:
                self._tell(one, one.cut)
        if self._embedding and self._context and self._context.block.pruned:
            self._embedding.catch_up(self.session.thread_id)  # while the person reads the reply

    def _tell(self, one: Round, found: server_cuts.Cut) -> None:
        """Tell the person of a cut, and remember the window that the next prompt has to fit."""
        assert self.session is not None
        if one.seen is not None or found.window:
            self.memory.record.learn_window(one.response.model.model_id, one.seen, found.window)
        if server_cuts.counts_all(str(found)):
            _say(f"session {self.session.name}: {found.because}: the end of the answer may be missing.")
            return
        _say(
            f"session {self.session.name}: the model's server {'has' if found.certain else 'seems to have'} cut the "
            f"prompt: {found.because}. The next prompt is fitted to what it can read."
        )

    def _sent(self, number: int, one: Round) -> Sent:
        one.cut = cut_of(one, self.rounds[number - 1] if number else None)
        return Sent(one.response.id, one.base, one.estimate, one.context, str(one.cut) if one.cut else None)

    def keep_attempt(self, error: BaseException) -> Attempt | None:
        """Keep what was asked and what had come, if a call was under way or what is sent was being chosen; return it.

        A prompt that was refused before its call is not kept, nor is one whose own session is not made yet.
        """
        interrupted = self.composing_for is not None and not self.new and not isinstance(error, Exception)
        if not (self.rounds or interrupted) or not self.recording or self.session is None:
            return None
        attempt = record.attempt(self, error)
        self.rounds, self.composing_for = [], None
        self.memory.record.keep_attempt(attempt)
        return attempt


def _system(parameters: dict[str, Any]) -> str | None:
    combined = models._combine_system(parameters.get("system"), parameters.get("system_fragments"))  # noqa: SLF001
    return combined or None


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
