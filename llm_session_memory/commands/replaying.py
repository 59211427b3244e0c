"""`llm sessions replay`: play a session in the terminal as it happened, or write it as a recording."""

from __future__ import annotations

import os
import shutil
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from ..errors import NoSuchSession, SessionError
from ..insight.timing import SPEEDS
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import echo, exchange_number, existing_log, session_argument, session_command

if TYPE_CHECKING:
    from ..insight.casting import Printed

_LEAP = 5_000
"""How many milliseconds an arrow key skips."""


def _seconds(ctx: click.Context, param: click.Parameter, value: str) -> float | None:
    """Return the seconds, or None for `off`."""
    del ctx, param
    if value == "off":
        return None
    with suppress(ValueError):
        if 0 <= float(value) < float("inf"):
            return float(value)
    raise click.BadParameter(f"{value!r} is neither a number of seconds nor `off`.")


@session_command("replay", short_help="Play a session as it happened")
@session_argument()
@click.option("--speed", type=click.FloatRange(0.1, 64), default=1.0, help="Speed, from 0.1 to 64 [1]")
@click.option(
    "--idle",
    default="3",
    metavar="SECONDS",
    callback=_seconds,
    help="Longest pause in seconds, or `off` to keep every pause as it was [3]",
)
@click.option("--from", "begin", metavar="N", help="Start at exchange N, or after the snapshot with this label")
@click.option("--to", "cast", type=click.Path(dir_okay=False), metavar="FILE.cast", help="Write a recording instead")
@click.option("--force", is_flag=True, help="Replace FILE.cast if it already exists")
def replay_command(
    name: str,
    speed: float,
    idle: float | None,
    begin: str | None,
    cast: str | None,
    force: bool,
    database: str | None,
) -> None:
    """Play a session as it happened: replies at their real speed, long pauses shortened.

    Keys: space pauses and resumes, left and right skip 5 seconds, [ and ] jump to the previous and the next exchange,
    < and > play slower and faster, q quits. If the output is not a terminal, everything is printed at once.
    Recordings are in asciinema's format (version 2).

    \b
        llm sessions replay work --speed 4
        llm sessions replay work --from "before the refactoring"
        llm sessions replay work --idle 1 --to work.cast
    """
    from ..insight import casting
    from ..insight.run import played
    from ..insight.timing import Timeline

    path = existing_log(database)
    first = _first(path, name, begin) if begin is not None else None
    found = played(path, name, first)
    if found is None:
        raise NoSuchSession(
            f"Session or conversation “{one_line(name, 120)}” not found.", "List sessions with: llm sessions"
        )
    title = one_line(found.line.reference, 120)
    if first is not None and first > found.total:
        hint = f"It has {counted(found.total, 'exchange')}."
        raise SessionError(f"Session “{title}” has no exchange #{first:,}.", hint)
    if not found.scenes:
        raise SessionError(
            f"Session “{title}” has nothing to replay yet.", f'Send a prompt with: llm --session {title} "..."'
        )
    timeline = Timeline([scene.step for scene in found.scenes], idle)
    if cast is not None:
        size = shutil.get_terminal_size((100, 30))
        lines = casting.cast(found.scenes, timeline, speed=speed, title=title, size=(size.columns, size.lines))
        _write(Path(cast), lines, force=force)
    else:
        _play(list(casting.printed(found.scenes, timeline)), speed)
    if found.last < found.total:
        more = f"llm sessions replay {title} --from {found.last + 1}"
        shown = f"exchanges #{found.first:,} to #{found.last:,} of {found.total:,}"
        echo(f"These were {shown}. Continue with: {more}", err=True)


def _first(path: Path, name: str, begin: str) -> int:
    """Return the number of the exchange that a replay begins with. Raises UsageError or NoSuchSession."""
    from ..insight.run import after

    number = exchange_number(begin) or after(path, name, begin)
    if number is None:
        raise NoSuchSession(
            f"“{one_line(name, 120)}” has no snapshot “{one_line(begin, 120)}”.",
            "--from takes the number of an exchange, or a label that is listed by: llm sessions snapshots",
        )
    return number


def _write(path: Path, lines: Iterator[str], *, force: bool) -> None:
    from ..interchange.whole_file import whole_file

    with whole_file(path, force=force) as file:
        file.writelines(f"{line}\n" for line in lines)
    echo(f"Wrote {path}. Play it with: asciinema play {path}", err=True)


def _play(events: Sequence[Printed], speed: float) -> None:
    if not sys.stdout.isatty():
        click.echo("".join(event.text for event in events), nl=False)
        return
    with suppress(KeyboardInterrupt), _keyboard() as keys:
        Player(events, speed, _put, keys, time.monotonic).run()
    click.echo()


def _put(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class Keys(Protocol):
    """Waits up to this many seconds (None: forever) for a key. Returns the key, or None if none was pressed."""

    def __call__(self, seconds: float | None, /) -> str | None: ...  # noqa: D102


class Player:
    """A replay in a terminal: prints what is due, then waits for the next event or for a key."""

    def __init__(
        self,
        events: Sequence[Printed],
        speed: float,
        put: Callable[[str], None],
        keys: Keys,
        now: Callable[[], float],
    ) -> None:
        """Take the events to print. `put` prints, `keys` waits for a key, `now` returns the time in seconds."""
        self._events, self._put, self._keys, self._now = events, put, keys, now
        self._moments = [event.moment for event in events]
        self._heads = sorted({event.moment for event in events if event.head})
        self.speed = speed
        self.moment = 0.0
        self.playing = True
        self._printed = 0

    def run(self) -> None:
        """Play to the end, or until a key quits."""
        last = self._now()
        while True:
            self._print()
            if self._printed == len(self._events) and self.playing:
                return
            key = self._keys(self._wait())
            now = self._now()
            if self.playing:
                self.moment = min(self.moment + (now - last) * 1000 * self.speed, self._moments[-1])
            last = now
            if key in ("q", "\x03", "\x04"):
                return
            if key is not None:
                self._press(key)

    def _wait(self) -> float | None:
        if not self.playing:
            return None
        return max(0.0, self._moments[self._printed] - self.moment) / 1000 / self.speed

    def _print(self) -> None:
        """Print what is due. After a jump back, clear the screen and print everything up to that moment."""
        due = bisect_right(self._moments, self.moment)
        if due < self._printed:
            self._put("\x1b[2J\x1b[H")
            self._printed = 0
        if due > self._printed:
            self._put("".join(event.text for event in self._events[self._printed : due]))
            self._printed = due

    def _press(self, key: str) -> None:
        if key in (" ", "k"):
            self.playing = not self.playing
        elif key in ("\x1b[D", "\x1b[C"):
            self._seek(self.moment + (_LEAP if key.endswith("C") else -_LEAP))
        elif key == "]":
            self._seek(next((at for at in self._heads if at > self.moment), self._moments[-1]))
        elif key == "[":
            before = bisect_left(self._heads, self.moment - (500 if self.playing else 0))
            self._seek(self._heads[before - 1] if before else 0)
        elif key == "<":
            self.speed = max((one for one in SPEEDS if one < self.speed), default=self.speed)
        elif key == ">":
            self.speed = min((one for one in SPEEDS if one > self.speed), default=self.speed)

    def _seek(self, moment: float) -> None:
        self.moment = min(max(moment, 0.0), self._moments[-1])


@contextmanager
def _keyboard() -> Iterator[Keys]:
    """Give a function that reads single keys. If there is no keyboard, or no way to read one, it only waits."""
    try:
        import select
        import termios
        import tty
    except ImportError:  # Windows
        yield lambda seconds: time.sleep(seconds or 0)
        return
    try:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (OSError, ValueError, termios.error):
        yield lambda seconds: time.sleep(seconds or 0)
        return

    def key(seconds: float | None, /) -> str | None:
        ready, _, _ = select.select([descriptor], [], [], seconds)
        return os.read(descriptor, 16).decode("utf-8", "replace") if ready else None

    tty.setcbreak(descriptor)
    try:
        yield key
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
