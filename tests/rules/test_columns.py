"""Texts in columns: what fits beside what, and how lines are broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.columns import GAP, beside, cells, width_for, wrapped

TEXTS = st.text(st.sampled_from("ab c\t\n漢字é\u0301👍  -"), max_size=60)


@pytest.mark.parametrize(
    ("count", "columns", "width"), [(2, 99, None), (2, 100, 48), (3, 100, 31), (4, 100, None), (1, 200, None)]
)
def test_columns_need_a_wide_terminal(count: int, columns: int, width: int | None) -> None:
    """Two or three texts fit into 100 columns, four don't."""
    assert width_for(count, columns) == width
    if width is not None:
        assert width * count + len(GAP) * (count - 1) < columns


def test_lines_are_broken_at_blanks_and_keep_their_indentation() -> None:
    """A word that is too long is broken anywhere; empty lines stay."""
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("    x = 1\n\nabcdefghij", 9) == ["    x = 1", "", "abcdefghi", "j"]
    assert wrapped("漢字漢字", 5) == ["漢字", "漢字"]


@given(TEXTS, st.integers(2, 20))
def test_nothing_is_lost_and_no_line_is_too_wide(text: str, width: int) -> None:
    """Whatever the text, its characters are all there in order, but for blanks."""
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cells(line) <= width for line in lines)


def test_columns_are_filled_up() -> None:
    """Each column has the same width in cells; a shorter text leaves its place empty."""
    assert beside([["漢字", "b"], ["c"]], 5) == ["漢字  │ c", "b     │"]
