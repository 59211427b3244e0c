"""How a block divides its budget between the newest exchanges and recall."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.recall_budget import allowance, recent_share


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


def test_recall_may_spend_a_quarter_on_each_prompt() -> None:
    """A prompt may have excerpts for a quarter of the room, whatever was sent with the prompts before it."""
    assert allowance(4_000) == 1_000
    assert allowance(4_000, 0.1) == 400
    assert allowance(4_000, 0.9) == 1_800, "history keeps more than half"


@given(st.integers(0, 500_000), st.none() | st.floats(0.01, 0.99))
def test_an_allowance_leaves_room_for_history(room: int, asked: float | None) -> None:
    """Whatever was asked for, an allowance is at most half of the room, and at most what was asked for."""
    assert 0 <= allowance(room, asked) <= room * min(0.5, 0.25 if asked is None else asked)
