"""One command in one session: from the prompt that llm hands over to the turn in the log."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click
from llm import models

from .. import cuts, tokens
from ..composer import Composer, Request
from ..errors import ModelFailed
from ..memory import Memory, Sent, effective
from ..model import POLICIES, Attempt, Context, Message, Session, Settings, Turn
from ..names import near
from ..windows import is_ollama
from . import convert, recording


@dataclass
class Round:
    """One model call in progress: the response, and what is known of its request."""

    response: Any
    base: float
    estimate: int
    context: Context
    original: tuple[Message, ...] | None = None
    """The turn's own input as it came, where it had to be cut before it was sent."""


class Run:
    """The state of one `llm prompt` or `llm chat` in a session.

    `session` is None until the first prompt of a new session is about to be sent. `asked` is what the flags of this
    command say; `recording` is False under -n.
    """

    def __init__(  # noqa: PLR0913  what a command line says, each on its own
        self,
        memory: Memory,
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
        self._composer: Composer | None = None
        self._context: Context | None = None

    # -- before the call -----------------------------------------------

    def compose(self, conversation: Any, prompt: str | None, parameters: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return prompt and parameters as they are to be sent: with the chosen history, under the session's system."""
        self.rounds = []
        if self.retrying is not None:
            prompt, parameters = recording.resumed(self.retrying, parameters)
        settings = self._settings(conversation.model, parameters)
        self.prompt = prompt or ""
        self.inputs = {name: parameters.get(name) for name in ("fragments", "attachments", "schema")}
        if self.recording:
            self.memory.prepare()
            self._ensure_session(conversation, settings)
        elif self.session is None:
            _say(f"session {self.name or '(new)'}: does not exist, and -n records nothing; sent without a history")
            return prompt, parameters
        assert self.session is not None
        conversation.id = self.session.thread_id
        request = self._request(conversation, settings, prompt, parameters)
        made, self._composer = self.memory.compose(
            self.session.thread_id, request, conversation.model, settings, remember=self.recording
        )
        self._context = made
        for notice in made.notices:
            _say(f"session {self.session.name}: {notice} See: llm sessions context {_quoted(self.session.name)}")
        chain = convert.to_llm(made.messages)
        asynchronous = isinstance(conversation, models.AsyncConversation)
        conversation.responses = convert.as_responses(chain, conversation, async_=asynchronous)
        if settings.system != _system(parameters):
            parameters = {**parameters, "system": settings.system, "system_fragments": None}
        return prompt, {**parameters, "messages": chain}

    def _settings(self, model: Any, parameters: dict[str, Any]) -> Settings:
        """Return this prompt's settings. A system prompt given once holds for the rest of a chat."""
        self.asked = replace(self.asked, system=_system(parameters) or self.asked.system)
        known = self.session.settings if self.session else Settings()
        settings = effective(known, replace(self.asked, model=model.model_id))
        return replace(settings, options=recording.options_of(model, parameters))

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
        )

    def _ensure_session(self, conversation: Any, settings: Settings) -> None:
        """Create the session, or find the one that another process has created in the meantime."""
        if self.session is not None and not self.new:
            return
        if self.session is None and self.name is not None:
            self.session = self.memory.find(self.name)
            if self.session is not None and not self.new:
                return
        if self.session is not None:
            self.session, retired = self.memory.start_over(self.session, conversation.id, settings)
            _say(f"session {self.session.name}: started over with {settings.model}; the old one is {retired} now")
        else:
            existing = self.memory.store.names()
            self.session = self.memory.create(self.name, conversation.id, settings)
            alike = near(self.session.name, existing)
            doubt = f" (did you mean {alike}?)" if alike and self.name is not None else ""
            _say(f"session {self.session.name}: created with {settings.model}{doubt}")
        self.new = False

    # -- during the call -----------------------------------------------

    def round(self, response: Any) -> None:
        """Take note of a response that is about to be sent; cut what a tool loop added beyond the budget."""
        made, composer = self._context, self._composer
        if made is None or composer is None:
            return
        response.session_run = self
        response.done_callbacks.append(_complete)
        if not self.rounds:
            self.rounds.append(Round(response, made.base, made.tokens, made))
            return
        messages = response.prompt.messages
        extra = sum(weight for _, weight in composer.request.tools) + composer.request.extra
        base = composer.measure.base(convert.from_llm(messages)) + extra
        before = self.rounds[-1]
        turn = _counted(before)
        estimate = tokens.continued(turn, base, composer.measure)
        current = Round(response, base, estimate, made)
        if estimate > made.budget.tokens:
            self._bound(current, len(made.messages))
        self.rounds.append(current)

    def _bound(self, current: Round, before: int) -> None:
        """Send an exchange in progress in a new block, cut where need be."""
        composer = self._composer
        assert composer is not None
        messages = current.response.prompt.messages
        whole = convert.from_llm(messages[before:])
        made, sent = composer.in_progress(whole)
        own = _own_input(whole)
        if _own_input(sent) != own:
            current.original = own
        tail = messages[before:] if sent == whole else convert.to_llm(sent)
        current.response.prompt._explicit_messages = [*convert.to_llm(made.messages), *tail]  # noqa: SLF001
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
        recording.log(self, db, finished, sent, originals)
        for one, now in zip(rounds, sent, strict=False):
            if now.cut:
                _say(
                    f"session {self.session.name}: the model's server seems to have cut the prompt: {now.cut}. "
                    f"About {one.estimate:,} tokens were sent; the next prompt is fitted to the window this shows."
                )

    def _sent(self, number: int, one: Round) -> Sent:
        found = self._cut(number, one)
        turn_id = one.response.id
        return Sent(turn_id, one.base, one.estimate, one.context, found.because if found else None)

    def _cut(self, number: int, one: Round) -> cuts.Cut | None:
        counted = one.response.input_tokens
        if not counted or not is_ollama(one.response.model):
            return None
        made = one.context
        before: tuple[int, float] | None = made.before
        if number:
            earlier = self.rounds[number - 1]
            same = earlier.context is made and earlier.response.input_tokens
            before = (earlier.response.input_tokens, earlier.base) if same else None
        found = cuts.detect(
            cuts.Request(counted, one.base, one.estimate),
            cuts.Request(before[0], before[1], 0) if before else None,
            window=made.budget.window.tokens,
            reply_tokens=one.response.output_tokens,
            calibrated=made.calibrated,
        )
        if found and found.window and self.recording:
            self.memory.learn_window(one.response.model.model_id, found.window)
        return found

    def keep_attempt(self, error: BaseException) -> Attempt | None:
        """Keep what was asked and what had come, if a call was under way; return it."""
        if not self.rounds or not self.recording or self.session is None:
            return None
        attempt = recording.attempt(self, error)
        self.rounds = []
        self.memory.keep_attempt(attempt)
        return attempt


def _complete(response: Any) -> None:
    """Raise ModelFailed where an Ollama server ended the stream without saying that it was done.

    The plugin takes that for a whole reply; the final chunk with the counts is missing then.
    """
    if is_ollama(response.model) and response.response_json is None:
        raise ModelFailed("The reply broke off: Ollama ended the stream before it was done.")


def _counted(one: Round) -> Turn:
    """Return a finished round as a turn, for what the server counted of it."""
    return Turn(
        id=one.response.id,
        model=one.response.model.model_id,
        input=(),
        output=convert.from_llm(one.response._messages_now()),  # noqa: SLF001
        input_tokens=one.response.input_tokens,
        output_tokens=one.response.output_tokens,
        request_base=one.base,
    )


def _own_input(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the trailing run of user and tool messages: what was new in the request."""
    start = len(messages)
    while start and messages[start - 1].role in ("user", "tool"):
        start -= 1
    return tuple(messages[start:])


def _system(parameters: dict[str, Any]) -> str | None:
    combined = models._combine_system(parameters.get("system"), parameters.get("system_fragments"))  # noqa: SLF001
    return combined or None


def _quoted(name: str) -> str:
    return shlex.quote(name)


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
