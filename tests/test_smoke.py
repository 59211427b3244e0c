"""The first conversation: the shortest path through everything."""

from __future__ import annotations

from tests.conftest import Command
from tests.world.scripted import Script


def test_a_session_remembers(llm_: Command, script: Script) -> None:
    """The second prompt of a session is sent with the first and its reply."""
    first = llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    assert first.err == "session work: created with scripted\n"
    second = llm_("--session", "work", "What do we build?").ok()
    assert (second.out, second.err) == ("Noted.\n", "")
    assert script.texts() == [("user", "We build a bridge."), ("assistant", "Noted."), ("user", "What do we build?")]
