"""The standard streams while one of our commands runs, whatever is wrong with them.

`door` is the one place that handles broken output:

- A closed pipe (`llm sessions | head -1`) ends the command silently, with the exit status that shells expect.
- Any other failure of standard output (a full disk, a closed file) is reported in one sentence, with exit status 1.
- A failure of standard error changes nothing: it carries only messages.
- A character that the stream's encoding lacks is replaced by a similar one, or by an escape (`\\u00e9`).
- A reply that a model is giving is read to its end and logged although nobody sees it (`Output.holds`).
"""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from ..errors import SessionError
from ..rules.safe_text import mended

CLOSED = 141
"""The exit status after a closed pipe: 128 plus the number of SIGPIPE."""

READS_ON = 10
"""How many seconds a reply is read on after the pipe was closed that it is printed to."""

_SIMILAR = {
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("–—", "-"),
    **dict.fromkeys("█▉▊▋▌▍▎▏", "#"),
    "…": "...",
    "→": "->",
    "·": "-",
}
"""Replacements for the characters that our own messages and tables use."""

_REPLACING = "llm_sessions_replacing"
_ASCII = "llm_sessions_ascii"

Explain = Callable[[str], SessionError]
"""Makes the error for broken output from its reason, such as “no space left on device”."""


class Output:
    """Standard output during a command.

    Attributes:
        holds: Returns whether something must be finished even if its output is lost.
        explain: Makes the error for broken output from its reason.
    """

    def __init__(self) -> None:
        self.holds: Callable[[], bool] = _nothing
        self.explain: Explain = _explained
        self._stream: _Stream | None = None
        self._before: Any = None
        self._until: float | None = None

    @property
    def failure(self) -> OSError | None:
        """The first failure of standard output, or None."""
        return self._stream.failure if self._stream else None

    def caused(self, error: BaseException | None) -> bool:
        """Return whether broken output is behind an error."""
        while error is not None:
            if error is self.failure:
                return True
            error = error.__cause__ or error.__context__
        return False

    def install(self) -> None:
        """Replace both streams. Standard error stays replaced, because click prints errors last."""
        for number in (0, 1, 2):
            _occupy(number)
        if sys.stdin is None:
            sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)  # llm asks whether it is a terminal
        self._before = sys.stdout
        self._stream = _raw(sys.stdout, 1, self._waits)
        if self._stream is not None:
            sys.stdout = _text(sys.stdout, self._stream)
        messages = _raw(sys.stderr, 2, lambda _: True)
        if messages is not None:
            sys.stderr = _text(sys.stderr, messages)

    def finish(self) -> None:
        """Print everything. Raises the failure if there was one."""
        if self.failure is None and sys.stdout is not None:
            sys.stdout.flush()
        if self.failure is not None:
            raise self.failure

    def restore(self) -> None:
        """Put standard output back, and let go of the command.

        click keeps our stream until the process ends. If the stream kept the command, and so llm, Python would look
        through everything once more at the end, for 20 ms.
        """
        if self._stream is not None:
            sys.stdout = self._before
        self.holds, self.explain = _nothing, _explained

    def _waits(self, failure: OSError) -> bool:
        """Return whether the command continues for now, without its output."""
        if not self.holds():
            return False
        if failure.errno != errno.EPIPE:
            return True
        self._until = self._until or time.monotonic() + READS_ON
        return time.monotonic() < self._until


_outputs: list[Output] = []


@contextmanager
def door() -> Iterator[Output]:
    """Give a command its output, and end the command as the module says if it fails. An inner door is the outer one.

    Raises:
        SystemExit: the output is a closed pipe.
        ClickException: the output failed otherwise, or a file could not be used that nobody else has an error for.
    """
    if _outputs:
        yield _outputs[-1]
        return
    output = Output()
    output.install()
    _outputs.append(output)
    try:
        yield output
        output.finish()
    except BaseException as error:
        if output.caused(error):
            raise _end(output) from error
        if isinstance(error, OSError) and error.errno != errno.EPIPE:
            raise click.ClickException(_file(error)) from error
        raise
    finally:
        _outputs.pop()
        output.restore()


def takes_everything() -> bool:
    """Return whether standard output can take every character."""
    return codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name.startswith("utf")


def _end(output: Output) -> BaseException:
    """Return the exception that ends a command whose output failed."""
    assert output.failure is not None
    if output.failure.errno == errno.EPIPE:
        return SystemExit(CLOSED)
    why = "it is closed" if output.failure.errno == errno.EBADF else output.failure.strerror or str(output.failure)
    return click.ClickException(str(output.explain(why[:1].lower() + why[1:])))


def _nothing() -> bool:
    return False


def _explained(why: str) -> SessionError:
    hint = "Send it elsewhere, for example to a file on another disk. If the command changes the log, it has done so."
    return SessionError(f"The output could not be written: {why}.", hint)


def _file(error: OSError) -> str:
    named = f"{error.filename}: " if error.filename else ""
    hint = "Free some space, then try again." if error.errno == errno.ENOSPC else "Check that file, then try again."
    return f"{named}{error.strerror or error}. {hint}"


class _Stream(io.FileIO):
    """A standard stream that raises its first failure once, and then discards everything.

    So nothing is left that Python would fail to write when it ends.
    """

    def __init__(self, number: int, waits: Callable[[OSError], bool], *, missing: bool) -> None:
        """Take the stream's number. `waits` returns whether a failure is not to be raised, or not yet."""
        super().__init__(number, "w", closefd=False)
        self.failure: OSError | None = None
        self._missing = missing
        self._waits = waits
        self._raised = False

    def write(self, data: Any, /) -> int:
        """Write all data, even to a pipe that does not wait for its reader."""
        view = memoryview(data).cast("B")
        if self.failure is None:
            try:
                self._write_all(view)
            except OSError as error:
                self.failure = error
        if self.failure is not None and not self._raised and len(view) and not self._waits(self.failure):
            self._raised = True
            raise self.failure
        return len(view)

    def _write_all(self, view: memoryview) -> None:
        if self._missing and len(view):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        while len(view):
            written = super().write(view)
            if written is None:  # the pipe is full
                select.select([], [self.fileno()], [])
            view = view[written or 0 :]


def _occupy(number: int) -> None:
    """If a standard stream is closed, use its number up: the next file that is opened would get it."""
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)


def _raw(stream: Any, number: int, waits: Callable[[OSError], bool]) -> _Stream | None:
    """Return what is to be below a standard stream, or None if the stream is not the process's own."""
    if stream is None:
        return _Stream(number, waits, missing=True)
    if not isinstance(stream, io.TextIOWrapper) or isinstance(getattr(stream.buffer, "raw", stream.buffer), _Stream):
        return None
    with suppress(OSError, ValueError):
        if os.name == "posix" and stream.fileno() == number:
            stream.flush()
            return _Stream(number, waits, missing=False)
        stream.reconfigure(errors=_REPLACING)
    return None


def _text(stream: Any, raw: _Stream) -> io.TextIOWrapper:
    encoding = getattr(stream, "encoding", "utf-8")
    direct = bool(getattr(stream, "write_through", False))
    return io.TextIOWrapper(
        raw if direct else io.BufferedWriter(raw),  # as Python does it under -u
        encoding=_ASCII if codecs.lookup(encoding).name == "ascii" else encoding,
        errors=_REPLACING,
        newline="\n",
        line_buffering=bool(getattr(stream, "line_buffering", True)),
        write_through=direct,
    )


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = mended(error.object[error.start : error.end])
    return "".join(_spelled(character, error.encoding) for character in text), error.end


def _spelled(character: str, encoding: str) -> str:
    """Return what is printed for a character that the stream's encoding lacks."""
    if "\ud800" <= character <= "\udfff":
        return "?"
    with suppress(UnicodeEncodeError):
        character.encode(encoding)
        return character
    return _SIMILAR.get(character) or json.dumps(character)[1:-1]


def _codec(name: str) -> codecs.CodecInfo | None:
    """Return ASCII under our own name: click takes a stream in ASCII for a mistake, and writes UTF-8 to it."""
    if name != _ASCII:
        return None
    known = codecs.lookup("ascii")
    return codecs.CodecInfo(
        known.encode,
        known.decode,
        known.streamreader,
        known.streamwriter,
        known.incrementalencoder,
        known.incrementaldecoder,
        name,
    )


codecs.register_error(_REPLACING, _replaced)
codecs.register(_codec)
