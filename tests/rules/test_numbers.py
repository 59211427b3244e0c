"""Numbers of exchanges as people type them, and as they read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import SessionError
from llm_session_memory.rules.numbers import as_ranges, parsed_ranges
from tests.world.laws import tried


@pytest.mark.parametrize(
    ("typed", "ranges"),
    [
        ("12", [(12, 12)]),
        ("12-14", [(12, 14)]),
        ("12, 14 - 16", [(12, 12), (14, 16)]),
        ("#3, #12–#14", [(3, 3), (12, 14)]),
    ],
)
def test_ranges(typed: str, ranges: list[tuple[int, int]]) -> None:
    """A number, a range, or several of both."""
    assert parsed_ranges(typed) == ranges


@pytest.mark.parametrize("typed", ["", "0", "14-12", "-3", "3-", "1,,2", "all", "1.5", "9999999999"])
def test_other_text_is_no_range(typed: str) -> None:
    """Other text, an empty range, and number 0 are errors."""
    with pytest.raises(SessionError, match="is not a number of an exchange"):
        parsed_ranges(typed)


@tried(50)
@given(st.sets(st.integers(1, 30), min_size=1))
def test_what_is_read_can_be_typed(numbers: set[int]) -> None:
    """The ranges that we print are read back as the same numbers."""
    ranges = parsed_ranges(as_ranges(sorted(numbers)))
    assert {number for first, last in ranges for number in range(first, last + 1)} == numbers
