"""What happens if a log is missing, empty, read-only, damaged, from another llm, or not a log at all."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world import logs
from tests.world.logs import LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

PROMPT = ("-m", "scripted", "--session", "work", "When?")
UNRECORDED = ("-n", *PROMPT)
LIST = ("sessions",)
SHOW = ("sessions", "show", "work")
CONTEXT = ("sessions", "context", "work", "When?")
NAME = ("sessions", "name", "01kaz3g5t2qhx7p0a8v9w4m6cd", "bridge")

COMMANDS = {"prompt": PROMPT, "n": UNRECORDED, "list": LIST, "show": SHOW, "context": CONTEXT, "name": NAME}
READING = {name: COMMANDS[name] for name in ("list", "show", "context", "name")}

pytestmark = pytest.mark.usefixtures("script")


def each(commands: dict[str, tuple[str, ...]]) -> pytest.MarkDecorator:
    """One test per command."""
    return pytest.mark.parametrize("command", commands.values(), ids=commands)


@pytest.fixture(name="used")
@once
def _used(log: Path, llm_: Command, script: Script) -> Path:
    """Return a log with one session of two exchanges."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    llm_("--session", "work", "The deadline is 4 May.").ok()
    return log


def directory(log: Path) -> None:
    """There is a folder where the log should be."""
    log.unlink(missing_ok=True)
    log.mkdir()


def no_database(log: Path) -> None:
    """The file is something else."""
    log.write_text("Dear diary, today we built a bridge.\n" * 50)


def truncated(log: Path) -> None:
    """The second half of the file is gone."""
    data = log.read_bytes()
    log.write_bytes(data[: len(data) // 2])


def damaged_schema(log: Path) -> None:
    """The first page was overwritten."""
    data = bytearray(log.read_bytes())
    data[100:300] = b"\xff" * 200
    log.write_bytes(data)


def damaged_pages(log: Path) -> None:
    """The beginning of each page but the first was overwritten."""
    data = bytearray(log.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page : page + 200] = b"\xff" * 200
    log.write_bytes(data)


# -- no log yet --------------------------------------------------------


@each(READING)
def test_reading_a_missing_log_makes_none(log: Path, llm_: Command, command: tuple[str, ...]) -> None:
    """Commands that read say that there is nothing yet, where, and how to begin; they leave no file behind."""
    done = llm_(*command)
    assert done.out == ""
    assert str(log) in done.err
    assert done.code == (0 if command == LIST else 1)
    assert not log.exists()
    if command != NAME:
        assert done.err.endswith('Start one with: llm --session NAME "..."\n') or "Start a session with" in done.err


@each({"prompt": PROMPT, "n": UNRECORDED})
def test_prompting_a_missing_log_makes_one(log: Path, llm_: Command, command: tuple[str, ...]) -> None:
    """A prompt is answered; only the owner can read the new log."""
    assert llm_(*command).ok().out == "Noted.\n"
    if os.name == "posix":
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


@each(READING)
def test_reading_an_empty_log_leaves_it_empty(log: Path, llm_: Command, command: tuple[str, ...]) -> None:
    """A file of 0 bytes is a log with nothing in it, and reading it leaves it so."""
    log.touch()
    done = llm_(*command)
    assert done.out == ""
    assert str(log) in done.err
    assert done.code == (0 if command == LIST else 1)
    assert log.read_bytes() == b""


def test_prompting_an_empty_log_fills_it(log: Path, llm_: Command) -> None:
    """A file of 0 bytes becomes a log with the first prompt."""
    log.touch()
    llm_(*PROMPT).ok()
    assert "**You:** When?" in llm_(*SHOW).ok().out


@pytest.mark.skipif(os.name != "posix", reason="this system has no modes")
def test_an_existing_logs_mode_is_left_alone(log: Path, llm_: Command) -> None:
    """The owner decides who may read a log that already existed."""
    log.touch()
    log.chmod(0o640)
    llm_(*PROMPT).ok()
    assert stat.S_IMODE(log.stat().st_mode) == 0o640


def test_a_log_in_a_folder_that_cannot_be_made(home: Path, llm_: Command) -> None:
    """If a file is where the folder should be, the error names it, and the alternatives."""
    (home / "notes.txt").touch()
    done = llm_("-m", "scripted", "-d", str(home / "notes.txt" / "logs.db"), "--session", "work", "Hi")
    assert done.code == 1
    assert done.err.startswith(f"Error: The log {home / 'notes.txt' / 'logs.db'} can't be created: ")
    assert done.err.endswith("Choose another file with -d, or another folder with LLM_USER_PATH.\n")


# -- no log at all -----------------------------------------------------


@each(COMMANDS)
@pytest.mark.parametrize(
    ("spoil", "said", "hint"),
    [
        pytest.param(directory, "is a folder, not a log.", "Choose the log with -d", id="directory"),
        pytest.param(no_database, "is not a SQLite database.", "Choose the log with -d", id="no_database"),
        pytest.param(truncated, "is damaged", "llm sessions salvage ", id="truncated"),
        pytest.param(damaged_schema, "is damaged", "llm sessions salvage ", id="damaged_schema"),
        pytest.param(damaged_pages, "is damaged", "llm sessions salvage ", id="damaged_pages"),
    ],
)
def test_a_file_that_is_not_a_sound_log(  # noqa: PLR0913  a table of cases
    used: Path,
    llm_: Command,
    script: Script,
    command: tuple[str, ...],
    spoil: Callable[[Path], None],
    said: str,
    hint: str,
) -> None:
    """One line names the file, what is wrong with it and what to do; nothing is sent and not a byte is changed."""
    spoil(used)
    before = used.read_bytes() if used.is_file() else b""
    sent = len(script.seen)
    done = llm_(*command)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    assert str(used) in done.err
    assert said in done.err
    assert hint in done.err
    assert (used.read_bytes() if used.is_file() else b"") == before
    assert len(script.seen) == sent


# -- read-only ---------------------------------------------------------


@pytest.mark.parametrize("name", ["work", "anew"], ids=["existing_session", "new_session"])
@pytest.mark.parametrize("chat", [False, True], ids=["prompt", "chat"])
def test_a_read_only_log_is_told_before_the_model_is_called(
    used: Path, llm_: Command, script: Script, name: str, chat: bool
) -> None:
    """Nobody waits for a reply that can't be recorded: the error comes first, with a way out."""
    logs.as_read_only(used)
    before, sent = used.read_bytes(), len(script.seen)
    if chat:
        done = llm_("chat", "-m", "scripted", "--session", name, input="When?\nquit\n")
    else:
        done = llm_("-m", "scripted", "--session", name, "When?")
    assert done.code == 1
    assert done.err == (
        f"Error: The log {used} is read-only, so nothing can be changed in it. "
        "Make it writable. To prompt without recording, use -n.\n"
    )
    assert len(script.seen) == sent
    assert used.read_bytes() == before
    assert not (used.parent / "unsaved-replies").exists()


@each({"n": UNRECORDED, "list": LIST, "show": SHOW, "context": CONTEXT})
def test_a_read_only_log_can_be_read(used: Path, llm_: Command, command: tuple[str, ...]) -> None:
    """Commands that only read work on a read-only log; -n works with the session's history."""
    logs.as_read_only(used)
    before = used.read_bytes()
    done = llm_(*command).ok()
    assert done.out
    assert used.read_bytes() == before


def _as_before_recall(log: Path) -> None:
    """Take back what the migration 008_recall added, as if an earlier version had made the log."""
    kept = {"memory_recalls": ["thread_id"], "memory_windows": ["server"]}
    kept["memory_projects"] = ["recall_from", "recall_fragments", "global_notes", "guard"]
    kept["memory_sessions"] = ["private", *kept["memory_projects"]]
    with closing(sqlite3.connect(log)) as database:
        database.execute("drop index memory_recalls_thread")
        database.execute("drop table memory_global_notes")
        for table, columns in kept.items():
            for column in columns:
                database.execute(f"alter table {table} drop column {column}")
        database.execute("delete from _sqlite_migrations where name = '008_recall'")
        database.commit()


def test_a_read_only_log_of_an_earlier_version_can_be_read(used: Path, llm_: Command) -> None:
    """A log that can't be migrated is read as it is, and refuses changes."""
    _as_before_recall(used)
    logs.as_read_only(used)
    before = used.read_bytes()
    for command in (UNRECORDED, LIST, SHOW, CONTEXT, ("sessions", "memory", "work"), ("sessions", "set", "work")):
        assert llm_(*command).ok().out
    done = llm_("sessions", "set", "work", "--private", "yes")
    assert (done.code, "is read-only" in done.err) == (1, True)
    assert used.read_bytes() == before


def test_a_read_only_log_of_an_earlier_version_is_recalled_from(used: Path, llm_: Command) -> None:
    """What other sessions said is found as far as it is indexed; in an older log no session is private."""
    llm_("-m", "scripted", "--session", "play", "The lacquer is red.").ok()
    llm_("sessions", "search", "lacquer").ok()
    _as_before_recall(used)
    logs.as_read_only(used)
    before = used.read_bytes()
    llm_(*UNRECORDED, "--recall-from", "play").ok()
    for source in ("play", "all", "play,work"):
        shown = llm_("sessions", "context", "work", "Which lacquer?", "--recall-from", source, "--text").ok()
        assert "[play #1 user" in shown.out
    assert "Project “harbour” not found." in llm_(*CONTEXT, "--recall-from", "project:harbour").err
    assert used.read_bytes() == before


def test_an_unrecorded_prompt_has_the_history(used: Path, llm_: Command, script: Script) -> None:
    """With -n on a read-only log, the session is still read."""
    logs.as_read_only(used)
    llm_(*UNRECORDED).ok()
    assert [text for _, text in script.texts()][::2] == ["We build a bridge.", "The deadline is 4 May.", "When?"]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("rename", "work", "bridge"), id="rename"),
        pytest.param(("pin", "work", "1"), id="pin"),
        pytest.param(("set", "work", "--max-context-tokens", "900"), id="set"),
    ],
)
def test_a_read_only_log_refuses_changes(used: Path, llm_: Command, command: tuple[str, ...]) -> None:
    """Commands that change a session say that the log is read-only."""
    logs.as_read_only(used)
    done = llm_("sessions", *command)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"Error: The log {used} is read-only")


# -- logs of other llms ------------------------------------------------


@each({"list": LIST, "show": SHOW, "context": CONTEXT, "name": NAME})
def test_reading_a_log_of_llm_0_20_leaves_it_unchanged(log: Path, llm_: Command, command: tuple[str, ...]) -> None:
    """A log that the installed llm has not migrated yet has no sessions; saying so changes nothing in it."""
    with LogBuilder(log, tables=logs.tables_of_0_20) as built:
        built.responses(built.thread(), Said("We build a bridge."))
    before = log.read_bytes()
    done = llm_(*command)
    assert done.out == ""
    assert str(log) in done.err
    assert done.code == (0 if command == LIST else 1)
    assert log.read_bytes() == before


def test_prompting_a_log_of_llm_0_20(log: Path, llm_: Command) -> None:
    """A session prompt migrates the log, as any prompt would; its contents stay."""
    with LogBuilder(log, tables=logs.tables_of_0_20) as built:
        built.responses(built.thread(), Said("We build a bridge."))
    llm_(*PROMPT).ok()
    assert "**You:** When?" in llm_(*SHOW).ok().out
    assert "We build a bridge." in llm_("logs", "-n", "0").ok().out


def test_naming_a_conversation_of_llm_0_20(log: Path, llm_: Command, script: Script) -> None:
    """A conversation of llm 0.20 becomes a session and continues with its history."""
    with LogBuilder(log, tables=logs.tables_of_0_20) as built:
        thread = built.thread()
        built.responses(thread, Said("We build a bridge."), model="scripted")
    named = llm_("sessions", "name", thread, "work").ok()
    assert named.out == f"Conversation {thread} is now the session “work” (1 exchange).\n"
    llm_("--session", "work", "When?").ok()
    assert script.texts() == [("user", "We build a bridge."), ("assistant", "Noted."), ("user", "When?")]


def test_an_invalid_name_leaves_a_log_of_llm_0_20_unchanged(log: Path, llm_: Command) -> None:
    """An invalid name is refused before the log is migrated."""
    with LogBuilder(log, tables=logs.tables_of_0_20) as built:
        thread = built.thread()
        built.responses(thread, Said("We build a bridge."))
    before = log.read_bytes()
    assert llm_("sessions", "name", thread, "no/name").code == 1
    assert log.read_bytes() == before


@each(COMMANDS)
def test_a_newer_llms_log_works(used: Path, llm_: Command, command: tuple[str, ...]) -> None:
    """An unknown migration, and additional tables and columns, are no reason to refuse."""
    logs.as_newer_llm(used)
    done = llm_(*command)
    if command == NAME:
        assert done.err.startswith("Error: Conversation 01kaz3g5t2qhx7p0a8v9w4m6cd not found in ")
    else:
        assert done.ok().out


@each({"prompt": PROMPT, "n": UNRECORDED, "list": LIST, "show": SHOW, "context": CONTEXT})
def test_a_log_of_another_shape_is_refused(used: Path, llm_: Command, script: Script, command: tuple[str, ...]) -> None:
    """If a column that we read is missing, one line says which, and what to update; nothing is sent or changed."""
    logs.with_column_renamed(used, "turns", "input_tokens")
    before, sent = used.read_bytes(), len(script.seen)
    done = llm_(*command)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"Error: The log {used} has no turns.input_tokens: it is probably from a newer version of llm. "
        "Update both: llm install -U llm llm-session-memory\n"
    )
    assert used.read_bytes() == before
    assert len(script.seen) == sent


# -- a log that never saw a session ------------------------------------


def test_a_log_without_our_tables_has_no_sessions(used: Path, llm_: Command) -> None:
    """A log without our tables has no sessions, whatever else it contains."""
    plain = used.parent / "plain.db"
    llm_("-m", "scripted", "-d", str(plain), "Hello").ok()
    done = llm_("sessions", "-d", str(plain)).ok()
    assert done.out == ""
    assert done.err.startswith(f"No sessions yet in {plain}.")
