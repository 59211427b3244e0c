"""README.md and docs/ describe what the program does: nothing is missing, and the examples work.

`make docs-check` also compares the generated parts.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import runpy
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from llm.cli import cli

from datasette_session_views.routes import ROUTES
from docs import errors, generate
from llm_session_memory.insight.catalogue import catalogue
from llm_session_memory.interchange.foreign.registry import formats
from tests.conftest import Command
from tests.test_imports import LAYERS
from tests.world.scripted import Script

pytestmark = pytest.mark.slow  # in processor time as a whole

PAGES = {str(path.relative_to(generate.ROOT)): path.read_text("utf-8") for path in generate.PAGES}
EVERYTHING = "\n".join(PAGES.values())
OURS = dict(generate.commands())

README_AT_MOST = 8_000
"""Bytes, about two screens."""


def _blocks(language: str, *pages: str) -> list[str]:
    """Return the fenced blocks of a language, from these pages or from all."""
    texts = [PAGES[page] for page in pages] or list(PAGES.values())
    return [
        block for text in texts for block in re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def _queries() -> list[str]:
    return [text for text in _blocks("sql") if text.lstrip().startswith("select")]


def _lines() -> Iterator[str]:
    """Yield each line of shell: from examples, transcripts and indented blocks."""
    for text in _blocks("sh"):
        yield from text.splitlines()
    for text in _blocks("console"):
        yield from (line[2:] for line in text.splitlines() if line.startswith("$ "))
    yield from (line.strip() for line in EVERYTHING.splitlines() if line.startswith("    llm "))


def _llm_commands(line: str) -> Iterator[list[str]]:
    """Yield the llm commands in a line of shell, without the commands before and after them."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in {"|", ";", "&&", ">", "<", ">>"}:
            while words and re.fullmatch(r"\w+=.*", words[0]):
                words.pop(0)
            if words and words[0] == "llm":
                yield words[1:]
            words = []
        else:
            words.append(word)


COMMANDS = [command for line in _lines() for command in _llm_commands(line)]


def _parse(command: click.Command, name: str, words: list[str], parent: click.Context | None = None) -> None:
    """Parse a command line down to the command that would run, without running it."""
    with command.make_context(name, list(words), parent=parent) as ctx:
        if isinstance(command, click.Group):
            found, sub, rest = command.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
            assert sub is not None, words
            _parse(sub, found or "", rest, ctx)


@pytest.fixture(name="talk")
def _talk(log: Path, llm_: Command, script: Script) -> Path:
    """The log of a session named bridge: an exchange, another one after a failed prompt, and an unanswered prompt.

    The first exchange is rated, and the last one was sent with an excerpt of an earlier one.
    """
    script.count = len
    script.replies = ["Noted.", RuntimeError("out of memory"), "4 May.", RuntimeError("out of memory")]
    llm_("-m", "scripted", "--session", "bridge", "The deadline is 4 May.").ok()
    llm_("--session", "bridge", "When is the deadline?")
    llm_("sessions", "retry", "bridge").ok()
    llm_("--session", "bridge", "Who signs it off?")
    llm_("sessions", "rate", "bridge", "1", "up").ok()
    return log


# -- everything is there -----------------------------------------------------------


def test_the_readme_fits_on_two_screens() -> None:
    """The README stays short: what this is, what it looks like, how to install it, where the rest is."""
    assert len((generate.ROOT / "README.md").read_bytes()) < README_AT_MOST
    for page in PAGES:
        assert page in {"README.md", "docs/index.md"} or f"({page})" in PAGES["README.md"], page
        assert not page.startswith("docs/") or page == "docs/index.md" or f"({page[5:]})" in PAGES["docs/index.md"], (
            page
        )


def test_each_page_begins_with_an_example() -> None:
    """Each page begins with an example, in shell or in the page's own language."""
    for page, text in PAGES.items():
        if page != "README.md":
            start = re.sub(r"<!-- .*? -->", "", text.partition("\n")[2], flags=re.DOTALL).lstrip().splitlines()
            opening = "\n".join(start[:3])
            assert "```" in opening, page


def test_each_command_says_what_it_is_for() -> None:
    """Each command of `llm sessions` has a help text, a line in the list of commands, and a place in the reference."""
    for name, command in OURS.items():
        assert command.help, name
        assert command.short_help, name
        assert f"### {name}\n" in PAGES["docs/commands.md"], name


def test_each_option_says_what_it_does() -> None:
    """Each of our options has a help text and is in the reference."""
    added = {f"llm {name}": [*generate.options(name)] for name in ("prompt", "chat")}
    of_ours = {name: [one for one in command.params if isinstance(one, click.Option)] for name, command in OURS.items()}
    for name, options in {**added, **of_ours}.items():
        assert options or isinstance(OURS.get(name), click.Group), name  # a group's commands have them
        for option in options:
            assert option.help, f"{name} {option.opts[-1]}"
            assert option.opts[-1] in PAGES["docs/commands.md"], f"{name} {option.opts[-1]}"


def test_prompt_and_chat_get_the_same_options() -> None:
    """Both commands get the options of the one table."""
    both = [[(option.opts, option.help) for option in generate.options(name)] for name in ("prompt", "chat")]
    assert both[0] == both[1]
    of_sessions = ["--session", "--new-session", "--fork-at", "--project", "--max-context-tokens"]
    of_memory = ["--memory", "--recall-share", "--recall-model", "--summary-model", "--think"]
    of_memory += ["--recall-fragments", "--global-notes", "--recall-from", "--guard", "--over-budget"]
    assert [opts[0] for opts, _ in both[0]] == [*of_sessions, *of_memory]


def test_each_query_is_described() -> None:
    """Each canned query is in the catalogue."""
    assert [
        name.short_name for name in catalogue().values() if f"| `{name.short_name}` |" not in PAGES["docs/queries.md"]
    ] == []


def test_each_datasette_page_is_described() -> None:
    """Each address that the Datasette plugin serves is in the table of pages."""
    named = re.findall(r"`(/[^`]*)`", PAGES["docs/pages.md"])
    addresses = [re.sub(r"\bN\b", "7", address).replace("HASH", "0a") for address in named]
    unknown = [pattern for pattern, _ in ROUTES if not any(re.match(pattern, address) for address in addresses)]
    assert unknown == []


def test_the_architecture_has_each_part_in_its_place() -> None:
    """Each part of the memory package has its row, and the layers are in the order that the import test checks."""
    page = PAGES["docs/architecture.md"]
    parts = {
        path.stem for path in (generate.ROOT / "llm_session_memory").iterdir() if not path.name.startswith(("_", "py."))
    }
    assert [part for part in sorted(parts) if not re.search(rf"^\| .*`{part}(/|\.py)`.* \|", page, re.MULTILINE)] == []
    order = re.findall(r"`(\w+)`", page.partition("From the ground up:")[2].partition("\n")[0])
    assert tuple(order) == LAYERS


def test_each_link_leads_somewhere() -> None:
    """Each link to a file leads to a file, and its part after # to a heading of that page."""
    for page, text in PAGES.items():
        plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", plain):
            if re.match(r"https?:", target):
                continue
            name, _, anchor = target.partition("#")
            path = (generate.ROOT / page).parent / name if name else generate.ROOT / page
            assert path.exists(), f"{page}: {target}"
            assert not anchor or anchor in _anchors(path.read_text("utf-8")), f"{page}: {target}"


def test_links_work_where_the_readme_stands_alone() -> None:
    """Each link and picture of the README has a full address in the package, because PyPI has no files beside it."""
    readme: str = runpy.run_path(str(generate.ROOT / "setup.py"))["absolute"](PAGES["README.md"])
    targets = re.findall(r"\]\(([^)\s]+)\)", readme)
    assert [target for target in targets if not target.startswith("https://")] == []
    beside = "https://raw.githubusercontent.com/llm-session-memory/llm-session-memory/main/docs"
    assert re.findall(r"!\[[^]]*\]\((\S+)\)", readme) == [f"{beside}/transcript.png", f"{beside}/context-dark.png"]


def _anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site generate them."""
    plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", plain, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# -- errors -------------------------------------------------------------------------


def test_each_kind_of_error_has_a_cause_and_a_cure() -> None:
    """Each error class belongs to one kind, and each kind has a cause, a cure and sentences."""
    named = [name for kind in errors.KINDS for name in kind.classes]
    assert len(named) == len(set(named))
    assert errors.classes() <= set(named)
    found = errors.sentences()
    for kind in errors.KINDS:
        assert kind.cause, kind.title
        assert kind.cure, kind.title
        assert any(one.kind is kind for one in found), kind.title


def test_quoted_messages_are_still_in_the_code() -> None:
    """Each heading of the troubleshooting page that quotes a message quotes it exactly."""
    said = [one.message for one in errors.sentences()]
    quoted = re.findall(r"^## “(.+)”$", PAGES["docs/troubleshooting.md"], re.MULTILINE)
    assert quoted
    for heading in quoted:
        parts = [part.strip() for part in heading.split("…")]
        assert any(all(part in message for part in parts) for message in said), heading


ERRORS = {
    "a constant": ('raise SessionError("It is empty.", "Fill it.")', {("It is empty.", "Fill it.")}),
    "values": ('raise SessionError(f"“{name}” has {len(there):,} of {thing}.")', {("“NAME” has N of ….", "")}),
    "a variable": ('said = f"Not {path}."\nraise SessionError(said)', {("Not FILE.", "")}),
    "an outcome": ('raise SessionError("It is full.", "Try.", "Kept.")', {("It is full.", "Try. Kept.")}),
    "an outcome alone": ('raise SessionError("It is full.", outcome="Kept.")', {("It is full.", "Kept.")}),
    "two ways": (
        'raise SessionError("It is gone.", "Look." if here else "Go.")',
        {("It is gone.", "Look."), ("It is gone.", "Go.")},
    ),
    "each its own": (
        'said = "One."\nraise SessionError(said + " x")\nsaid = "Two."\nraise SessionError(said + " x")',
        {("One. x", ""), ("Two. x", "")},
    ),
    "nothing to read": ("raise SessionError(str(error))", set[tuple[str, str]]()),
}


@pytest.mark.parametrize(("code", "read"), ERRORS.values(), ids=ERRORS)
def test_a_sentence_is_read_from_the_code(code: str, read: set[tuple[str, str]]) -> None:
    """An error's sentence is found as people will read it, with placeholders for the values."""
    body = "\n".join(f"    {line}" for line in code.splitlines())
    assert {(one.message, one.hint) for one in errors.read(f"def f():\n{body}\n")} == read


def test_a_notice_that_somebody_else_says_is_read() -> None:
    """Functions that return notices are read too, with a mark if a command follows; other texts in them are not."""
    read = errors.read('def told(number):\n    had = f"had {number:,}"\n    return f"It {had}. Continue with:"\n')
    assert [one.message for one in read] == ["It had N. Continue with: …"]


# -- examples work ------------------------------------------------------------------


def test_there_are_examples_to_check() -> None:
    """The tests below find examples of shell, SQL, YAML and Python."""
    assert len(COMMANDS) > 30
    assert len(_queries()) > 5
    assert _blocks("python")
    assert _blocks("yaml")


def test_each_example_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every llm command in examples and transcripts can be parsed as written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: "a password")  # `llm keys set` asks for one
    (tmp_path / "work.jsonl").touch()
    (tmp_path / "work.jsonl.age").touch()
    (tmp_path / "chatgpt-export.zip").touch()
    for name in ("questions.txt", "words.csv", "prompts.jsonl"):
        (tmp_path / name).touch()
    (tmp_path / "work.sealed.age").touch()
    (tmp_path / "reply.json").touch()
    (tmp_path / "plan.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    wrong = {shlex.join(words): why for words in COMMANDS if (why := _parse_error(words))}
    assert wrong == {}


def _parse_error(words: list[str]) -> str:
    """Return why a command line can't be parsed, or an empty string."""
    try:
        _parse(cli, "llm", words)
    except click.ClickException as error:
        return error.format_message()
    return ""


def test_each_query_answers(talk: Path) -> None:
    """Every SQL example runs on a log that has sessions, and finds something, except what it has no rows of."""
    none = ("memory_recalls", "memory_jobs", "memory_groups", "memory_votes")
    with contextlib.closing(sqlite3.connect(talk)) as db:
        for query in _queries():
            assert db.execute(query).fetchall() or any(table in query for table in none), query


def test_each_block_of_data_can_be_read() -> None:
    """Every YAML example is valid YAML, and a JSON example is valid JSON, or each of its lines is."""
    for text in _blocks("yaml"):
        assert yaml.safe_load(text)
    for text in _blocks("json"):
        assert [json.loads(one) for one in ([text] if text.startswith("[\n") else text.splitlines())]


def test_the_example_of_the_file_format_can_be_imported(llm_: Command, tmp_path: Path) -> None:
    """The examples of the JSONL format can be imported."""
    whole, least = _blocks("json", "docs/database.md")
    for number, text in enumerate((whole, least)):
        (tmp_path / "example.jsonl").write_text(text, "utf-8")
        llm_("sessions", "import", str(tmp_path / "example.jsonl"), "--as", f"example-{number}").ok()
    assert "4 May." in llm_("sessions", "show", "example-0").ok().out
    assert "Noted." in llm_("sessions", "show", "example-1").ok().out


def test_the_tables_are_those_of_a_log(talk: Path) -> None:
    """The definitions of the tables are those in a log, and each table and view has a line of explanation."""
    page = PAGES["docs/database.md"]
    with contextlib.closing(sqlite3.connect(talk)) as db:
        added = dict(
            db.execute(
                "select name, sql from sqlite_master where name like 'memory\\_%' escape '\\'"
                " and name not like 'memory\\_words\\_%' escape '\\' and sql is not null"  # FTS5's own tables
            )
        )
    for table, column in re.findall(r"alter table (\w+) add column ([^;]+);", page):  # added by a later migration
        added[table] = added[table].replace(f", {column}", "", 1)
    text = " ".join(page.lower().split())
    assert [name for name, sql in added.items() if " ".join(sql.lower().split()).rstrip(")") not in text] == []
    explained = {name for name, sql in added.items() if not sql.lower().startswith(("create index", "create trigger"))}
    rows = "".join(re.findall(r"^\| (`memory_.*?) \|", page, re.MULTILINE))
    assert set(re.findall(r"`(memory_\w+)`", rows)) == explained


def _run(*blocks: str) -> None:
    """Run blocks of Python as one program, in this process: that saves the imports of llm."""
    exec(compile("\n".join(blocks), "<example>", "exec"), {"__name__": "__main__"})


def test_the_python_example_runs(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples of the Python API run as written, one after the other, and print what the page says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLM_SESSIONS_DEMO", "1")
    example, *more = _blocks("python", "docs/python.md")
    _run(example, *more[:1])
    said = _blocks("text", "docs/python.md")[0]
    deadline = "You told me: “We build a bridge in Lisbon; the deadline is 4 May.”\n"
    assert capsys.readouterr().out == said + deadline


def test_the_python_example_with_a_tool_runs(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example with a tool runs as written, with another model that supports tools."""
    monkeypatch.chdir(tmp_path)
    tools = _blocks("python", "docs/python.md")[2].replace('model="llama3"', 'model="echo"')
    before = """
from llm_session_memory import Memory
with Memory("bridge.db", create=True) as memory:
    memory.conversation("bridge", model="echo").prompt("Hello").text()
"""
    _run(before, tools)
    assert '"prompt": "Is the deadline near?"' in capsys.readouterr().out


# -- moving -------------------------------------------------------------------------

EXAMPLES = dict(re.findall(r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```$", PAGES["docs/coming.md"], re.MULTILINE | re.DOTALL))
"""The example files of docs/coming.md, by their names."""


def test_there_are_examples_of_other_tools_files() -> None:
    """A rule about the examples would hold for an empty page, too."""
    assert len(EXAMPLES) == 7


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_files_can_be_imported(name: str, llm_: Command, tmp_path: Path) -> None:
    """Each example file has the same two exchanges, and all of it comes."""
    path = tmp_path / name
    if path.suffix == ".sql":
        path = path.with_suffix(".db")
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.executescript(EXAMPLES[name])
    else:
        path.write_text(EXAMPLES[name], "utf-8")
    done = llm_("sessions", "import", str(path), "--as", "moved").ok()
    assert "Not imported" not in done.err
    shown = json.loads(llm_("sessions", "show", "moved", "--json").ok().out)
    assert [(one["prompt"], one["reply"]) for one in shown["exchanges"]] == [
        ("The deadline is 4 May.", "Noted."),
        ("When is it?", "4 May."),
    ]


def test_the_program_for_anything_else_writes_an_example(tmp_path: Path) -> None:
    """The program in docs/coming.md writes the lines that the page shows."""
    (program,) = _blocks("python", "docs/coming.md")
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert (tmp_path / "pairs.jsonl").read_text("utf-8") == EXAMPLES["pairs.jsonl"]


def test_every_kind_of_file_is_on_the_page() -> None:
    """The page names each tool whose files can be imported."""
    for format_ in formats():
        assert re.split(r"'s? | with ", format_.title)[0].removeprefix("a ") in PAGES["docs/coming.md"]


@pytest.mark.skipif(os.name != "posix", reason="the examples are for a POSIX shell")
def test_the_instructions_for_removing_work(talk: Path, tmp_path: Path) -> None:
    """The commands that remove the plugin's tables leave llm's tables and nothing of ours."""
    if not _has_sqlite3():
        pytest.skip("the command line of SQLite is not installed")
    block = next(text for text in _blocks("sh", "docs/moving.md") if "drop.sql" in text)
    for line in block.replace("$(llm logs path)", str(talk)).splitlines():
        subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, check=True)
    with contextlib.closing(sqlite3.connect(talk)) as db:
        assert db.execute("select name from sqlite_master where name like 'memory%'").fetchall() == []
        assert db.execute("select count(*) from turns").fetchone() == (2,)
        assert (
            db.execute("select * from _sqlite_migrations where migration_set = 'llm-session-memory'").fetchall() == []
        )


def _has_sqlite3() -> bool:
    import shutil

    return shutil.which("sqlite3") is not None


# -- what cog writes ----------------------------------------------------------------

NORMALISED = {
    "a folder": ("in /var/tmp/llm-sessions-demo-t9xg15p5, with", "in /tmp/llm-sessions-demo, with"),
    "a time": ("bridge  2026-11-21 09:53", "bridge  2026-05-01 09:30"),
    "a duration": ("model · 42 → 8 tokens · 0.1 s\nNext", "model · 42 → 8 tokens\nNext"),
    "an id": ("scripted · 01m7yrd631v6z6e5tbrnv25536", "scripted · 01kqhw8m3v6z6e5tbrnv25536d"),
    "blanks at the end": ("a  \nb", "a\nb"),
    "nothing else": ("exchanges 5 to 6 of 6, 353 tokens, 0.1 s", "exchanges 5 to 6 of 6, 353 tokens, 0.1 s"),
}


@pytest.mark.parametrize(("printed", "shown"), NORMALISED.values(), ids=NORMALISED)
def test_values_that_change_from_run_to_run_are_replaced(printed: str, shown: str) -> None:
    """Only folders, times and ids in a transcript are replaced, so that pages can be compared."""
    assert generate.normalised(printed) == shown
