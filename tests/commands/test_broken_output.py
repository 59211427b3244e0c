"""Every command with output that can't be written: a closed pipe, a full disk, a closed file, a narrow encoding."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from llm.cli import cli

from llm_session_memory.commands import sessions
from llm_session_memory.memory import Memory
from llm_session_memory.model import Attempt
from llm_session_memory.model.remotes import RemoteSettings
from tests.conftest import Command
from tests.world import processes
from tests.world.broken_output import CAUSES, ENCODINGS, KINDS, NO_INPUT, WORKING, Shared, Walker
from tests.world.laws import PROFILE
from tests.world.logs import LogBuilder, Said

pytestmark = pytest.mark.skipif(
    not (processes.FORKS and Path("/dev/full").exists()), reason="this system has no fork or no /dev/full"
)

ARGUMENTS = {
    "name": "work",
    "names": "work",
    "new_name": "other",
    "number": "1",
    "prompt": "Where is the bridge?",
    "text": "Say “Ω”.",
    "tags": "bridge",
    "mark": "up",
    "label": "start",
    "words": "bridge",
    "title": "A “bridge” 🚀",
    "time": "90d",
}
"""A value for each argument, by its name."""

UNNAMED = "01k4000000000000000000000a"
"""The id of a conversation without a name."""

OTHERS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "list": ((), ("--json",), ("--help",)),
    "show": (("work",), ("work", "--json"), ("nobody",)),
    "context": (("work", "Where?"), ("work", "--text"), ("work", "--json")),
    "set": (("work",), ("work", "--meta", "a", "b")),
    "name": ((UNNAMED, "third"),),
    "unpin": (("work", "2"),),
    "project": (("--list",), ("harbour", "-s", ARGUMENTS["text"])),
    "snapshot": (("work", "later"),),
    "tag": (("work", "bridge"), ("work", "--json")),
    "delete": (("work", "--yes"), ("work", "--dry-run"), ("work", "--dry-run", "--json")),
    "purge": (("--unnamed", "--yes"),),
    "recover": (("kept.json",),),
    "note": (("work", ARGUMENTS["text"]), ("work", "--json")),
    "export": (("work",), ("work", "new.md"), ("work", "--format", "html")),
    "import": (("lines.jsonl", "--as", "imported"),),
    "backup": (("copy.db",),),
    "salvage": (("logs.db", "--to", "saved.db"),),
    "merge": (("other.db",),),
    "remote": (("list",), ("show", "drive", "--json"), ("test",), ("add", "other", "folder"), ("remove", "drive")),
    "sync": ((), ("--json",)),
    "push": ((), ("--dry-run",)),
    "pull": ((), ("--json",)),
    "status": ((), ("--json",), ("--conflicts",)),
    "seal": (("--help",),),  # otherwise it asks for a passphrase
    "unseal": (("--help",),),
    "batch": (("prompts.txt", "-m", "echo", "-o", "answers.jsonl"), ("prompts.txt", "-m", "echo", "--dry-run")),
    "rerun": (("work", "-m", "echo", "--as", "again"),),
    "run": (("flow.yaml", "-m", "echo"), ("flow.yaml", "--show")),
    "job": (("nobody",), ("cancel", "--help")),
    "worker": (("--help",),),  # otherwise it waits for prompts
    "compare": (("work", UNNAMED), ("work", UNNAMED, "--json"), ("list",), ("new", "both", "work", UNNAMED)),
    "query": ((), ("one_session", "-p", "session", "work"), ("one_session", "-p", "session", "work", "--json")),
    "stats": ((), ("--json",)),
    "replay": (("work",), ("work", "--to", "new.cast")),
    "browse": (("--help",),),  # otherwise it starts a server
    "demo": (("--help",),),  # otherwise it runs the commands that are tried here
}
"""Arguments for the commands that need others or more than one try."""

PROMPTS = (
    ("prompt", "--session", "work", "And “Ω” 🚀?"),
    ("prompt", "--session", "work", "--no-stream", "And “Ω” 🚀?"),
    ("prompt", "-m", "echo", "--session", "new", "And “Ω” 🚀?"),
)


def commands() -> Iterator[tuple[str, ...]]:
    """Yield a command line or more for every command of ours."""
    yield from PROMPTS
    context = click.Context(sessions)
    for name in sessions.list_commands(context):
        command = sessions.get_command(context, name)
        assert command is not None
        arguments = [one for one in command.params if isinstance(one, click.Argument)]
        for given in OTHERS.get(name) or (tuple(ARGUMENTS[str(one.name)] for one in arguments),):
            yield ("sessions", name, *given)


COMMANDS = tuple(commands())


def _tried() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the kinds of output that each command is tried with, besides one that works.

    These are all in the gate, and for prompts. An ordinary run takes for each command one of the three causes that a
    stream can have, in turn, and for each third command the encodings too.
    """
    *streams, encodings = CAUSES.values()
    some = {command: streams[n % 3] + (encodings if n // 3 % 3 == 0 else ()) for n, command in enumerate(COMMANDS)}
    return {command: KINDS if PROFILE == "ci" or command in PROMPTS else some[command] for command in COMMANDS}


TRIED = _tried()


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that every command starts with a copy of."""
    folder = tmp_path_factory.mktemp("broken") / "files"
    with pytest.MonkeyPatch.context() as patch:
        _write(folder, patch)
    return folder


@pytest.fixture(name="walker", scope="module")
def _walker(forking: None, files: Path) -> Iterator[Walker]:
    with Walker(files) as walker:
        yield walker


@pytest.fixture(name="ended", scope="module")
def _ended(walker: Walker, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """How every command ended with every kind of output."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return Shared(walker, {command: (WORKING, *kinds) for command, kinds in TRIED.items()}, folder / "broken-output")


def _write(home: Path, patch: pytest.MonkeyPatch) -> None:
    """Write a log with a session, a failed prompt and an unnamed conversation, and files to import and to recover."""
    home.mkdir()
    patch.setenv("LLM_USER_PATH", str(home))
    patch.setenv("LLM_RAISE_ERRORS", "")
    for words in (
        ("-m", "echo", "--session", "work", "We build the bridge “Ω” 🚀, é."),
        ("--session", "work", "And then?"),
        ("sessions", "pin", "work", "2"),
        ("sessions", "snapshot", "work", "start"),
        ("--session", "work", "And “Ω”?"),
        ("sessions", "undo", "work"),
    ):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output
    with LogBuilder(home / "logs.db") as built:
        built.turns(UNNAMED, Said("An unnamed conversation."))
    with LogBuilder(home / "other.db") as built:
        built.turns(UNNAMED[:-1] + "b", Said("A conversation of another machine."))
    with Memory(home / "logs.db") as memory, memory.writing():
        memory.remotes._store.put(RemoteSettings("drive", "drive"))  # not made absolute: each command has its own
    (home / "prompts.txt").write_text("Where is “Ω”?\nAnd 🚀?\n", "utf-8")
    (home / "flow.yaml").write_text("steps:\n  first:\n    prompt: And “Ω”?\n", "utf-8")
    (home / "lines.jsonl").write_text('{"prompt": "a", "response": "b"}\n', "utf-8")
    with Memory(home / "logs.db") as memory:
        thread = memory.sessions.get("work").thread_id
        values: tuple[Any, ...] = (
            thread,
            "echo",
            "Lost “Ω”?",
            "The server is gone.",
            "",
            "2026-09-01T08:00:00+00:00",
            None,
            {},
        )
        failed, other = (Attempt(f"01zzzzzzzzzzzzzzzzzzzzzzz{end}", *values) for end in "ab")
        memory.record.keep_attempt(failed)
    kept = {"session": "work", "thread_id": thread, "responses": [], "attempt": asdict(other)}
    (home / "kept.json").write_text(json.dumps(kept), "utf-8")


def with_kind(kind: str) -> pytest.MarkDecorator:
    """Let a test have each command that is tried with this kind of output."""
    return pytest.mark.parametrize("command", [one for one in COMMANDS if kind in TRIED[one]], ids=" ".join)


def test_every_cause_is_tried_with_many_commands() -> None:
    """An ordinary run, too, has each kind of output for nearly a third of the commands."""
    assert all(TRIED.values())
    for kind in KINDS:
        assert sum(kind in kinds for kinds in TRIED.values()) > 0.3 * len(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_broken_output_never_ends_in_a_traceback_and_loses_nothing(ended: Shared, command: tuple[str, ...]) -> None:
    """Whatever is wrong with the output, the log is as it is otherwise, and Python has nothing to complain about."""
    usual = ended[WORKING, command]
    assert usual.trace == ""
    for kind in TRIED[command]:
        found = ended[kind, command]
        assert (kind, found.trace, found.rows) == (kind, "", usual.rows)


@with_kind("stdout pipe")
def test_a_closed_pipe_is_silent(ended: Shared, command: tuple[str, ...]) -> None:
    """The exit status is that of a program that SIGPIPE ended; messages up to then are the usual ones."""
    usual, found = ended[WORKING, command], ended["stdout pipe", command]
    assert found.code == (141 if usual.out else usual.code)
    assert usual.err.startswith(found.err)
    assert ended["both pipe", command].code == found.code


def _is_one_sentence(ended: Shared, command: tuple[str, ...], how: str, why: str) -> None:
    usual, found = ended[WORKING, command], ended[f"stdout {how}", command]
    assert found.code == (1 if usual.out else usual.code)
    before, said, after = found.err.partition(f"Error: The output could not be written: {why}. ")
    assert usual.err.startswith(before)
    assert (bool(said), after.count("\n")) == ((True, 1) if usual.out else (False, 0))
    assert ended[f"both {how}", command].code == found.code


@with_kind("stdout full")
def test_a_full_disk_is_one_sentence(ended: Shared, command: tuple[str, ...]) -> None:
    """A full disk is named after the messages up to then. The exit status is 1."""
    _is_one_sentence(ended, command, "full", "no space left on device")


@with_kind("stdout closed")
def test_a_closed_output_is_one_sentence(ended: Shared, command: tuple[str, ...]) -> None:
    """A closed standard output is named after the messages up to then. The exit status is 1."""
    _is_one_sentence(ended, command, "closed", "it is closed")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_broken_standard_error_changes_nothing(ended: Shared, command: tuple[str, ...]) -> None:
    """Output and exit status are the usual ones: standard error carries only messages."""
    usual = ended[WORKING, command]
    kinds = [kind for kind in TRIED[command] if kind.startswith("stderr")]
    assert kinds
    for kind in kinds:
        found = ended[kind, command]
        assert (kind, found.code, len(found.out.splitlines())) == (kind, usual.code, len(usual.out.splitlines()))


@with_kind(ENCODINGS[0])
def test_characters_that_an_encoding_lacks_are_replaced(ended: Shared, command: tuple[str, ...]) -> None:
    """The output is complete, in the encoding that the environment names; JSON is still the same JSON."""
    usual = ended[WORKING, command]
    for encoding in ENCODINGS:
        found = ended[encoding, command]
        out = found.out.decode("utf-8" if "export" in command else encoding)
        assert (found.code, len(out.splitlines())) == (usual.code, len(usual.out.splitlines()))
        if "--json" in command and "prompt" not in command:
            assert _timeless(json.loads(out)) == _timeless(json.loads(usual.out))


def _timeless(value: object) -> str:
    return re.sub(r"\d+", "0", json.dumps(value))


def test_a_reply_that_nobody_sees_is_logged(ended: Shared) -> None:
    """The reply is read to its end and logged; the error says how to see it."""
    for kind in ("stdout pipe", "stdout full", "stdout closed", "both closed", *ENCODINGS):
        for command in PROMPTS:
            assert ended[kind, command].rows["turns"] == 5, (kind, command)
    assert "The reply is logged. Show it with: llm sessions show work -n 1\n" in ended["stdout full", PROMPTS[0]].err


def test_a_reply_that_goes_on_after_its_pipe_is_closed_is_kept(walker: Walker) -> None:
    """A reply is read for a few seconds after the pipe was closed; then the part that came is kept with its prompt."""
    [ended] = walker.runs(PROMPTS[0], "stdout pipe", reads_on=0).values()
    assert (ended.code, ended.err, ended.trace) == (141, "", "")
    assert (ended.rows["turns"], ended.rows["memory_attempts"]) == (4, 2)


def test_a_shell_sees_what_it_expects(start_llm: Callable[..., processes.Running], llm_: Command) -> None:
    """A process whose pipe is closed ends with the status that a shell gives to one that SIGPIPE ended."""
    llm_("-m", "echo", "--session", "work", "Hello").ok()
    running = start_llm("sessions", "show", "work")
    running.stdout.close()
    running.stdout = io.StringIO()
    assert running.communicate(timeout=60)[1] == ""
    assert running.returncode == 141


def test_a_closed_standard_input_is_an_empty_one(walker: Walker) -> None:
    """A prompt that is started without standard input, as some services do, is sent."""
    command = ("-m", "echo", "--session", "work", "Hello")
    [ended] = walker.runs(command, NO_INPUT).values()
    assert (ended.code, ended.trace, b'"prompt": "Hello"' in ended.out) == (0, "", True)
