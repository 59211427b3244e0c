"""Workers in processes of their own share a job: whichever of them are killed, each prompt has one answer."""

from __future__ import annotations

import base64
import os
import pickle
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from llm.cli import cli

from llm_session_memory import Memory
from llm_session_memory.llm_seam.tables import migrated
from llm_session_memory.model.remotes import RemoteSettings
from llm_session_memory.model.syncing import SyncScope
from llm_session_memory.remotes.postgres.remote import PostgresRemote
from llm_session_memory.services.syncing import Syncing
from tests.conftest import Done
from tests.world.laws import PROFILE
from tests.world.ollama_server import OllamaStandIn
from tests.world.postgres_server import Postgres
from tests.world.processes import Running, started

PROMPTS, WORKERS, KILLS = (30, 3, 2) if PROFILE == "ci" else (8, 2, 1)


class Machines:
    """Folders as machines, which share a database."""

    def __init__(self, folder: Path, address: str, ollama: OllamaStandIn) -> None:
        self.address = address
        self._folder, self._ollama = folder, ollama

    def start(self, machine: str, *arguments: str, **more: str) -> Running:
        """Start llm on a machine."""
        home = self._folder / machine
        home.mkdir(exist_ok=True)
        return started(arguments, {**self._ollama.environment(home), **more}, home)

    def run(self, machine: str, *arguments: str) -> Done:
        """Run llm on a machine, in this process: in each one of its own it would import DBOS again."""
        home = self._folder / machine
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(home)
            for name, value in self._ollama.environment(home).items():
                patch.setenv(name, value)
            done = CliRunner().invoke(cli, arguments)
        return Done(done.stdout, done.stderr, done.exit_code)

    def worker(self, machine: str, *more: str) -> Running:
        """Start a worker."""
        return self.start(machine, "sessions", "worker", self.address, "--dead-after", "1", *more)


@pytest.fixture(name="ollama")
def _ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn(reply=lambda arrived: f"Answer to {arrived.messages[-1]['content']}") as server:
        yield server


@pytest.fixture(name="machines")
def _machines(forking: None, tmp_path: Path, postgres: Postgres, ollama: OllamaStandIn) -> Machines:
    return Machines(tmp_path, postgres.address(postgres.database()), ollama)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it never was"
        time.sleep(0.01)


def pulled(log: Path, address: str) -> set[str]:
    """Pull the answers, and return the prompts of the only session."""
    with Memory(log) as memory, closing(PostgresRemote(address)) as remote:
        migrated(memory.desk.log)
        settings = RemoteSettings("team", address)
        Syncing(memory.desk, remote, settings, memory.remotes.machine()).pull(SyncScope())
        (name,) = memory.sessions.names()
        return {exchange.prompt for exchange in memory.sessions.exchanges(name)}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Only a signal ends a process at any moment.")
def test_killed_workers_answer_every_prompt_once(
    machines: Machines, ollama: OllamaStandIn, postgres: Postgres, tmp_path: Path
) -> None:
    """Workers are killed in the middle of prompts. Others ask these again, and no answer is there twice."""
    ollama.ask_delay["/api/chat"] = 0.1
    (tmp_path / "home").mkdir()
    (tmp_path / "home/prompts.txt").write_text("".join(f"prompt {n}\n" for n in range(PROMPTS)))
    begun = machines.run("home", "sessions", "batch", "prompts.txt", "-m", "llama3", "--on", machines.address).ok()
    assert f"{PROMPTS} prompts wait for workers" in begun.out
    workers, chance = [machines.worker(f"machine {n}") for n in range(WORKERS)], random.Random(7)
    for number in range(KILLS):
        until = len(ollama.chats) + chance.randint(2, 6)
        wait_for(lambda until=until: len(ollama.chats) >= until)  # type: ignore[misc]  # a loop's variable
        killed = workers.pop(chance.randrange(len(workers)))
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        if len(workers) < WORKERS - 1:
            workers.append(machines.worker(f"machine {WORKERS + number}"))
    last = machines.worker("last machine", "--until-done")
    last.communicate(timeout=120)
    database = machines.address.partition("@/")[2].partition("?")[0]
    turns = postgres.run("select id from llm_sessions.turns order by 1", database=database)
    items = postgres.run("select state, turn_id from llm_sessions.remote_items order by 2", database=database)
    assert Counter(state for state, _ in items) == {"done": PROMPTS}
    assert [turn for _, turn in items] == [turn for (turn,) in turns]
    assert {chat.messages[-1]["content"] for chat in ollama.chats} == {f"prompt {n}" for n in range(PROMPTS)}
    assert pulled(tmp_path / "home/logs.db", machines.address) == {f"prompt {n}" for n in range(PROMPTS)}
    assert "Nothing is wrong." in machines.run("home", "sessions", "check").ok().out
    assert f"{PROMPTS} of {PROMPTS} done" in machines.run("home", "sessions", "jobs").ok().out
    for one in workers:
        one.send_signal(signal.SIGINT)
    for one in workers:
        out, err = one.communicate(timeout=60)
        assert "Answered" in out, err
        assert "Traceback" not in err


@pytest.mark.slow
def test_a_worker_runs_nothing_that_somebody_wrote_into_the_database(
    machines: Machines, postgres: Postgres, tmp_path: Path
) -> None:
    """A pickled value in DBOS's tables would run code where it is read. It isn't read, and the worker goes on."""

    class Attack:
        def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
            return os.mkdir, (str(tmp_path / "attacked"),)

    (tmp_path / "home").mkdir()
    (tmp_path / "home/prompts.txt").write_text("one\n")
    machines.run("home", "sessions", "batch", "prompts.txt", "-m", "llama3", "--on", machines.address).ok()
    database = machines.address.partition("@/")[2].partition("?")[0]
    postgres.run(
        "select llm_sessions_dbos.enqueue_workflow('llm_sessions_item', 'ask llama3:latest', workflow_id => 'attack',"
        " priority => 0, app_version => '1', application_name => 'llm-sessions');",
        database=database,
    )
    pickled = base64.b64encode(pickle.dumps(Attack())).decode()
    for table, column in (("workflow_status", "serialization"), ("workflow_input", "inputs")):
        value = "py_pickle" if column == "serialization" else pickled
        sql = f"update llm_sessions_dbos.{table} set {column} = %s where workflow_uuid = 'attack'"
        postgres.run(sql, [value], database=database)
    queue = postgres.run("select name from llm_sessions.remote_queues", database=database)[0][0]
    postgres.run("update llm_sessions_dbos.workflow_status set queue_name = %s", [queue], database=database)
    out, err = machines.worker("worker", "--until-done").communicate(timeout=60)
    assert out == "Answered 1 prompt.\n", err
    assert not (tmp_path / "attacked").exists()
    status = "select status from llm_sessions_dbos.workflow_status where workflow_uuid = 'attack'"
    assert postgres.run(status, database=database) == [("ERROR",)]
