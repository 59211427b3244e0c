"""The test of `once`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.world.once import once
from tests.world.scripted import Script


def begin(monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    """Begin a test that has this home."""
    home.mkdir()
    monkeypatch.setenv("LLM_USER_PATH", str(home))
    return home


def test_later_tests_get_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files, the script and what was returned are as they were made, whatever the tests before did to theirs."""
    calls: list[Script] = []

    @once
    def made(script: Script, log: Path) -> tuple[list[int], Path]:
        calls.append(script)
        log.write_bytes(b"one")
        log.chmod(0o600)
        (log.parent / "templates").mkdir()
        (log.parent / "templates" / "a.yaml").write_text("model: scripted")
        script.replies = ["A", ValueError("B")]
        script.systems.append("Be brief.")
        return [1], log

    for number in range(3):
        home = begin(monkeypatch, tmp_path / str(number))
        script, log = Script(), home / "logs.db"
        numbers, _ = made(script=script, log=log)
        assert numbers == [1]
        assert (log.read_bytes(), log.stat().st_mode & 0o777) == (b"one", 0o600)
        assert (home / "templates" / "a.yaml").read_text() == "model: scripted"
        assert (script.replies[0], script.systems) == ("A", ["Be brief."])
        numbers.append(2)
        log.write_bytes(b"two")
        script.replies.clear()
        script.systems.clear()
    assert len(calls) == 1


def test_scripts_and_paths_belong_to_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixture that returns the script or a path in the home returns those of the test that asks."""
    fixture = once(lambda script: script)
    path = once(lambda log: log)
    for number in range(2):
        home = begin(monkeypatch, tmp_path / str(number))
        script = Script()
        assert fixture(script=script) is script
        assert path(log=home / "logs.db") == home / "logs.db"


def test_it_begins_with_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that begins with other files than the first one is told so: it would lose them, or get others."""
    fixture = once(lambda: None)
    for number in range(2):
        home = begin(monkeypatch, tmp_path / str(number))
        (home / "logs.db").write_text(str(number))
        if number == 0:
            fixture()
        else:
            with pytest.raises(AssertionError, match="the first test began with other files"):
                fixture()
