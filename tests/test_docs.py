"""The README says what the program does: all of it is there, and its examples work. `make docs-check` does the rest."""

from __future__ import annotations

import contextlib
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from llm.cli import cli

from docs import generate
from tests.conftest import Command
from tests.world.scripted import Script

README = (generate.ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
OURS = dict(generate.commands())


def _blocks(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


def _queries() -> list[str]:
    return [text for text in _blocks("sql") if text.lstrip().startswith("select")]


def _lines() -> Iterator[str]:
    """Yield each line of shell in the README: of examples, of transcripts, and of the indented ones at its top."""
    for text in _blocks("sh"):
        yield from text.splitlines()
    for text in _blocks("console"):
        yield from (line[2:] for line in text.splitlines() if line.startswith("$ "))
    yield from (line.strip() for line in README.splitlines() if line.startswith("    llm "))


def _llm_commands(line: str) -> Iterator[list[str]]:
    """Yield the llm commands of a line of shell, without what stands before and after them."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in {"|", ";", "&&"}:
            while words and re.fullmatch(r"\w+=.*", words[0]):
                words.pop(0)
            if words and words[0] == "llm":
                yield words[1:]
            words = []
        else:
            words.append(word)


COMMANDS = [command for line in _lines() for command in _llm_commands(line)]


def _parse(command: click.Command, name: str, words: list[str], parent: click.Context | None = None) -> None:
    """Parse a command line down to the command that would run, and run nothing."""
    with command.make_context(name, list(words), parent=parent) as ctx:
        if isinstance(command, click.Group):
            found, sub, rest = command.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
            assert sub is not None, words
            _parse(sub, found or "", rest, ctx)


@pytest.fixture(name="talk")
def _talk(log: Path, llm_: Command, script: Script) -> Path:
    """The log of a session named bridge: an exchange, one more after a prompt that failed, and a prompt left open."""
    script.count = len
    script.replies = ["Noted.", RuntimeError("out of memory"), "4 May.", RuntimeError("out of memory")]
    llm_("-m", "scripted", "--session", "bridge", "The deadline is 4 May.").ok()
    llm_("--session", "bridge", "When is the deadline?")
    llm_("sessions", "retry", "bridge").ok()
    llm_("--session", "bridge", "Who signs it off?")
    return log


def test_each_command_says_what_it_is_for() -> None:
    """Each command of `llm sessions` has a help text, a line for the list, and a place in the README."""
    assert [name for name, command in OURS.items() if not command.help] == []
    assert [name for name, command in OURS.items() if not command.short_help] == []
    assert [name for name in OURS if f"#### {name}\n" not in README] == []


def test_each_option_says_what_it_does() -> None:
    """Each option of ours has a help text and stands in the README."""
    options = {name: _options(name) for name in (*OURS, "llm prompt", "llm chat")}
    assert [name for name, found in options.items() if not found] == []
    each = [(name, option) for name, found in options.items() for option in found]
    assert [f"{name} {option.opts[-1]}" for name, option in each if not option.help] == []
    assert [f"{name} {option.opts[-1]}" for name, option in each if option.opts[-1] not in README] == []


def _options(name: str) -> list[click.Option]:
    """Return the options of a command of ours, or those that we add to one of llm's."""
    found = OURS[name].params if name in OURS else generate.options(name.split()[1])
    return [option for option in found if isinstance(option, click.Option)]


def test_prompt_and_chat_get_the_same_options() -> None:
    """What the README's one table says holds for both commands."""
    both = [[(option.opts, option.help) for option in generate.options(name)] for name in ("prompt", "chat")]
    assert both[0] == both[1]
    of_sessions = ["--session", "--new-session", "--max-context-tokens"]
    of_memory = ["--memory", "--recall-share", "--recall-model", "--summary-model"]
    assert [opts[0] for opts, _ in both[0]] == [*of_sessions, *of_memory]


def _misunderstood(words: list[str]) -> str:
    """Return why a command line can't be typed, or nothing."""
    try:
        _parse(cli, "llm", words)
    except click.ClickException as error:
        return error.format_message()
    return ""


def test_each_example_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every llm command in the README, in examples and transcripts, is understood as it stands there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work.jsonl").touch()
    (tmp_path / "plan.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    wrong = {shlex.join(words): why for words in COMMANDS if (why := _misunderstood(words))}
    assert wrong == {}


def test_there_are_examples_to_check() -> None:
    """The README's examples are found: of shell, of SQL and of Python."""
    assert len(COMMANDS) > 30
    assert len(_queries()) > 5
    assert len(_blocks("python")) == 1


def test_each_query_answers(talk: Path) -> None:
    """Every SQL example runs over a log that has sessions, and finds something there."""
    with contextlib.closing(sqlite3.connect(talk)) as db:
        assert [query for query in _queries() if not db.execute(query).fetchall()] == []


def test_the_tables_are_those_of_a_log(talk: Path) -> None:
    """The tables' definitions in the README are those in a log, and each table and view has its line of explanation."""
    with contextlib.closing(sqlite3.connect(talk)) as db:
        added = dict(
            db.execute(
                "select name, sql from sqlite_master where name like 'memory\\_%' escape '\\'"
                " and name not like 'memory\\_words\\_%' escape '\\' and sql is not null"  # FTS5's own tables
            )
        )
    created, *columns = added["memory_sessions"].split(", recall_share")
    added["memory_sessions"] = f"{created})" if columns and not created.endswith(")") else created
    text = " ".join(README.lower().split())
    assert [name for name, sql in added.items() if " ".join(sql.lower().split()).rstrip(")") not in text] == []
    explained = {name for name, sql in added.items() if not sql.lower().startswith("create index")}
    assert (
        set(re.findall(r"`(memory_\w+)`", "".join(re.findall(r"^\| (`memory_.*?) \|", README, re.MULTILINE))))
        == explained
    )


def test_the_python_example_runs(talk: Path) -> None:
    """The example of the Python API runs as it stands there, beside a log that has the session."""
    code = _blocks("python")[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=talk.parent, capture_output=True, text=True, check=False)
    said, seen = done.stdout.splitlines()[:3], done.stdout.splitlines()[3:]
    assert said == ["bridge 2", "1 The deadline is 4 May. Noted.", "2 When is the deadline? 4 May."]
    assert "('recent', 1, 'recent; the block began at #1')" in seen[-2], done.stderr
    assert seen[-1].endswith("('user', 'Who signs off the foundations?')]")


NORMALISED = {
    "a folder": ("in /var/tmp/llm-sessions-demo-t9xg15p5, with", "in /tmp/llm-sessions-demo, with"),
    "a time": ("bridge  2026-11-21 09:53", "bridge  2026-05-01 09:30"),
    "a duration": ("model · 42 → 8 tokens · 0.1 s\nNext", "model · 42 → 8 tokens\nNext"),
    "an id": ("scripted · 01m7yrd631v6z6e5tbrnv25536", "scripted · 01kqhw8m3v6z6e5tbrnv25536d"),
    "blanks at the end": ("a  \nb", "a\nb"),
    "nothing else": ("exchanges 5 to 6 of 6, 353 tokens, 0.1 s", "exchanges 5 to 6 of 6, 353 tokens, 0.1 s"),
}


def test_what_differs_from_run_to_run_is_made_equal() -> None:
    """Folders, times and ids of a transcript are replaced, and nothing else, so that the README can be compared."""
    made = {what: generate.normalised(printed) for what, (printed, _) in NORMALISED.items()}
    assert made == {what: shown for what, (_, shown) in NORMALISED.items()}
