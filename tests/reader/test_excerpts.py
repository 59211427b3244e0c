"""Which excerpts a request holds: those of its prompt, and in older logs those of the block's prompts before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import llm
import pytest

from llm_session_memory.insight.replay import replay
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.requests import request
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from llm_session_memory.rules import fences
from tests.world.everything import Session, with_blocks, with_recall, with_sessions
from tests.world.logs import LogBuilder, Said

EXCERPT = "[#1 user 2026-09-01] The deadline is 4 May."


@pytest.mark.parametrize("older", [False, True], ids=["for one request", "until the block ends, as in older logs"])
def test_a_request_holds_the_excerpts_that_were_sent_in_it(tmp_path: Path, older: bool) -> None:
    """The context view and the replay count an excerpt for a later prompt only if its request still has it."""
    path = tmp_path / "logs.db"
    told, asked = Said("The deadline is 4 May.", "Noted."), Said("And when is it?", "4 May.")
    fragment = llm.Fragment(f"{fences.OPENING}\n{EXCERPT}\n{fences.CLOSING}", "session://01abc/excerpts")
    with LogBuilder(path) as log:
        thread, shadow = log.thread(), log.thread()
        turns = log.turns(thread, told, Said(asked.prompt, asked.reply, fragments=(fragment,)))
        if not older:
            log.turns(shadow, told, asked)
            log._chains[thread] = log._chains[shadow]
        turns += log.turns(thread, Said("Thanks!"))
    session = Session(thread, "work", turns)
    with_sessions(path, session)
    with_blocks(path, session, cut_at=4)
    with_recall(path, turns[1], turns[0], "deadline")
    with closing(sqlite3.connect(path)) as connection:
        register(connection)
        source = Source(connection, present(connection), str(path))
        found = {n: request(source, thread, n) for n in (1, 2, 3)}
        texts = {n: [(one.text, one.earlier) for one in sent[0].excerpts] for n, sent in found.items() if sent}
        assert texts == {1: [], 2: [(EXCERPT, False)], 3: [(EXCERPT, True)] if older else []}
        windows = replay(source, thread).windows
        assert [windows[n].recalled for n in (1, 2, 3)] == [(), (1,), (1,) if older else ()]
