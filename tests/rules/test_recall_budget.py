"""How a block divides its budget between the newest exchanges and recall."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.recall_budget import ALLOWED_A_PROMPT, ALLOWED_AT_FIRST, allowance, recent_share


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


def test_recall_may_spend_a_quarter_and_saves_unused_tokens() -> None:
    """Each prompt adds to the allowance of its block, and one prompt may spend at most a quarter of the room."""
    assert allowance(4_000, 0, 0) == 1_000
    assert allowance(4_000, 1, 1_000) == ALLOWED_A_PROMPT
    assert allowance(4_000, 4, 1_000) == 4 * ALLOWED_A_PROMPT
    assert allowance(4_000, 40, 1_000) == 1_000
    assert allowance(64_000, 0, 0) == ALLOWED_AT_FIRST
    assert allowance(4_000, 0, 5_000) == 0


@given(st.integers(1, 500_000), st.integers(0, 300), st.integers(0, 500_000))
def test_an_allowance_is_never_negative_nor_over_a_quarter(budget: int, prompts: int, spent: int) -> None:
    """Whatever was spent, an allowance is between nothing and a quarter of the room."""
    assert 0 <= allowance(budget, prompts, spent) <= budget // 4
