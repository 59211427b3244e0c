"""The columns on the screen while answers come."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest

from llm_session_memory.commands import side_by_side
from llm_session_memory.commands.side_by_side import Below, SideBySide, screen_for


class _Tty(io.StringIO):
    """A terminal that remembers what was written to it."""

    def isatty(self) -> bool:
        return True

    def shown(self) -> list[str]:
        """Return the lines that it shows in the end: what was drawn over is gone, and colours are left out."""
        lines: list[str] = []
        for line in re.sub(r"\x1b\[\d*m", "", self.getvalue()).split("\n"):
            above = re.match(r"\x1b\[(\d+)A\r\x1b\[J", line)
            if above:
                del lines[-int(above[1]) :]
            lines.append(line[above.end() :] if above else line)
        return [line.rstrip() for line in lines]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns are drawn again with each piece."""
    monkeypatch.setattr(side_by_side, "_EACH", 0.0)


@contextmanager
def _on_terminal() -> Iterator[_Tty]:
    """Both streams are a terminal. Not in a fixture: pytest puts its own streams in place when a test begins."""
    tty = _Tty()
    with redirect_stdout(tty), redirect_stderr(tty):
        yield tty


def test_what_was_drawn_on_the_way_is_gone_in_the_end() -> None:
    """The columns stand once, whole, however high they are; on the way, no more lines are drawn than fit."""
    with _on_terminal() as tty:
        screen = SideBySide(["a", "b"], 10, 8)
        for place, words in enumerate((["one ", "two ", "three"], [f"{number}\n" for number in range(20)])):
            screen.begin(place)
            for word in words:
                screen.piece(place, word)
                assert len(tty.shown()) <= 8
            screen.end(place, "0.1 s")
        screen.close()
    shown = tty.shown()
    assert shown[0].split() == ["a", "│", "b"]
    assert [line.split("│")[-1].strip() for line in shown[2:22]] == [str(number) for number in range(20)]
    assert shown[2].startswith("one two    │ 0")
    assert shown[22] == "0.1 s      │ 0.1 s"


def test_a_message_comes_above_the_columns() -> None:
    """It is not drawn over, and the columns are drawn below it again."""
    with _on_terminal() as tty:
        screen = SideBySide(["a", "b"], 10, 20)
        with screen.aside():
            screen.begin(0)
            screen.piece(0, "one")
            sys.stderr.write("session work: a message\n")
            screen.piece(0, " two")
            screen.end(0, "")
        screen.close()
    shown = tty.shown()
    assert shown[0] == "session work: a message"
    assert [line for line in shown if "one" in line] == ["one two    │"]


@pytest.mark.parametrize(
    ("columns", "term", "kind"), [("99", "xterm", Below), ("100", "xterm", SideBySide), ("200", "dumb", Below)]
)
def test_columns_are_for_wide_terminals(monkeypatch: pytest.MonkeyPatch, columns: str, term: str, kind: type) -> None:
    """A narrow terminal, or one that can't move its cursor, has one answer below the other."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", term)
    with _on_terminal():
        assert isinstance(screen_for(["a", "b"]), kind)
