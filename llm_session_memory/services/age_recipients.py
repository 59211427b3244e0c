"""Age files for the holders of keys, in streams, through pyrage, which reads one stream and writes another.

It runs in a thread of its own with a pipe, so that we can write to it, or read from it, like a file.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any

_BUFFER = 1 << 20


class CutOff(Exception):
    """What is written was not written to its end, so what is encrypted must not look whole."""


@contextmanager
def encrypting(stream: IO[bytes], recipients: Sequence[Any]) -> Iterator[IO[bytes]]:
    """Give a stream that encrypts what is written to it. Errors of `stream` are raised as they are."""
    import pyrage

    source, sink = os.pipe()
    reading = _Watched(os.fdopen(source, "rb", _BUFFER))
    writing = _Watched(stream)
    work = _Work(lambda: pyrage.encrypt_io(reading, writing, list(recipients)), reading.stream, (writing,))
    pipe = os.fdopen(sink, "wb", _BUFFER)
    try:
        yield pipe
        pipe.close()
    except BaseException as error:
        reading.broken = True
        with suppress(OSError):
            pipe.close()
        work.join()
        if isinstance(error, BrokenPipeError):
            work.check()
        raise
    work.join()
    work.check()


@contextmanager
def decrypting(stream: IO[bytes], identities: Sequence[Any]) -> Iterator[IO[bytes]]:
    """Give a stream of what is in an encrypted file. Reading raises pyrage's errors, and those of `stream`."""
    import pyrage

    source, sink = os.pipe()
    writing = os.fdopen(sink, "wb", _BUFFER)
    reading = _Watched(stream)
    work = _Work(lambda: pyrage.decrypt_io(reading, _Watched(writing), list(identities)), writing, (reading,))
    pipe = os.fdopen(source, "rb", 0)
    try:
        yield io.BufferedReader(_Checked(pipe, work), _BUFFER)
    finally:
        pipe.close()  # the thread can write no more, and ends


class _Work(threading.Thread):
    """Runs pyrage, closes its end of the pipe, and keeps the first error."""

    def __init__(self, run: Callable[[], object], end: IO[bytes], watched: Sequence[_Watched]) -> None:
        super().__init__(daemon=True)
        self._run, self._sink, self._watched = run, end, watched
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._run()
            if self._sink.writable():
                self._sink.flush()
        except BaseException as error:  # noqa: BLE001  raised in the other thread
            self._error = error
        finally:
            with suppress(OSError):
                self._sink.close()

    def check(self) -> None:
        """Raise what went wrong: an error of a stream rather than what pyrage makes of it."""
        for one in self._watched:
            if one.error:
                raise one.error
        if self._error:
            raise self._error


class _Watched:
    """A stream as pyrage uses it, which keeps the error that pyrage would turn into a text."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.error: Exception | None = None
        self.broken = False

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._kept(lambda: self._read(size))
        return data

    def _read(self, size: int) -> bytes:
        data = self.stream.read(size)
        if not data and self.broken:
            raise CutOff
        return data

    def write(self, data: bytes) -> int:
        size: int = self._kept(lambda: self.stream.write(data))
        return size

    def flush(self) -> None:
        self._kept(self.stream.flush)

    def _kept(self, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except Exception as error:
            self.error = error
            raise


class _Checked(io.RawIOBase):
    """What comes out of the pipe. Its end is only believed if pyrage came to its own end."""

    def __init__(self, pipe: Any, work: _Work) -> None:
        self._pipe, self._work = pipe, work

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size: int = self._pipe.readinto(buffer)
        if not size:
            self._work.join()
            self._work.check()
        return size
