"""Queries that people type, and the marks and snippets of their results."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llm_session_memory.rules.folding import placed, unspaced
from llm_session_memory.rules.search_terms import MOST_TERMS, Marker, query_of, raw_query_of, snippet, spans
from llm_session_memory.rules.stems import stem, stems_beginning
from tests.world import full_text
from tests.world.laws import tried


def _finds(expression: str, text: str) -> bool:
    return bool(expression) and full_text.rows(full_text.index_of(text), expression) == [0]


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
        ("har*", "harbour", True),
        ("har* office", "the harbour office", True),
        ("har* office", "the harbour", False),
        ('"the har*"', "the harbour", True),
        ("h*", "harbour", False),
        ("*har*", "harbour", False),
        ("arb*", "harbour", False),
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
    assert _finds(query_of(typed).exact.all_of, text) is found


@pytest.mark.parametrize("typed", ["", " ", "-", "++", '"', '""', '" "', "…", "\x00", "\ud800", "*", "( ) ^ :"])
def test_a_text_without_words_finds_nothing(typed: str) -> None:
    """A text without a word is a query for nothing."""
    assert query_of(typed).exact.all_of == query_of(typed).exact.any_of == ""


WORDS = st.text(
    st.sampled_from("aeinorst éß ÅΩж שlـع 深水港のはカ항구 ०१ 12_-+*\"'()^:{}[]\\,.;!?%$§\x00\n\t\ud800😀\u0301\u202e")
)


@given(text=WORDS)
@tried(400)
def test_any_text_finds_itself(text: str) -> None:
    """Any text is a valid query, and it finds the text itself if there is a word in it."""
    made = query_of(text)
    stored = text.encode("utf-8", "replace").decode()
    if made.exact.all_of:
        assert _finds(made.exact.all_of, stored)
        assert _finds(made.exact.any_of, stored)
    else:
        assert not any(character.isalnum() for character in text.replace("ـ", ""))


@given(text=WORDS)
@tried(200)
def test_raw_text_is_valid_or_invalid_syntax(text: str) -> None:
    """Any text as FTS5 syntax gives rows or SQLite's own error, never another error."""
    expression = raw_query_of(text).exact.all_of
    with suppress(sqlite3.OperationalError):
        full_text.rows(full_text.index_of("harbour"), expression)


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
            _finds(raw_query_of(typed).exact.all_of, text)
    else:
        assert _finds(raw_query_of(typed).exact.all_of, text) is found


def test_a_pasted_document_is_a_query() -> None:
    """Of a text of thousands of words, as many are looked up as FTS5 can take, and it finds itself."""
    document = " ".join(f"word{number}" for number in range(5_000))
    made = query_of(document)
    assert len(made.words) == MOST_TERMS
    assert _finds(made.exact.all_of, document)


def test_telling_terms() -> None:
    """Stop words count only if all words must be in one passage, or if there are no others."""
    made = query_of("when is the deadline")
    assert (made.exact.telling, made.exact.any_of) == (('"deadlin"',), '"deadlin"')
    assert _finds(made.exact.all_of, "the deadline, when is it")
    assert query_of("to be or not to be").exact.telling


@pytest.mark.parametrize(
    ("text", "terms", "marked"),
    [
        ("She signs off. Signed, signing: a sign.", ("sign",), ["signs", "Signed", "signing", "sign"]),
        ("A design, and signals", ("sign",), ["signals"]),
        ("A car, a carpet", ("car",), ["car"]),
        ("The harbour office; office of the harbour", ("harbour office",), ["harbour office"]),
        ("São Paulo, SAO", ("são",), ["São", "SAO"]),
        ("cafe\u0301s", ("café",), ["cafe\u0301s"]),
        ("We write C++ here", ("C++",), ["C"]),
        ("深水港の話", ("水港",), ["水港"]),
        ("harbours and harpoons", ("harb",), ["harbours"]),
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
    shown, marks = snippet(text, Marker(terms), width)
    assert len(shown) <= width + 2
    ends = [0]
    for start, end in marks:
        assert ends[-1] <= start < end <= len(shown)
        ends.append(end)


def test_a_snippet_is_around_the_matches() -> None:
    """Of a long text, the snippet is the part with most of the terms, on one line, with no word cut."""
    text = "Filler words stand here. " * 30 + "The harbour\noffice signs off. " + "More filler follows. " * 30
    shown, marks = snippet(text, Marker(["harbour", "office"]), 80)
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert [shown[start:end] for start, end in marks] == ["harbour", "office"]
    assert set(shown.strip("…").split()) <= set(text.split())


def test_a_snippet_without_a_match_is_the_beginning() -> None:
    """If nothing can be marked, the snippet is the beginning."""
    assert snippet("word " * 100, Marker(["other"]), 20) == ("word word word word…", [])


# -- laws --------------------------------------------------------------

PIECES = st.one_of(
    st.sampled_from(
        "harbour office organizations Universities hopping copied naïve Straße STRAẞE ﬁnesse Αθήνα ΟΔΟΣ İzmir ısı"
        " parseHTTPRequest snake_case v1.2.3-rc.1 x86_64 foo::bar<T> anna@example.org /usr/local/bin 1,234.56 C++ c#"
        " .env --dry-run e\u0301te\u0301 שָׁלוֹם مُحَمَّد कितना Привет Ｌｉｓ 🚀 👩\u200d💻 👍🏽🏽 🇵🇹🇪🇸 1️⃣ 深水港の話 한국어로"
        " ประชุมพรุ่งนี้ ພວກເຮົາ ភ្នំពេញ ရန်ကုန်မြို့ 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".split()
    ),
    st.text("aeinorstyé'ß深水のแมว🚀👍Ωж_-.:/# ", min_size=1, max_size=8),
)
TEXTS = st.lists(PIECES, min_size=1, max_size=8).map(" ".join)

_STARTS = re.compile(r"(?<![^\W_])[^\W_]|(?<=[a-z])[A-Z]|(?<=[A-Z])[A-Z](?=[a-z])|(?<=[a-zA-Z])[0-9]")


def _token_starts(text: str) -> list[int]:
    """Return where words, parts of words, emoji and characters of scripts without blanks begin."""
    words = {found.start() for found in _STARTS.finditer(text)}
    signs = {at for at, sign in enumerate(text) if unspaced().match(sign) or unicodedata.category(sign) == "So"}
    inside = {at for at in words if at and unicodedata.category(text[at - 1]) in ("Mn", "Mc", "Cf")}
    data = {at for found in re.finditer(r"[0-9a-f]{20,}", text) for at in range(found.start() + 1, found.end())}
    return sorted((words - inside - data) | signs)


def _found(typed: str, index: sqlite3.Connection) -> bool:
    made = query_of(typed)
    expressions = (made.exact.all_of, made.loose.all_of, made.loosest.all_of)
    return any(full_text.rows(index, expression) == [0] for expression in expressions if expression)


@pytest.fixture(name="index", scope="module")
def _index_fixture() -> sqlite3.Connection:
    return full_text.index_of()


@given(data=st.data())
@tried(400)
def test_any_run_from_the_beginning_of_a_token_finds_its_text(index: sqlite3.Connection, data: st.DataObject) -> None:
    """Any two or more characters of a text that begin at a word, a part of one, or an emoji find it, and are marked."""
    text = data.draw(TEXTS)
    full_text.replace(index, text)
    starts = _token_starts(text)
    assume(starts)
    start = data.draw(st.sampled_from(starts))
    end = data.draw(st.integers(min(start + 2, len(text)), min(start + 40, len(text))))
    run = text[start:end]
    for typed in (run, run.upper(), run.lower(), unicodedata.normalize("NFD", run)):
        words = query_of(typed).words
        assert not words or (_found(typed, index) and Marker(words).spans(text)), typed


@given(data=st.data())
@tried(200)
def test_any_two_neighbouring_words_find_their_text(index: sqlite3.Connection, data: st.DataObject) -> None:
    """Any two neighbouring words of a text find it, also in another case."""
    text = data.draw(TEXTS)
    full_text.replace(index, text)
    words = text.split()
    assume(len(words) > 1)
    at = data.draw(st.integers(0, len(words) - 2))
    pair = " ".join(words[at : at + 2])
    assume(query_of(pair).words)
    assert _found(pair, index)
    assert _found(pair.swapcase(), index)


@given(st.text(min_size=1, max_size=60))
@tried(200)
def test_the_places_of_folded_characters_are_in_the_text(text: str) -> None:
    """Each character of a folded text has its place in the text, in order; folding piece by piece is folding."""
    folded, starts, ends = placed(text)
    assert len(folded) == len(starts) == len(ends)
    assert starts == sorted(starts)
    assert all(0 <= start < end <= len(text) for start, end in zip(starts, ends, strict=True))


# -- stems -------------------------------------------------------------

STEMS = st.tuples(
    st.text("abeiosty", min_size=1, max_size=5),
    st.sampled_from(["", "ation", "ness", "ful", "ive", "ize", "iz", "at", "bl", "abl", "ic", "al", "ogi", "pp", "ll"]),
    st.sampled_from(["", "ational", "ization", "fulness", "ment", "iviti", "y", "ie", "ant", "ous"]),
    st.sampled_from(["", "s", "es", "ed", "ing", "ies", "e", "ly", "ness"]),
).map("".join)


@given(words=st.lists(STEMS, min_size=1, max_size=20, unique=True))
@tried(200)
def test_stems_are_those_of_fts5(words: list[str]) -> None:
    """The stem of a word is the one that FTS5's own tokenizer would have made."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create virtual table words using fts5 (word, tokenize = 'porter ascii')")
    connection.execute("create virtual table terms using fts5vocab (words, instance)")
    connection.executemany("insert into words (rowid, word) values (?, ?)", enumerate(words))
    found = dict(connection.execute("select doc, term from terms").fetchall())
    assert [stem(word) for word in words] == [found[number] for number in range(len(words))]


@given(word=STEMS, data=st.data())
@tried(300)
def test_the_beginning_of_a_word_finds_its_stem(word: str, data: st.DataObject) -> None:
    """The stem of a word begins with the word's beginning, or is one of the stems known for it."""
    start = word[: data.draw(st.integers(1, len(word)))]
    assert stem(word).startswith(start) or stem(word) in stems_beginning(start)
