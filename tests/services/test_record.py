"""What was sent is recorded with the desk's own clock and hints, and nothing is recorded if nothing was sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import llm
import pytest
from sqlite_utils import Database

from llm_session_memory.llm_seam.conversation import SessionConversation
from llm_session_memory.llm_seam.creating import Wanted
from llm_session_memory.llm_seam.prompting import Prompting
from llm_session_memory.memory import Memory
from llm_session_memory.model import Settings
from tests.conftest import Command
from tests.store.world import contents
from tests.world.scripted import Script

LONG_AGO = datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.fixture(name="memory")
def _memory(log: Path, llm_: Command, script: Script) -> Iterator[Memory]:
    """A session `work` with one exchange, in a log opened with an old clock and with -d."""
    llm_("-m", "scripted", "--session", "work", "Hello.").ok()
    with Memory(log, now=lambda: LONG_AGO, typed="the log.db") as memory:
        yield memory


def test_an_empty_record_changes_nothing(memory: Memory, log: Path) -> None:
    """Recording no calls at all changes nothing."""
    before = contents(log)
    with memory.writing():
        memory.record.add(memory.sessions.get("work").thread_id, [], "Hello.")
    assert contents(log) == before


def _prompted(memory: Memory) -> llm.Response:
    """Prompt in a new session, as llm's command does; return the response before it is logged."""
    conversation = SessionConversation(model=llm.get_model("scripted"))
    conversation.prompting = Prompting(memory, Wanted("long ago"), Settings(), print)
    response: llm.Response = conversation.prompt("When?")
    response.text()
    return response


def test_the_record_uses_the_given_clock(memory: Memory, log: Path) -> None:
    """A response logged on llm's own connection is recorded with the clock that the log was opened with."""
    database = Database(log)
    _prompted(memory).log_to_db(database)
    ((began,),) = database.execute("select began_utc from memory_blocks where front != '' order by id desc limit 1")
    assert datetime.fromisoformat(began) == LONG_AGO
    database.close()


def test_another_connection_has_the_same_hints(memory: Memory, log: Path) -> None:
    """Hints repeat the -d option on any connection."""
    database = Database(log)
    assert memory.desk.on(database).command("show") == "llm sessions show -d 'the log.db'"
    database.close()
