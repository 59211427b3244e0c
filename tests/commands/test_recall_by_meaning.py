"""Recall by meaning: with an embedding model, what shares no word with the prompt is found too."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from llm_session_memory.memory import Memory
from llm_session_memory.model import Settings
from llm_session_memory.services.nearness import Nearness
from llm_session_memory.store.index import Index
from tests.conftest import Command
from tests.world.logs import LogBuilder, Said
from tests.world.meaning import Meaning
from tests.world.scripted import Script

FACT = "My puppy is called Biscuit."
ASKED = "What about the spaniel?"
BUDGET = ("--max-context-tokens", "400")


def talk(llm_: Command, *flags: str, count: int = 24) -> None:
    """State the fact, then talk about unrelated things, in a session with a small budget."""
    said = [FACT, *(f"Number {n}: {'stone ' * 12}wall {n}." for n in range(count)), "exit\n"]
    llm_("chat", "-m", "scripted", "--session", "work", *BUDGET, *flags, input="\n".join(said)).ok()


def built(log: Path, *, count: int = 24) -> None:
    """Write the log that such a talk leaves, but for vectors: `llm sessions index` makes them."""
    with LogBuilder(log) as builder:
        said = [FACT, *(f"Number {n}: {'stone ' * 12}wall {n}." for n in range(count))]
        builder.turns("thread-of-work", *map(Said, said), block=8)
    with Memory(log) as memory:
        memory.desk.prepare()
        memory.sessions.create("work", "thread-of-work", Settings(model="scripted", max_context_tokens=400))


def sent(script: Script) -> str:
    return "\n".join(text for _, text in script.texts())


def test_by_words_alone_a_synonym_is_not_found(llm_: Command, script: Script, meaning: Meaning, log: Path) -> None:
    """Without an embedding model a prompt finds only passages that share its words, and no model is called."""
    built(log)
    llm_("--session", "work", ASKED).ok()
    assert "Biscuit" not in sent(script)
    assert meaning.seen == []


def test_of_a_short_session_only_the_nearest_are_similar(log: Path) -> None:
    """At most a fifth of a session's passages, but ten at least, count as similar in meaning: not every “Noted.”."""
    for count, most in ((6, 10), (42, 17)):
        log.unlink(missing_ok=True)
        built(log, count=count)
        with Memory(log) as memory:
            thread_id = memory.sessions.get("work").thread_id
            Index(memory.desk.log).catch_up(thread_id)
            nearness = Nearness(memory.desk, "made up", lambda texts: [[1.0, len(text) / 99] for text in texts])
            assert nearness.catch_up(thread_id, None) > most
            assert len(nearness.near(Index(memory.desk.log).scopes(thread_id), ASKED)) == most


@pytest.mark.parametrize("how", ["default", "session"])
def test_with_an_embedding_model_a_synonym_is_found(
    llm_: Command, script: Script, meaning: Meaning, log: Path, how: str
) -> None:
    """llm's default embedding model, or the session's own, finds passages with a similar meaning."""
    if how == "default":
        llm_("embed-models", "default", "meaning").ok()
    built(log)
    if how == "session":
        llm_("sessions", "set", "work", "--recall-model", "meaning").ok()
    llm_("sessions", "index", "work").ok()
    llm_("--session", "work", ASKED).ok()
    assert "Biscuit" in sent(script)
    assert meaning.seen.count(ASKED) == 1


def test_the_environment_names_a_model_for_sessions_without_one(
    llm_: Command, script: Script, meaning: Meaning, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LLM_RECALL_MODEL comes before llm's default, and the session's own model before it. An unknown one is told."""
    llm_("embed-models", "default", "3-small").ok()
    monkeypatch.setenv("LLM_RECALL_MODEL", "meaning")
    built(log)
    llm_("sessions", "index", "work").ok()
    llm_("--session", "work", ASKED).ok()
    assert "Biscuit" in sent(script)
    seen = len(meaning.seen)
    llm_("--session", "work", "--recall-model", "none", ASKED).ok()
    assert "Biscuit" not in sent(script)
    assert len(meaning.seen) == seen
    monkeypatch.setenv("LLM_RECALL_MODEL", "nosuch")
    done = llm_("--session", "work", ASKED).ok()
    assert (
        "The embedding model failed (Embedding model “nosuch” not found), so recall searched by words only."
        " List embedding models with: llm embed-models\n" in done.err
    ), "nothing stands after the command"


@pytest.mark.usefixtures("script")
def test_who_asks_only_for_a_time_gets_nothing_similar(llm_: Command, meaning: Meaning) -> None:
    """“What did we talk about today?” is like other prompts that talk of talking: what it means is only the day."""
    talk(llm_, "--recall-model", "meaning")
    seen = len(meaning.seen)
    told = llm_("sessions", "context", "work", "What did we talk about today?").ok().out
    assert "said today" in told
    assert "similar in meaning" not in told
    assert len(meaning.seen) == seen


def test_a_passage_is_embedded_once(llm_: Command, script: Script, meaning: Meaning, log: Path) -> None:
    """Vectors are stored: no passage is embedded twice, and each passage has one vector per model."""
    del script
    llm_("embed-models", "default", "meaning").ok()
    talk(llm_)
    llm_("--session", "work", ASKED).ok()
    passages = [text for text in meaning.seen if text.startswith(("Number", "My puppy"))]
    prompts = {text for text in passages if passages.count(text) > 2}  # a passage, and the prompt that it was
    assert not prompts
    with sqlite3.connect(log) as db:
        kept, many = db.execute(
            "select (select count(*) from memory_vectors where model = 'meaning'),"
            ' (select count(*) from memory_passages where "end" > "start")'
        ).fetchone()
    assert many - 2 <= kept <= many  # the last exchange is not indexed yet


def test_none_turns_it_off(llm_: Command, script: Script, meaning: Meaning, log: Path) -> None:
    """A session can use words only, whatever llm's default is."""
    llm_("embed-models", "default", "meaning").ok()
    built(log)
    shown = llm_("sessions", "set", "work", "--recall-model", "none").ok().out
    assert "by words" in shown
    llm_("--session", "work", ASKED).ok()
    assert "Biscuit" not in sent(script)
    assert meaning.seen == []


def test_a_failing_embedding_model_is_reported(llm_: Command, script: Script, meaning: Meaning, log: Path) -> None:
    """If the embedding model fails, recall uses words, the prompt is sent, and stderr says why."""
    llm_("embed-models", "default", "meaning").ok()
    built(log)
    meaning.error = RuntimeError("out of memory")
    done = llm_("--session", "work", "What was that about wall 3?").ok()
    assert "The embedding model failed (out of memory), so recall searched by words only." in done.err
    assert "wall 3." in sent(script)
    gone = llm_("sessions", "set", "work", "--recall-model", "nosuch")
    assert gone.err == "Error: Embedding model “nosuch” not found. List embedding models with: llm embed-models\n"


def test_small_talk_asks_no_model(llm_: Command, script: Script, meaning: Meaning, log: Path) -> None:
    """A prompt without any meaningful words is not embedded."""
    del script
    llm_("embed-models", "default", "meaning").ok()
    built(log)
    llm_("--session", "work", "thanks!").ok()
    assert "thanks!" not in meaning.seen


def test_the_dry_run_recalls_by_meaning(llm_: Command, script: Script, meaning: Meaning, log: Path) -> None:
    """`sessions context` recalls what the prompt itself would."""
    llm_("embed-models", "default", "meaning").ok()
    built(log)
    llm_("sessions", "index", "work").ok()
    made = json.loads(llm_("sessions", "context", "work", ASKED, "--json").ok().out)
    recalled = [item for item in made["items"] if item["fate"] == "recalled"]
    assert any(item["first"] == 1 and item["reason"].endswith("; similar in meaning") for item in recalled)
    assert all(item["score"] > 0 for item in recalled)
    llm_("--session", "work", ASKED).ok()
    assert "Biscuit" in sent(script)
    assert meaning.error is None


@pytest.mark.parametrize("recalled", [True, False])
def test_what_went_with_prompts_is_embedded_last(
    llm_: Command, script: Script, meaning: Meaning, tmp_path: Path, *, recalled: bool
) -> None:
    """What was said is embedded before fragments, and these not at all if recall is to leave them out."""
    page = tmp_path / "page.txt"
    page.write_text("The spaniel sleeps on the stairs.", "utf-8")
    llm_("embed-models", "default", "meaning").ok()
    kept = () if recalled else ("--recall-fragments", "no")
    llm_("-m", "scripted", "--session", "work", *BUDGET, *kept, "-f", str(page), "Mind this.").ok()
    talk(llm_, count=16)
    llm_("--session", "work", "What about the hound?").ok()
    told = [one for one in meaning.seen if "stairs" in one]
    assert bool(told) == recalled
    assert ("[#1 fragment" in sent(script)) == recalled
