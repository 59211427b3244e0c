"""Opening a remote: no error of a remote or of its driver shows a secret."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from llm_session_memory.errors import RemoteFailed, SessionError
from llm_session_memory.model.remotes import Remote, RemoteSettings, Writing
from llm_session_memory.remotes import opening
from llm_session_memory.remotes.opening import open_remote

ADDRESS = "postgresql://ada:open%20sesame@db.example/llm?sslpassword=hidden"
SAID = f"no connection to {ADDRESS}: password 'open sesame' is wrong (hidden)"


class _Driver:
    """A remote whose driver quotes the address in every error."""

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error

    place = "db.example"

    def __getattr__(self, name: str) -> Any:
        if name == "writing":
            return self._writing

        def fail(*arguments: object) -> Any:
            raise self._error() from ValueError(SAID)

        return fail

    @contextmanager
    def _writing(self) -> Iterator[_Driver]:
        yield self


CALLS: dict[str, Callable[[Remote], object]] = {
    "condition": lambda remote: remote.condition(),
    "prepare": lambda remote: remote.prepare(),
    "buckets": lambda remote: remote.buckets(),
    "digests": lambda remote: [*remote.digests(["m-2026-11"])],
    "stamps": lambda remote: [*remote.stamps(["01a"])],
    "tombstones": lambda remote: [*remote.tombstones(["t-00"])],
    "documents": lambda remote: [*remote.documents("turn", ["01a"])],
    "threads_with": lambda remote: remote.threads_with(["01a"]),
    "listed": lambda remote: [*remote.listed()],
    "close": lambda remote: remote.close(),
    "put": lambda remote: _written(remote, lambda writing: writing.put([])),
    "remove": lambda remote: _written(remote, lambda writing: writing.remove("turn", ["01a"])),
    "referred": lambda remote: _written(remote, lambda writing: writing.referred(["message 3f"])),
    "set_digests": lambda remote: _written(remote, lambda writing: writing.set_digests({})),
}


def _written(remote: Remote, does: Callable[[Writing], object]) -> None:
    with remote.writing() as writing:
        does(writing)


def _opened(error: Callable[[], Exception], monkeypatch: pytest.MonkeyPatch) -> Remote:
    monkeypatch.setenv("LLM_REMOTE_TEAM", ADDRESS)
    monkeypatch.setattr(opening, "_made", lambda settings, address: cast("Remote", _Driver(error)))
    return open_remote(RemoteSettings("team", "postgresql://ada@db.example/llm"))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", [lambda: RemoteFailed(SAID, SAID), lambda: ConnectionError(SAID)])
def test_no_error_of_a_remote_shows_a_secret(
    call: str, error: Callable[[], Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the sentence nor a traceback has the password, in any form. The rest of the message stays."""
    remote = _opened(error, monkeypatch)
    with pytest.raises(RemoteFailed) as raised:
        CALLS[call](remote)
    shown = "".join(traceback.format_exception(raised.value))
    assert "no connection to postgresql://ada" in shown
    assert not any(secret in shown for secret in ("sesame", "hidden"))


def test_other_errors_are_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that has no secret and is not the remote's, such as a mistake of ours, is raised as it is."""
    for error in (ZeroDivisionError("no"), SessionError("The log is locked.", "Wait.")):
        with pytest.raises(type(error)) as raised:
            _opened(lambda error=error: error, monkeypatch).prepare()  # type: ignore[misc]
        assert raised.value is error


def test_what_a_body_raises_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C within a transaction ends it."""
    remote = _opened(ConnectionError, monkeypatch)
    with pytest.raises(KeyboardInterrupt), remote.writing():
        raise KeyboardInterrupt


def test_a_missing_key_is_said_before_anything_is_connected(home: object) -> None:
    """The error names the command that sets it."""
    with pytest.raises(SessionError, match="llm keys set team-key"):
        open_remote(RemoteSettings("team", "postgresql://ada@db.example/llm", "team-key"))
