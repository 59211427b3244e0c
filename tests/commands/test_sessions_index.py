"""`llm sessions index`: the rest of the index is made at once; it goes on where it stopped, and says what was done."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world.meaning import Meaning
from tests.world.once import once
from tests.world.scripted import Script

COUNT = 30


@pytest.fixture(name="work")
@once
def _work(llm_: Command, script: Script, meaning: Meaning) -> None:
    """The session “work”, which was held before there was an embedding model: nothing of it is indexed."""
    del script, meaning
    said = [*(f"Number {n}" for n in range(COUNT)), "exit\n"]
    llm_("chat", "-m", "scripted", "--session", "work", input="\n".join(said)).ok()


def vectors(log: Path) -> int:
    with sqlite3.connect(log) as db:
        return int(db.execute("select count(*) from memory_vectors").fetchone()[0])


@pytest.mark.usefixtures("work")
def test_all_passages_are_embedded_at_once(llm_: Command, meaning: Meaning, log: Path) -> None:
    """Each passage of the session gets a vector, and the second time there is nothing left to do."""
    llm_("embed-models", "default", "meaning").ok()
    done = llm_("sessions", "index", "work").ok()
    assert done.out == f"“work”: {2 * COUNT} passages, {2 * COUNT} of them embedded now with meaning.\n"
    assert vectors(log) == 2 * COUNT
    seen = len(meaning.seen)
    again = llm_("sessions", "index", "work").ok()
    assert again.out == f"“work”: {2 * COUNT} passages, found by words, and by meaning with meaning.\n"
    assert len(meaning.seen) == seen


@pytest.mark.usefixtures("work")
def test_ctrl_c_keeps_what_is_done(llm_: Command, meaning: Meaning, log: Path) -> None:
    """An interrupted command says what is left and how to go on, and going on embeds only that."""
    llm_("embed-models", "default", "meaning").ok()
    meaning.fails_after = 40
    meaning.error = KeyboardInterrupt()
    stopped = llm_("sessions", "index", "work")
    assert (stopped.out, stopped.code) == ("", 130)
    assert stopped.err == (
        f"Stopped. 32 of {2 * COUNT} passages of “work” were embedded; {2 * COUNT - 32} are left."
        " Continue with: llm sessions index work\n"
    )
    assert vectors(log) == 32
    meaning.error = None
    done = llm_("sessions", "index", "work").ok()
    assert done.out == f"“work”: {2 * COUNT} passages, {2 * COUNT - 32} of them embedded now with meaning.\n"


@pytest.mark.usefixtures("work")
def test_a_failing_model_ends_it_with_a_sentence(llm_: Command, meaning: Meaning, log: Path) -> None:
    """If the embedding model fails, the error says so and what is left; with --all the other sessions are done."""
    llm_("sessions", "set", "work", "--recall-model", "meaning").ok()
    llm_("-m", "scripted", "--session", "play", "Hello").ok()
    meaning.fails_after = 40
    meaning.error = RuntimeError("out of memory")
    failed = llm_("sessions", "index", "work")
    assert failed.err == (
        f"Error: The embedding model “meaning” failed (out of memory). 32 of {2 * COUNT} passages of “work” were"
        f" embedded; {2 * COUNT - 32} are left. Continue with: llm sessions index work\n"
    )
    assert (failed.code, vectors(log)) == (1, 32)
    both = llm_("sessions", "index", "--all")
    assert both.code == 1
    assert "“work”: The embedding model “meaning” failed" in both.err
    assert both.out == "“play”: 2 passages, found by words only (there is no embedding model).\n"


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ((), "there is no embedding model"),
        (("--recall-model", "none"), "its embedding model is none"),
        (("--memory", "window"), "its policy is window"),
    ],
)
def test_without_an_embedding_model_words_are_indexed(
    llm_: Command, log: Path, settings: tuple[str, ...], why: str
) -> None:
    """The full-text index is brought up to date, and the line says why nothing was embedded, and what to install."""
    if settings:
        llm_("sessions", "set", "work", *settings).ok()
    done = llm_("sessions", "index", "work").ok()
    assert done.out == f"“work”: {2 * COUNT} passages, found by words only ({why}).\n"
    assert ("llm-session-memory[meaning]" in done.err) is (not settings)
    with sqlite3.connect(log) as db:
        assert db.execute("select count(*) from memory_words").fetchone() == (2 * COUNT,)


def test_a_log_of_plain_llm_has_nothing_to_index(llm_: Command, script: Script) -> None:
    """A log without sessions is said to have none, and a missing log is an error."""
    del script
    assert "There is no log" in llm_("sessions", "index", "--all").err
    llm_("-m", "scripted", "Hello").ok()
    assert llm_("sessions", "index", "--all").ok().err == "There are no sessions to index.\n"
    assert "Session “work” not found." in llm_("sessions", "index", "work").err


@pytest.mark.usefixtures("work")
def test_names_and_all_exclude_each_other(llm_: Command) -> None:
    """Nothing is indexed by accident, and an unknown name is an error."""
    assert "Which sessions? Give their names, or --all." in llm_("sessions", "index").err
    assert "Give names, or --all, not both." in llm_("sessions", "index", "work", "--all").err
    assert llm_("sessions", "index", "wrk").code == 1
