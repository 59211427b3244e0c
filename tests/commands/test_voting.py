"""`llm sessions votes` and the votes behind it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from llm_session_memory.errors import SessionError
from llm_session_memory.memory import Memory
from llm_session_memory.rules.voting import ranking
from llm_session_memory.services.votes import NOTE, VotedAnswer
from tests.conftest import Command
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="answers")
@once
def _answers(llm_: Command, script: Script, log: Path) -> list[VotedAnswer]:
    """Two models have each answered the same prompt in a session of its own."""
    llm_("-m", "scripted", "--session", "one", "Hello").ok()
    llm_("-m", "other", "--session", "two", "Hello").ok()
    with Memory(log) as memory:
        return [
            VotedAnswer(memory.sessions.get(name).thread_id, memory.sessions.turn_ids(name)[0][0])
            for name in ("one", "two")
        ]


def _cast(log: Path, answers: list[VotedAnswer], said: str, *, blind: bool = False) -> None:
    with Memory(log) as memory:
        memory.votes.cast(answers, ranking(said, len(answers)), blind=blind)


def test_a_vote_is_kept_with_ratings(llm_: Command, log: Path, answers: list[VotedAnswer]) -> None:
    """The better answer is rated up, the other one down; another vote on the same answers replaces both."""
    _cast(log, answers, "b")
    assert llm_("sessions", "rate", "one").ok().out == f"#1 down: {NOTE}\n"
    assert llm_("sessions", "rate", "two").ok().out == f"#1 up: {NOTE}\n"
    _cast(log, [*reversed(answers)], "b", blind=True)
    assert llm_("sessions", "rate", "one").ok().out == f"#1 up: {NOTE}\n"
    (vote,) = json.loads(llm_("sessions", "votes", "--list", "--json").ok().out)
    assert (vote["a_session"], vote["a_model"], vote["better"], vote["blind"]) == ("one", "scripted", "a", True)
    listed = llm_("sessions", "votes", "--list").ok().out
    assert listed.partition("  ")[2] == "scripted (one) better than other (two), blind\n"


def test_a_persons_own_rating_stays(llm_: Command, log: Path, answers: list[VotedAnswer]) -> None:
    """A vote never replaces a rating that was given for another reason."""
    llm_("sessions", "rate", "one", "1", "2", "--note", "Too long").ok()
    _cast(log, answers, "a")
    assert llm_("sessions", "rate", "one").ok().out == "#1 2 of 5: Too long\n"


def test_an_answer_is_not_compared_with_itself(log: Path, answers: list[VotedAnswer]) -> None:
    """Nothing is stored."""
    with Memory(log) as memory, pytest.raises(SessionError, match="can't be compared with itself"):
        memory.votes.cast([answers[0], answers[0]], ranking("a", 2), blind=False)


def test_the_preference_is_shown(llm_: Command, log: Path, answers: list[VotedAnswer]) -> None:
    """A table of models, then what the votes show and what they don't."""
    assert llm_("sessions", "votes").ok().out == "There are no votes yet.\n"
    _cast(log, answers, "a")
    shown = llm_("sessions", "votes").ok().out.splitlines()
    assert shown[0] == "1 vote on 1 prompt"
    assert [line.split() for line in shown[2:4]] == [
        "model preferred 95% interval best wins ties losses".split(),
        "scripted 75% 15% to >99% 82% 1 0 0".split(),
    ]
    assert shown[-2].startswith("scripted was preferred to other on 1 of 1 prompt: too few")
    assert shown[-1] == "1 vote of 1 was not blind: whoever voted knew the models."
    assert llm_("sessions", "votes", "--blind").ok().out == "There are no votes yet.\n"
    found = json.loads(llm_("sessions", "votes", "--json").ok().out)
    assert found["models"][0]["model"] == "scripted"
    assert found["duels"][0]["needed"] is None


def test_without_the_extra_there_are_counts_and_exact_tests(
    llm_: Command, log: Path, answers: list[VotedAnswer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The strengths need a library; the sentence says which."""
    monkeypatch.setitem(sys.modules, "choix", None)
    _cast(log, answers, "=")
    done = llm_("sessions", "votes").ok()
    assert "preferred" not in done.out.splitlines()[2]
    assert "only ties (1 prompt)" in done.out
    assert "llm install 'llm-session-memory[compare]'" in done.err


def test_a_vote_goes_with_its_answer(llm_: Command, log: Path, answers: list[VotedAnswer]) -> None:
    """If an answer is deleted, so is the vote on it."""
    _cast(log, answers, "a")
    llm_("sessions", "delete", "two", "--yes").ok()
    assert llm_("sessions", "votes").ok().out == "There are no votes yet.\n"


def test_a_log_without_our_tables_has_no_votes(llm_: Command, script: Script) -> None:
    """Plain llm logs are read, not changed."""
    llm_("-m", "scripted", "Hello").ok()
    assert llm_("sessions", "votes").ok().out == "There are no votes yet.\n"
