"""`llm sessions batch --on`: a job goes to the remote, or nothing of it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.model.remotes import RemoteSettings
from tests.conftest import Command
from tests.world.postgres_server import Postgres
from tests.world.scripted import Script


@pytest.fixture(name="prompts")
def _prompts(tmp_path: Path) -> str:
    path = tmp_path / "prompts.txt"
    path.write_text("one\ntwo\n")
    return str(path)


@pytest.fixture(name="address", scope="module")
def _address(postgres: Postgres) -> str:
    return postgres.address(postgres.database())


def kept(log: Path) -> tuple[list[str], list[str]]:
    """Return the names of jobs and sessions in the log."""
    with Memory(log) as memory:
        return [job.name for job in memory.jobs.list()], [*memory.sessions.names()]


def test_a_server_that_is_out_of_reach_leaves_nothing(llm_: Command, log: Path, script: Script, prompts: str) -> None:
    """The command says so without the password, and there is no job and no session."""
    address = "postgresql://ada:hidden@127.0.0.1:1/llm"
    done = llm_("sessions", "batch", prompts, "-m", "scripted", "--on", address)
    assert done.code == 1
    assert "can't be reached" in done.err
    assert "hidden" not in done.err
    assert kept(log) == ([], [])


def test_a_session_that_is_held_back_gets_no_answers_from_others(
    llm_: Command, log: Path, script: Script, prompts: str, address: str
) -> None:
    """A new session is in no project, so a remote of one project refuses its job; a private one never goes."""
    with Memory(log, create=True) as memory:
        memory.remotes.add(RemoteSettings("team", address, project="bridge"))
        memory.sessions.create("diary")
        memory.sessions.set_private("diary", private=True)
    for more in ((), ("--as", "diary")):
        done = llm_("sessions", "batch", prompts, "-m", "scripted", "--on", "team", *more)
        assert done.code == 1, done.out
        assert kept(log) == ([], ["diary"])


def test_a_job_is_steered_from_the_machine_that_made_it(
    llm_: Command, log: Path, script: Script, prompts: str, address: str
) -> None:
    """It is shown, cancelled, resumed and deleted there and here; its password is not kept."""
    out = llm_("sessions", "batch", prompts, "-m", "scripted", "--on", address).ok()
    assert "2 prompts wait for workers" in out.out
    (name,), _ = kept(log)
    assert "on workers: 0 of 2 done, 2 waiting" in llm_("sessions", "job", name).ok().out
    assert "0 of 2 done, 2 cancelled" in llm_("sessions", "job", "cancel", name).ok().out
    assert "there is nothing to cancel" in llm_("sessions", "job", "cancel", name).err
    assert "2 waiting" in llm_("sessions", "job", "resume", name).ok().out
    assert "Start one here" in llm_("sessions", "job", "work", name).err
    assert "has failed" in llm_("sessions", "job", "retry-failed", name).err
    llm_("sessions", "job", "delete", name).ok()
    assert kept(log)[0] == []
    assert not script.seen


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--on", "mongodb://db.example/llm"), "is not a PostgreSQL database"),
        (("--on", "nobody"), "Remote “nobody” not found"),
        (("--on", "team", "-o", "answers.jsonl"), "a pull fetches the answers"),
        (("--on", "team", "-j", "2"), "each worker has its own -j"),
    ],
)
def test_what_goes_not_together_is_a_sentence(
    llm_: Command, script: Script, prompts: str, arguments: tuple[str, ...], said: str
) -> None:
    """Nothing is sent, and the message says what to do."""
    done = llm_("sessions", "batch", prompts, "-m", "scripted", *arguments)
    assert done.code != 0
    assert said in done.err
