"""The rules for session names, which names are equal, and which names are suggested."""

from __future__ import annotations

import random
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import NameRefused
from llm_session_memory.rules import names

FAMILY = "👨\u200d👩\u200d👧"

KEPT = {
    "one letter": ("x", "x"),
    "blanks within": ("two words", "two words"),
    "blanks around": ("  work \t", "work"),
    "a newline from a script": ("work\n", "work"),
    "punctuation": ("a.b:c-d_e~1 (old)", "a.b:c-d_e~1 (old)"),
    "a leading dash": ("-x", "-x"),
    "a back slash": ("a\\b", "a\\b"),
    "japanese": ("橋の計画", "橋の計画"),
    "right-to-left letters": ("גשר", "גשר"),
    "emoji": ("🌉 bridge", "🌉 bridge"),
    "emoji with a variation selector": ("❤️", "❤️"),
    "emoji with a skin colour": ("👍🏽", "👍🏽"),
    "combining characters are composed": ("Cafe\u0301", "Café"),
    "a letter with many marks": ("z\u0300\u0301\u0302", "z\u0300\u0301\u0302"),
    "emoji that are joined": (FAMILY, FAMILY),
    "emoji of a profession": ("👩🏽\u200d💻 shift", "👩🏽\u200d💻 shift"),
    "a flag of two signs": ("🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"),
    "a heart in an emoji": ("👩\u200d❤\ufe0f\u200d👨", "👩\u200d❤\ufe0f\u200d👨"),
    "two arrows of emoji": ("🙂\u200d↔\ufe0f", "🙂\u200d↔\ufe0f"),
    "persian": ("می\u200cخواهم", "می\u200cخواهم"),
    "hindi": ("क्\u200dष", "क्\u200dष"),
    "bengali": ("র\u200d্যাব", "র\u200d্যাব"),
    "sinhala": ("ශ්\u200dරී ලංකා", "ශ්\u200dරී ලංකා"),
    "malayalam at a word's end": ("അവന്\u200d", "അവന്\u200d"),
    "the longest": ("x" * 200, "x" * 200),
    "the longest once composed": ("e\u0301" * 200, "é" * 200),
    "the longest once trimmed": (" " + "x" * 200 + " ", "x" * 200),
    "200 emoji": ("🌉" * 200, "🌉" * 200),
}

REFUSED = {
    "empty": ("", "can't be blank"),
    "blanks": (" \t ", "can't be blank"),
    "a no-break space": ("\u00a0", "can't be blank"),
    "an ideographic space": ("\u3000", "can't be blank"),
    "a letter without a shape": ("\u3164", "can't be blank"),
    "braille without dots": ("\u2800\u2800", "can't be blank"),
    "marks with nothing under them": ("\u0301\ufe0f", "can't be blank"),
    "one too long": ("x" * 201, "201 characters"),
    "too long once decomposed": ("\u0958" * 101, "202 characters"),
    "a slash": ("a/b", "“a/b” contains a “/”"),
    "only a slash": ("/", "contains a “/”"),
    "a newline within": ("a\nb", "U+000A"),
    "a tab within": ("a\tb", "U+0009"),
    "an escape sequence": ("\x1b[31mred", "U+001B"),
    "a C1 control": ("a\x9bb", "U+009B"),
    "delete": ("a\x7f", "U+007F"),
    "nul": ("a\x00b", "U+0000"),
    "a right-to-left override": ("work\u202efdp", "U+202E"),
    "a right-to-left mark": ("\u200fwork", "U+200F"),
    "a zero-width space": ("wo\u200brk", "U+200B"),
    "a byte that is not UTF-8": ("a\udcffb", "U+DCFF"),
    "a line separator": ("a\u2028b", "U+2028"),
    "each unprintable character once": ("a\x1bb\x1bc\x07d", "(U+0007, U+001B)"),
    "a joiner between Latin letters": ("wo\u200drk", "(U+200D)"),
    "a joiner before an emoji": ("\u200d💻", "(U+200D)"),
    "a joiner after an emoji": ("👩\u200d", "(U+200D)"),
    "two joiners": ("👩\u200d\u200d💻", "(U+200D)"),
    "a non-joiner in an emoji": ("👩\u200c💻", "(U+200C)"),
    "a non-joiner at a word's end": ("می\u200c", "(U+200C)"),
    "only joiners": ("\u200d\u200c", "can't be blank"),
}


@pytest.mark.parametrize(("given_", "kept"), KEPT.values(), ids=KEPT.keys())
def test_a_name_is_kept_as_it_was_written(given_: str, kept: str) -> None:
    """A valid name is kept as typed, trimmed and in NFC."""
    assert names.check(given_) == kept


@pytest.mark.parametrize(("given_", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refusal_says_which_rule_is_broken(given_: str, why: str) -> None:
    """A refusal gives the reason in characters that any terminal can print, with all the rules as the hint."""
    with pytest.raises(NameRefused) as refused:
        names.check(given_)
    assert why in refused.value.message
    assert "1 to 200 printable characters" in refused.value.hint
    assert str(refused.value).isprintable()


def test_an_unprintable_name_with_a_slash_is_not_repeated() -> None:
    """The refusal of a name with a slash never prints control characters."""
    with pytest.raises(NameRefused) as refused:
        names.check("\x1b]0;title\x07/")
    assert str(refused.value).isprintable()


EQUAL = {
    "case": ("Work", "wORK"),
    "case beyond ASCII": ("ÉTÉ", "été"),
    "sharp s": ("Straße", "STRASSE"),
    "final sigma": ("ΟΔΟΣ", "οδος"),
    "composed and combining": ("café", "cafe\u0301"),
    "blanks around": (" work ", "work"),
    "ligature": ("ﬁle", "FILE"),
    "more blanks within": ("a b  c", "A  b c"),
}

DIFFERENT = {
    "another letter": ("work", "worm"),
    "an accent": ("cafe", "café"),
    "a blank within": ("a b", "ab"),
    "dotless i": ("ı", "i"),
    "full-width letters": ("ｗork", "work"),
}


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL.keys())
def test_names_ignore_case(one: str, other: str) -> None:
    """Names that differ only in case, composition or surrounding spaces are one name."""
    assert names.key(one) == names.key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_other_names_are_different(one: str, other: str) -> None:
    """Names that differ in anything but case are two names."""
    assert names.key(one) != names.key(other)


@given(st.text(max_size=210))
def test_a_kept_name_stays_as_it_is(text: str) -> None:
    """A checked name is valid, does not change in a second check, and equals the given name."""
    try:
        kept = names.check(text)
    except NameRefused:
        return
    assert 1 <= len(kept) <= names.LONGEST
    assert kept.replace("\u200c", "").replace("\u200d", "").isprintable()
    assert "/" not in kept
    assert kept == kept.strip() == unicodedata.normalize("NFC", kept)
    assert names.check(kept) == kept
    assert names.key(kept) == names.key(text) == names.key(names.key(text))


def test_any_name_can_be_looked_up() -> None:
    """A name that is not Unicode (a shell's byte that is not UTF-8) can be looked up; there is no such session."""
    assert names.key("a\udcffb").encode("utf-8")
    assert names.near("a\udcffb", ["work"]) is None


NEAR = {
    "a letter more": ("works", ["work", "garden"], "work"),
    "two letters swapped": ("brigde", ["bridge", "garden"], "bridge"),
    "another case as well": ("BRIGDE", ["Bridge"], "Bridge"),
    "just short enough": ("works", ["wor"], "wor"),
    "a whole text": ("work " * 100_000, ["work"], None),
    "the nearest of several": ("bridge-lisbon", ["bridge-london", "bridge-lisbo"], "bridge-lisbo"),
    "nothing like it": ("holiday", ["bridge", "garden"], None),
    "the same but for case": ("WORK", ["work"], None),
    "the same beside a near one": ("work", ["work", "works"], "works"),
    "no others": ("work", [], None),
    "one letter each": ("a", ["b"], None),
}


@pytest.mark.parametrize(("name", "existing", "expected"), NEAR.values(), ids=NEAR.keys())
def test_a_near_name_is_suggested_as_it_is_written(name: str, existing: list[str], expected: str | None) -> None:
    """The nearest existing name is suggested as it is written; an equal or a very different name is not."""
    assert names.near(name, existing) == expected


MEANT = [
    ("enc2", "enc"),
    ("chapter2", "chapter1"),
    ("chapter 10", "chapter 9"),
    ("v2", "v1"),
    ("2026", "2025"),
    ("2026-11-28", "2026-11-27"),
    ("release 1.2.3", "release 1.2.2"),
    ("draft (2)", "draft"),
    ("work~2", "work~1"),
    ("plan-b", "plan-a"),
    ("plan b", "plan"),
]


@pytest.mark.parametrize(("name", "other"), MEANT)
def test_a_numbered_name_is_meant(name: str, other: str) -> None:
    """A name that differs from an existing one only in its number is no misspelling, whichever of them comes first."""
    assert names.mistyped(name, [other]) is None
    assert names.mistyped(other, [name]) is None


@pytest.mark.parametrize(("name", "other"), [("wrok", "work"), ("wrok2", "work2"), ("chaptr 3", "chapter 2")])
def test_a_misspelt_name_is_told(name: str, other: str) -> None:
    """A real misspelling is told, numbered or not."""
    assert names.mistyped(name, [other]) == other


RETIRED = {
    "the first": ("work", ["work"], "work~1"),
    "the next": ("work", ["work", "work~1"], "work~2"),
    "a gap is used": ("work", ["work", "work~2"], "work~1"),
    "taken in another case": ("work", ["work", "WORK~1"], "work~2"),
    "a retired one again": ("work~1", ["work~1"], "work~1~1"),
    "the longest loses its end": ("x" * 200, ["x" * 200], "x" * 198 + "~1"),
    "the longest, often": ("x" * 200, ["x" * 198 + f"~{n}" for n in range(1, 10)], "x" * 197 + "~10"),
    "a long one that ends so already": ("x" * 198 + "~1", ["x" * 198 + "~1"], "x" * 198 + "~2"),
}


@pytest.mark.parametrize(("name", "taken", "expected"), RETIRED.values(), ids=RETIRED.keys())
def test_a_session_that_is_started_over_gets_the_next_number(name: str, taken: list[str], expected: str) -> None:
    """The old session gets its own name with the first free number, which is also a valid name."""
    found = names.retired(name, taken)
    assert found == expected
    assert names.check(found) == found


@given(st.integers(0, 2**32), st.integers(0, 19))
def test_a_generated_name_is_readable_and_free(seed: int, drawn: int) -> None:
    """A generated name is two words, valid, and not taken, whatever the case."""
    same_luck = random.Random(seed)
    taken = [names.generated([], same_luck).upper() for _ in range(drawn)]
    name = names.generated(taken, random.Random(seed))
    assert names.key(name) not in {names.key(other) for other in taken}
    assert names.check(name) == name
    assert name.count("-") == 1


def test_a_generated_name_gets_a_number_if_all_are_taken() -> None:
    """If all random names are taken, the last one gets the first free number."""

    class Stuck(random.Random):
        def choice(self, seq: Any) -> Any:
            return seq[0]

    assert names.generated(["amber-acorn"], Stuck()) == "amber-acorn-2"
    assert names.generated(["Amber-Acorn", "amber-acorn-2"], Stuck()) == "amber-acorn-3"
