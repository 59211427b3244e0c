"""`llm sessions index`: bring the index of sessions up to date at once, with vectors of their embedding model."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from ..errors import ModelFailed, SessionError
from ..llm_seam.embedder import EXTRA
from ..llm_seam.models import NONE, RECALL_MODEL, Embedding, embedding_of
from ..memory import Memory
from ..model import POLICIES, Filters, Session
from ..rules.policy import recalls
from ..rules.safe_text import plain
from ..rules.words import counted
from .common import echo, opened, session_command
from .selecting import names_argument

_STOPPED = 130
"""The exit status after Ctrl-C, as in a shell."""


@session_command("index", short_help="Index older exchanges for recall and search at once")
@names_argument()
@click.option("--all", "all_", is_flag=True, help="All sessions, archived ones too")
def index_command(
    names: tuple[str, ...],
    all_: bool,
    database: str | None,
) -> None:
    """Index all exchanges of sessions, for recall and search by words, and for recall by meaning.

    This happens as you use a session, but for at most a second after each reply. Use this command after importing a
    long session or choosing another embedding model. You can stop it with Ctrl-C: what is done is kept, and the next
    run continues from there.

    \b
        llm sessions index work
        llm sessions index --all
    """
    if all_ and names:
        raise click.UsageError("Give names, or --all, not both.")
    if not all_ and not names:
        raise click.UsageError("Which sessions? Give their names, or --all.")
    with opened(database) as memory:
        found = memory.sessions.matching(Filters()) if all_ else [memory.sessions.get(name) for name in names]
        sessions = {session.thread_id: session for session in found}.values()
        if not sessions:
            click.echo("There are no sessions to index.", err=True)
        failed = [error for session in sessions for error in _tried(memory, session, alone=len(sessions) == 1)]
        embeddings = [embedding_of(memory, session.settings) for session in sessions]
    if any(one and one.model_id is None and one.found is None for one in embeddings):
        click.echo(f"To find passages by meaning too, install a model: llm install '{EXTRA}'", err=True)
    if failed:
        click.get_current_context().exit(1)


def _tried(memory: Memory, session: Session, *, alone: bool) -> Iterator[SessionError]:
    """Index one session. If that fails, continue with the others: print the error, and yield it."""
    try:
        _index(memory, session)
    except SessionError as error:
        if alone:
            raise
        echo(f"“{session.name}”: {error}", err=True)
        yield error


def _index(memory: Memory, session: Session) -> None:
    """Index one session and print what was done."""
    passages = counted(memory.indexing.index(session), "passage")
    embedding = embedding_of(memory, session.settings)
    if embedding is None or embedding.found is None:
        echo(f"“{session.name}”: {passages}, found by words only ({_why(session)}).")
        return
    done = _embedded(memory, session, embedding)
    if done == 0:
        echo(f"“{session.name}”: {passages}, found by words, and by meaning with {embedding.found}.")
    else:
        echo(f"“{session.name}”: {passages}, {done:,} of them embedded now with {embedding.found}.")


def _why(session: Session) -> str:
    """Return why a session has no embedding model."""
    settings = session.settings
    if not recalls(settings.memory or POLICIES[0]):
        return f"its policy is {settings.memory}"
    if settings.recall_model == NONE:
        return f"its embedding model is {NONE}"
    if os.environ.get(RECALL_MODEL) == NONE:
        return f"{RECALL_MODEL} is {NONE}"
    return "there is no embedding model"


def _embedded(memory: Memory, session: Session, embedding: Embedding) -> int:
    """Embed what is missing, with a progress bar on a terminal. Return how many passages were.

    Ctrl-C ends the command with a sentence about what is left; so does a failure of the model. Raises ModelFailed.
    """
    done = total = 0
    try:
        steps = embedding.embed(session.thread_id)
        done, total = next(steps)
        with _bar(session, total) as bar:
            for now, _ in steps:
                bar.update(now - done)
                done = now
    except (KeyboardInterrupt, ModelFailed) as error:
        left = f"{done:,} of {total:,} passages of “{session.name}” were embedded; {total - done:,} are left."
        again = f"Continue with: {memory.desk.command('index', session.name)}"
        if isinstance(error, ModelFailed):
            why = error.message.rstrip(".")
            raise ModelFailed(
                f"The embedding model “{embedding.found}” failed ({why}). {left}", error.hint or again
            ) from error
        echo(f"Stopped. {left} {again}", err=True)
        raise click.exceptions.Exit(_STOPPED) from None
    return done


def _bar(session: Session, total: int) -> Any:
    """Return a progress bar on stderr, or if that is not a terminal, one that shows nothing."""
    hidden = not total or not sys.stderr.isatty()
    file = io.StringIO() if hidden else sys.stderr
    return click.progressbar(length=total, label=plain(session.name), show_pos=True, file=file)
