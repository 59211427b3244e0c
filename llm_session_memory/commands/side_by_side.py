"""Answers on the screen while they come: in columns on a wide terminal, else one below the other."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

import click

from ..rules.columns import beside, width_for, wrapped
from ..rules.safe_text import plain

_EACH = 0.05
"""The fewest seconds between two drawings of the columns."""

_AROUND = 3
"""The lines of a screen that the texts leave free: the heads, the rule below them, and the cursor's."""


class Screen(Protocol):
    """Shows the answers to one prompt. Texts are safe to show; `place` counts the answers from 0."""

    def begin(self, place: int) -> None:
        """Show that an answer begins."""

    def piece(self, place: int, text: str) -> None:
        """Show more of an answer."""

    def end(self, place: int, below: str) -> None:
        """Show that an answer is complete, or has failed, with a line about it."""

    def close(self) -> None:
        """Show all answers in their last form."""

    def aside(self) -> contextlib.AbstractContextManager[object]:
        """Let messages on standard error not disturb what is shown."""


def screen_for(heads: Sequence[str]) -> Screen:
    """Return the screen for answers with these heads, for the terminal as it is now."""
    size = shutil.get_terminal_size((80, 24))
    width = width_for(len(heads), size.columns)
    if width is None or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return Below(heads)
    return SideBySide(heads, width, size.lines)


class Below:
    """One answer below the other, as they come."""

    def __init__(self, heads: Sequence[str]) -> None:
        self._heads = heads
        self._out = sys.stdout  # what an answer's call prints goes elsewhere
        self._last = "\n"

    def begin(self, place: int) -> None:
        """Print the head of an answer."""
        click.secho(plain(self._heads[place]), bold=True, file=self._out)
        self._last = "\n"

    def piece(self, place: int, text: str) -> None:
        """Print more of an answer."""
        del place
        if text:
            click.echo(plain(text), nl=False, file=self._out)
            self._last = text[-1]

    def end(self, place: int, below: str) -> None:
        """Print what an answer took."""
        del place
        if self._last != "\n":
            click.echo(file=self._out)
        if below:
            click.secho(plain(below), dim=True, file=self._out)
        click.echo(file=self._out)

    def close(self) -> None:
        """Everything is there already."""

    def aside(self) -> contextlib.AbstractContextManager[object]:
        """Messages are printed between the answers."""
        return contextlib.nullcontext()


class SideBySide:
    """The answers in columns. While they come, the last lines of each are drawn again and again in the same place."""

    def __init__(self, heads: Sequence[str], width: int, lines: int) -> None:
        self._heads, self._width, self._most = heads, width, max(lines - _AROUND, 1)
        self._out = sys.stdout  # as above
        self._texts = [""] * len(heads)
        self._below = [""] * len(heads)
        self._drawn = 0
        self._next = 0.0

    def begin(self, place: int) -> None:
        """Draw the columns so far."""
        del place
        self._draw(self._rows()[-self._most :])

    def piece(self, place: int, text: str) -> None:
        """Draw the columns again, unless they were drawn a moment ago."""
        self._texts[place] += text
        if time.monotonic() >= self._next:
            self._draw(self._rows()[-self._most :])
            self._next = time.monotonic() + _EACH

    def end(self, place: int, below: str) -> None:
        """Keep the line about an answer, and draw the columns."""
        self._below[place] = below
        self._draw(self._rows()[-self._most :])

    def close(self) -> None:
        """Replace the drawing by the whole columns, with the lines about the answers."""
        below = beside([wrapped(plain(one), self._width) for one in self._below], self._width)
        self._draw([*self._rows(), *(click.style(line, dim=True) for line in below)])
        self._drawn = 0
        click.echo(file=self._out)

    @contextlib.contextmanager
    def aside(self) -> Iterator[object]:
        """Print messages above the columns, which are drawn again below them."""
        with contextlib.redirect_stderr(_Aside(self)) as aside:
            yield aside

    def clear(self) -> None:
        """Remove the drawing."""
        if self._drawn:
            click.echo(f"\x1b[{self._drawn}A\r\x1b[J", nl=False, file=self._out)
            self._drawn = 0

    def _rows(self) -> list[str]:
        return beside([wrapped(plain(text.strip("\n")), self._width) for text in self._texts], self._width)

    def _draw(self, rows: Sequence[str]) -> None:
        heads = beside([wrapped(plain(head), self._width)[:1] for head in self._heads], self._width)
        rule = "─┼─".join(["─" * self._width] * len(self._heads))
        self.clear()
        lines = [*(click.style(head, bold=True) for head in heads), rule, *rows]
        click.echo("\n".join(lines), file=self._out)
        self._drawn = len(lines)


class _Aside(io.TextIOBase):
    """Standard error that removes the columns before a message."""

    def __init__(self, columns: SideBySide) -> None:
        super().__init__()
        self._columns, self._stream = columns, sys.stderr

    def write(self, text: str, /) -> int:
        if isinstance(text, bytes):
            raise TypeError("This stream takes text.")
        self._columns.clear()
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()
