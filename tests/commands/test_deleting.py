"""`llm sessions delete` and `purge`: what is chosen, asked, deleted and said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from llm_session_memory.services.bundle import Services
from tests.conftest import Command
from tests.store.world import contents
from tests.world.logs import LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

NO_TERMINAL = (
    "Error: Nothing was deleted, because there is no terminal to ask on. Add --yes to delete without a question, or "
    "--dry-run to see what would go.\n"
)


@pytest.fixture(name="threads")
@once
def _threads(log: Path) -> dict[str, str]:
    """Return the ids of six conversations of both generations, of several years, and of two models."""
    with LogBuilder(log) as built:

        def of(write: Callable[..., list[str]], year: int, words: str, model: str) -> str:
            thread = built.thread()
            write(thread, Said(words, at=datetime(year, 5, 1, 8, tzinfo=timezone.utc)), model=model)
            return thread

        return {
            "old work": of(built.turns, 2024, "We build a bridge.", "scripted"),
            "old talk": of(built.turns, 2024, "What is the capital of Peru?", "scripted"),
            "oldest": of(built.responses, 2023, "How do I boil an egg?", "ollama/other"),
            "both": of(built.both, 2025, "Write a sonnet.", "scripted"),
            "new work": of(built.turns, 2026, "We paint the bridge.", "other"),
            "new talk": of(built.turns, 2026, "Is it raining?", "other"),
        }


@pytest.fixture(name="named")
@once
def _named(threads: dict[str, str], llm_: Command, log: Path, script: Script) -> dict[str, str]:
    """Two of the conversations are sessions, and are counted as used when they last were."""
    for thread, name in (("old work", "work"), ("new work", "paint")):
        llm_("sessions", "name", threads[thread], name).ok()
    llm_("sessions", "tag", "work", "bridge").ok()
    with Services.open(log) as memory:
        memory.projects.create("harbour")
        memory.projects.move("paint", "harbour")
    return threads


def _left(llm_: Command) -> set[str]:
    """Return the first words of all that `llm logs` still has."""
    return {row["prompt"] for row in json.loads(llm_("logs", "list", "-n", "0", "--json").ok().out)}


@pytest.fixture(name="terminal")
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input is a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)


# -- delete --------------------------------------------------------------------


def test_a_session_is_deleted(llm_: Command, named: dict[str, str]) -> None:
    """A session goes with its exchanges, and everything else stays. A dry run prints the same and deletes nothing."""
    dry = llm_("sessions", "delete", "WORK", "--dry-run").ok()
    assert dry.err == "Nothing was deleted.\n"
    done = llm_("sessions", "delete", "WORK", "--yes").ok()
    assert dry.out == done.out.replace("Deleted", "Would delete")
    assert done.out.startswith("Deleted session “work”: 1 exchange, 2 messages, 1 tag")
    assert _left(llm_) == {
        *("What is the capital of Peru?", "How do I boil an egg?", "Write a sonnet."),
        *("We paint the bridge.", "Is it raining?"),
    }
    assert llm_("sessions", "delete", "work", "--yes").err.startswith("Error: Session “work” not found.")


def test_several_conversations_are_deleted(llm_: Command, named: dict[str, str]) -> None:
    """Names and ids of conversations can be mixed; each conversation is counted once."""
    done = llm_("sessions", "delete", "work", named["old talk"], named["old work"], named["oldest"], "-y").ok()
    first, *rest = done.out.splitlines()
    assert first.startswith("Deleted 1 session and 2 conversations without a name: 3 exchanges,")
    assert [line.split()[0] for line in rest] == ["work", named["old talk"], named["oldest"]]
    assert _left(llm_) == {"Write a sonnet.", "We paint the bridge.", "Is it raining?"}


def test_all_matching_sessions_are_deleted(llm_: Command, named: dict[str, str]) -> None:
    """--all-matching deletes the sessions that `list` would show with the same filters, and no other conversation."""
    assert (
        llm_("sessions", "delete", "--all-matching", "-m", "scripted", "-y")
        .ok()
        .out.startswith("Deleted session “work”")
    )
    assert len(_left(llm_)) == 5
    nothing = llm_("sessions", "delete", "--all-matching", "-m", "scripted", "-y")
    assert (nothing.err, nothing.code) == ("Error: No session matches. List sessions with: llm sessions\n", 1)


@pytest.mark.parametrize(("number", "left"), [("2", "13"), ("1-2", "3"), ("1, 3", "2"), ("#3", "12")])
def test_exchanges_are_deleted(llm_: Command, script: Script, number: str, left: str) -> None:
    """Single exchanges of a session go, and the others move up."""
    for word in "123":
        llm_("-m", "scripted", "--session", "work", word).ok()
    done = llm_("sessions", "delete", "work", "--exchange", number, "-y").ok()
    assert f" of session “work”: {3 - len(left)} exchange" in done.out
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"]
    assert "".join(exchange["prompt"] for exchange in shown) == left


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        (("wrok",), "Session “wrok” not found. Did you mean “work”?", 1),
        (("work", "nosuch", "-y"), "Session “nosuch” not found.", 1),
        (("work", "--exchange", "2", "-y"), "“work” has no exchange #2. It has 1, numbered from 1.", 1),
        (("work", "--exchange", "x", "-y"), "“x” is not a number of an exchange, or a range of numbers.", 1),
        (("work", "paint", "--exchange", "1"), "--exchange needs the name of one session.", 2),
        (("--all-matching", "--tag", "bridge", "--exchange", "1"), "--exchange needs the name of one session.", 2),
        ((), "Which sessions? Give their names, or --all-matching with filters.", 2),
        (("work",), NO_TERMINAL, 1),
        (("--all-matching", "--tag", "bridge"), NO_TERMINAL, 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_deletes_nothing(  # noqa: PLR0913  fixtures and parameters
    llm_: Command, named: dict[str, str], log: Path, words: tuple[str, ...], error: str, code: int
) -> None:
    """A wrong name or number, and no terminal to ask on, are errors, and nothing is deleted."""
    before = contents(log)
    done = llm_("sessions", "delete", *words)
    assert error in done.err
    assert (done.out, done.code) == ("", code)
    assert contents(log) == before


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("answer", ["n\n", "\n", "y\n", ""], ids=["no", "Return", "yes", "closed"])
def test_a_terminal_is_asked(llm_: Command, named: dict[str, str], answer: str) -> None:
    """On a terminal the command says what goes, and asks. Only yes deletes."""
    done = llm_("sessions", "delete", "work", input=answer)
    assert "This deletes session “work”: 1 exchange, 2 messages, 1 tag" in done.err
    assert "Delete for good? [y/N]" in done.err
    yes = answer == "y\n"
    assert done.code == (0 if yes else 1)
    assert len(_left(llm_)) == (5 if yes else 6)


# -- purge ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        (("--before", "2024"), ["oldest"]),
        (("--before", "2025"), ["oldest", "old talk"]),  # a session is as new as its name
        (("--before", "2025", "--unnamed"), ["oldest", "old talk"]),
        (("--before", "2025-05-02", "-m", "scripted"), ["old talk", "both"]),
        (("-m", "other"), ["oldest", "new work", "new talk"]),
        (("-m", "other", "--before", "2026"), ["oldest"]),
        (("--tag", "Bridge"), ["old work"]),
        (("--project", "Harbour"), ["new work"]),
        (("--project", "none"), ["old work"]),
        (("--unnamed",), ["oldest", "old talk", "both", "new talk"]),
        (("--older-than", "50y"), []),
    ],
    ids=str,
)
def test_purge_deletes_what_matches(
    llm_: Command, named: dict[str, str], words: tuple[str, ...], gone: list[str]
) -> None:
    """All conversations that match every filter go, of both generations, and no other."""
    dry = json.loads(llm_("sessions", "purge", *words, "--dry-run", "--json").ok().out)
    assert {one["thread_id"] for one in dry["conversations"]} == {named[name] for name in gone}
    before = len(_left(llm_))
    assert before == 6
    done = json.loads(llm_("sessions", "purge", *words, "--yes", "--json").ok().out)
    assert (done["done"], done["conversations"], done["amounts"]) == (bool(gone), dry["conversations"], dry["amounts"])
    assert len(_left(llm_)) == 6 - len(gone)


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        ((), "Which conversations? Give a filter, such as --older-than 30d or --unnamed.", 2),
        (("--yes",), "Which conversations? Give a filter, such as --older-than 30d or --unnamed.", 2),
        (("--unnamed", "--tag", "x"), "--unnamed can't be combined with --tag, --project or --archived", 2),
        (("--project", "nosuch"), "Project “nosuch” not found.", 1),
        (("--older-than", "soon"), "“soon” is not a length of time.", 1),
        (("--before", "soon"), "“soon” is not a date.", 1),
        (("--unnamed",), NO_TERMINAL, 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_purge_refuses(  # noqa: PLR0913  fixtures and parameters
    llm_: Command, named: dict[str, str], log: Path, words: tuple[str, ...], error: str, code: int
) -> None:
    """Without a filter, with a wrong one, or without a terminal to ask on, nothing is deleted."""
    before = contents(log)
    done = llm_("sessions", "purge", *words)
    assert error in done.err
    assert (done.out, done.code) == ("", code)
    assert contents(log) == before


def test_a_log_that_never_had_a_session(llm_: Command, threads: dict[str, str]) -> None:
    """A log that only plain llm has written is purged too. A dry run adds no table to it."""
    assert "Would delete" in llm_("sessions", "purge", "--before", "2025", "--dry-run").ok().out
    done = llm_("sessions", "purge", "--before", "2025", "--yes").ok()
    assert done.out.startswith("Deleted 3 conversations without a name: 3 exchanges")
    assert len(_left(llm_)) == 3


def test_a_fragment_of_a_template_stays(llm_: Command, home: Path, script: Script) -> None:
    """A fragment that a template names by its hash stays, even if no conversation has it any more."""
    for name in ("notes", "other"):
        (home / f"{name}.txt").write_text(f"The harbour office signs off: {name}.")
        llm_("-m", "scripted", "--session", name, "-f", str(home / f"{name}.txt"), "Who?").ok()
    hashes = [row["hash"] for row in json.loads(llm_("fragments", "list", "--json").ok().out)]
    notes = next(one for one in hashes if "notes" in llm_("fragments", "show", one).ok().out)
    (home / "templates").mkdir()
    (home / "templates" / "minutes.yaml").write_text(f"fragments:\n- {notes}\n")
    llm_("sessions", "delete", "notes", "other", "-y").ok()
    assert [row["hash"] for row in json.loads(llm_("fragments", "list", "--json").ok().out)] == [notes]


@pytest.fixture(name="forked")
def _forked(llm_: Command, script: Script) -> None:
    """A session `work` of three exchanges, of which `copy` shares the first two and has one of its own."""
    for word in ("One", "Two", "Three"):
        llm_("-m", "scripted", "--session", "work", word).ok()
    llm_("sessions", "fork", "work", "--at", "2", "--as", "copy").ok()
    llm_("--session", "copy", "Other").ok()


def _prompts(llm_: Command, name: str) -> list[str]:
    shown = json.loads(llm_("sessions", "show", name, "--json").ok().out)["exchanges"]
    return [exchange["prompt"] for exchange in shown]


@pytest.mark.usefixtures("forked")
def test_what_a_fork_has_stays(llm_: Command) -> None:
    """A fork keeps what it has of a deleted session, and the command says so before and after."""
    kept = "“copy” was forked from “work”: it keeps 2 exchanges of it.\n"
    dry = llm_("sessions", "delete", "work", "--dry-run").ok().out
    done = llm_("sessions", "delete", "work", "--yes").ok().out
    assert done.startswith("Deleted session “work”: 1 exchange, ")
    assert dry.endswith(kept)
    assert done.endswith(kept)
    assert _prompts(llm_, "copy") == ["One", "Two", "Other"]


@pytest.mark.usefixtures("forked")
def test_an_exchange_that_a_fork_has_is_taken_out(llm_: Command) -> None:
    """A single exchange that a fork has stays in the log, is taken out of its session, and the command says so."""
    done = llm_("sessions", "delete", "work", "--exchange", "2", "--yes").ok()
    assert re.sub(r"20\d\d\S* \S+", "T", done.out) == (
        "Nothing was deleted; exchanges were only taken out of a session.\n  #2  T  Two\n"
        "#2 of “work” stays in the log, because “copy” has it. It was only taken out of “work”, as if undone. "
        "Delete it there too: llm sessions delete copy --exchange 2\n"
        "  After that, delete it for good with: llm sessions purge --undone\n"
    )
    assert _prompts(llm_, "work") == ["One", "Three"]
    assert _prompts(llm_, "copy") == ["One", "Two", "Other"]
    llm_("sessions", "delete", "copy", "--exchange", "2", "--yes").ok()
    llm_("sessions", "purge", "--undone", "--yes").ok()
    assert (_prompts(llm_, "work"), _prompts(llm_, "copy")) == (["One", "Three"], ["One", "Other"])
    assert "Two" not in _left(llm_)


@pytest.mark.usefixtures("forked")
def test_an_undone_exchange_that_a_fork_has(llm_: Command) -> None:
    """If a fork has an undone exchange, the hint deletes it there; if it is undone there too, never the whole fork."""
    llm_("sessions", "undo", "work", "-n", "2").ok()
    llm_("sessions", "tag", "work", "bridge").ok()
    first = llm_("sessions", "purge", "--undone", "--tag", "bridge", "--yes").ok().out
    assert (
        "1 undone exchange of “work” stays in the log, because “copy” has it. "
        "Delete it there too: llm sessions delete copy --exchange 2\n"
    ) in first
    llm_("sessions", "undo", "copy", "-n", "2").ok()
    both = llm_("sessions", "purge", "--undone", "--tag", "bridge", "--yes").out
    assert "It is undone there too. Delete it from both with: llm sessions purge --undone\n" in both
    llm_("sessions", "purge", "--undone", "--yes").ok()
    assert "Two" not in _left(llm_)
    assert (_prompts(llm_, "work"), _prompts(llm_, "copy")) == (["One"], ["One"])


def test_what_was_undone_goes_for_good(llm_: Command, script: Script, log: Path) -> None:
    """`purge --undone` deletes what was undone, as long ago as asked, in the sessions asked for, and nothing else."""
    for name in ("work", "play"):
        for word in ("One", "Two"):
            llm_("-m", "scripted", "--session", name, f"{word} of {name}").ok()
        llm_("sessions", "undo", name).ok()
    llm_("sessions", "tag", "work", "bridge").ok()
    for words in (("--older-than", "30d"), ("--tag", "nowhere"), ("--before", "2026-01")):
        assert "Nothing matches" in llm_("sessions", "purge", "--undone", *words, "--yes").ok().err
    dry = llm_("sessions", "purge", "--undone", "--tag", "bridge", "--dry-run").ok().out
    done = llm_("sessions", "purge", "--undone", "--tag", "bridge", "--yes").ok().out
    assert done.startswith("Deleted undone exchanges of session “work”: 1 exchange, 2 messages")
    assert dry == done.replace("Deleted", "Would delete")
    assert _left(llm_) == {"One of work", "One of play", "Two of play"}
    llm_("sessions", "redo", "play").ok()
    assert _prompts(llm_, "play") == ["One of play", "Two of play"]


def test_erasing(llm_: Command, script: Script, log: Path) -> None:
    """--erase leaves no deleted byte in the file; alone, it erases what was deleted before."""
    for name in ("work", "play"):
        llm_("-m", "scripted", "--session", name, f"The password of {name} is swordfish.").ok()
    out = llm_("sessions", "delete", "work", "--yes", "--erase").ok().out
    assert "The file was rewritten: " in out
    assert b"password of work" not in log.read_bytes()
    llm_("sessions", "delete", "play", "--yes").ok()
    assert llm_("sessions", "purge", "--erase", "--dry-run").ok().out.startswith("Would rewrite the file")
    assert llm_("sessions", "purge", "--erase").ok().out.startswith("The file was rewritten: ")
    assert b"swordfish" not in log.read_bytes()


def test_archived_sessions_can_be_purged(llm_: Command, named: dict[str, str]) -> None:
    """--archived chooses archived sessions alone; without it, they are like all others."""
    llm_("sessions", "archive", "work").ok()
    assert llm_("sessions", "purge", "--archived", "--dry-run").ok().out.startswith("Would delete session “work”")
    assert llm_("sessions", "purge", "--tag", "bridge", "--yes").ok().out.startswith("Deleted session “work”")
