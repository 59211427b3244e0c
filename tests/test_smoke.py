"""A first conversation: the shortest path through everything."""

from __future__ import annotations

from tests.conftest import Command
from tests.world.scripted import Script


def test_a_session_remembers(llm_: Command, script: Script) -> None:
    """The second prompt of a session is sent with the first prompt and its reply."""
    first = llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    assert first.err == "session work: created with scripted\n"
    second = llm_("--session", "work", "What do we build?").ok()
    assert (second.out, second.err) == ("Noted.\n", "")
    assert script.texts() == [("user", "We build a bridge."), ("assistant", "Noted."), ("user", "What do we build?")]


def test_a_failed_prompt_can_be_sent_again(llm_: Command, script: Script) -> None:
    """`llm sessions retry` sends a failed prompt again, and its reply is kept like any other."""
    script.replies = [RuntimeError("no memory left"), "Noted."]
    failed = llm_("-m", "scripted", "--session", "work", "We build a bridge.")
    assert failed.code == 1
    assert "llm sessions retry work" in failed.err
    again = llm_("sessions", "retry", "work").ok()
    assert again.out == "Noted.\n"
    assert script.texts() == [("user", "We build a bridge.")]
