"""Text from others, made safe to show."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.safe_text import escaped, mended, one_line, plain, storable, unbroken, visible

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
    "C1 forms of CSI, OSC and ST": ("\x9b31m\x9d0;t\x9c", "⟦U+009B⟧31m⟦U+009D⟧0;t⟦U+009C⟧"),
    "next line (C1)": ("a\x85b", "a⟦U+0085⟧b"),
    "backspace hides nothing": ("rm\b\bls", "rm␈␈ls"),
    "nul, vertical tab, form feed": ("\x00\x0b\x0c", "␀␋␌"),
    "delete": ("\x7f", "␡"),
    "right-to-left override": ("file\u202efdp.exe", "file⟦U+202E⟧fdp.exe"),
    "isolates": ("\u2066a\u2069", "⟦U+2066⟧a⟦U+2069⟧"),
    "marks of direction": ("\u200e\u200f\u061c", "⟦U+200E⟧⟦U+200F⟧⟦U+061C⟧"),
    "letters read from right to left stay": ("גשר العربية", "גשר العربية"),
    "emoji that are joined stay": ("👨\u200d👩\u200d👧 ❤️", "👨\u200d👩\u200d👧 ❤️"),
    "combining characters stay": ("e\u0301", "e\u0301"),
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.values(), ids=SHOWN.keys())
def test_control_characters_are_shown(text: str, shown: str) -> None:
    """Control characters and direction marks become visible signs; everything else is unchanged."""
    assert plain(text) == shown


@given(st.text())
def test_a_sentence_stays_one_line(text: str) -> None:
    """A sentence that quotes a text has no line end or control character; text that hides nothing is unchanged."""
    shown = unbroken(f"Session “{text}” not found.")
    assert not {c for c in shown if unicodedata.category(c) in {"Cc", "Zl", "Zp"}}
    assert len(shown.splitlines()) == 1
    assert shown == f"Session “{text}” not found." or not text.isprintable() or visible(text) != text


@given(st.text())
def test_no_control_character_gets_through(text: str) -> None:
    """Whatever the text, the only control characters left are newline and tab; printing it again changes nothing."""
    shown = plain(text)
    assert {c for c in shown if unicodedata.category(c) == "Cc"} <= {"\n", "\t"}
    assert not {c for c in shown if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF"}}
    assert not {c for c in shown if unicodedata.bidirectional(c) in {"LRI", "RLI", "FSI", "PDI"}}
    assert plain(shown) == shown


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Lo", "Mn", "Cn"])))
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Text without hidden characters or direction marks is unchanged."""
    assert plain(text) == text == visible(text)


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
    """A text on one line is cut to its width, with an ellipsis."""
    assert one_line(text, width) == shown


@given(st.text(), st.integers(1, 40))
def test_one_line_is_one_line(text: str, width: int) -> None:
    """Whatever the text, its line has no line break and at most the width."""
    shown = one_line(text, width)
    assert len(shown) <= width
    assert len(shown.splitlines()) <= 1


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
def test_hidden_characters_are_shown_by_number(text: str, shown: str) -> None:
    """A character that is invisible, or changes the direction of text, is replaced by its number."""
    assert visible(text) == shown


@pytest.mark.parametrize("text", HONEST)
def test_legitimate_joiners_stay(text: str) -> None:
    """Joiners and selectors are kept where a script or an emoji needs them."""
    assert visible(text) == text


def test_line_ends_of_all_kinds_are_newlines() -> None:
    """CR LF and CR alone become newlines."""
    assert visible("a\r\nb\rcé") == "a\nb\ncé"


@given(st.text())
def test_nothing_stays_hidden(text: str) -> None:
    """Whatever the text, the result is valid UTF-8 and contains no control character but newline and tab."""
    shown = visible(text)
    shown.encode()
    assert not [c for c in shown if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b") & set(shown)


@given(st.text(st.characters()))
def test_a_terminal_and_a_page_show_the_same_but_for_a_lone_carriage_return(text: str) -> None:
    """There is one list: a page and a terminal show the same sign, and showing the result again changes nothing."""
    assert visible(text) == plain(text.replace("\r\n", "\n").replace("\r", "\n"))
    assert plain(visible(text)) == visible(text)


@given(st.text(st.characters()))
def test_escaped_json_is_the_same_value_and_hides_nothing(text: str) -> None:
    """JSON is printed with hidden characters as escapes: read again, it is the same value."""
    shown = escaped(json.dumps([text], ensure_ascii=False))
    assert json.loads(shown) == json.loads(json.dumps([text]))
    assert plain(shown) == shown


@given(st.binary(), st.sampled_from(["utf-8", "ascii"]))
def test_undecoded_bytes_are_decoded_as_utf_8(raw: bytes, locale: str) -> None:
    """Whatever the locale left undecoded, the text is that of UTF-8, and every byte is still there."""
    text = mended(raw.decode(locale, "surrogateescape"))
    assert text == raw.decode("utf-8", "surrogateescape")
    assert text.encode("utf-8", "surrogateescape") == raw


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_every_text_can_be_stored(text: str) -> None:
    """A stored text can be encoded and has no NUL. Text without such characters is unchanged."""
    kept = storable(text)
    assert "\0" not in kept.encode().decode()
    assert kept == text or "\ufffd" in kept
    assert storable(kept) == kept
