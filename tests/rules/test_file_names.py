"""Names of files for names of sessions."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.file_names import file_names
from tests.world.laws import tried


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["work"], ["work.md"]),
        (["the bridge, 2026"], ["the bridge, 2026.md"]),
        (["a:b", 'what? "this" <now>|*'], ["a_b.md", "what_ _this_ _now___.md"]),
        (["..", ".hidden", "end. "], ["session.md", "hidden.md", "end.md"]),
        (["con", "LPT1.x", "console"], ["con_.md", "LPT1_.x.md", "console.md"]),
        (["a?", "A*", "a_ (2)"], ["a_.md", "A_ (2).md", "a_ (2) (2).md"]),
        (["橋" * 200], ["橋" * 66 + ".md"]),
    ],
    ids=["plain", "blanks", "unsafe", "dots", "reserved", "the same", "long"],
)
def test_a_file_name_is_safe(names: list[str], files: list[str]) -> None:
    """What a file name can't have is replaced, and no two names are the same."""
    assert file_names(names, ".md") == files


@tried(50)
@given(st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=4))
def test_any_names_are_files_of_their_own(names: list[str]) -> None:
    """Any names become files in the folder itself, and differ by more than case."""
    found = file_names(names, ".jsonl")
    assert len({name.casefold() for name in found}) == len(names)
    for name in found:
        assert Path(name).name == PureWindowsPath(name).name == name
        assert len(name.encode()) < 230
        assert not name.startswith(".")
