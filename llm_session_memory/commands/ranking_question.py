"""The question which of several answers is better, on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from ..errors import SessionError
from ..rules.safe_text import unbroken
from ..rules.voting import LETTERS, question, ranking
from .common import echo

_TERMINAL = "/dev/tty"
"""The terminal of a process, whatever its standard input is. Windows has no such file; there, nothing is asked."""


@contextmanager
def keyboard() -> Iterator[bool]:
    """Let questions be answered from the terminal, even if the prompt was piped. Yields False if there is none."""
    if sys.stdin is not None and sys.stdin.isatty():
        yield True
        return
    try:
        terminal = Path(_TERMINAL).open(encoding="utf-8", errors="replace")  # noqa: SIM115  closed below
    except OSError:
        yield False
        return
    before, sys.stdin = sys.stdin, terminal
    try:
        with terminal:
            yield True
    finally:
        sys.stdin = before


def asked_ranking(count: int, letters: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Return the order that the person types; ask again if it is not an order."""
    asked = question(count)
    if list(letters) != list(LETTERS[:count]):  # some failed: the others keep their letters on the screen
        asked = f"{asked} (of {', '.join(letters)})"
    known = str.maketrans(dict(zip(letters, LETTERS, strict=False)))
    while True:
        said = click.prompt(asked, default="", show_default=False)
        try:
            return ranking(said.lower().translate(known), count)
        except SessionError as error:
            echo(unbroken(str(error)), err=True)
