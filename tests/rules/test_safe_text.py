"""Text that somebody else wrote, made safe to print."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.safe_text import one_line, plain

SHOWN = {
    "plain text": ("On 4 May.", "On 4 May."),
    "newline and tab stay": ("a\n\tb", "a\n\tb"),
    "windows line ends": ("a\r\nb\r\n", "a\nb\n"),
    "a lone carriage return": ("secret\rpublic", "secret␍public"),
    "colour (CSI)": ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
    "cursor up and clear (CSI)": ("\x1b[2A\x1b[2J", "␛[2A␛[2J"),
    "title, ended by bell (OSC)": ("\x1b]0;owned\x07", "␛]0;owned␇"),
    "link, ended by ST (OSC 8)": ("\x1b]8;;http://x\x1b\\y", "␛]8;;http://x␛\\y"),
    "clipboard (OSC 52)": ("\x1b]52;c;ZWNobw==\x07", "␛]52;c;ZWNobw==␇"),
    "device string (DCS)": ("\x1bPq#0\x1b\\", "␛Pq#0␛\\"),
    "C1 forms of CSI, OSC and ST": ("\x9b31m\x9d0;t\x9c", "<9B>31m<9D>0;t<9C>"),
    "next line (C1)": ("a\x85b", "a<85>b"),
    "backspace hides nothing": ("rm\b\bls", "rm␈␈ls"),
    "nul, vertical tab, form feed": ("\x00\x0b\x0c", "␀␋␌"),
    "delete": ("\x7f", "␡"),
    "right-to-left override": ("file\u202efdp.exe", "file<U+202E>fdp.exe"),
    "isolates": ("\u2066a\u2069", "<U+2066>a<U+2069>"),
    "marks of direction": ("\u200e\u200f\u061c", "<U+200E><U+200F><U+061C>"),
    "letters read from right to left stay": ("גשר العربية", "גשר العربية"),
    "emoji that are joined stay": ("👨\u200d👩\u200d👧 ❤️", "👨\u200d👩\u200d👧 ❤️"),
    "combining characters stay": ("e\u0301", "e\u0301"),
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.values(), ids=SHOWN.keys())
def test_what_a_terminal_would_obey_is_shown_instead(text: str, shown: str) -> None:
    """Control characters and marks of direction become visible signs; everything else stays as it is."""
    assert plain(text) == shown


@given(st.text())
def test_nothing_that_a_terminal_obeys_gets_through(text: str) -> None:
    """Whatever the text, the only control characters left are newline and tab; printing it again changes nothing."""
    shown = plain(text)
    assert {c for c in shown if unicodedata.category(c) == "Cc"} <= {"\n", "\t"}
    assert not {c for c in shown if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF"}}
    assert not {c for c in shown if unicodedata.bidirectional(c) in {"LRI", "RLI", "FSI", "PDI"}}
    assert plain(shown) == shown


@given(st.text(st.characters(exclude_categories=["Cc", "Cf"])))
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Text without control characters and marks of direction is not changed."""
    assert plain(text) == text


LINES = {
    "short": ("a b", 5, "a b"),
    "just fits": ("abcde", 5, "abcde"),
    "one too long": ("abcdef", 5, "abcd…"),
    "newlines are blanks": ("a\n\n  b\tc", 9, "a b c"),
    "control characters count as their signs": ("\x1b[0m", 4, "␛[0m"),
    "nothing": ("", 5, ""),
    "blanks": (" \n ", 5, ""),
}


@pytest.mark.parametrize(("text", "width", "shown"), LINES.values(), ids=LINES.keys())
def test_a_line_of_a_text_has_at_most_its_width(text: str, width: int, shown: str) -> None:
    """A text on one line is cut to its width, with a sign that it was."""
    assert one_line(text, width) == shown


@given(st.text(), st.integers(1, 40))
def test_one_line_is_one_line(text: str, width: int) -> None:
    """Whatever the text, its line has no line break and at most the width."""
    shown = one_line(text, width)
    assert len(shown) <= width
    assert len(shown.splitlines()) <= 1
