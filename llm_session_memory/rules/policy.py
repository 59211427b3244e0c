"""Which exchanges are sent: the settings of one prompt, its budget, and a plan made from sizes and budget.

Pure: it sees numbers and tokens, never a text. A session is a series of blocks; within a block each request grows
at its end. When the next request would exceed the budget, the start moves forward.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace

from ..errors import OverBudget, SessionError
from ..model import POLICIES, Budget, Settings, Sized, Window
from ..model.frozen import dataclass
from .thinking import parsed_think

LOW_WATER = 0.5
"""The share of the remaining budget that the newest exchanges fill when a block begins.

With a lower value a block lives longer (a server can reuse more of each request, and less is written to the log); with
a higher value more is sent. Simulated and measured over 300 exchanges: see benchmarks/README.md.
"""

ROOM_SHARE = 0.25
ROOM_MOST = 2_048
"""Room for the answer if num_predict is not set: a quarter of the context window, at most this many tokens."""


@dataclass(frozen=True)
class Shares:
    """How a new block divides the room that system prompt, pins and new prompt leave, once something is pruned.

    The newest exchanges fill the share `low` when the block begins, and may fill up to `most` until it ends. The newest
    exchange is sent whole up to the share `whole`, and cut to `cut` if it is larger.
    """

    low: float = LOW_WATER
    most: float = 1.0
    whole: float = 1.0
    cut: float = 1.0


WINDOW = Shares()
"""The newest exchanges may use all the room."""


# -- settings ----------------------------------------------------------


def effective(settings: Settings, asked: Settings) -> Settings:
    """Return the settings of one prompt: those that it asks for, otherwise those of the session."""
    said = {field.name: getattr(asked, field.name) for field in fields(asked)}
    said["options"] = {**settings.options, **asked.options}
    return replace(settings, **{name: value for name, value in said.items() if value is not None})


def checked(settings: Settings) -> Settings:
    """Return settings in their normal form. Raises SessionError if one is invalid."""
    if settings.memory is not None:
        settings = replace(settings, memory=parsed_policy(settings.memory))
    if settings.think is not None:
        settings = replace(settings, think=parsed_think(settings.think))
    if settings.max_context_tokens is not None:
        check_tokens(settings.max_context_tokens)
    if settings.recall_share is not None and not 0 < settings.recall_share < 1:
        raise SessionError(f"“{settings.recall_share}” is not a valid share.", "Give a number between 0 and 1.")
    for name in ("recall_fragments", "global_notes", "guard"):
        if getattr(settings, name) not in (None, True, False):
            raise SessionError(f"“{getattr(settings, name)}” is not a valid value of {name}.", "Give True or False.")
    if settings.recall_from is not None:
        from .recall_from import normal  # few sessions recall from others

        settings = replace(settings, recall_from=normal(settings.recall_from))
    return settings


def check_tokens(count: int) -> int:
    """Return the budget. Raises SessionError if it is below 1."""
    if count < 1:
        raise SessionError("A budget must be at least 1 token.", "Set --max-context-tokens to a number above 0.")
    return count


def parsed_policy(policy: str) -> str:
    """Return a policy in normal form: “recall,summary” becomes “summary,recall”. Raises SessionError if unknown."""
    words = [word.strip() for word in policy.lower().split(",")]
    if set(words) == {"recall", "summary"} and len(words) == 2:  # noqa: PLR2004  the two that combine
        return "summary,recall"
    if len(words) == 1 and words[0] in POLICIES:
        return words[0]
    hint = f"Choose one of: {', '.join(POLICIES)}; or summary,recall."
    raise SessionError(f"“{policy}” is not a memory policy.", hint)


def recalls(policy: str) -> bool:
    """Return whether a policy brings back parts of older exchanges that are relevant to the prompt."""
    return "recall" in policy.split(",")


def summarises(policy: str) -> bool:
    """Return whether a policy puts exchanges that are no longer sent into a summary."""
    return "summary" in policy.split(",")


# -- the plan ----------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """The parts that a new block sends before the new prompt.

    `pinned` comes first, then `recent` from `start` to the newest exchange, both in order. `clip` is the number of
    tokens that the only recent exchange is cut to. `oversized` means that the prompt alone exceeds the budget, so
    nothing recent is sent.
    """

    pinned: tuple[Sized, ...]
    recent: tuple[Sized, ...]
    tokens: int
    clip: int | None = None
    oversized: bool = False

    @property
    def start(self) -> Sized | None:
        """The first of the newest exchanges that are sent."""
        return self.recent[0] if self.recent else None

    @property
    def leaves_out(self) -> bool:
        """Whether the plan omits anything from the session, even part of a single exchange."""
        return self.start is None or self.start.number > 1 or self.clip is not None

    @property
    def whole(self) -> frozenset[int]:
        """The numbers of the exchanges that are sent whole, without one that is cut."""
        recent = () if self.clip is not None else self.recent
        return frozenset(sized.number for sized in (*self.pinned, *recent))


def budget_for(setting: int, window: Window, num_predict: int | None) -> Budget:
    """Return the budget: the smaller of the setting and the context window minus room for the answer.

    A num_predict of nearly the whole window is an upper limit, not an expectation, so a quarter is kept for the
    conversation.
    """
    if window.tokens is None:
        return Budget(setting, setting, window)
    room = min(ROOM_MOST, int(window.tokens * ROOM_SHARE))
    if num_predict and num_predict > 0:
        room = min(num_predict, window.tokens * 3 // 4)
    fitting = max(1, window.tokens - room)
    return Budget(min(setting, fitting), setting, window, room)


def plan(  # noqa: PLR0913  all are parts of the request
    policy: str,
    newest: Iterable[Sized],
    pins: Sequence[Sized],
    *,
    fixed: int,
    limit: Budget,
    keep_from: int = 1,
    in_progress: bool = False,
    shares: Shares = WINDOW,
    insist: bool = False,
) -> Plan:
    """Choose what a new block sends.

    Args:
        policy: the session's policy; only `full` makes a difference here
        newest: the session's exchanges, newest first; read only as far as needed
        pins: the pinned exchanges
        fixed: the tokens of system prompt, tool definitions and new prompt
        limit: the budget of the request
        keep_from: the number of the first exchange sent so far; all from there on are kept if they fit
        in_progress: whether the newest exchange is still in progress (its tool results came back), so that it is part
            of `fixed` and no earlier exchange has to be sent
        shares: the limits for the newest exchanges once not all of them are sent
        insist: whether to send what is estimated not to fit, rather than refuse it

    Raises:
        OverBudget: `full` can't send everything, or the prompt and the pins exceed the known context window
    """
    pins = sorted(pins, key=lambda pin: pin.number)
    pinned_tokens = sum(pin.tokens for pin in pins)
    if fixed + pinned_tokens > limit.tokens:
        return _oversized(pins, pinned_tokens, fixed, limit, insist=insist)
    room = limit.tokens - fixed - pinned_tokens
    if policy == "full":
        return _everything(newest, pins, room, fixed + pinned_tokens, limit, insist=insist)
    recent, clip = _newest(newest, {pin.number for pin in pins}, room, keep_from, shares)
    if clip is not None and in_progress:
        recent, clip = [], None
    first = recent[0].number if recent else None
    front = tuple(pin for pin in pins if first is None or pin.number < first)
    tokens = fixed + sum(sized.tokens for sized in (*front, *recent))
    if clip is not None:
        tokens += clip - recent[0].tokens
    return Plan(front, tuple(recent), tokens, clip)


def _newest(
    newest: Iterable[Sized], pinned: set[int], room: int, keep_from: int, shares: Shares
) -> tuple[list[Sized], int | None]:
    """Return the newest exchanges, in order, that fit `room`, and the tokens to cut the newest to if it is too large.

    Return all exchanges if they fit; otherwise all from `keep_from` on, if they fit in the largest share; otherwise as
    many as fill the low-water share, and at least the newest. A pinned exchange is already paid for.
    """
    taken: list[Sized] = []  # newest first; the last one may not fit
    at_low_water = 0  # how many of them fit in the low-water share
    used = 0
    for sized in newest:
        if sized.number < keep_from:
            break
        cost = 0 if sized.number in pinned else sized.tokens
        used += cost
        taken.append(sized)
        if used > room:
            break
        if used <= int(room * shares.low):
            at_low_water = len(taken)
    nothing_left_out = not taken or taken[-1].number == 1
    if used <= (room if nothing_left_out else int(room * shares.most)):
        return taken[::-1], None
    if at_low_water:
        return taken[:at_low_water][::-1], None
    alone = taken[0].tokens
    if alone > int(room * shares.whole):
        return taken[:1], min(alone, int(room * shares.cut))
    return taken[:1], None


def _everything(  # noqa: PLR0913  all are parts of the request
    newest: Iterable[Sized], pins: Sequence[Sized], room: int, paid: int, limit: Budget, *, insist: bool
) -> Plan:
    """Return the plan of the policy `full`: all exchanges. Raises OverBudget if they do not fit."""
    recent = list(newest)[::-1]
    pinned = {pin.number for pin in pins}
    needed = sum(sized.tokens for sized in recent if sized.number not in pinned)
    if needed > room and not insist:
        message = f"The whole session needs about {paid + needed:,} tokens, but the budget is {limit.tokens:,}."
        hint = "Use --memory window for this prompt, or raise the budget with --max-context-tokens or a larger num_ctx."
        raise OverBudget(message, hint)
    return Plan((), tuple(recent), paid + needed)


def _oversized(pins: Sequence[Sized], pinned_tokens: int, fixed: int, limit: Budget, *, insist: bool) -> Plan:
    """Return the plan for a prompt that fills the budget alone: only system prompt and pins, if the window allows."""
    tokens = fixed + pinned_tokens
    if limit.window.tokens is not None and tokens > limit.window.tokens and not insist:
        with_pins = f" with {len(pins)} pinned {'exchange' if len(pins) == 1 else 'exchanges'}" if pins else ""
        message = (
            f"This prompt{with_pins} needs about {tokens:,} tokens, but the model's context window is "
            f"{limit.window.tokens:,} ({limit.window.source})."
        )
        first = "Shorten it, unpin something" if pins else "Shorten it"
        larger = "or give the model a larger context window (for Ollama: -o num_ctx N)"
        raise OverBudget(message, f"{first}, {larger}. If you think that it fits, add --send-anyway.")
    return Plan(tuple(pins), (), tokens, oversized=True)


def without_recent(pins: Sequence[Sized], fixed: int) -> Plan:
    """Return a plan without even the newest exchange, because not even a cut version of it fits beside the prompt."""
    ordered = tuple(sorted(pins, key=lambda pin: pin.number))
    return Plan(ordered, (), fixed + sum(pin.tokens for pin in ordered), oversized=True)
