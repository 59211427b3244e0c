"""One llm process under drill: what it printed and when, how it was ended, and how it ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.world import processes

HUNG_AFTER = 100.0
"""Seconds after which a process counts as hung. The longest wait that the program knows is 10 seconds, for a lock."""


ONE_AT_A_TIME = threading.Lock()
"""Held while a process is forked, because the start of one must not meet that of another."""


class Stuck(Exception):
    """Something that a fault waits for did not come."""


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code (below zero: the signal that ended it)."""

    command: str
    out: str
    err: str
    code: int

    def __str__(self) -> str:
        """Return everything, to be read."""
        return f"$ {self.command}\n{self.out}\n-- stderr\n{self.err}\n-- exit code {self.code}\n"


class Running:
    """A process whose streams are read as it writes them."""

    def __init__(  # noqa: PLR0913  what a process needs
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        *,
        typed: str = "",
        tag: str = "",
        fork: bool = False,
    ) -> None:
        """Start a command. `typed` is its stdin, `tag` the mark of its prompt and of its reply.

        With `fork`, its first word is the path of llm, and it is forked from a process that has loaded llm.
        """
        self.command = " ".join(word if word.isprintable() and len(word) < 80 else ascii(word[:40]) for word in command)
        self.tag = tag
        self.ended_at = 0.0  # as its streams were closed
        self.hung = False
        self.signalled = 0
        self._pieces: list[tuple[float, bytes]] = []
        self._errors: list[tuple[float, bytes]] = []
        self._process = _forked(command[1:], env, folder, typed) if fork else _begun(command, env, folder, typed)
        streams = ((self._process.stdout, self._pieces), (self._process.stderr, self._errors))
        self._readers = [threading.Thread(target=_read, args=pair, daemon=True) for pair in streams]
        for reader in self._readers:
            reader.start()
        if typed:
            with suppress(BrokenPipeError), self._process.stdin as stdin:
                stdin.write(typed.encode("utf-8", "surrogateescape"))

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return b"".join(piece for _, piece in list(self._pieces)).decode("utf-8", "replace")

    @property
    def err(self) -> str:
        """What it has printed on stderr so far."""
        return b"".join(piece for _, piece in list(self._errors)).decode("utf-8", "replace")

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended; below zero: the signal that ended it."""
        code: int | None = self._process.returncode
        return code

    def printed(self, before: float | None, tag: str) -> frozenset[str]:
        """Return the whole words of a reply that it printed, or that it printed before a moment."""
        pieces = [piece for at, piece in list(self._pieces) if before is None or at < before]
        return frozenset(re.findall(rf"\b{tag}-\d+(?=\s)", b"".join(pieces).decode("utf-8", "replace")))

    def until(self, there: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait until something is so. Raises Stuck if the process ends before, or if it takes too long."""
        end = time.monotonic() + seconds
        while not there():
            if self._process.poll() is not None and not there():
                self._join()
                if there():
                    return
                raise Stuck(f"{what} did not come; {self.command} ended with {self.code}: {self.err[-300:]}")
            if time.monotonic() > end:
                raise Stuck(f"{what} did not come within {seconds:g} seconds: {self.command}")
            time.sleep(0.005)

    def until_word(self, number: int) -> None:
        """Wait until it has printed a word of its reply."""
        self.until(lambda: f"{self.tag}-{number} " in self.out, f"word {number} of the reply")

    def signal(self, name: str) -> None:
        """Send it a signal."""
        self.signalled += 1
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, getattr(signal, name))

    def end(self, seconds: float = HUNG_AFTER) -> Done:
        """Wait for its end. A process that hangs is killed, and is remembered as hung."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.hung = True
        self.stop()
        self._join()
        return Done(self.command, self.out, self.err, self.code if self.code is not None else -signal.SIGKILL)

    def stop(self) -> None:
        """Kill it and all that it started, if anything of it is left."""
        with suppress(ProcessLookupError, PermissionError):
            if isinstance(self._process, subprocess.Popen):
                os.killpg(self._process.pid, signal.SIGKILL)
            elif self._process.poll() is None:
                os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _join(self) -> None:
        for reader in self._readers:
            reader.join(5)
        self.ended_at = self.ended_at or time.monotonic()


def _begun(command: Sequence[str], env: Mapping[str, str], folder: Path, typed: str) -> Any:
    """Start a process of its own, the leader of its group."""
    return subprocess.Popen(
        list(command),
        env=dict(env),
        cwd=folder,
        stdin=subprocess.PIPE if typed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


class _Fork:
    """A fork as the rest of this module uses subprocess.Popen."""

    def __init__(self, forked: Any) -> None:
        self._process = forked._process
        self.pid: int = self._process.pid
        self.stdin = None if forked._stdin.closed else forked._stdin.buffer
        self.stdout, self.stderr = forked.stdout.buffer, forked.stderr.buffer
        self._files = forked  # which would close them

    @property
    def returncode(self) -> int | None:
        """Its exit code, once it has ended. Starting a process also asks all others, so that must not happen now."""
        with ONE_AT_A_TIME:
            code: int | None = self._process.exitcode
        return code

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def wait(self, seconds: float | None = None) -> None:
        """Wait for its end. Raises TimeoutExpired."""
        end = time.monotonic() + (HUNG_AFTER if seconds is None else seconds)
        while self.returncode is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("llm", seconds or HUNG_AFTER)
            time.sleep(0.01)


def _forked(arguments: Sequence[str], env: Mapping[str, str], folder: Path, typed: str) -> Any:
    with ONE_AT_A_TIME:
        return _Fork(processes.started(arguments, env, folder, reads=bool(typed)))


def _read(stream: IO[bytes], into: list[tuple[float, bytes]]) -> None:
    with stream:
        while piece := os.read(stream.fileno(), 65_536):
            into.append((time.monotonic(), piece))
