"""One model call of a prompt, and two checks: whether the reply is complete and whether the server cut the request."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from ..errors import ModelFailed, SessionError
from ..model import Context, Message, Recalled, Turn, WindowFacts
from ..rules import server_cuts, tokens
from ..rules.blank import without_blanks
from ..rules.thinking import unthinking
from ..services.composer import Composer
from ..services.record import Record, SentCall
from ..services.windows import is_local, is_ollama, seen_now, takes_num_ctx
from . import convert

RELIED_ON = {
    "an instance of models.Response": "_messages_now id input_tokens model output_tokens prompt response_json",
    "an instance of models.Prompt": "messages options",
}
"""The parts of llm that this module relies on (see `shape`)."""

_MOST_TOKENS = 2**63 - 1
"""The largest number that SQLite can hold."""


class Call:  # not a dataclass: see Prompted
    """One model call: the response, and what is known about its request.

    Attributes:
        original: The turn's own input before it was changed, if it had to be: it was cut, or had blank texts.
        seen: The context window that the server reports after a cut.
    """

    def __init__(
        self,
        response: Any,
        base: float,
        estimate: int,
        context: Context,
        original: tuple[Message, ...] | None = None,
    ) -> None:
        self.response = response
        self.base = base
        self.estimate = estimate
        self.context = context
        self.original = original
        self.cut: server_cuts.Cut | None = None
        self.seen: WindowFacts | None = None

    @property
    def turn(self) -> Turn:
        """Return a finished call as a turn, with the server's token counts."""
        return Turn(
            id=self.response.id,
            model=self.response.model.model_id,
            input=(),
            output=convert.from_llm(self.response._messages_now()),  # noqa: SLF001
            input_tokens=self.response.input_tokens,
            output_tokens=self.response.output_tokens,
            request_base=self.base,
        )


def cut_of(one: Call, earlier: Call | None) -> server_cuts.Cut | None:
    """Return how the server cut a finished call's request, or None if it did not or if that is unknown.

    `earlier` is the previous call of the same prompt. If the count is lower than expected, ask the server for the
    context window that it has loaded, and keep its answer in the call.
    """
    counted = one.response.input_tokens
    if not counted or not is_local(one.response.model):
        return None
    found = _before(one, earlier)
    before = server_cuts.CountedRequest(found[0], found[1], 0, found[2]) if found else None
    sure = one.estimate - round(_attached(one) * tokens.TOKENS_AN_ATTACHMENT)
    now = server_cuts.CountedRequest(counted, one.base, sure)

    def detect(window: int | None) -> server_cuts.Cut | None:
        return server_cuts.detect(
            now,
            before,
            window=window,
            reply_tokens=one.response.output_tokens,
            calibrated=one.context.calibrated,
        )

    cut = detect(one.context.budget.window.tokens)
    # An estimate based on the previous request's count is close, so a smaller difference is significant.
    as_expected = counted >= sure * (0.97 if before and not before.guessed else 0.9)
    if as_expected and (cut is None or server_cuts.counts_all(str(cut))):
        return cut
    one.seen = seen_now(one.response.model)  # the model is loaded now, so the server knows its window
    allocated = one.seen.loaded if one.seen else None
    if allocated is None:
        return cut
    whole = is_ollama(one.response.model)
    fitted = server_cuts.possible(now, before, window=allocated, largest=_largest(one) if whole else None)
    return detect(allocated) if fitted or counted + (one.response.output_tokens or 0) >= allocated else None


def _largest(one: Call) -> float:
    """Return about how many tokens the largest message has that a server may drop: any but the last."""
    rate = one.estimate / one.base if one.base > 0 else 1.0
    messages = convert.from_llm(one.response.prompt.messages)[:-1]
    return max((tokens.Measure(rate).base([message]) * rate for message in messages), default=0.0)


def _before(one: Call, earlier: Call | None) -> tuple[int, float, int] | None:
    """Return what was counted of the request before that this one begins with (see Context)."""
    if earlier is None:
        return one.context.before
    extended = earlier.context is one.context and earlier.response.input_tokens
    return (earlier.response.input_tokens, earlier.base, 0) if extended else None


def _attached(one: Call) -> int:
    messages = convert.from_llm(one.response.prompt.messages)
    return sum(len(part.attachments) for message in messages for part in message.parts)


def countable(response: Any) -> None:
    """Drop token counts that the log can't store: negative numbers and those over 64 bits."""
    for name in ("input_tokens", "output_tokens"):
        count = getattr(response, name)
        if isinstance(count, int) and not 0 <= count <= _MOST_TOKENS:
            setattr(response, name, None)


def complete(response: Any) -> None:
    """Raise ModelFailed if an Ollama server ended the stream without a final chunk.

    The plugin treats that as a complete reply, but the final chunk, which has the counts, is missing.
    """
    if is_ollama(response.model) and response.response_json is None:
        raise ModelFailed("The reply is incomplete: Ollama ended the stream early.")


def own_input(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the user and tool messages at the end of a request: its new part."""
    start = len(messages)
    while start and messages[start - 1].role in ("user", "tool"):
        start -= 1
    return tuple(messages[start:])


def sendable(response: Any, think: str | None) -> tuple[tuple[Message, ...], tuple[Message, ...] | None]:
    """Make a call of a tool loop send no blank texts, and thinking only if it is kept.

    Return its messages, and its own input if that was changed.
    """
    asked = response.prompt.messages
    messages = convert.from_llm(asked)
    sent = tuple(map(without_blanks, unthinking(messages, think)))
    if sent == messages:
        return messages, None
    own = own_input(messages)
    changed = [
        old if new == was else convert.to_llm([new])[0] for old, was, new in zip(asked, messages, sent, strict=True)
    ]
    convert.send_instead(response, changed, len(own))
    return sent, own if own_input(sent) != own else None


def bound(one: Call, composer: Composer, before: int, recalled: Sequence[Recalled]) -> Context:
    """Move a call of an exchange in progress to a new block, cut it if necessary, and return its context.

    `before` is how many messages of the request came before the exchange, `recalled` the excerpts of its prompt.
    """
    messages = one.response.prompt.messages
    whole = convert.from_llm(messages[before:])
    made, sent = composer.in_progress(whole, recalled)
    own = own_input(whole)
    if own_input(sent) != own and one.original is None:
        one.original = own
    tail = messages[before:] if sent == whole else convert.to_llm(sent)
    convert.send_instead(one.response, [*convert.to_llm(made.chain), *tail], len(own))
    one.base, one.estimate, one.context = made.base, made.tokens, made
    return made


def sent_of(calls: Sequence[Call]) -> list[SentCall]:
    """Return finished calls in the form for the record, each with the cut that the server made, if any."""
    for earlier, one in zip([None, *calls], calls, strict=False):
        one.cut = cut_of(one, earlier)
    return [
        SentCall(one.response.id, one.base, one.estimate, one.context, str(one.cut) if one.cut else None)
        for one in calls
    ]


def learned(record: Record, calls: Sequence[Call]) -> None:
    """Remember how finished calls made a local server load their model."""
    last = calls[-1].response if calls else None
    if last is None or calls[-1].cut is not None:
        return
    with contextlib.suppress(SessionError):  # the reply is logged; the next prompt asks the server instead
        if takes_num_ctx(last.model):
            record.learn_loaded(last.model, num_ctx_of(last))
        elif not is_ollama(last.model) and is_local(last.model):
            record.learn_from(last.model)


def num_ctx_of(response: Any) -> int | None:
    """Return the context window that a request named, or None."""
    found: int | None = getattr(response.prompt.options, "num_ctx", None)
    return found


def told(cut: server_cuts.Cut) -> str:
    """Return the notice about a cut."""
    if server_cuts.counts_all(str(cut)):
        return f"{cut.because}: the end of the answer may be missing."
    return (
        f"the model's server {'has' if cut.certain else 'seems to have'} cut the prompt: {cut.because}. The next "
        "prompt will be made to fit."
    )
