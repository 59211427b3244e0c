"""Answers to the same prompts are found together, whatever the conversations that they are in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import llm
import pytest

from llm_session_memory.errors import SessionError
from llm_session_memory.memory import Memory
from llm_session_memory.reader.compared import Answer, By, Compared, Matching
from llm_session_memory.reader.comparison import MOST_SIDES, compared
from llm_session_memory.reader.open_log import opened
from llm_session_memory.reader.pairing import SideAnswer, made_up_for, rows
from llm_session_memory.store.running import this_process
from tests.world.logs import Call, LogBuilder, Said


class World:
    """A log that is filled by llm's writer, with rows of ours beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = LogBuilder(path)
        with Memory(path) as memory:
            memory.desk.prepare()

    def conversation(self, *said: Said | str, model: str = "one", name: str | None = None) -> str:
        thread = self.log.thread()
        exchanges = [Said(one, f"{one} by {model}", tokens=(10, 5)) if isinstance(one, str) else one for one in said]
        self.log.turns(thread, *exchanges, model=model)
        if name:
            self.row("memory_sessions", thread_id=thread, name=name, name_key=name, created_utc="2026-09-01T08:00:00")
        return thread

    def attempt(self, thread: str, prompt: str, model: str = "one", **fields: Any) -> None:
        """Add an attempt that failed now."""
        usual = {"error": "Gone.", "partial": "", "datetime_utc": "2026-09-01T08:00:00", "request_json": "{}"}
        own = {"id": self.log.thread(), "thread_id": thread, "model": model, "prompt": prompt}
        self.row("memory_attempts", **{**usual, **own, **fields})

    def row(self, table: str, **fields: Any) -> None:
        self.log.db.table(table).insert(fields)

    def compared(self, *threads: str, by: By = "session", matching: Matching = "prompt") -> Compared:
        with opened(self.path) as source:
            return compared(source, threads, by=by, matching=matching)


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> Any:
    world = World(tmp_path / "logs.db")
    with world.log:
        yield world


def table(found: Compared) -> list[tuple[str, ...]]:
    """Return each row as its prompt and what each side says: replies, or `!` for a failure."""
    return [
        (row.prompt, *(" | ".join("!" if one.failed else one.reply for one in cell) for cell in row.cells))
        for row in found.rows
    ]


def test_answers_to_the_same_prompt_share_a_row(world: World) -> None:
    """The order doesn't matter, nor do spaces; a prompt that only one side has stands alone."""
    one = world.conversation("Hi", "Why?", "Only here", name="work")
    other = world.conversation(Said("Why?\n", "Because."), Said(" Hi ", "Ho."), model="two")
    found = world.compared(one, other)
    assert table(found) == [
        ("Hi", "Hi by one", "Ho."),
        ("Why?", "Why? by one", "Because."),
        ("Only here", "Only here by one", ""),
    ]
    assert [(side.letter, side.label, side.models, side.answers) for side in found.sides] == [
        ("a", "work", ("one",), 3),
        ("b", "Why?", ("two",), 2),
    ]
    assert [found.alone(side) for side in (0, 1)] == [1, 0]
    assert {row.cluster for row in found.rows} == {0}


def test_what_an_answer_cost_is_read(world: World) -> None:
    """An answer has its tokens, its seconds, its rating, and nothing where the price is unknown."""
    one = world.conversation("Hi")
    call = Call("search", {"q": "bridge"}, "found")
    other = world.conversation(Said("Hi", "Ho", calls=(call,), tokens=(40, 6), duration_ms=1500), model="gpt-4o-mini")
    turn = world.log.db.execute("select min(id) from turns where thread_id = ?", [other]).fetchone()[0]
    world.row("memory_ratings", thread_id=other, turn_id=turn, mark="up", note="", rated_utc="2026-09-01T08:00:00")
    ((first,), (second,)) = world.compared(one, other).rows[0].cells
    assert (first.input_tokens, first.output_tokens, first.seconds, first.cost) == (10, 5, 0.8, None)
    assert (second.input_tokens, second.output_tokens, second.seconds, second.length) == (40, 12, 3.0, 2)
    assert second.cost == pytest.approx(2 * (40 * 0.15 + 6 * 0.6) / 1e6)
    assert (first.judged.mark, second.judged.mark) == ("", "up")


def test_fragments_and_attachments_belong_to_the_prompt(world: World) -> None:
    """The same words about another file are another prompt."""
    files = [llm.Fragment(text, source) for text, source in (("The bridge.", "a.txt"), ("The tide.", "b.txt"))]
    pictures = [llm.Attachment(type="image/png", content=name.encode()) for name in "ab"]
    said = [Said("What is it?", fragments=(one,)) for one in files]
    said += [Said("What is it?", attachments=(one,)) for one in pictures]
    found = world.compared(world.conversation(*said), world.conversation(*reversed(said), model="two"))
    assert len(found.rows) == 4
    assert all(row.complete for row in found.rows)


def test_a_failure_stands_in_the_row_of_its_prompt(world: World) -> None:
    """A failure pairs with the other side's answer; one that was asked again at once is a try of that answer."""
    one = world.conversation("Hi", "Why?")
    other = world.log.thread()
    world.attempt(other, "Hi", "two")
    world.log.turns(other, Said("Hi", "Ho"), model="two")
    world.attempt(other, "Why?", "two")
    world.attempt(other, "And now?", "two", request_json=json.dumps({"process": this_process()}))
    found = world.compared(one, other)
    assert table(found)[:2] == [("Hi", "Hi by one", "Ho"), ("Why?", "Why? by one", "!")]
    (answer,), (failure,) = (row.cells[1] for row in found.rows[:2])
    assert (answer.tries, failure.tries, failure.error, failure.number) == (1, 1, "Gone.", None)
    assert (found.sides[1].answers, found.sides[1].failures) == (1, 1)


def test_models_are_compared_across_conversations(world: World) -> None:
    """By model, the answers of several conversations share a cell, and one conversation can have both models."""
    both = world.conversation("Hi")
    world.log.turns(both, Said("Hi", "Ho"), model="two")
    found = world.compared(both, world.conversation("Hi"), by="model")
    assert table(found) == [("Hi", "Hi by one | Hi by one", "Ho")]
    assert [side.label for side in found.sides] == ["one", "two"]
    with pytest.raises(SessionError, match=r"no two models to compare. Only one answered"):
        world.compared(world.conversation("Hi"), by="model")


def test_exchanges_that_forks_share_are_left_out(world: World) -> None:
    """A fork is compared from where it leaves the other; the same prompt there has its own row."""
    parent = world.conversation("Hi", "Go on", "Go on")
    first = world.log.db.execute("select id from turns where thread_id = ? order by id", [parent]).fetchall()
    fork = world.log.thread()
    world.row("memory_forks", thread_id=fork, from_thread_id=parent, at_turn_id=first[1][0], forked_utc="")
    world.log.forked(fork, parent, 2)
    world.log.turns(fork, Said("Go on", "Gone"), model="two")
    found = world.compared(parent, fork)
    assert table(found) == [("Go on", "Go on by one", "Gone")]
    assert found.shared == 2


def test_votes_are_found_between_sides(world: World) -> None:
    """A vote counts from the first side to the second, whichever answer is the older one."""
    one, other = world.conversation("Hi"), world.conversation("Hi", model="two")
    (older, newer) = (row[0] for row in world.log.db.execute("select id from turns order by id"))
    world.row("memory_votes", a_turn_id=older, b_turn_id=newer, better="b", blind=1, voted_utc="")
    (vote,) = world.compared(one, other).votes
    assert (vote.row, vote.first, vote.second, vote.better, vote.blind) == (1, 0, 1, 1, True)
    (vote,) = world.compared(other, one).votes
    assert (vote.first, vote.second, vote.better) == (0, 1, -1)


def test_conversations_of_an_older_llm_are_compared(world: World) -> None:
    """A response that only an older llm logged pairs with a turn."""
    old = world.log.thread()
    world.log.responses(old, Said("Hi", "Old"), model="two")
    assert table(world.compared(world.conversation("Hi"), old)) == [("Hi", "Hi by one", "Old")]


def test_one_side_or_too_many_are_refused(world: World) -> None:
    """A session has nothing to be compared with in itself, and a table has only so many columns."""
    one = world.conversation("Hi")
    with pytest.raises(SessionError, match="There is only one session to compare"):
        world.compared(one, one)
    with pytest.raises(SessionError, match=f"the most are {MOST_SIDES}"):
        world.compared(*(world.log.thread() for _ in range(MOST_SIDES + 1)))


def test_sides_that_are_called_alike_are_told_apart(world: World) -> None:
    """Conversations that begin alike are called by their models, or by their letters."""
    threads = [world.conversation("Hi"), world.conversation("Hi", model="two"), world.conversation("Hi", model="two")]
    labels = [side.label for side in world.compared(*threads).sides]
    assert labels == ["Hi (one)", "Hi (two) (b)", "Hi (two) (c)"]


def entry(thread: str, key: str, side: int = 0, *, number: int | None = 1, tries: int = 0) -> SideAnswer:
    return SideAnswer(side, key, Answer(thread, f"{thread}-{key}", number, "m", key, tries=tries))


def test_answers_are_matched_by_place_if_asked_for() -> None:
    """By number, reworded prompts share a row that says so; a failure takes its place."""
    first = [entry("t", "Sum it up"), entry("t", "Why?")]
    second = [entry("u", "Summarise it", 1), entry("u", "Why?", 1, number=None)]
    found = rows([first, second], 2, "number")
    assert [(row.differs, *(cell[0].failed for cell in row.cells)) for row in found] == [
        (True, False, False),
        (False, False, True),
    ]


def test_rows_of_separate_conversations_are_separate_clusters() -> None:
    """Rows that share a conversation are one cluster."""
    found = rows([[entry("t", "x"), entry("t", "y")], [entry("u", "x", 1)], [entry("v", "z")]], 2, "prompt")
    assert [row.cluster for row in found] == [0, 0, 1]


def test_failures_that_were_made_up_for_add_up() -> None:
    """Two failures before an answer are two tries of it; a failure with another prompt stays."""
    failed = [entry("t", key, number=None, tries=1) for key in ("x", "x", "y")]
    found = made_up_for([*failed[:2], entry("t", "x"), failed[2]])
    assert [(one.key, one.answer.failed, one.answer.tries) for one in found] == [("x", False, 2), ("y", True, 1)]
