"""During a session's prompt, Python's garbage collector ignores the objects that llm has loaded."""

from __future__ import annotations

import gc

from tests.conftest import Command
from tests.world.scripted import Script


def test_the_collector_is_restored_afterwards(llm_: Command, script: Script) -> None:
    """While a session's prompt runs, llm's own objects are frozen. Afterwards, even after an error, nothing is."""
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


def test_objects_frozen_by_a_program_stay_frozen(llm_: Command, script: Script) -> None:
    """Objects that a program froze before it called llm are still frozen afterwards."""
    gc.freeze()
    try:
        before = gc.get_freeze_count()
        llm_("--session", "work", "-m", "scripted", "Hello").ok()
        assert gc.get_freeze_count() <= before
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
