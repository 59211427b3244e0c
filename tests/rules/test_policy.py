"""Which exchanges are sent: tables of cases, and laws for any sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import OverBudget
from llm_session_memory.model import Budget, Settings, Sized, Window
from llm_session_memory.rules.policy import LOW_WATER, Plan, budget_for, effective, plan, without_recent
from tests.world.laws import tried

UNKNOWN = Window(None, "not known")


def limit(tokens: int, window: int | None = None) -> Budget:
    return Budget(tokens, tokens, Window(window, "told") if window else UNKNOWN)


def exchanges(*sizes: int) -> list[Sized]:
    return [Sized(number, f"id{number}", tokens) for number, tokens in enumerate(sizes, 1)]


def numbers(sized: Sequence[Sized]) -> list[int]:
    return [one.number for one in sized]


def planned(  # noqa: PLR0913  the request's own figures
    sizes: Sequence[int],
    tokens: int,
    *,
    pins: Sequence[int] = (),
    fixed: int = 10,
    policy: str = "window",
    keep_from: int = 1,
    in_progress: bool = False,
    window: int | None = None,
) -> Plan:
    history = exchanges(*sizes)
    return plan(
        policy,
        reversed(history),
        [history[number - 1] for number in pins],
        fixed=fixed,
        limit=limit(tokens, window),
        keep_from=keep_from,
        in_progress=in_progress,
    )


# -- settings ----------------------------------------------------------


def _said(word: str) -> Settings:
    """Return settings in which every field is set."""
    share = {"one": 0.25, "other": 0.75}[word]
    values = {field.name: word for field in fields(Settings)}
    return Settings(**{**values, "options": {word: 1}, "max_context_tokens": len(word), "recall_share": share})  # type: ignore[arg-type]


def test_a_prompt_has_its_own_settings_or_else_its_sessions() -> None:
    """Each setting of a prompt is the one that it asks for, or else the session's; options are merged."""
    session, asked = _said("one"), _said("other")
    assert effective(session, Settings()) == session
    assert effective(Settings(), asked) == asked
    assert effective(session, asked) == replace(asked, options={"one": 1, "other": 1})


# -- budget ------------------------------------------------------------

BUDGETS = {
    "no window known": (64_000, None, None, 64_000, 0),
    "a quarter of a small window": (64_000, 4_096, None, 3_072, 1_024),
    "2,048 of a large one": (64_000, 32_768, None, 30_720, 2_048),
    "num_predict": (64_000, 4_096, 100, 3_996, 100),
    "num_predict -1: as long as it likes": (64_000, 4_096, -1, 3_072, 1_024),
    "num_predict 0": (64_000, 4_096, 0, 3_072, 1_024),
    "the setting is less": (2_000, 4_096, None, 2_000, 1_024),
    "num_predict without a window": (64_000, None, 100, 64_000, 0),
    "num_predict takes all: a quarter is left": (64_000, 4_096, 4_096, 1_024, 3_072),
    "the smallest window": (64_000, 1, None, 1, 0),
}


@pytest.mark.parametrize(("setting", "window", "predict", "tokens", "room"), BUDGETS.values(), ids=BUDGETS.keys())
def test_the_budget_is_the_least_of_setting_and_window(
    setting: int, window: int | None, predict: int | None, tokens: int, room: int
) -> None:
    """The budget is the setting, or what the context window leaves beside the room for the answer, if that is less."""
    found = budget_for(setting, Window(window, "told"), predict)
    assert (found.tokens, found.room, found.setting) == (tokens, room, setting)


# -- what is sent ------------------------------------------------------

PLANS: dict[str, tuple[Plan, list[int], list[int], int]] = {
    # plan, pins in front, recent, tokens
    "nothing said yet": (planned([], 100), [], [], 10),
    "all fit": (planned([20, 30, 40], 100), [], [1, 2, 3], 100),
    "one more token: half of what is left": (planned([20, 30, 40], 99), [], [3], 50),
    "many small ones to the low water": (planned([10] * 20, 110), [], list(range(16, 21)), 60),
    "the newest exceeds the low water, fits": (planned([10, 10, 80], 95), [], [3], 90),
    "kept where they were sent so far": (planned([10] * 10, 110, keep_from=4), [], list(range(4, 11)), 80),
    "kept, and not more though all fit": (planned([10] * 10, 1_000, keep_from=9), [], [9, 10], 30),
    "no longer kept where they don't fit": (planned([10] * 20, 110, keep_from=4), [], list(range(16, 21)), 60),
    "a pin in front": (planned([10] * 20, 120, pins=[2]), [2], list(range(16, 21)), 70),
    "pins stand in order": (planned([10] * 20, 140, pins=[9, 2, 5]), [2, 5, 9], list(range(16, 21)), 90),
    "a pin among the recent is paid once": (planned([10] * 20, 120, pins=[18]), [], list(range(15, 21)), 70),
    "all pinned": (planned([10] * 5, 60, pins=[1, 2, 3, 4, 5]), [], [1, 2, 3, 4, 5], 60),
    "a pin at the edge of the recent": (planned([10] * 20, 120, pins=[15]), [], list(range(15, 21)), 70),
    "a large pin among the recent": (planned([10, 60, 10], 100, pins=[2]), [], [1, 2, 3], 90),
    "pins below what is kept": (planned([10] * 10, 110, pins=[1], keep_from=8), [1], [8, 9, 10], 50),
    "the newest is pinned and fills it": (planned([50, 90], 100, pins=[2]), [], [2], 100),
    "the newest fits exactly": (planned([10, 90], 100), [], [2], 100),
    "in progress: all fit": (planned([20, 30], 100, in_progress=True), [], [1, 2], 60),
    "in progress: none has to go along": (planned([20, 95], 100, in_progress=True), [], [], 10),
    "in progress: but the pins have": (planned([20, 95], 100, pins=[1], in_progress=True), [1], [], 30),
    "full": (planned([20, 30, 40], 100, policy="full"), [], [1, 2, 3], 100),
    "full, with a pin": (planned([20, 30, 40], 100, policy="full", pins=[2]), [], [1, 2, 3], 100),
    "full, whatever was kept": (planned([20, 30, 40], 100, policy="full", keep_from=3), [], [1, 2, 3], 100),
}


@pytest.mark.parametrize(("found", "pinned", "recent", "tokens"), PLANS.values(), ids=PLANS.keys())
def test_what_is_chosen(found: Plan, pinned: list[int], recent: list[int], tokens: int) -> None:
    """Pins come first, then the newest that fit; after a cut only as many as fill half of what is left."""
    assert (numbers(found.pinned), numbers(found.recent), found.tokens) == (pinned, recent, tokens)
    assert (found.clip, found.oversized) == (None, False)
    assert found.start == (found.recent[0] if found.recent else None)


CLIPPED: dict[str, tuple[Plan, list[int], int]] = {
    # plan, pins in front, tokens that the newest is cut to
    "the newest alone is too long": (planned([10, 91], 100), [], 90),
    "and there is a pin": (planned([10, 91], 100, pins=[1]), [1], 80),
    "nothing is left for it": (planned([10, 91], 20, pins=[1]), [1], 0),
}


@pytest.mark.parametrize(("found", "pinned", "clip"), CLIPPED.values(), ids=CLIPPED.keys())
def test_the_newest_is_cut_if_it_alone_is_too_long(found: Plan, pinned: list[int], clip: int) -> None:
    """The newest exchange is always sent; if it alone exceeds the rest of the budget, it is cut to that."""
    assert (numbers(found.pinned), numbers(found.recent), found.clip) == (pinned, [2], clip)


def test_a_prompt_that_fills_the_budget_is_sent_with_only_the_pins() -> None:
    """A prompt that exceeds the budget, alone or with the pins, is sent with only system prompt and pins."""
    alone = planned([10, 10], 100, fixed=101, pins=[1])
    assert (numbers(alone.pinned), alone.recent, alone.tokens, alone.oversized) == ([1], (), 111, True)
    with_pins = planned([50, 10], 100, fixed=60, pins=[1])
    assert (numbers(with_pins.pinned), with_pins.recent, with_pins.oversized) == ([1], (), True)
    assert planned([10], 100, fixed=101, policy="full").oversized


def test_a_prompt_that_cannot_fit_the_window_is_refused_with_both_figures() -> None:
    """If prompt and pins exceed the known window itself, the error gives both figures and says what to do."""
    with pytest.raises(OverBudget, match=r"needs about 2,001 tokens, but the model's context window is 2,000 \(told\)"):
        planned([10], 1_500, fixed=2_001, window=2_000)
    with pytest.raises(OverBudget, match=r"with 1 pinned exchange needs about 2,005.*unpin"):
        planned([10], 1_500, fixed=1_995, pins=[1], window=2_000)
    assert planned([10], 1_500, fixed=2_000, window=2_000).oversized


def test_full_never_leaves_anything_out() -> None:
    """If the whole session does not fit, `full` is an error with both figures, not a shorter request."""
    with pytest.raises(OverBudget, match=r"whole session needs about 1,011 tokens, but the budget is 1,010"):
        planned([1] * 1_001, 1_010, policy="full")
    with pytest.raises(OverBudget, match=r"needs about 130 tokens"):
        planned([60, 60], 125, policy="full", pins=[1])


def test_without_recent_leaves_only_the_pins() -> None:
    """If not even a cut form of the newest exchange fits, the request is system prompt, pins and prompt."""
    history = exchanges(10, 20, 30)
    chosen = plan("window", reversed(history), history[:2], fixed=10, limit=limit(41))
    assert chosen.clip == 1
    found = without_recent(history[1::-1], 10)
    assert (numbers(found.pinned), found.recent, found.tokens, found.oversized) == ([1, 2], (), 40, True)


# -- laws --------------------------------------------------------------

sizes = st.lists(st.integers(1, 60) | st.integers(1, 600), max_size=40)


@st.composite
def requests(draw: st.DrawFn) -> tuple[list[Sized], list[Sized], int, int, int, bool]:
    """A history, its pins, fixed tokens, a budget, the previous block's start, and if an exchange is in progress."""
    history = exchanges(*draw(sizes))
    pins = draw(st.lists(st.sampled_from(history), unique=True, max_size=6)) if history else []
    tokens = draw(st.integers(1, 1_200))
    fixed = draw(st.integers(1, 80) | st.integers(1, tokens + 50))
    keep_from = draw(st.integers(1, max(1, len(history))))
    return history, pins, fixed, tokens, keep_from, draw(st.booleans())


@tried(1_000)
@given(requests())
def test_laws_of_window(request_: tuple[list[Sized], list[Sized], int, int, int, bool]) -> None:
    """For any sizes: never over budget; pins present; whole, in order, with the newest; no more read than needed."""
    history, pins, fixed, tokens, keep_from, in_progress = request_
    read: list[int] = []

    def newest() -> Iterator[Sized]:
        for one in reversed(history):
            read.append(one.number)
            yield one

    found = plan(
        "window", newest(), pins, fixed=fixed, limit=limit(tokens), keep_from=keep_from, in_progress=in_progress
    )
    pinned = sum(pin.tokens for pin in pins)
    assert found.oversized == (fixed + pinned > tokens)
    assert found.oversized or found.tokens <= tokens, "never over budget"
    sent = [*found.pinned, *found.recent]
    assert numbers(sent) == sorted(set(numbers(sent))), "order kept, nothing twice"
    assert set(pins) <= set(sent), "pins present"
    assert set(found.pinned) <= set(pins), "nothing but pins in front"
    if found.oversized:
        assert found.recent == ()
        return
    first = found.start.number if found.start else len(history) + 1
    assert numbers(found.recent) == list(range(first, len(history) + 1)), "the newest, none left out between"
    assert found.recent or not history or in_progress, "the newest is always sent"
    cost = sum(one.tokens for one in sent)
    if found.clip is None:
        assert found.tokens == fixed + cost, "tokens are what is sent"
    else:
        assert len(found.recent) == 1
        assert found.tokens == fixed + cost - found.recent[0].tokens + found.clip
        assert 0 <= found.clip < found.recent[0].tokens
    kept = [one for one in history if one.number >= keep_from]
    if fixed + pinned + sum(one.tokens for one in kept if one not in pins) <= tokens:
        assert list(found.recent) == kept, "what was sent so far stays where it fits"
    elif len(found.recent) > 1:
        room = tokens - fixed - pinned
        assert sum(one.tokens for one in found.recent if one not in pins) <= room * LOW_WATER, "low water"
    assert found.recent == () or first >= keep_from
    assert len(read) <= len(history) - first + 1 + room_for(history, found, tokens), "reads no further than needed"


def room_for(history: Sequence[Sized], found: Plan, tokens: int) -> int:
    """Return how many more exchanges than are sent may have been read: those that fill the budget, and one."""
    used = count = 0
    for one in reversed(history):
        used += one.tokens if one not in found.pinned and one not in found.recent else 0
        count += 1
        if used > tokens:
            break
    return count + 1


@tried(300)
@given(requests())
def test_laws_of_full(request_: tuple[list[Sized], list[Sized], int, int, int, bool]) -> None:
    """For any sizes: everything, once and in order; or an error; or, if the prompt is too large, only the pins."""
    history, pins, fixed, tokens, keep_from, _ = request_
    whole = fixed + sum(one.tokens for one in history)
    try:
        found = plan("full", reversed(history), pins, fixed=fixed, limit=limit(tokens), keep_from=keep_from)
    except OverBudget:
        assert whole > tokens
        return
    if found.oversized:
        assert fixed + sum(pin.tokens for pin in pins) > tokens
        return
    assert (found.pinned, list(found.recent), found.tokens) == ((), history, whole)
    assert whole <= tokens


@tried(300)
@given(sizes.filter(bool), st.integers(100, 2_000), st.integers(1, 60))
def test_a_block_lives_long(history_sizes: list[int], tokens: int, fixed: int) -> None:
    """After the start has moved, half of the rest of the budget is free until the next cut."""
    history = exchanges(*history_sizes)
    found = plan("window", reversed(history), [], fixed=fixed, limit=limit(tokens))
    if len(found.recent) in (0, 1, len(history)):
        return
    assert tokens - found.tokens >= (tokens - fixed) * (1 - LOW_WATER) - 1
