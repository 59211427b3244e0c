"""What `--recall-from` means: which sessions excerpts may come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import SessionError
from llm_session_memory.rules.recall_from import (
    ALL,
    NAME,
    PROJECT,
    TAG,
    RecallSource,
    checked,
    normal,
    read,
    replaced,
    written,
)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("self", ()),
        ("Self, work", (RecallSource(NAME, "work"),)),
        ("work,play, work", (RecallSource(NAME, "work"), RecallSource(NAME, "play"))),
        ("plans for May , tag:bridge", (RecallSource(NAME, "plans for May"), RecallSource(TAG, "bridge"))),
        ("PROJECT: two words", (RecallSource(PROJECT, "two words"),)),
        ("work, ALL, tag:x", (RecallSource(ALL),)),
        ('"all","tag:x"', (RecallSource(NAME, "all"), RecallSource(NAME, "tag:x"))),
        ('"red, ""white""", tag:"a, b"', (RecallSource(NAME, 'red, "white"'), RecallSource(TAG, "a, b"))),
        ('12" pipes', (RecallSource(NAME, '12" pipes'),)),
        ("topic:x", (RecallSource(NAME, "topic:x"),)),
    ],
)
def test_what_a_text_means(text: str, sources: tuple[RecallSource, ...]) -> None:
    """Commas separate values, case of the words and blanks don't matter, and in quotes a value is always a name."""
    assert read(text) == sources


@pytest.mark.parametrize(
    "text", ["", "  ", ",", "work,", ",work", "work,,play", "tag:", 'project:""', '""', '"a"b', '"a']
)
def test_a_text_that_can_not_be_read(text: str) -> None:
    """An empty value or a quotation mark in the wrong place is an error that says what is allowed."""
    with pytest.raises(SessionError, match="tag:TAG, project:NAME"):
        read(text)


NAMES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1).map(str.strip).filter(bool)
SOURCES = st.lists(st.builds(RecallSource, st.sampled_from([TAG, PROJECT, NAME]), NAMES), unique=True).map(tuple)


@given(SOURCES | st.just((RecallSource(ALL),)))
def test_what_is_written_is_read_again(sources: tuple[RecallSource, ...]) -> None:
    """Any names and tags, also with commas and quotes, survive being stored; the normal form is its own normal form."""
    text = written(sources)
    assert read(text) == sources
    assert normal(text) == text


def test_a_renamed_session_keeps_its_place() -> None:
    """A new name takes the old one's place, in any case, but tags and projects of the same name stay."""
    assert replaced("Work, tag:work, project:work", NAME, "work", "a, b") == '"a, b", tag:work, project:work'
    assert replaced("tag:work, project:work", PROJECT, "work", "play") == "tag:work, project:play"


def test_unknown_names_are_errors() -> None:
    """Names are stored as the log has them, and an unknown one is an error that says how to find the others."""
    there = {RecallSource(NAME, "WORK"): "Work", RecallSource(TAG, "x"): "X"}
    assert checked("WORK, tag:x, all", there.get) == "all"
    assert checked("WORK, tag:x", there.get) == "Work, tag:X"
    for text, error in {"play": "Session “play” not found", "tag:y": "the tag “y”", "project:z": "Project “z”"}.items():
        with pytest.raises(SessionError, match=error):
            checked(text, there.get)
