"""Ask one prompt in a session, for jobs and comparisons: sent, logged and answered as a value. Prints nothing.

Each call belongs to the thread (or the loop) of its Services: open them there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import llm

from ..errors import ModelFailed, SessionError
from ..model import Attachment, Message, Session, Settings
from ..model.frozen import dataclass
from ..rules.request import system_messages
from ..services.bundle import Services
from . import convert
from .attempts import cause
from .conversation import AsyncSessionConversation, SessionConversation
from .creating import Wanted
from .models import model_of, valid_options
from .prompting import Prompting
from .shape import check
from .tables import migrated

if TYPE_CHECKING:
    from .tool_results import RecordedResult

RELIED_ON = {
    "llm": "AsyncKeyModel AsyncModel Attachment Fragment NeedsKeyException get_default_model",
    "models.Response": "duration_ms text",
    "an instance of models.Response": "conversation id input_tokens model output_tokens",
    "parameters of models.Conversation.prompt": "key options schema stream",
    "parameters of models.Conversation.chain": "chain_limit key options schema stream tools",
    "parameters of models.AsyncConversation.prompt": "key options schema stream",
    "parameters of models.AsyncConversation.chain": "chain_limit key options schema stream tools",
}
"""The parts of llm that this module relies on (see `shape`)."""

CHAIN_LIMIT = 5
"""How many model calls one prompt with tools may make, as for `llm prompt`."""


@dataclass(frozen=True)
class Question:
    """One prompt, and what differs from the settings of its session.

    Attributes:
        prompt: The text; may be empty if there are fragments or attachments.
        system: The system prompt, instead of the session's. If `context` has messages, instead of theirs.
        fragments: Texts, or llm's fragments, which also have a source.
        attachments: llm's attachments, or ours from the log.
        options: Model options, in addition to the session's.
        schema: The JSON schema that the answer has to follow.
        tools: Tools as llm takes them: objects, functions, or names as for `llm -T`.
        context: What is sent before the prompt: "session" is what the session's policy chooses of its history, "none"
            only the system prompt. Messages are sent exactly as they are, and nothing besides them.
        run_tools: Whether the tools are run. If not, each call gets the result in `recorded`, or a sentence.
        recorded: Results of calls that were run earlier.
        chain_limit: How many model calls the prompt may make.
    """

    prompt: str
    system: str | None = None
    fragments: Sequence[Any] = ()
    attachments: Sequence[Any] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None
    tools: Sequence[Any] = ()
    context: Literal["session", "none"] | tuple[Message, ...] = "session"
    run_tools: bool = True
    recorded: Sequence[RecordedResult] = ()
    chain_limit: int = CHAIN_LIMIT


@dataclass(frozen=True)
class Answered:
    """The answer to a prompt, in the log.

    `turn_id` is the first turn of its exchange. `text` is the text of the last call. The tokens are those of all its
    calls, None if the server didn't count them. `duration_ms` is the time of the model's calls without their tools.
    """

    thread_id: str
    turn_id: str
    text: str
    input_tokens: int | None
    output_tokens: int | None
    duration_ms: int
    model: str
    calls: int = 1


Also = Callable[[Answered], None]
"""What else belongs to the transaction that logs an answer. If it raises, the answer isn't logged."""


def ask(  # noqa: PLR0913  what a job can ask for, each on its own
    services: Services,
    where: Session | Wanted,
    question: Question,
    model: Any = None,
    *,
    also: Also | None = None,
    on_text: Callable[[str], None] | None = None,
    key: str | None = None,
    keep_attempt: bool = True,
    insist: bool = False,
    over_budget: bool = False,
    notice: Callable[[str], None] | None = None,
) -> Answered:
    """Ask a prompt in a session and return its answer, which is then in the log.

    Args:
        services: The log, opened by this thread.
        where: The session, or the one to create.
        question: The prompt.
        model: A model id or an llm model object; by default the session's model, or llm's. To look up an id, llm lists
            all models, so pass an object if you ask often.
        also: Called in the transaction that logs the answer.
        on_text: Called with each piece of the answer as it comes. Without it the answer is not streamed.
        key: An API key.
        keep_attempt: Whether the prompt is in the log while it is sent, and stays in the session if it fails.
        insist: Send it even if it seems not to fit the context window.
        over_budget: Send it even if it would exceed a budget in dollars.
        notice: Called with each message that the command line would print.

    Raises:
        ModelFailed: The model, or the server behind it, failed. The error that it raised is the `__cause__`.
        OverBudget: The prompt doesn't fit the model's context window. It wasn't sent.
        TooExpensive: It would exceed a budget in dollars. It wasn't sent.
        SessionError: An option is invalid, a model or a tool doesn't exist, a key is missing, or the log can't be
            written.
    """
    one = _Asking(services, where, question, model, (also, on_text), async_=False)
    prompting = one.prompting(notice, keeps=keep_attempt, insist=insist, over_budget=over_budget)
    with one.errors(prompting):
        response = one.response(prompting, key)
        if on_text is None:
            response.text()
        else:
            for piece in response:
                one.tell(piece)
    return one.answered[-1]


async def ask_async(  # noqa: PLR0913  as above
    services: Services,
    where: Session | Wanted,
    question: Question,
    model: Any = None,
    *,
    also: Also | None = None,
    on_text: Callable[[str], None] | None = None,
    key: str | None = None,
    keep_attempt: bool = True,
    insist: bool = False,
    over_budget: bool = False,
    notice: Callable[[str], None] | None = None,
) -> Answered:
    """Ask as `ask` does, with an asynchronous model. All prompts of one loop can share its Services."""
    one = _Asking(services, where, question, model, (also, on_text), async_=True)
    prompting = one.prompting(notice, keeps=keep_attempt, insist=insist, over_budget=over_budget)
    with one.errors(prompting):
        response = one.response(prompting, key)
        if on_text is None:
            await response.text()
        else:
            async for piece in response:
                one.tell(piece)
    return one.answered[-1]


class _Asking:
    """One prompt on its way to the model and into the log."""

    def __init__(  # noqa: PLR0913  what asking needs, each on its own
        self,
        services: Services,
        where: Session | Wanted,
        question: Question,
        model: Any,
        told: tuple[Also | None, Callable[[str], None] | None],
        *,
        async_: bool,
    ) -> None:
        _check_llm()
        self.services, self.where, self.question = services, where, question
        self.also, self.on_text = told
        known = where.defaults if isinstance(where, Wanted) else where.settings
        wanted: Any = model if model is not None else known.model or llm.get_default_model()
        self.model: Any = model_of(wanted, async_=async_) if isinstance(wanted, str) else wanted
        if async_ != isinstance(self.model, (llm.AsyncModel, llm.AsyncKeyModel)):
            kind = "synchronous" if async_ else "asynchronous"
            raise SessionError(f"The model “{self.model.model_id}” is {kind}.", "Pass its id instead.")
        self.async_ = async_
        self.answered: list[Answered] = []
        self._sent = False
        self._ours: BaseException | None = None
        """The error that the caller's own function raised."""

    def prompting(
        self, notice: Callable[[str], None] | None, *, keeps: bool, insist: bool, over_budget: bool
    ) -> Prompting:
        """Return what chooses the request."""
        if not self.services.desk.log.columns("turns"):
            migrated(self.services.desk.log)
        return Prompting(
            self.services,
            self.where,
            Settings(options=valid_options(self.model, dict(self.question.options))),
            notice or (lambda _: None),
            by_itself=True,
            insist=insist,
            over_budget=over_budget,
            history=_history(self.question),
            keeps=keeps,
            also=self._log,
        )

    def response(self, prompting: Prompting, key: str | None) -> Any:
        """Return the response, or the tool loop, that sends the prompt when it is read."""
        asked, model = self.question, self.model
        conversation: Any = (AsyncSessionConversation if self.async_ else SessionConversation)(model=model)
        conversation.prompting, conversation.notices = prompting, []
        if isinstance(self.where, Session):
            conversation.id = self.where.thread_id
        parameters: dict[str, Any] = {
            "system": asked.system,
            "fragments": [*asked.fragments],
            "attachments": [_attachment(one) for one in asked.attachments],
            "options": dict(prompting.said.options),
            "stream": self.on_text is not None and model.can_stream,
            "key": key,
        }
        if asked.schema is not None:
            parameters["schema"] = dict(asked.schema)
        if not asked.tools:
            made = conversation.prompt(asked.prompt, **parameters)
        else:
            from .tool_results import tools_of  # most prompts have no tools

            offered = tools_of(model, asked.tools, asked.recorded, run=asked.run_tools)
            made = conversation.chain(asked.prompt, **parameters, tools=offered, chain_limit=asked.chain_limit)
        self._sent = True
        return made

    def tell(self, piece: str) -> None:
        """Pass a piece of the answer on."""
        assert self.on_text is not None
        try:
            self.on_text(piece)
        except BaseException as error:
            self._ours = error
            raise

    @contextmanager
    def errors(self, prompting: Prompting) -> Iterator[None]:
        """Turn what goes wrong into our errors; keep the prompt of a failed call, and no other."""
        try:
            yield
        except BaseException as error:
            prompted = prompting.latest
            if prompted is not None and prompted.logged and isinstance(error, Exception):
                return  # the answer is there, whatever went wrong afterwards
            if prompted is not None and self._sent and not self.answered:
                prompted.failed(error)
            elif prompted is not None:
                prompted.withdraw()
            if isinstance(error, SessionError) or error is self._ours or not isinstance(error, Exception):
                raise
            if not self._sent or isinstance(error, llm.NeedsKeyException):
                raise SessionError(cause(error)) from error
            raise ModelFailed(cause(error)) from error

    def _log(self, responses: Sequence[Any]) -> None:
        """Do what belongs to the transaction that logs the responses."""
        self.answered.append(_answered(responses))
        if self.also is None:
            return
        try:
            self.also(self.answered[-1])
        except BaseException as error:
            self._ours = error
            raise


@cache
def _check_llm() -> None:
    """Check once that llm is as it was: a job asks thousands of prompts, and this takes a third of each one's time."""
    check("asking")


def _history(question: Question) -> Literal["session", "none"] | tuple[Message, ...]:
    """Return what is sent before a prompt, with its own system prompt instead of another."""
    if isinstance(question.context, str) or question.system is None:
        return question.context
    others = (one for one in question.context if one.role != "system")
    return (*system_messages(question.system), *others)


def _attachment(given: Any) -> Any:
    return convert.attachment_of(given) if isinstance(given, Attachment) else given


def _answered(responses: Sequence[Any]) -> Answered:
    first, last = responses[0], responses[-1]
    return Answered(
        thread_id=first.conversation.id,
        turn_id=first.id,
        text=last.text(),
        input_tokens=_sum(one.input_tokens for one in responses),
        output_tokens=_sum(one.output_tokens for one in responses),
        duration_ms=sum(one.duration_ms() for one in responses),
        model=last.model.model_id,
        calls=len(responses),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum, or None if nothing was counted."""
    known = [one for one in counts if one is not None]
    return sum(known) if known else None
