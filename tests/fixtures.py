"""Fixtures for every test: its own home for llm, a scripted model, and llm's command, in this process and real.

Whatever is needed to run tests is imported here, and not in conftest.py.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.world import quick_libraries  # first: before anything imports sqlite3
from tests.world.certificates import one_certificate

# llm-ollama fixes its cache folder at its first import, and it must not be that of the person running the tests.
os.environ["LLM_USER_PATH"] = tempfile.mkdtemp(prefix="llm-tests-")
os.environ["SSL_CERT_FILE"] = one_certificate(os.environ["LLM_USER_PATH"])  # tests never use the network
os.environ["OLLAMA_HOST"] = quick_libraries.NOBODY  # tests that need a server start the stand-in
os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")

from click.testing import CliRunner
from llm.cli import cli
from llm.plugins import pm

from llm_session_memory.llm_seam import embedder
from llm_session_memory.services import current
from tests.world import laws, postgres_server, processes, quick_tables
from tests.world.done import Command, Done
from tests.world.everything import World, write_world
from tests.world.meaning import Meaning, MeaningPlugin
from tests.world.scripted import Script, ScriptedPlugin

_HOME = os.environ["LLM_USER_PATH"]

laws.load()
quick_tables.install()
quick_libraries.install()


def pytest_configure() -> None:
    """Turn recall by meaning off, also for tests without a home of their own: an installed model would take seconds."""
    os.environ["LLM_RECALL_MODEL"] = "none"


def pytest_unconfigure() -> None:
    """Delete llm's home. The gate searches for garbage once more, for errors of what is deleted so late."""
    shutil.rmtree(_HOME, ignore_errors=True)
    if laws.PROFILE == "ci":
        gc.collect()


@pytest.fixture(name="home")
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for llm's files that belongs to the test; environment variables of the person running it don't apply."""
    for name in [name for name in os.environ if name.startswith(("LLM_", "OLLAMA_"))]:
        monkeypatch.delenv(name)
    home = tmp_path / "llm"
    home.mkdir()
    monkeypatch.setenv("LLM_USER_PATH", str(home))
    monkeypatch.setenv("OLLAMA_HOST", quick_libraries.NOBODY)
    monkeypatch.setenv("LLM_RAISE_ERRORS", "")
    monkeypatch.setenv("LLM_RECALL_MODEL", "none")  # tests of recall by meaning say which model they want
    return home


@pytest.fixture(name="log")
def _log(home: Path) -> Path:
    """The path of llm's log in this test's home; the file doesn't exist yet."""
    return home / "logs.db"


@pytest.fixture(name="script")
def _script() -> Iterator[Script]:
    """The script of the models `scripted`, `other` and `ollama/prefixed`."""
    script = Script()
    plugin = ScriptedPlugin(script)
    pm.register(plugin)
    yield script
    pm.unregister(plugin)


@pytest.fixture(name="meaning")
def _meaning(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meaning]:
    """llm has the embedding model `meaning` and no other of ours, and nothing turns recall by meaning off."""
    monkeypatch.delenv("LLM_RECALL_MODEL")
    monkeypatch.setattr(embedder, "available", lambda: False)
    plugin = MeaningPlugin()
    pm.register(plugin)
    yield plugin.model
    pm.unregister(plugin)


@pytest.fixture(name="llm_")
def _llm(home: Path) -> Command:
    """Run an llm command in this process, which is fast and sees the scripted model."""

    def run(*arguments: str, input: str | bytes = "") -> Done:  # noqa: A002  as subprocess calls it
        done = CliRunner().invoke(cli, list(arguments), input=input, catch_exceptions=True)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Done(done.stdout, done.stderr, done.exit_code)

    return run


@pytest.fixture(name="real_llm")
def _real_llm(home: Path) -> Command:
    """Run the real llm command in its own process, with the installed plugins."""

    def run(*arguments: str, input: str = "", env: dict[str, str] | None = None) -> Done:  # noqa: A002
        done = subprocess.run(
            [sys.executable, "-m", "llm", *arguments],
            input=input,
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            cwd=home,
            timeout=120,
            check=False,
        )
        return Done(done.stdout, done.stderr, done.returncode)

    return run


@pytest.fixture(name="forking", scope="session")
def _forking() -> None:
    """Start the process that others are forked from, without anything from a test's environment."""
    processes.prepare(processes.QUICKLY)


@pytest.fixture(name="start_llm")
def _start_llm(forking: None, home: Path) -> Callable[..., processes.Running]:
    """Start an llm command in its own process, without the cost of llm's imports."""

    def start(*arguments: str, env: dict[str, str] | None = None, reads: bool = False) -> processes.Running:
        return processes.started(arguments, {**os.environ, **(env or {})}, home, reads=reads)

    return start


@pytest.fixture(name="llm_process")
def _llm_process(start_llm: Callable[..., processes.Running]) -> Command:
    """Run an llm command in its own process, without the cost of llm's imports."""

    def run(*arguments: str, input: str = "", env: dict[str, str] | None = None) -> Done:  # noqa: A002
        process = start_llm(*arguments, env=env, reads=True)
        out, err = process.communicate(input, timeout=120)
        return Done(out, err, process.returncode if process.returncode is not None else -1)

    return run


@pytest.fixture(name="nobody")
def _nobody() -> Iterator[None]:
    """No prompt is in progress before or after a test."""
    current.hold(None)
    yield
    current.hold(None)


@pytest.fixture(name="world", scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A log with one of everything. Tests must not write to it: those after them would read what they wrote."""
    world = write_world(tmp_path_factory.mktemp("world") / "logs.db")
    before = world.path.read_bytes()
    yield world
    is_as_it_was = world.path.read_bytes() == before  # pytest would explain the difference of the bytes for a minute
    assert is_as_it_was, "a test has written to the log that all tests read"


@pytest.fixture(name="postgres", scope="session")
def _postgres() -> postgres_server.Postgres:
    """A PostgreSQL server. Tests take databases or schemas of their own."""
    return postgres_server.shared()
