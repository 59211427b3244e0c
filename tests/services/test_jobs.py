"""Jobs: kept, taken one by one by several processes, done once, stopped and gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from llm_session_memory.errors import AlreadyDone, NameRefused, NoSuchJob, SessionError
from llm_session_memory.model.jobs import Item, Job
from llm_session_memory.services.bundle import Services
from llm_session_memory.services.desk import Desk
from llm_session_memory.services.jobs import LEASE
from tests.world.logs import LogBuilder, Said

START = datetime(2026, 11, 28, 12, 0, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Answered:
    """An answer as the seam returns it."""

    thread_id: str = "01a"
    turn_id: str = "turn"
    model: str = "gpt-4o-mini"
    input_tokens: int | None = 1_000_000
    output_tokens: int | None = 1_000_000
    duration_ms: int | None = 40


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        log.turns("01a", Said("About the railing?"))
    return path


@pytest.fixture(name="memory")
def _memory(path: Path, clock: Clock) -> Iterator[Services]:
    with Services(Desk.open(path, clock)) as memory:
        yield memory


def _item(number: int, *, key: str = "", **more: object) -> Item:
    return Item("", number, key or f"key {number}", {"prompt": f"Question {number}?"}, **more)  # type: ignore[arg-type]


def _job(memory: Services, *items: Item, name: str = "prompts", **more: object) -> Job:
    return memory.jobs.add(memory.jobs.new("batch", name, {"model": "gpt-4o-mini"}, **more), items)


def _states(memory: Services, job: Job) -> list[str]:
    return [item.state for item in memory.jobs.items(job)]


def _take(memory: Services, job: Job, owner: str) -> Item:
    item = memory.jobs.claim(job, owner)
    assert item is not None
    return item


def test_a_job_is_kept_as_it_was_given(memory: Services) -> None:
    """A job and its items come back with everything that they were made with."""
    given = Item("", 1, "k", {"prompt": "“Tide?” \ud800"}, "tide", "prompt", "gpt-4o", (), output=None)
    settings = {"system": "Be brief.", "options": {"temperature": 0.5}}
    made = memory.jobs.new("workflow", "tides-1", settings, definition="steps: []", inputs={"a": [1]}, max_cost=2.5)
    job = memory.jobs.add(made, [given, _item(2, needs=(1,))])
    assert (job.settings, job.definition, job.inputs, job.max_cost) == (settings, "steps: []", {"a": [1]}, 2.5)
    assert job.counts == {"waiting": 2}
    first, second = memory.jobs.items(job)
    assert (first.input, first.id, first.model) == ({"prompt": "“Tide?” �"}, "tide", "gpt-4o")
    assert second.needs == (1,)


def test_what_is_asked_twice_in_one_job_is_kept_once(memory: Services) -> None:
    """An item whose key an earlier one has is left out, and one without a position gets the next one."""
    job = _job(memory, _item(1, key="same"), _item(2, key="same"), _item(0, key="other"))
    assert [(item.position, item.key) for item in memory.jobs.items(job)] == [(1, "same"), (3, "other")]


def test_a_bad_item_keeps_nothing_of_its_job(memory: Services) -> None:
    """If the items can't all be made, there is no job."""

    def items() -> Iterator[Item]:
        yield _item(1)
        raise SessionError("Line 2 is not JSON.")

    with pytest.raises(SessionError, match="Line 2"):
        memory.jobs.add(memory.jobs.new("batch", "prompts", {}), items())
    assert memory.jobs.list() == []


def test_a_job_is_found_by_its_name_its_id_and_a_beginning_of_it(memory: Services) -> None:
    """A reference that fits no job or several is an error that says what to do."""
    one, other = _job(memory, name="Tide prompts"), _job(memory, name="other")
    for reference in ("tide PROMPTS", one.id, one.id[:-1].upper()):
        assert memory.jobs.get(reference).id == one.id
    with pytest.raises(NoSuchJob, match="Did you mean “other”"):
        memory.jobs.get("othr")
    with pytest.raises(NoSuchJob, match="The ids of 2 jobs begin with"):
        memory.jobs.get(one.id[:10])  # the time, which is the same
    with pytest.raises(NameRefused, match="already exists"):
        _job(memory, name="OTHER")
    newest, older = memory.jobs.list()
    assert {newest.id, older.id} == {one.id, other.id}
    assert memory.jobs.list(limit=1) == [newest]
    assert memory.jobs.list(after=newest.id) == [older]


def test_a_generated_name_is_free(memory: Services) -> None:
    """Names count up per day, past taken ones. What a name can't have is left out, and a long one is cut."""
    first = memory.jobs.free_name("prompts")
    _job(memory, name=first)
    assert (first[-2:], memory.jobs.free_name("Prompts")[-2:]) == ("-1", "-2")
    assert memory.jobs.free_name("x/y" * 200).endswith("-1")
    assert memory.jobs.free_name("notes", [f"Notes{first[7:-2]}-1"])[-2:] == "-2"
    assert memory.jobs.free_name(" a\x00/\ud800b ").startswith("ab-20")
    assert memory.jobs.free_name("\u200b/").startswith("job-20")


def test_an_item_is_taken_by_one_and_in_order(memory: Services, path: Path, clock: Clock) -> None:
    """Two workers get different items, the first ones first, and nothing is left to take afterwards."""
    job = _job(memory, _item(1), _item(2))
    with Services(Desk.open(path, clock)) as other:
        taken = _take(memory, job, memory.jobs.owner("a")), _take(other, job, other.jobs.owner("b"))
        assert [item.position for item in taken] == [1, 2]
        assert memory.jobs.claim(job, "a") is None
        assert [(item.state, item.tries) for item in memory.jobs.items(job)] == [("running", 1)] * 2


def test_an_item_waits_for_those_that_it_needs(memory: Services) -> None:
    """An item is taken once all that it needs has ended, whether it was done, failed or skipped."""
    job = _job(memory, _item(1), _item(2), _item(3), _item(4, needs=(1, 2, 3)))
    one, two, three = (_take(memory, job, "") for _ in range(3))
    memory.jobs.done(one, Answered())
    memory.jobs.failed(two, "The model failed.")
    assert memory.jobs.claim(job, "") is None
    memory.jobs.skipped(three, "Its condition did not hold.")
    assert _take(memory, job, "").position == 4


def test_an_item_that_failed_waits_until_its_time(memory: Services, clock: Clock) -> None:
    """An item that may be asked again is taken after the time that it was given, with its error and its tries."""
    job = _job(memory, _item(1))
    memory.jobs.failed(_take(memory, job, ""), "The server is busy.", clock.now + timedelta(seconds=30))
    assert memory.jobs.claim(job, "") is None
    assert memory.jobs.next_moment(job) == clock.now + timedelta(seconds=30)
    clock.now += timedelta(seconds=30)
    again = _take(memory, job, "")
    assert (again.tries, again.error) == (2, "The server is busy.")


def test_items_of_a_process_that_is_gone_are_taken_over(memory: Services, clock: Clock) -> None:
    """An item is free when its process has ended or its lease has, but not before."""
    job = _job(memory, _item(1), _item(2))
    dead = json.dumps({**json.loads(memory.jobs.owner("x")), "pid": 2**22 + 1})
    alive = memory.jobs.owner("y")
    assert (_take(memory, job, dead).position, _take(memory, job, alive).position) == (1, 1)
    clock.now += LEASE - timedelta(seconds=1)
    memory.jobs.renew(job, alive)
    assert _take(memory, job, alive).position == 2
    clock.now += LEASE - timedelta(seconds=1)
    assert memory.jobs.is_worked_on(job)
    assert memory.jobs.claim(job, alive) is None
    clock.now += timedelta(seconds=2)
    assert not memory.jobs.is_worked_on(job)
    assert _take(memory, job, memory.jobs.owner("z")).position == 1


def test_a_process_that_slept_keeps_its_items(memory: Services, path: Path, clock: Clock) -> None:
    """An owner doesn't take its own items again when their lease has passed; another one does."""
    job = _job(memory, _item(1), _item(2))
    me = memory.jobs.owner("me")
    _take(memory, job, me)
    clock.now += 2 * LEASE
    assert _take(memory, job, me).position == 2
    assert memory.jobs.claim(job, me) is None
    clock.now += 2 * LEASE
    with Services(Desk.open(path, clock)) as other:
        assert _take(other, job, other.jobs.owner("other")).position == 1


def test_an_item_of_a_cancelled_job_is_not_asked_again(memory: Services, clock: Clock) -> None:
    """An item that fails after its job was cancelled doesn't wait for another try, unless the job is resumed."""
    job = _job(memory, _item(1))
    item = _take(memory, job, memory.jobs.owner("me"))
    memory.jobs.cancel(job)
    memory.jobs.failed(item, "The server is busy.", clock.now + LEASE)
    assert _states(memory, job) == ["cancelled"]
    assert memory.jobs.resume(job).counts == {"waiting": 1}
    assert _take(memory, job, "").position == 1


def test_an_answer_that_another_process_gave_first_is_not_logged_again(memory: Services) -> None:
    """The second answer to an item undoes its transaction; the first one stands."""
    job = _job(memory, _item(1))
    item = _take(memory, job, "")
    memory.jobs.done(item, Answered(turn_id="first"))

    def answer_again() -> None:
        with memory.writing():
            memory.desk.log.run("create table scratch (a)")
            memory.jobs.done(item, Answered(turn_id="second"))

    with pytest.raises(AlreadyDone):
        answer_again()
    memory.jobs.failed(item, "Too late.")
    assert [(one.state, one.turn_id) for one in memory.jobs.items(job)] == [("done", "first")]
    assert not memory.desk.log.columns("scratch")
    assert memory.jobs.refreshed(job).spent_usd == pytest.approx(0.75)


def test_costs_are_added_up(memory: Services) -> None:
    """A job knows what its answers cost; local models and unknown prices count as what they are."""
    job = _job(memory, *map(_item, range(1, 5)))
    for answer in (Answered(), Answered(), Answered(model="ollama/llama3"), Answered(model="nobody-knows")):
        memory.jobs.done(_take(memory, job, ""), answer)
    spent = memory.jobs.spent(job)
    cost = spent.cost
    assert (cost.calls, cost.priced, cost.local, spent.words) == (4, 2, 1, "at least $1.50")
    assert memory.jobs.refreshed(job).spent_usd == spent.dollars
    assert memory.jobs.finish(job)
    assert memory.jobs.refreshed(job).state == "done"


def test_a_job_stops_and_goes_on(memory: Services) -> None:
    """Nothing is taken from a job that stopped or was cancelled; resumed, it goes on with what was not done."""
    job = _job(memory, *map(_item, range(1, 5)))
    memory.jobs.done(_take(memory, job, ""), Answered())
    memory.jobs.failed(_take(memory, job, ""), "The model failed.")
    memory.jobs.stop(job, "It has cost $5.")
    assert memory.jobs.claim(job, "") is None
    assert memory.jobs.resume(job, max_cost=7).max_cost == 7
    memory.jobs.cancel(job)
    assert _states(memory, job) == ["done", "failed", "cancelled", "cancelled"]
    with pytest.raises(SessionError, match="nothing to cancel"):
        memory.jobs.cancel(job)
    assert memory.jobs.resume(job).state == "open"
    assert memory.jobs.retry_failed(job).counts == {"done": 1, "waiting": 3}
    again = _take(memory, job, "")
    assert (again.position, again.tries, again.error) == (2, 1, None)


def test_nothing_is_retried_if_nothing_failed(memory: Services) -> None:
    """Without failed items, a job stays as it was."""
    job = _job(memory, _item(1))
    memory.jobs.done(_take(memory, job, ""), Answered())
    assert memory.jobs.finish(job)
    with pytest.raises(SessionError, match="has failed"):
        memory.jobs.retry_failed(job)
    assert memory.jobs.resume(job).state == "done"


def test_what_was_given_back_is_not_counted_as_a_try(memory: Services) -> None:
    """Items that an interrupted process gives back wait as if they had not been taken."""
    job = _job(memory, _item(1), _item(2))
    _take(memory, job, "me")
    memory.jobs.give_back(job, "me")
    assert [(item.state, item.tries) for item in memory.jobs.items(job)] == [("waiting", 0)] * 2


def test_a_deleted_job_is_gone_but_not_while_it_is_worked_on(memory: Services) -> None:
    """A job that a process works on can't be deleted; afterwards its items go with it."""
    job = _job(memory, _item(1))
    owner = memory.jobs.owner("me")
    item = _take(memory, job, owner)
    with pytest.raises(SessionError, match="Cancel the job first"):
        memory.jobs.delete(job)
    memory.jobs.give_back(job, owner)
    memory.jobs.delete(job)
    memory.jobs.done(item, Answered())
    with pytest.raises(NoSuchJob):
        memory.jobs.refreshed(job)
    assert list(memory.jobs.items(job)) == []


def test_items_are_read_by_pages(memory: Services) -> None:
    """Items are yielded in order across pages, also those of one state, and while others are changed."""
    job = _job(memory, *map(_item, range(1, 1_202)))
    seen = []
    for item in memory.jobs.items(job, "waiting", after=1):
        seen.append(item.position)
        if item.position % 400 == 0:
            memory.jobs.skipped(item, "Enough.")
    assert seen == list(range(2, 1_202))
    assert [item.position for item in memory.jobs.items(job, "skipped", limit=2)] == [400, 800]


def test_a_log_without_our_tables_has_no_jobs(memory: Services) -> None:
    """Reading a plain log of llm makes no tables in it."""
    assert memory.jobs.list() == []
    with pytest.raises(NoSuchJob, match="no jobs"):
        memory.jobs.get("prompts")
    assert not memory.desk.log.columns("memory_jobs")
