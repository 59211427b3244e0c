"""Rules of the folder for temporary files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.world import quick_disk


@pytest.fixture(autouse=True)
def _usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "usual"))
    monkeypatch.delenv("TMPDIR")


def test_memory_is_used_if_it_has_room(tmp_path: Path) -> None:
    """Temporary files go into the file system in memory."""
    assert quick_disk.chosen(tmp_path, room=1) == str(tmp_path) == tempfile.gettempdir()


def test_without_room_in_memory_the_usual_folder_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without such a file system, with a full one, or if TMPDIR names a folder, nothing changes."""
    assert quick_disk.chosen(tmp_path / "none", room=1) == str(tmp_path / "usual")
    assert quick_disk.chosen(tmp_path, room=2**62) == str(tmp_path / "usual")
    monkeypatch.setenv("TMPDIR", "named")
    assert quick_disk.chosen(tmp_path, room=1) == str(tmp_path / "usual")
