"""Which exchanges are sent: the settings of one prompt, its budget, and from sizes and budget to a plan.

Pure: sees numbers and tokens, never a text. A session lives in blocks; within a block each request only grows at its
end; when the next one would exceed the budget, the start moves forward.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from ..errors import OverBudget, SessionError
from ..model import POLICIES, Budget, Settings, Sized, Window

LOW_WATER = 0.5
"""The share of what is left of the budget that the newest exchanges fill when a block begins.

Lower values let a block live longer (more of each request can be reused by the server, less is written to the log),
higher ones send more. Simulated and measured over 300 exchanges: see benchmarks/README.md.
"""

ROOM_SHARE = 0.25
ROOM_MOST = 2_048
"""Room for the answer where num_predict does not say: a quarter of the window, at most this many tokens."""


@dataclass(frozen=True)
class Shares:
    """How a new block shares out the room that system prompt, pins and new prompt leave, once something is pruned.

    `low` is what the newest exchanges fill when the block begins, `most` what they may fill until it ends. The newest
    exchange is sent whole up to the share `whole`, and cut to `cut` beyond.
    """

    low: float = LOW_WATER
    most: float = 1.0
    whole: float = 1.0
    cut: float = 1.0


WINDOW = Shares()
"""The newest exchanges may have all the room."""


# -- settings ----------------------------------------------------------


def effective(settings: Settings, asked: Settings) -> Settings:
    """Return the settings of one prompt: what it asks for, else what the session has."""
    said = {field.name: getattr(asked, field.name) for field in fields(asked)}
    said["options"] = {**settings.options, **asked.options}
    return replace(settings, **{name: value for name, value in said.items() if value is not None})


def check_tokens(count: int) -> int:
    """Return a budget if it is one. Raises SessionError."""
    if count < 1:
        raise SessionError(f"A budget of {count:,} tokens is none.", "Give --max-context-tokens a number above 0.")
    return count


def parsed_policy(policy: str) -> str:
    """Return a policy in its one form: “recall,summary” is “summary,recall”. Raises SessionError where it is none."""
    words = [word.strip() for word in policy.lower().split(",")]
    if set(words) == {"recall", "summary"} and len(words) == 2:  # noqa: PLR2004  the two that combine
        return "summary,recall"
    if len(words) == 1 and words[0] in POLICIES:
        return words[0]
    hint = f"Choose one of: {', '.join(POLICIES)}; or summary,recall."
    raise SessionError(f"There is no memory policy “{policy}”.", hint)


def recalls(policy: str) -> bool:
    """Say whether a policy brings back older exchanges that matter for the prompt."""
    return "recall" in policy.split(",")


def summarises(policy: str) -> bool:
    """Say whether a policy folds what is no longer sent into a summary."""
    return "summary" in policy.split(",")


# -- the plan ----------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What a new block sends before the new prompt.

    `pinned` stand in front, `recent` from `start` to the newest, both in order. `clip` is the number of tokens that the
    one recent exchange is to be cut to. `oversized`: the prompt exceeds the budget alone, nothing recent is sent.
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
        """Whether the plan leaves out anything of a session with exchanges, even a part of a single one."""
        return self.start is None or self.start.number > 1 or self.clip is not None

    @property
    def whole(self) -> frozenset[int]:
        """The numbers of the exchanges that are sent whole: not of one that is cut."""
        recent = () if self.clip is not None else self.recent
        return frozenset(sized.number for sized in (*self.pinned, *recent))


def budget_for(setting: int, window: Window, num_predict: int | None) -> Budget:
    """Return the budget: the least of the setting and of the window less room for the answer.

    A num_predict of nearly the whole window is an upper limit rather than a plan: a quarter stays for the conversation.
    """
    if window.tokens is None:
        return Budget(setting, setting, window)
    room = min(ROOM_MOST, int(window.tokens * ROOM_SHARE))
    if num_predict and num_predict > 0:
        room = min(num_predict, window.tokens * 3 // 4)
    fitting = max(1, window.tokens - room)
    return Budget(min(setting, fitting), setting, window, room)


def plan(  # noqa: PLR0913  the request's own figures, each needed
    policy: str,
    newest: Iterable[Sized],
    pins: Sequence[Sized],
    *,
    fixed: int,
    limit: Budget,
    keep_from: int = 1,
    in_progress: bool = False,
    shares: Shares = WINDOW,
) -> Plan:
    """Choose what a new block sends.

    `newest` yields the session's exchanges, newest first, and is read only as far as needed. `fixed` is the tokens of
    system prompt, tool definitions and new prompt. `keep_from` is the number from which the exchanges were sent so far:
    they all stay where they fit. `in_progress`: the newest exchange is the one being held (its tool results came back),
    so it is part of `fixed`, and none of the earlier ones has to be sent. `shares` bound the newest exchanges as soon
    as not all are sent. Raises OverBudget where `full` can't send
    everything, or where prompt and pins can't fit the known window.
    """
    pins = sorted(pins, key=lambda pin: pin.number)
    pinned_tokens = sum(pin.tokens for pin in pins)
    if fixed + pinned_tokens > limit.tokens:
        return _oversized(pins, pinned_tokens, fixed, limit)
    room = limit.tokens - fixed - pinned_tokens
    if policy == "full":
        return _everything(newest, pins, room, fixed + pinned_tokens, limit)
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
    """Return the newest exchanges, in order, that fit `room`; and the tokens to cut a single too-large one to.

    All if they fit; else all from `keep_from` on, if they fit in the largest share; else as many as fill the low-water
    share; the newest in any case. A pinned exchange is paid for already.
    """
    taken: list[Sized] = []  # newest first; the last one may be too many
    at_low_water = 0  # how many of them the low-water share has room for
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


def _everything(newest: Iterable[Sized], pins: Sequence[Sized], room: int, paid: int, limit: Budget) -> Plan:
    """Return the plan of the policy `full`: all exchanges, or an error that says how much does not fit."""
    recent = list(newest)[::-1]
    pinned = {pin.number for pin in pins}
    needed = sum(sized.tokens for sized in recent if sized.number not in pinned)
    if needed > room:
        message = f"The whole session needs about {paid + needed:,} tokens, and the budget is {limit.tokens:,}."
        hint = "Use --memory window for this prompt, or raise the budget with --max-context-tokens or a larger num_ctx."
        raise OverBudget(message, hint)
    return Plan((), tuple(recent), paid + needed)


def _oversized(pins: Sequence[Sized], pinned_tokens: int, fixed: int, limit: Budget) -> Plan:
    """Return the plan for a prompt that fills the budget alone: system prompt and pins only, if the window allows."""
    tokens = fixed + pinned_tokens
    if limit.window.tokens is not None and tokens > limit.window.tokens:
        with_pins = f" with {len(pins)} pinned" if pins else ""
        message = (
            f"This prompt{with_pins} needs about {tokens:,} tokens, and the model's window is "
            f"{limit.window.tokens:,} ({limit.window.source})."
        )
        hint = "Shorten it, or give the model a larger window (for Ollama: -o num_ctx N)."
        if pins:
            hint = "Shorten it, unpin something, or give the model a larger window (for Ollama: -o num_ctx N)."
        raise OverBudget(message, hint)
    return Plan(tuple(pins), (), tokens, oversized=True)


def without_recent(pins: Sequence[Sized], fixed: int) -> Plan:
    """Return a plan that leaves even the newest exchange out: not even a cut form of it fits beside the prompt."""
    ordered = tuple(sorted(pins, key=lambda pin: pin.number))
    return Plan(ordered, (), fixed + sum(pin.tokens for pin in ordered), oversized=True)
