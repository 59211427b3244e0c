"""How a block divides its budget between the newest exchanges and recall."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.policy import WINDOW
from llm_session_memory.rules.recall_budget import allowance, is_enough, recent_share, shares


@pytest.mark.parametrize(
    ("budget", "share"), [(10, 0.5), (1_000, 0.5), (2_000, 0.3), (4_000, 0.2), (16_000, 0.125), (1_000_000, 0.125)]
)
def test_the_newest_get_half_of_a_small_budget_and_less_of_a_large_one(budget: int, share: float) -> None:
    """The share falls from a half at 1,000 tokens to an eighth at 16,000."""
    assert recent_share(budget) == pytest.approx(share)


@given(st.integers(1, 200_000), st.integers(1, 200_000))
def test_the_newest_never_get_fewer_tokens_of_a_larger_budget(one: int, other: int) -> None:
    """Although the share falls, a larger budget never means fewer tokens for the newest exchanges."""
    small, large = sorted((one, other))
    # From 1,000 to 4,000 the tokens stay nearly level, while the share falls.
    assert small * recent_share(small) <= large * recent_share(large) * 1.01 + 1


def test_a_prompt_may_have_nearly_all_of_the_room_or_what_was_asked_for() -> None:
    """A prompt that deserves everything may have most of the room, whatever was sent with the prompts before it."""
    assert allowance(4_000, 1.0) == 3_800
    assert allowance(4_000, 0.5) == 1_900
    assert allowance(64_000, 1.0) == 3_800, "more is only for who asks for it"
    assert allowance(64_000, 1.0, 0.5) == 32_000
    assert allowance(4_000, 1.0, 0.1) == 400
    assert allowance(4_000, 0.0) == 0


ROOM = st.integers(0, 500_000)
WORTH = st.floats(0, 1)
SHARE = st.floats(0.01, 0.99)


@given(ROOM, WORTH, SHARE, SHARE)
def test_a_larger_share_never_means_less(room: int, worth: float, one: float, other: float) -> None:
    """Nobody who asks for a larger share gets less, and nobody more than the share."""
    small, large = sorted((one, other))
    assert 0 <= allowance(room, worth, small) <= allowance(room, worth, large) <= room * large


@given(st.integers(1, 200_000), SHARE)
def test_a_smaller_share_leaves_more_to_the_newest(budget: int, share: float) -> None:
    """A new block keeps at least as much as by default, and at most half, like the policy `window`."""
    usual, asked = shares(budget), shares(budget, share)
    assert min(usual.low, asked.low) == usual.low
    assert asked.low <= max(usual.low, 1 - share)
    assert asked.low <= WINDOW.low


def test_a_block_goes_on_if_a_new_one_would_not_give_a_prompt_much_more() -> None:
    """A prompt makes do with three quarters of what it deserves, or of what a new block would have for it."""
    assert is_enough(750, wanted=1_000, room=4_000, low=0.2)
    assert not is_enough(749, wanted=1_000, room=4_000, low=0.2)
    assert is_enough(2_400, wanted=3_600, room=4_000, low=0.2), "a new block has 3,200"
