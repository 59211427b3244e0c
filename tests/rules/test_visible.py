"""The rules of what is made visible in a text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.visible import one_line, visible

HIDDEN = [
    pytest.param("a\u202eb", "a⟦U+202E⟧b", id="right-to-left override"),
    pytest.param("a\u2066b\u2069", "a⟦U+2066⟧b⟦U+2069⟧", id="isolates"),
    pytest.param("pass\u200bword", "pass⟦U+200B⟧word", id="zero-width space in a word"),
    pytest.param("a\u200db", "a⟦U+200D⟧b", id="joiner between Latin letters"),
    pytest.param("x\U000e0041\U000e0042", "x⟦U+E0041⟧⟦U+E0042⟧", id="tags, which spell ASCII unseen"),
    pytest.param("\ufeffa", "⟦U+FEFF⟧a", id="byte order mark"),
    pytest.param("a\x00b\x1b[31m", "a␀b␛[31m", id="null and escape"),
    pytest.param("a\x7f\x85", "a␡⟦U+0085⟧", id="delete and C1"),
    pytest.param("a\ud800b", "a\ufffdb", id="half of a surrogate pair"),
    pytest.param("a\ufe0fb", "a⟦U+FE0F⟧b", id="selector after a letter"),
    pytest.param("soft\u00adhyphen", "soft⟦U+00AD⟧hyphen", id="soft hyphen"),
    pytest.param("a\u3164b", "a⟦U+3164⟧b", id="Hangul filler"),
]

HONEST = [
    pytest.param("Grüße, 日本語, עברית, العربية", id="scripts"),
    pytest.param("👨‍👩‍👧 and ❤️ and #️⃣", id="emoji with joiners and selectors"),
    pytest.param("می‌خواهم", id="Persian with its non-joiner"),
    pytest.param("two\n\tlines", id="newline and tab"),
]


@pytest.mark.parametrize(("text", "shown"), HIDDEN)
def test_what_hides_is_shown_by_its_name(text: str, shown: str) -> None:
    """A character that can't be seen, or turns the direction of text, comes out as its number."""
    assert visible(text) == shown


@pytest.mark.parametrize("text", HONEST)
def test_what_does_honest_work_stays(text: str) -> None:
    """Joiners and selectors stay where a script or an emoji needs them."""
    assert visible(text) == text


def test_line_ends_of_all_kinds_are_newlines() -> None:
    """CR LF and CR alone become newlines."""
    assert visible("a\r\nb\rcé") == "a\nb\ncé"


@given(st.text())
def test_nothing_stays_hidden(text: str) -> None:
    """Whatever the text: what comes out can be sent in UTF-8, and holds no control but newline and tab."""
    shown = visible(text)
    shown.encode()
    assert not [c for c in shown if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b") & set(shown)


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_one_line_is_one_line(text: str, width: int) -> None:
    """One line has no line break and keeps to its width."""
    line = one_line(text, width)
    assert len(line) <= width
    assert "\n" not in line
