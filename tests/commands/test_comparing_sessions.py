"""The rules of `llm sessions compare`, and of groups of sessions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world.logs import LogBuilder, Said
from tests.world.old_llms import OLD_LLMS, THREAD, write_old_log
from tests.world.once import once
from tests.world.scripted import Script

WORDS = "pier tide deck rope crane".split()


@pytest.fixture(name="threads")
@once
def _threads(log: Path, llm_: Command, script: Script) -> list[str]:
    """Sessions `work` and `work-b`, to which the same eight prompts were sent; `work-b` answered in half the time."""
    with LogBuilder(log) as built:
        threads = [built.thread(), built.thread()]
        for thread, model, ms in zip(threads, ("gpt-4o", "gpt-4o-mini"), (2000, 1000), strict=True):
            said = [
                Said(f"Prompt {n}", " ".join(WORDS[: n % 5 + 1]), tokens=(50, 10 + n), duration_ms=ms + 40 * n)
                for n in range(8)
            ]
            built.turns(thread, *said, model=model, block=1)
    for thread, name in zip(threads, ("work", "work-b"), strict=True):
        llm_("sessions", "name", thread, name).ok()
    return threads


@pytest.mark.usefixtures("threads")
def test_sessions_are_compared(llm_: Command) -> None:
    """What is shown comes first, then a table with wins first; what is equal is not called a difference."""
    out = llm_("sessions", "compare", "work", "work-b").ok().out
    assert out.startswith("a: work, gpt-4o (8 answers)\nb: work-b, gpt-4o-mini (8 answers)\n")
    assert "“work-b” cost 94% less and took 47% less time than “work”." in " ".join(out.split())
    (time,) = (line for line in out.splitlines() if line.startswith("Time"))
    assert "better 8, equal 0, worse 0" in time
    assert time.endswith("0.008")
    assert "The answers to a prompt share 100% of their words on average" in out
    assert "All prompts are from one conversation on each side" in " ".join(out.split())


@pytest.mark.usefixtures("threads")
def test_answers_are_listed_prompt_by_prompt(llm_: Command) -> None:
    """--by prompt has a line for each prompt, with a failure in its place."""
    llm_("sessions", "rate", "work-b", "1", "up").ok()
    lines = llm_("sessions", "compare", "work", "work-b", "--by", "prompt").ok().out.splitlines()
    assert len(lines) == 9
    assert lines[1].split() == (
        "1 Prompt 0 2.0 s, 10 tokens, $0.0002 1.0 s, 10 tokens, $0.0000135, rated up 100%".split()
    )


@pytest.mark.usefixtures("threads")
def test_everything_is_there_for_programs(llm_: Command) -> None:
    """--json has sides, figures with their intervals and sentences, and the answers."""
    found = json.loads(llm_("sessions", "compare", "work", "work-b", "--by", "model", "--json").ok().out)
    assert [(side["side"], side["label"]) for side in found["sides"]] == [("a", "gpt-4o"), ("b", "gpt-4o-mini")]
    (one,) = found["comparisons"]
    figures = {figure["measure"]: figure for figure in one["measures"]}
    assert (figures["seconds"]["wins"], figures["seconds"]["p"], figures["seconds"]["interval"]) == (8, 0.0078125, None)
    assert figures["failures"]["sentence"] == "Failures: none on either side."
    assert found["prompts"][0]["answers"]["b"][0]["reply"] == "pier"


def test_a_group_is_kept(llm_: Command, threads: list[str]) -> None:
    """A group has its sessions in the order in which they were added, and goes without them."""
    assert llm_("sessions", "compare", "list").ok().err.startswith("No groups yet.")
    made = llm_("sessions", "compare", "new", "Both", "work-b").ok()
    assert (made.out, made.err) == (
        "Group “Both” has 1 session.\n",
        "Compare them with: llm sessions compare --group Both\n",
    )
    assert llm_("sessions", "compare", "add", "both", "work", "work-b").ok().out == (
        "Added 1 session to “Both”, which has 2. Others were in it already.\n"
    )
    assert llm_("sessions", "compare", "--group", "BOTH").ok().out.startswith("a: work-b,")
    (listed,) = json.loads(llm_("sessions", "compare", "list", "--json").ok().out)
    assert [one["thread_id"] for one in listed["sessions"]] == threads[::-1]
    llm_("sessions", "delete", "work", "--yes").ok()
    assert llm_("sessions", "compare", "show", "Both").ok().out.splitlines()[1:] == [f"  work-b  ({threads[1]})"]
    assert llm_("sessions", "compare", "delete", "Both", "work-b").ok().out == "Group “Both” has 0 sessions left.\n"
    assert "The group “Both” has no sessions. Add some with: llm" in llm_("sessions", "compare", "--group", "Both").err
    llm_("sessions", "compare", "delete", "Both").ok()
    assert llm_("sessions", "compare", "show", "Both").err.startswith("Error: Group “Both” not found.")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("work",), "Error: There is only one session to compare. Name at least two."),
        (("work", "WORK"), "Error: There is only one session to compare."),
        (("work", "wrok"), "Error: Session “wrok” not found. Did you mean “work”?"),
        (("new", "Both", "work"), "Error: Group “both” already exists."),
        (("new", "a/b", "work"), "Error: The group name “a/b” contains a “/”."),
        (("add", "boht", "work"), "Error: Group “boht” not found. Did you mean “both”?"),
        (
            ("delete", "both", "work-b"),
            "Error: “work-b” is not in the group “both”. See what is in it: llm sessions compare",
        ),
        (("new", "third"), "Missing argument 'SESSION...'"),
        (("--by", "model"), "Name the sessions to compare, or a group with --group."),
    ],
)
@pytest.mark.usefixtures("threads")
def test_a_mistake_is_a_sentence(llm_: Command, words: tuple[str, ...], error: str) -> None:
    """What can't be compared or kept is said, and nothing is written."""
    llm_("sessions", "compare", "new", "both", "work").ok()
    done = llm_("sessions", "compare", *words)
    assert done.code != 0
    assert error in done.err
    (group,) = json.loads(llm_("sessions", "compare", "list", "--json").ok().out)
    assert len(group["sessions"]) == 1


@pytest.mark.parametrize("version", OLD_LLMS)
def test_logs_of_older_llms_are_compared(llm_: Command, log: Path, script: Script, version: str) -> None:
    """A log that only an older llm wrote is read, and left as it is."""
    write_old_log(log, version)
    before = log.read_bytes()
    done = llm_("sessions", "compare", THREAD, THREAD)
    assert (done.code, done.err) == (1, "Error: There is only one session to compare. Name at least two.\n")
    assert llm_("sessions", "compare", "list").ok().err.startswith("No groups yet.")
    assert log.read_bytes() == before
