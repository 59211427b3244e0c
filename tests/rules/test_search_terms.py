"""Queries that people type, and the marks and snippets of their results."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.passages import indexed
from llm_session_memory.rules.search_terms import MOST_TERMS, query_of, raw_query_of, snippet, spans
from tests.world.laws import tried


def _index(*texts: str) -> sqlite3.Connection:
    """Return an index like the log's, with one text per row."""
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "create virtual table words using fts5 (text, content = '', tokenize = 'porter unicode61 remove_diacritics 2')"
    )
    for number, text in enumerate(texts):
        connection.execute("insert into words (rowid, text) values (?, ?)", (number, indexed(text)))
    return connection


def _finds(expression: str, text: str) -> bool:
    return bool(expression) and bool(
        _index(text).execute("select 1 from words where words match ?", (expression,)).fetchall()
    )


def _marked(text: str, *terms: str) -> list[str]:
    return [text[start:end] for start, end in spans(text, terms)]


@pytest.mark.parametrize(
    ("typed", "text", "found"),
    [
        ("harbour office", "The office at the harbour", True),
        ("harbour office", "The harbour", False),
        ('"harbour office"', "The harbour office", True),
        ('"harbour office"', "The office at the harbour", False),
        ("signing", "She signs off", True),
        ("sao", "São Paulo", True),
        ("SÃO", "sao paulo", True),
        ("C++", "We write C++ here", True),
        ("signs-off", "it signs off", True),
        ("signs-off", "off it signs", False),
        ("don't", "I don’t know", True),
        ("AND OR NOT", "and, or not", True),
        ("NEAR(a b)", "near a b", True),
        ("text:harbour", "text harbour", True),
        ('"unbalanced harbour', "harbour, unbalanced", True),
        ("a*b", "a b", True),
        ("har*", "harbour", False),
        ("nul\x00byte", "nul byte", True),
        ("snake_case", "a snake_case name", True),
        ("café", "cafe\u0301", True),
        ("深水港", "新しい深水港の話", True),
        ("港", "深水港の話", True),
        ("水深", "深水港の話", False),
        ("iPhone手机", "我的iPhone手机坏了", True),
        ("手机abc", "新手机abc", True),
        ("ＡＢＣ", "abc", True),
        ("항구", "항구 사무소", True),
        ("the", "the bridge", True),
        ("x" * 500, "x" * 500, True),
    ],
)
def test_what_a_query_finds(typed: str, text: str, found: bool) -> None:
    """Words are found in any order and form; phrases, and text typed without spaces, in one piece."""
    assert _finds(query_of(typed).all_of, text) is found


@pytest.mark.parametrize("typed", ["", " ", "-", "++", '"', '""', '" "', "…", "😀", "\x00", "\ud800", "*", "( ) ^ :"])
def test_a_text_without_words_finds_nothing(typed: str) -> None:
    """A text without a word is a query for nothing."""
    assert query_of(typed).all_of == query_of(typed).any_of == ""


WORDS = st.text(
    st.sampled_from("aeinorst éß ÅΩж שlـع 深水港のはカ항구 ०१ 12_-+*\"'()^:{}[]\\,.;!?%$§\x00\n\t\ud800😀\u0301\u202e")
)


@given(text=WORDS)
@tried(400)
def test_any_text_finds_itself(text: str) -> None:
    """Any text is a valid query, and it finds the text itself if there is a word in it."""
    made = query_of(text)
    stored = text.encode("utf-8", "replace").decode()
    if made.all_of:
        assert _finds(made.all_of, stored)
        assert _finds(made.any_of, stored)
    else:
        assert not any(character.isalnum() for character in text)


@given(text=WORDS)
@tried(200)
def test_raw_text_is_valid_or_invalid_syntax(text: str) -> None:
    """Any text as FTS5 syntax gives rows or SQLite's own error, never another error."""
    expression = raw_query_of(text).all_of
    with suppress(sqlite3.OperationalError):
        _index("harbour").execute("select 1 from words where words match ?", (expression,)).fetchall()


@pytest.mark.parametrize(
    ("typed", "text", "found"),
    [
        ("harbour AND NOT office", "harbour", None),
        ("harbour NOT office", "the harbour office", False),
        ("harbour NOT office", "the harbour", True),
        ("har*", "the harbour", True),
        ('"harbour office"', "office harbour", False),
        ("深水港 OR 橋", "深水港の話", True),
        ('"深水港" NOT 橋', "深水港の橋", False),
        ("NEAR(harbour office, 3)", "harbour and its office", True),
    ],
)
def test_raw_syntax(typed: str, text: str, found: bool | None) -> None:
    """Raw syntax is FTS5's, with Chinese and Japanese words in the form of the index; None means that it is wrong."""
    if found is None:
        with pytest.raises(sqlite3.OperationalError):
            _finds(raw_query_of(typed).all_of, text)
    else:
        assert _finds(raw_query_of(typed).all_of, text) is found


def test_a_pasted_document_is_a_query() -> None:
    """Of a text of thousands of words, as many are looked up as FTS5 can take, and it finds itself."""
    document = " ".join(f"word{number}" for number in range(5_000))
    made = query_of(document)
    assert len(made.terms) == MOST_TERMS
    assert _finds(made.all_of, document)


def test_telling_terms() -> None:
    """Stop words count only if all words must be in one passage, or if there are no others."""
    made = query_of("when is the deadline")
    assert (made.telling, made.any_of) == (('"deadline"',), '"deadline"')
    assert _finds(made.all_of, "the deadline, when is it")
    assert query_of("to be or not to be").telling


@pytest.mark.parametrize(
    ("text", "terms", "marked"),
    [
        ("She signs off. Signed, signing: a sign.", ("sign",), ["signs", "Signed", "signing", "sign"]),
        ("A design, and signals", ("sign",), []),
        ("A car, a carpet", ("car",), ["car"]),
        ("The harbour office; office of the harbour", ("harbour office",), ["harbour office"]),
        ("São Paulo, SAO", ("são",), ["São", "SAO"]),
        ("cafe\u0301s", ("café",), ["cafe\u0301s"]),
        ("We write C++ here", ("C++",), ["C"]),
        ("深水港の話", ("水港",), ["水港"]),
        ("harbours and harpoons", ("harb*",), ["harbours"]),
        ("a a a", ("a", "a a"), ["a a a"]),
        ("İstanbul ist", ("ist",), ["ist"]),
        ("x", (), []),
    ],
)
def test_marks(text: str, terms: tuple[str, ...], marked: list[str]) -> None:
    """The marks are what the index would find: forms of a word, ignoring case and accents, but not parts of words."""
    assert _marked(text, *terms) == marked


@given(text=WORDS, terms=st.lists(WORDS, max_size=3), width=st.integers(30, 90))
@tried(300)
def test_marks_lie_within_the_snippet(text: str, terms: list[str], width: int) -> None:
    """Marks are in order, do not overlap, and lie within the snippet, which has about the requested length."""
    shown, marks = snippet(text, terms, width)
    assert len(shown) <= width + 2
    ends = [0]
    for start, end in marks:
        assert ends[-1] <= start < end <= len(shown)
        ends.append(end)


def test_a_snippet_is_around_the_matches() -> None:
    """Of a long text, the snippet is the part with most of the terms, on one line, with no word cut."""
    text = "Filler words stand here. " * 30 + "The harbour\noffice signs off. " + "More filler follows. " * 30
    shown, marks = snippet(text, ("harbour", "office"), 80)
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert [shown[start:end] for start, end in marks] == ["harbour", "office"]
    assert set(shown.strip("…").split()) <= set(text.split())


def test_a_snippet_without_a_match_is_the_beginning() -> None:
    """If nothing can be marked, the snippet is the beginning."""
    assert snippet("word " * 100, ("other",), 20) == ("word word word word…", [])
