"""What push, pull and status say, for everything that can have happened."""

from __future__ import annotations

import pytest

from llm_session_memory.commands.syncing_text import pulled_lines, pushed_lines, status_lines
from llm_session_memory.model.syncing import HELD, Held, Moved, Standing, Status

MOVED = {
    Moved(): (
        ["Nothing to push: “team” has everything that belongs there."],
        ["Nothing to pull: “team” has nothing new."],
    ),
    Moved(1, 2, 4, 0, 1): (
        ["Pushed to “team”: 1 new conversation and 2 new turns (4 messages, 1 attachment)."],
        ["Pulled from “team”: 1 new conversation and 2 new turns (4 messages, 1 attachment)."],
    ),
    Moved(turns=1_234): (
        ["Pushed to “team”: 1,234 new turns."],
        ["Pulled from “team”: 1,234 new turns."],
    ),
    Moved(changed=1): (
        ["Updated settings, notes or ratings of 1 conversation on “team”."],
        ["Updated 1 setting, note or rating here with a newer one from “team”."],
    ),
    Moved(tombstones=2, deleted=1): (
        ["Sent 2 deletions to “team”; 1 exchange deleted there."],
        ["Deleted 1 exchange here, because another machine deleted it."],
    ),
    Moved(tombstones=1): (
        ["Sent 1 deletion to “team”."],
        ["Took note of 1 deletion of something that isn't here."],
    ),
    Moved(renamed=(("work", "work@laptop"),), branches=(("a", "b", "c"),), conflicts=1, stayed=("It is pinned.",)): (
        [
            "Session “work” is called “work@laptop” here, because another session here has that name.",
            "A session was continued in two places. Its branches share the beginning: “a”, “b”, “c”.",
            "1 older value kept apart. List them with: list",
            "It is pinned.",
        ],
    )
    * 2,
}


@pytest.mark.parametrize(("moved", "said"), MOVED.items())
def test_each_thing_that_moved_is_a_line(moved: Moved, said: tuple[list[str], list[str]]) -> None:
    """What came or went, was changed, deleted, renamed, went on in two places or lost is said, and nothing else."""
    assert [*pushed_lines(moved, "team", conflicts="list")] == said[0]
    assert [*pulled_lines(moved, "team", conflicts="list")] == said[1]


def test_a_dry_run_says_would() -> None:
    """Every line of a dry run says that nothing happened."""
    moved = Moved(1, 1, changed=2, tombstones=1, deleted=2)
    assert [*pushed_lines(moved, "team", would=True)] == [
        "Would push to “team”: 1 new conversation and 1 new turn.",
        "Would update settings, notes or ratings of 2 conversations on “team”.",
        "Would send 1 deletion to “team”; 2 exchanges would be deleted there.",
    ]
    assert [*pulled_lines(moved, "team", would=True)] == [
        "Would pull from “team”: 1 new conversation and 1 new turn.",
        "Would update 2 settings, notes or ratings here with newer ones from “team”.",
        "Would delete 2 exchanges here, because another machine deleted them.",
    ]


def test_many_new_names_are_counted() -> None:
    """Twenty are listed, the others counted."""
    moved = Moved(renamed=tuple((f"s{n}", f"s{n}@x") for n in range(25)))
    said = [*pulled_lines(moved, "team")]
    assert (len(said), said[-1]) == (21, "And 5 more sessions under other names here.")


def test_a_branch_is_not_said_twice() -> None:
    """A branch has another name because its session was continued in two places, not because of another session."""
    moved = Moved(renamed=(("work", "work@laptop"),), branches=(("work", "work@laptop"),))
    assert [*pulled_lines(moved, "team")] == [
        "A session was continued in two places. Its branches share the beginning: “work”, “work@laptop”.",
    ]


def test_a_status_says_what_differs_and_why_something_stays() -> None:
    """Conversations with what is to be pushed and pulled, deletions, what is held back, and older values."""
    found = Status(
        (Standing("01a", "work", 3), Standing("01b", "", 0, 1_200, changed=True)),
        1,
        2,
        3,
        (Held("private", ("diary", "letters"), ("diary",)), Held("tag", tuple("abcdefg"))),
    )
    assert [*status_lines(found, "team", "db.example", "list")] == [
        "Compared with “team” (db.example):",
        "work  3 to push\n01b              1,200 to pull  settings, notes or ratings differ",
        "1 deletion to push.",
        "2 deletions to pull.",
        "Held back: 2 private sessions (“diary”, “letters”).",
        "“diary” is still on “team” from before. Nothing new from it is sent.",
        "Held back: 7 sessions with a tag that the remote excludes (“a”, “b”, “c”, “d”, “e” and 2 more).",
        "3 values that lost to newer ones are kept apart. List them with: list",
    ]


def test_a_status_of_equals_is_short() -> None:
    """If nothing differs, that is all; a value that lost is still mentioned."""
    assert [*status_lines(Status(conflicts=1), "team", "/mnt/x", "list")] == [
        "In sync with “team” (/mnt/x).",
        "1 value that lost to a newer one is kept apart. List them with: list",
    ]


def test_a_long_status_is_cut() -> None:
    """Twenty conversations are listed, the others counted."""
    said = [*status_lines(Status(tuple(Standing(str(n), "x") for n in range(21))), "team", "x", "list")]
    assert said[-1] == "and 1 more conversation"


@pytest.mark.parametrize("reason", HELD)
def test_each_reason_is_a_sentence(reason: str) -> None:
    """Every reason for holding sessions back can be read aloud."""
    said = [*status_lines(Status(held=(Held(reason, ("a",)),)), "team", "x", "list")][-1]
    assert said.startswith("Held back: 1 ")
    assert said.endswith("(“a”).")
