"""Use case: replace secrets everywhere in a log, so that no byte of them is left in its file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from ..errors import LogUnusable, SessionError
from ..model import Redacted, Secret
from ..rules.secrets import Redactor
from ..store import Sessions
from ..store.attempts import Attempts, overflow
from ..store.deletion import unchecked
from ..store.erasing import erase, overwriting
from ..store.secret_rewriting import Rewriting
from .desk import Desk
from .mending import back_up

Say = Callable[[str], None]
"""Called with what is being done, in a few words."""

_ROUNDS = 5
"""How often the log is looked through: a process that was sending a prompt may log a secret once more meanwhile."""


def plan(desk: Desk, secrets: Sequence[Secret]) -> Redacted:
    """Return what a redaction would replace, without changing anything. The log may be read-only."""
    rewriting = Rewriting(desk.log, _redactor(secrets))
    rewriting.look()
    return _told(rewriting, secrets)


def backed_up(desk: Desk, say: Say) -> Path:
    """Copy the log to a file beside it that only its owner can read, and return its path. Raises LogUnusable."""
    desk.prepare()
    return back_up(desk.log, desk.now(), say, "redaction")


def redact(desk: Desk, secrets: Sequence[Secret], say: Say = lambda _text: None) -> Redacted:
    """Replace secrets everywhere in the log, in one transaction, and rewrite its file without them.

    Raises:
        SessionError: Another process is sending a prompt in a session that has one. Nothing was changed.
        LogUnusable: The log can't be written, or its file can't be rewritten now. If the second, the secrets are
            replaced, but their bytes may still be in the file.
    """
    desk.prepare()
    log, redactor = desk.log, _redactor(secrets)
    before = desk.path.stat().st_size
    told: Redacted | None = None
    with ExitStack() as held:
        held.enter_context(unchecked(log))
        held.enter_context(overwriting(log))
        for _ in range(_ROUNDS):
            say("Looking through the log…")
            rewriting = Rewriting(log, redactor)
            rewriting.look()
            if told is not None and not rewriting.rows:
                break
            say("Replacing…")
            with desk.writing():
                _check_busy(desk, rewriting)
                rewriting.apply(desk.timestamp())
            told = told or _told(rewriting, secrets)
    _change_files(desk, redactor)
    assert told is not None
    say("Rewriting the file…")
    try:
        erase(log)
    except LogUnusable as error:
        message = f"The secrets are replaced, but not yet erased from the file. {error.message}"
        raise LogUnusable(message, f"Erase them later with: {desk.command('purge', '--erase')}") from error
    return replace(told, size_before=before, size_after=desk.path.stat().st_size)


def _redactor(secrets: Sequence[Secret]) -> Redactor:
    return Redactor({one.value: one.kind for one in secrets})


def _told(rewriting: Rewriting, secrets: Sequence[Secret]) -> Redacted:
    return Redacted(len(secrets), rewriting.rows, len(rewriting.messages), len(rewriting.turns))


def _change_files(desk: Desk, redactor: Redactor) -> None:
    """Replace secrets in the files beside the log that have replies which were interrupted."""
    for file in overflow(desk.path, "*").parent.glob("*.txt"):
        with suppress(OSError):
            text = file.read_text("utf-8", "replace")
            if redactor.has(text) and file.stem not in Attempts(desk.log).in_progress():
                file.write_text(redactor.text(text), "utf-8")


def _check_busy(desk: Desk, rewriting: Rewriting) -> None:
    busy = Attempts(desk.log).busy() & rewriting.threads()
    if busy:
        session = Sessions(desk.log).session_of_thread(min(busy))
        name = session.name if session else min(busy)
        message = f"Nothing was replaced, because another process is sending a prompt in “{name}”."
        raise SessionError(message, "Try again when it is answered.")
