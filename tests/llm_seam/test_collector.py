"""During a session's prompt, Python's garbage collector ignores the objects that llm has loaded."""

from __future__ import annotations

import gc
import sys

import pytest

from tests.conftest import Command
from tests.world import fresh_llm
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


_ENDING = """
import gc, sys, weakref
from llm.cli import cli
cli(["--session", "work", "Again"], standalone_mode=False)
left = weakref.ref(sys.modules["llm.cli"])
del cli
gc.collect()  # in the order in which Python ends
sys.modules.clear()
gc.collect()
found = "kept" if left() else "let go"
"""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="other Pythons end without a search for garbage")
def test_nothing_of_ours_keeps_llm_until_the_process_ends(
    forking: None, llm_: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When Python ends it can let go of llm in one go; otherwise it would search everything for garbage once more."""
    llm_("--session", "work", "-m", "echo", "Hello").ok()
    monkeypatch.setenv("LLM_LOAD_PLUGINS", "llm-echo,llm-session-memory")  # others may keep it
    assert fresh_llm.found_by(_ENDING) == "let go"
