"""`llm sessions tag`, `set --meta`, and finding sessions by them with `list`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="three", autouse=True)
@once
def _three(llm_: Command, script: Script) -> None:
    """Three sessions, the most recently used last: work, play, rest."""
    for name in ("work", "play", "rest"):
        llm_("-m", "scripted", "--session", name, "Hello").ok()


def _found(llm_: Command, *flags: str) -> list[str]:
    return [line["name"] for line in json.loads(llm_("sessions", "list", "--json", *flags).ok().out)]


# -- tags --------------------------------------------------------------


def test_tags_are_printed_after_each_change(llm_: Command) -> None:
    """Tags are added, deleted, and shown without TAGS, each once and in alphabetical order."""
    assert llm_("sessions", "tag", "work").ok().out == "work: no tags\n"
    assert llm_("sessions", "tag", "work", "lisbon", "Bridge", "bridge").ok().out == "work: Bridge, lisbon\n"
    assert llm_("sessions", "tag", "WORK").ok().out == "work: Bridge, lisbon\n"
    assert llm_("sessions", "tag", "work", "--delete", "LISBON", "bridge").ok().out == "work: no tags\n"
    assert llm_("sessions", "tag", "work", "a  b", "--json").ok().out == '[\n  "a b"\n]\n'


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        (("--delete",), "Error: --delete needs the tags to delete.\n", 2),
        (
            ("--delete", "bridge", "other"),
            "Error: Session “work” has no tag “other”. Its tags are: bridge.\n",
            1,
        ),
        (("",), "Error: “” can't be a tag or a key. Use 1 to 60 printable characters.\n", 1),
        (
            ("\x1b[31mred",),
            "Error: “␛[31mred” can't be a tag or a key. Use 1 to 60 printable characters.\n",
            1,
        ),
        (("good", "two\u202elines"), "Error: “two⟦U+202E⟧lines” can't be", 1),
        (("x" * 61,), f"Error: “{'x' * 59}…” can't be", 1),
    ],
    ids=["delete nothing", "delete what is not there", "empty", "hostile", "one of two", "too long"],
)
def test_invalid_tags(llm_: Command, words: tuple[str, ...], error: str, code: int) -> None:
    """An invalid tag, or deleting a tag that is not there, is an error that changes nothing."""
    llm_("sessions", "tag", "work", "bridge").ok()
    done = llm_("sessions", "tag", "work", *words)
    assert error in done.err
    assert done.code == code
    assert llm_("sessions", "tag", "work").ok().out == "work: bridge\n"


def test_a_newline_in_a_tag_is_a_blank(llm_: Command) -> None:
    """A tag is on one line."""
    assert llm_("sessions", "tag", "work", "two\nlines").ok().out == "work: two lines\n"


# -- facts -------------------------------------------------------------


def test_facts_are_set_and_removed(llm_: Command) -> None:
    """--meta sets a fact and an empty value removes it. `set` shows all facts, each on one line."""
    out = llm_("sessions", "set", "work", "--meta", "client", "harbour", "--meta", "year", "2026").ok().out
    assert out.splitlines()[-2:] == ["meta     client=harbour", "meta     year=2026"]
    out = llm_("sessions", "set", "work", "--meta", "year", "", "--meta", "client", "the\n\x1b[1mcity").ok().out
    assert out.splitlines()[-1] == "meta     client=the ␛[1mcity"
    assert "year" not in llm_("sessions", "set", "work").ok().out


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("a=b", "c", "Error: “a=b” can't be a key. A key can't contain “=”.\n"),
        ("", "c", "Error: “” can't be a tag or a key. Use 1 to 60 printable characters.\n"),
        (
            "a",
            "x" * 1_001,
            "Error: A value can have at most 1,000 characters; this one has 1,001. For more, keep a note: ",
        ),
        ("a", "\udcff", "Error: The value is not valid UTF-8. Nothing was changed.\n"),
    ],
    ids=["an equals sign", "no key", "too long", "not UTF-8"],
)
def test_invalid_facts(llm_: Command, key: str, value: str, error: str) -> None:
    """An invalid fact is an error, and the settings given with it are not changed."""
    done = llm_("sessions", "set", "work", "--meta", key, value, "--max-context-tokens", "500")
    assert error in done.err
    assert done.code == 1
    assert "500" not in llm_("sessions", "set", "work").ok().out


# -- finding by them ---------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (("--tag", "bridge"), ["play", "work"]),
        (("--tag", "Bridge", "--tag", "lisbon"), ["work"]),
        (("--meta", "client=harbour"), ["work"]),
        (("--meta", "client"), ["play", "work"]),
        (("--meta", "client="), []),
        (("--meta", "formula=a=b"), ["work"]),
        (("-m", "scripted"), ["rest", "play", "work"]),
        (("-m", "prefixed"), ["other"]),
        (("--since", "2026"), ["other", "rest", "play", "work"]),
        (("--until", "2020"), []),
        (("--tag", "bridge", "-n", "1"), ["play"]),
        (("--tag", "bridge", "--after", "play"), ["work"]),
    ],
    ids=" ".join,
)
def test_list_finds(llm_: Command, script: Script, flags: tuple[str, ...], names: list[str]) -> None:
    """`list` finds the sessions that have all the tags and facts, the model, and a last use within the dates."""
    llm_("sessions", "tag", "work", "bridge", "lisbon").ok()
    llm_("sessions", "tag", "play", "bridge").ok()
    llm_("sessions", "set", "work", "--meta", "client", "harbour", "--meta", "formula", "a=b").ok()
    llm_("sessions", "set", "play", "--meta", "client", "city").ok()
    llm_("-m", "prefixed", "--session", "other", "Hello").ok()
    assert _found(llm_, *flags) == names


def test_tags_are_a_column_if_there_are_any(llm_: Command) -> None:
    """The table has a column of tags only if a session shown has one. --json always has tags and facts."""
    assert llm_("sessions").ok().out.splitlines()[0].endswith("last used")
    llm_("sessions", "tag", "play", "bridge", "lisbon").ok()
    lines = llm_("sessions").ok().out.splitlines()
    assert lines[0].endswith("tags")
    assert lines[2].endswith("bridge, lisbon")
    (line,) = json.loads(llm_("sessions", "--tag", "bridge", "--json").ok().out)
    assert (line["tags"], line["meta"]) == (["bridge", "lisbon"], {})


def test_the_next_page_asks_for_the_same(llm_: Command, log: Path) -> None:
    """The command for the next page repeats the filters and finds the rest."""
    for name in ("work", "play", "rest"):
        llm_("sessions", "tag", name, "the bridge").ok()
        llm_("sessions", "set", name, "--meta", "client", "harbour").ok()
    asked = ["--tag", "the bridge", "--meta", "client=harbour", "--model", "scripted", "--since", "2026"]
    asked += ["-d", str(log)]
    done = llm_("sessions", "-n", "2", *asked).ok()
    assert done.err == f"More: {shlex.join(['llm', 'sessions', '-n', '2', '--after', 'play', *asked])}\n"
    rest = llm_(*shlex.split(done.err.removeprefix("More: llm "))).ok()
    assert [line.split()[0] for line in rest.out.splitlines()[1:]] == ["work"]
    assert rest.err == ""


def test_no_session_matches(llm_: Command, log: Path) -> None:
    """If no session matches, stderr says so and how to list all."""
    done = llm_("sessions", "--tag", "nothing").ok()
    assert (done.out, done.err) == ("", f"No matching sessions in {log}. List all with: llm sessions -n 0\n")
    done = llm_("sessions", "--tag", "nothing", "--after", "work").ok()
    assert done.err == f"No matching sessions after “work” in {log}.\n"


def test_an_invalid_date(llm_: Command) -> None:
    """A date that can't be read is an error with examples of valid ones."""
    done = llm_("sessions", "--since", "yesterday")
    hint = "Use a date like 2026-01-31, 2026-01, or 2026-01-31T10:30."
    assert (done.err, done.code) == (f"Error: “yesterday” is not a date. {hint}\n", 1)
