"""Rules for paths that people and logs name: whatever was written, the answer is a file or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory.store.file_at import at_home, file_at, is_there


def test_a_file_is_found_and_a_folder_is_none(tmp_path: Path) -> None:
    """Only a file counts as one; both are there."""
    path = tmp_path / "notes.txt"
    path.write_text("Hello", "utf-8")
    assert file_at(str(path)) == path
    assert file_at(str(tmp_path)) is None
    assert is_there(path)
    assert is_there(str(tmp_path))


@pytest.mark.parametrize(
    "place",
    ["", "none.txt", "x" * 300, "a/" * 3000, "a\0b", "\ud800", "ssh-rsa " + "A" * 400],
    ids=["nothing", "missing", "a name too long", "a path too long", "a zero byte", "half a character", "a key"],
)
def test_what_can_be_no_path_is_no_file(place: str) -> None:
    """It is not an error either."""
    assert file_at(place) is None
    assert not is_there(place)


def test_the_home_of_nobody_is_no_error() -> None:
    """A person's home is found. If there is no such person, there is no such file."""
    assert at_home("~/a.txt") == Path.home() / "a.txt"
    assert at_home("~nobody-of-this-name/a.txt") == Path("~nobody-of-this-name/a.txt")
