"""The commands that pages offer to copy: to go on, try again, name and fork, and to send a model more. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from llm_session_memory.reader.sent import Sent
from llm_session_memory.reader.values import Transcript
from llm_session_memory.rules.safe_text import visible

_PROMPT = '"…"'
"""What stands for the prompt in a command. A person replaces it, so it is not quoted as the rest is."""


@dataclass(frozen=True)
class Command:
    """What a command does, and the command as a person would type it. `first` ones are shown, the others folded.

    `blank` is the last word if a person must replace it: a prompt, a name or a number.
    """

    does: str
    given: str
    blank: str = ""
    first: bool = False

    @property
    def text(self) -> str:
        """The whole command, as the page shows it."""
        return f"{self.given} {self.blank}" if self.blank else self.given

    @property
    def copied(self) -> str:
        """What a button copies: the command up to the blank. Pasted at once, a NAME in it would be taken literally."""
        return f"{self.given} " if self.blank else self.given


def commands(page: Transcript, database: str = "") -> tuple[Command, ...]:
    """Return the commands for a session: first those to continue, to send a failed prompt again, and to name it.

    Args:
        page: a page of the session's transcript.
        database: the path of its log, or nothing if that is the log that llm uses without being told.
    """
    line = page.line
    where = ("-d", database) if database else ()
    if line.name is None:
        found = [
            Command("Continue", _typed("llm", "--cid", line.thread_id, *where), _PROMPT, first=True),
            Command("Name it", _sessions("name", (line.thread_id,), where), "NAME", first=True),
        ]
    else:
        found = [Command("Continue", _typed("llm", "--session", line.name, *where), _PROMPT, first=True)]
        if line.attempts:
            found.append(Command("Retry failed", _sessions("retry", (line.name,), where), first=True))
        found += [
            Command("Chat", _typed("llm", "chat", "--session", line.name, *where)),
            Command("Rename", _sessions("rename", (line.name,), where), "NEW_NAME"),
        ]
    if page.last:
        found.append(Command("Fork", _sessions("fork", (line.reference,), ("--at", str(page.last), *where))))
    return tuple(found)


def command(name: str, *given: str, database: str = "") -> str:
    """Return one command of `llm sessions`, for the log at `database` if llm would take another one."""
    return _sessions(name, given, ("-d", database) if database else ())


def job_command(name: str, job: str, database: str = "") -> str:
    """Return one command of `llm sessions job`, for the log at `database` if llm would take another one."""
    where = ("-d", database) if database else ()
    if job.startswith("-"):
        return _typed("llm", "sessions", "job", name, *where, "--", job)
    return _typed("llm", "sessions", "job", name, job, *where)


def to_send_more(sent: Sent, name: str | None, database: str = "") -> tuple[Command, ...]:
    """Return the commands that help if a model forgot something: for a session that left exchanges out."""
    if name is None or sent.why is None or not sent.counted("pruned"):
        return ()
    where = ("-d", database) if database else ()
    larger = ("--max-context-tokens", str(2 * sent.why.budget), *where)
    return (
        Command("Always send one", _sessions("pin", (name,), where), "NUMBER"),
        Command("Send more", _sessions("set", (name,), larger)),
        Command("Continue", _typed("llm", "--session", name, *where), _PROMPT),
    )


def _sessions(name: str, given: tuple[str, ...], options: tuple[str, ...]) -> str:
    """Return a command of `llm sessions`. A name that looks like an option comes last, after `--`."""
    if any(one.startswith("-") for one in given):
        return _typed("llm", "sessions", name, *options, "--", *given)
    return _typed("llm", "sessions", name, *given, *options)


def _typed(*words: str) -> str:
    return visible(shlex.join(words))
