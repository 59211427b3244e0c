"""`--watch`: again and again, through failures, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from llm_session_memory.commands.watching import watched
from llm_session_memory.errors import NoSuchSession, RemoteFailed, SessionError
from llm_session_memory.model.remotes import Remote


class _Server:
    """A remote that is up or down, by a list with an error, or None, for each look. Ctrl-C comes after the last."""

    def __init__(self, *looks: Exception | None) -> None:
        self._looks: Iterator[Exception | None] = iter(looks)
        self._left = len(looks)
        self.opened = self.closed = 0
        self.waited: list[float] = []

    def connect(self) -> Remote:
        self.opened += 1
        return cast("Remote", self)

    def look(self, there: Remote) -> None:
        assert there is cast("Any", self)
        self._left -= 1
        error = next(self._looks)
        if error is not None:
            raise error

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        if not self._left:
            raise KeyboardInterrupt

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(name="watch")
def _watch(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[_Server, list[str]]]:
    """Watch a server through some looks, and return it with what was said, without times."""

    def watch(*looks: Exception | None) -> tuple[_Server, list[str]]:
        server = _Server(*looks)
        watched("team", server.connect, server.look, 30, server.wait)
        said = capsys.readouterr().err.splitlines()
        return server, [line[9:] if line[2:3] == ":" else line for line in said]

    return watch


Watch = Callable[..., tuple[_Server, list[str]]]


def test_it_looks_again_after_so_many_seconds(watch: Watch) -> None:
    """One connection is used for all looks, and closed at the end. Ctrl-C is no error."""
    server, said = watch(None, None, None)
    assert (server.waited, server.opened, server.closed) == ([30, 30, 30], 1, 1)
    assert said == ["Stopped."]


def test_a_server_that_goes_away_is_mentioned_once(watch: Watch) -> None:
    """A failure is said once however often it repeats, and so is that it is over. It connects anew meanwhile."""
    server, said = watch(None, *[RemoteFailed("It is gone.", "Look.")] * 3, None, None, RemoteFailed("Again."))
    assert said == [
        "It is gone. Look. Trying again every 30 s.",
        "Continuing with “team”.",
        "Again. Trying again every 30 s.",
        "Stopped.",
    ]
    assert server.opened == server.closed == 4


def test_a_log_that_is_in_use_is_waited_for(watch: Watch) -> None:
    """What goes by itself, such as a lock of another program, ends nothing."""
    _, said = watch(SessionError("The log is locked."), None)
    assert said == ["The log is locked. Trying again every 30 s.", "Continuing with “team”.", "Stopped."]


def test_what_cannot_get_better_ends_it(watch: Watch) -> None:
    """A session that doesn't exist, or a key that is missing, is an error at once."""
    with pytest.raises(NoSuchSession):
        watch(NoSuchSession("Not found."))

    def connect() -> Remote:
        raise SessionError("No key.")

    with pytest.raises(SessionError, match="No key"):
        watched("team", connect, print, 30, print)
