"""A session's prompt lets Python's garbage collector leave alone what llm has loaded."""

from __future__ import annotations

import gc

from tests.conftest import Command
from tests.world.scripted import Script


def test_the_collector_is_as_it_was_afterwards(llm_: Command, script: Script) -> None:
    """While a session's prompt runs llm's own objects are frozen; afterwards, also after an error, nothing is."""
    frozen: list[int] = []

    def reply(prompt: object) -> str:
        frozen.append(gc.get_freeze_count())
        return "Noted."

    script.replies = [reply, ValueError("no")]
    llm_("--session", "work", "-m", "scripted", "Hello").ok()
    assert frozen[0] > 0
    assert gc.get_freeze_count() == 0
    assert llm_("--session", "work", "Again").code == 1
    assert gc.get_freeze_count() == 0


def test_what_a_program_has_frozen_stays_frozen(llm_: Command, script: Script) -> None:
    """A program that has frozen its objects before it calls llm finds them frozen afterwards."""
    gc.freeze()
    try:
        before = gc.get_freeze_count()
        llm_("--session", "work", "-m", "scripted", "Hello").ok()
        assert gc.get_freeze_count() <= before
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
