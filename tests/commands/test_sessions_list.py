"""`llm sessions`: which sessions there are, newest use first, page by page."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.world.logs import LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")


def _lines(out: str) -> list[str]:
    """Return the lines of a table with one blank between columns and T for times."""
    return [" ".join(WHEN.sub("T", line).split()) for line in out.splitlines()]


def _names(out: str) -> list[str]:
    return [line["name"] for line in json.loads(out)]


@pytest.fixture(name="five")
@once
def _five(llm_: Command, script: Script) -> list[str]:
    """Five sessions, the newest used first."""
    names = ["one", "two", "the bridge", "four", "five"]
    for name in names:
        llm_("-m", "scripted", "--session", name, "Hello").ok()
    return names[::-1]


def test_without_a_log(llm_: Command, log: Path) -> None:
    """Without a log the list is empty, stderr says how to start, and no log is created."""
    done = llm_("sessions").ok()
    assert (done.out, done.err) == ("", f'No sessions yet in {log}. Start one with: llm --session NAME "..."\n')
    assert llm_("sessions", "--json").ok().out == "[]\n"
    assert not log.exists()


def test_a_line_a_session(llm_: Command, script: Script) -> None:
    """A line has name, model, exchanges, tokens in and out, and last use, most recently used first."""
    script.count = lambda text: 300 + len(text)
    llm_("-m", "scripted", "--session", "work", "One").ok()
    llm_("-m", "other", "--session", "the bridge", "One").ok()
    llm_("--session", "work", "Two").ok()
    assert _lines(llm_("sessions").ok().out) == [
        "name model exchanges tokens in tokens out last used",
        "work scripted 2 1,231 612 T",
        "the bridge other 1 307 306 T",
    ]


def test_what_failed_is_counted(llm_: Command, script: Script) -> None:
    """Failed prompts are counted beside the exchanges, and count as a use."""
    llm_("-m", "scripted", "--session", "work", "One").ok()
    llm_("-m", "scripted", "--session", "play", "One").ok()
    script.replies = [RuntimeError("no memory left")]
    for _ in range(2):
        llm_("--session", "work", "Two")
    assert _lines(llm_("sessions").ok().out)[1:] == ["work scripted 1 (2 failed) 0 0 T", "play scripted 1 0 0 T"]
    assert json.loads(llm_("sessions", "--json").ok().out)[0]["failed_prompts"] == 2


def test_a_tool_loop_counts_once(llm_: Command, script: Script) -> None:
    """The calls of a tool loop are one exchange in the list, as they are in the transcript."""
    call = json.dumps({"prompt": "go", "tool_calls": [{"name": "llm_version"}]})
    llm_("-m", "echo", "--session", "work", "-T", "llm_version", call).ok()
    (line,) = json.loads(llm_("sessions", "--json").ok().out)
    assert line["exchanges"] == json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges_in_all"] == 1


def test_json_has_all_fields(llm_: Command, script: Script, log: Path) -> None:
    """--json has each field under its name, times as they are stored, numbers as numbers."""
    with LogBuilder(log) as built:
        thread = built.thread()
        built.turns(thread, Said("One", tokens=(40, 6)), Said("Two", tokens=(52, 7)))
    llm_("sessions", "name", thread, "work").ok()
    (line,) = json.loads(llm_("sessions", "list", "--json").ok().out)
    assert line.pop("created_utc") > "2026-"
    last_used = line.pop("last_used_utc")
    assert (last_used > "2026-", last_used.endswith("+00:00")) == (True, True)  # the zone, as in created_utc
    assert line == {
        "name": "work",
        "title": None,
        "thread_id": thread,
        "model": "scripted",
        "exchanges": 2,
        "input_tokens": 92,
        "output_tokens": 13,
        "failed_prompts": 0,
        "budget_usd": None,
        "project": None,
        "template": None,
        "private": False,
        "archived_utc": None,
        "forked_from": None,
        "tags": [],
        "meta": {},
    }


@pytest.mark.parametrize(
    "arguments", [(), ("--json",), ("-n", "2"), ("-n", "2", "--json"), ("-n", "1", "--after", "one")]
)
def test_list_is_the_default_command(llm_: Command, five: list[str], arguments: tuple[str, ...]) -> None:
    """`llm sessions` with or without options is `llm sessions list` with them."""
    short, full = llm_("sessions", *arguments), llm_("sessions", "list", *arguments)
    assert (short.out, short.err, short.code) == (full.out, full.err, 0)


def test_an_unknown_command_is_no_session(llm_: Command, five: list[str]) -> None:
    """An unknown word is an error that says that there is no such command."""
    done = llm_("sessions", "shwo")
    assert "No such command 'shwo'" in done.err
    assert done.code == 2


def test_pages_follow_each_other(llm_: Command, five: list[str]) -> None:
    """Every page but the last ends on stderr with the command for the next. Together the pages are the whole list."""
    seen: list[str] = []
    command: list[str] = ["sessions", "-n", "2"]
    hints = []
    while command:
        done = llm_(*command).ok()
        seen += [re.split(r"  +", line)[0] for line in done.out.splitlines()[1:]]
        hints.append(done.err)
        command = shlex.split(done.err.removeprefix("More: llm ")) if done.err else []
    assert seen == five
    assert hints == ["More: llm sessions -n 2 --after four\n", "More: llm sessions -n 2 --after two\n", ""]


def test_a_page_goes_on_by_name_not_by_count(llm_: Command, five: list[str]) -> None:
    """No session is shown twice or left out because one was used between two pages."""
    first = _names(llm_("sessions", "-n", "2", "--json").ok().out)
    llm_("--session", "one", "Again").ok()
    llm_("-m", "scripted", "--session", "six", "Hello").ok()
    rest = _names(llm_("sessions", "-n", "0", "--after", first[-1], "--json").ok().out)
    assert (first, rest) == (["five", "four"], ["the bridge", "two"])


@pytest.mark.parametrize(("count", "shown"), [("0", 5), ("3", 3), ("5", 5), ("99", 5)])
def test_n_limits(llm_: Command, five: list[str], count: str, shown: int) -> None:
    """-n limits the number of sessions; 0 lists them all."""
    assert _names(llm_("sessions", "-n", count, "--json").ok().out) == five[:shown]


def test_the_first_page_has_twenty(llm_: Command, script: Script) -> None:
    """Without -n a page has 20 sessions."""
    for number in range(22):
        llm_("-m", "scripted", "--session", f"{number:02}", "Hello").ok()
    done = llm_("sessions").ok()
    assert len(done.out.splitlines()) == 21
    assert done.err == "More: llm sessions -n 20 --after 02\n"


def test_after_the_last_there_is_nothing(llm_: Command, five: list[str], log: Path) -> None:
    """After the oldest session there are no more. An unknown session is an error that suggests a similar name."""
    end = llm_("sessions", "--after", "one").ok()
    assert (end.out, end.err) == ("", f"No sessions after “one” in {log}.\n")
    wrong = llm_("sessions", "--after", "fuor")
    assert (wrong.err, wrong.code) == ("Error: Session “fuor” not found. Did you mean “four”?\n", 1)


def test_a_long_name_is_cut_in_the_table_only(llm_: Command, script: Script) -> None:
    """A name that is too long is cut in the table; --json has it whole."""
    name = "long " * 30 + "name"
    llm_("-m", "scripted", "--session", name, "Hello").ok()
    assert llm_("sessions").ok().out.splitlines()[1].startswith("long " * 7 + "long…")
    assert _names(llm_("sessions", "--json").ok().out) == [name]


def test_both_generations_are_listed_alike(llm_: Command, script: Script, log: Path) -> None:
    """A session in an older llm's tables has exchanges and tokens like one in today's."""
    said: tuple[Any, ...] = (Said("One", tokens=(40, 6)), Said("Two", tokens=(52, 7)))
    with LogBuilder(log) as built:
        new, old = built.thread(), built.thread()
        built.turns(new, *said, model="m")
        built.responses(old, *said, model="m")
    llm_("sessions", "name", new, "new").ok()
    llm_("sessions", "name", old, "old").ok()
    assert sorted(_lines(llm_("sessions").ok().out)[1:]) == ["new m 2 92 13 T", "old m 2 92 13 T"]


def test_an_alias_of_llm_finds_its_model(llm_: Command, script: Script, log: Path) -> None:
    """A filter by model takes an alias that llm has for it, and still finds sessions whose model is called like it."""
    llm_("aliases", "set", "quick", "scripted").ok()
    llm_("-m", "quick", "--session", "work", "Hello").ok()
    llm_("-m", "other", "--session", "play", "Hello").ok()
    assert _names(llm_("sessions", "list", "-m", "quick", "--json").ok().out) == ["work"]
    assert _names(llm_("sessions", "list", "-m", "scripted", "--json").ok().out) == ["work"]
    assert llm_("sessions", "list", "-m", "quack").ok().out == ""
    assert "work #1" in llm_("sessions", "search", "-m", "quick", "hello").ok().out
    assert llm_("sessions", "stats", "-m", "quick").ok().out.startswith("1 call\n")
    assert "“work”" in llm_("sessions", "purge", "-m", "quick", "--dry-run").ok().out
    line = json.dumps({"prompt": "Hello", "response": "Hi", "model": "quick"})
    llm_("sessions", "import", "-", "--as", "imported", input=line).ok()
    assert _names(llm_("sessions", "list", "-m", "quick", "--json").ok().out) == ["imported", "work"]
