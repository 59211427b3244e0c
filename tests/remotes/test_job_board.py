"""Jobs on a remote: each item is done once, whoever asks it, and whatever is killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import pytest

from llm_session_memory.errors import AlreadyDone
from llm_session_memory.model.jobs import Item, Job
from llm_session_memory.model.remotes import Document
from llm_session_memory.remotes.distributed.engine import schema_of
from llm_session_memory.remotes.distributed.keeping import keep
from llm_session_memory.remotes.distributed.sending import prepare
from llm_session_memory.remotes.postgres.job_board import MOST_DEATHS, Board, NotNow, NotOurs
from llm_session_memory.remotes.postgres.job_rows import Ticket
from tests.world.postgres_server import Postgres

Opener = Callable[[str], Board]
"""Opens the jobs of one database for a worker of this name."""

ANSWER: dict[str, Any] = {
    "model": "slow",
    "thread_id": "01thread",
    "turn_id": "01turn",
    "input_tokens": 3,
    "output_tokens": 4,
    "duration_ms": 5,
    "cost_usd": None,
}


@pytest.fixture(name="prepared", scope="module")
def _prepared(postgres: Postgres) -> str:
    """The name of a database with all tables. Each test gets a copy."""
    name = postgres.database()
    with closing(Board(postgres.address(name))) as board:
        prepare(board)
    return name


@pytest.fixture(name="database")
def _database(postgres: Postgres, prepared: str) -> str:
    return postgres.database(prepared)


@pytest.fixture(name="at")
def _at(postgres: Postgres, database: str) -> Iterator[Opener]:
    opened: list[Board] = []

    def at(owner: str) -> Board:
        opened.append(Board(postgres.address(database), owner=owner))
        return opened[-1]

    yield at
    for one in opened:
        one.close()


def job_of(board: Board, count: int, max_cost: float | None = None, **settings: Any) -> Job:
    """Give a job of so many prompts to the board, and return it."""
    job = Job("01job", "work", "batch", {"model": "slow", **settings}, "2026-11-29", max_cost=max_cost)
    items = [Item(job.id, n, f"key {n}", {"prompt": f"prompt {n}"}) for n in range(1, count + 1)]
    with board.transaction():
        board.add(job, items, "home", "ada")
        board.enqueue(job.id)
    return job


def states(board: Board, job: Job) -> list[str]:
    """Return the states of items that are not untouched."""
    return [one.state for one in board.items(job.id)]


def tickets(postgres: Postgres, database: str) -> list[str]:
    """Return what DBOS was given, in order."""
    sql = f"select workflow_uuid from {schema_of('llm_sessions')}.workflow_status order by 1"
    return [name for (name,) in postgres.run(sql, database=database)]


def test_dbos_gets_ids_and_no_texts(at: Opener, postgres: Postgres, database: str) -> None:
    """DBOS's tables have the ids of the items; prompts are in ours alone."""
    job_of(at("home"), 2)
    assert tickets(postgres, database) == ["01job.1.1", "01job.2.1"]
    inputs = postgres.run(f"select inputs from {schema_of('llm_sessions')}.workflow_input", database=database)
    assert all("prompt" not in text for (text,) in inputs)


def test_an_item_is_taken_by_one_worker(at: Opener) -> None:
    """A second worker with the same ticket doesn't get the item."""
    job_of(at("home"), 1)
    assert at("one").claim(Ticket("01job", 1, 1)).input == {"prompt": "prompt 1"}
    with pytest.raises(NotOurs):
        at("two").claim(Ticket("01job", 1, 1))


def test_an_item_is_done_once_and_the_second_answer_leaves_nothing(
    at: Opener, postgres: Postgres, database: str
) -> None:
    """Whoever comes second keeps no item, no document, no digest and no cost."""
    job = job_of(at("home"), 2)
    one, two = at("one"), at("two")
    item = one.claim(Ticket("01job", 1, 1))
    first = Document("thread", "01a", {"threads": [{"id": "01a"}]}, "01a", bucket="s-00", stamp=7)
    keep(one, item, [first], {**ANSWER, "cost_usd": 0.5})
    with pytest.raises(AlreadyDone):
        keep(two, item, [replace(first, key="01b", thread_id="01b")], {**ANSWER, "cost_usd": 0.5})
    assert [*one.remote.digests(["s-00"])] == [("s-00", "01a", (1, 7))]
    assert [one.key for one in at("x").remote.documents("thread", ["01a", "01b"])] == ["01a"]
    found = one.job(job.id)
    assert found is not None
    assert (found.state, found.spent_usd) == ("open", 0.5)


def test_the_last_item_ends_the_job(at: Opener) -> None:
    """A job is done when nothing of it waits or is being asked."""
    board = at("one")
    job = job_of(board, 2)
    keep(board, board.claim(Ticket("01job", 1, 1)), [], ANSWER)
    board.end(board.claim(Ticket("01job", 2, 1)), "failed", "It broke.", 1)
    found = board.job(job.id)
    assert found is not None
    assert found.state == "done"
    assert [(one.state, one.error) for one in board.items(job.id)] == [("done", None), ("failed", "It broke.")]


def test_an_item_that_waits_gets_a_new_ticket(at: Opener, postgres: Postgres, database: str) -> None:
    """After a failure that may pass it is given to DBOS again, and the old ticket is worth nothing."""
    board = at("one")
    job_of(board, 1)
    board.wait(board.claim(Ticket("01job", 1, 1)), "Busy.", 0.0, 1)
    assert tickets(postgres, database) == ["01job.1.1", "01job.1.2"]
    with pytest.raises(NotOurs):
        board.claim(Ticket("01job", 1, 1))
    assert board.claim(Ticket("01job", 1, 2)).tries == 2


def test_the_items_of_a_dead_worker_are_asked_by_others(at: Opener) -> None:
    """A worker that was silent for long loses its items, DBOS is told, and the same ticket counts."""
    dead, alive = at("dead"), at("alive")
    job = job_of(alive, 2)
    dead.alive("machine")
    dead.claim(Ticket("01job", 1, 1))
    told: list[str] = []
    assert not alive.recover(60, told.append)
    dead.gone()
    assert alive.recover(60, told.append)
    assert told == ["dead"]
    assert states(alive, job) == ["waiting"]
    assert alive.claim(Ticket("01job", 1, 1)).tries == 2
    assert not alive.recover(60, told.append)


def test_a_worker_that_is_killed_while_it_recovers_another_leaves_it_to_the_next(at: Opener) -> None:
    """If DBOS couldn't be told, nothing has changed."""

    def killed(owner: str) -> None:
        raise KeyboardInterrupt(owner)

    dead, one, two = at("dead"), at("one"), at("two")
    job = job_of(one, 1)
    dead.alive("machine")
    dead.claim(Ticket("01job", 1, 1))
    dead.gone()
    with suppress(KeyboardInterrupt):
        one.recover(60, killed)
    assert states(two, job) == ["running"]
    assert two.recover(60, lambda _: None)
    assert states(two, job) == ["waiting"]


def test_an_item_that_kills_its_workers_fails(at: Opener) -> None:
    """After so many deaths it isn't asked again, and the job ends."""
    alive = at("alive")
    job = job_of(alive, 1)
    for number in range(MOST_DEATHS):
        dead = at(f"dead {number}")
        dead.alive("machine")
        dead.claim(Ticket("01job", 1, 1))
        dead.gone()
        assert alive.recover(60, lambda _: None)
    (item,) = alive.items(job.id)
    assert (item.state, item.error) == ("failed", "5 workers died while they asked it.")
    found = alive.job(job.id)
    assert found is not None
    assert found.state == "done"


def test_a_worker_that_was_called_dead_by_mistake_changes_nothing_later(at: Opener) -> None:
    """A machine that slept can't let an item wait, or fail, that another one is asking."""
    slept, alive = at("slept"), at("alive")
    job = job_of(alive, 1)
    slept.alive("machine")
    item = slept.claim(Ticket("01job", 1, 1))
    slept.gone()
    alive.recover(60, lambda _: None)
    alive.claim(Ticket("01job", 1, 1))
    slept.wait(item, "Late.", 0, 1)
    slept.end(item, "failed", "Late.", 1)
    (found,) = alive.items(job.id)
    assert (found.state, found.error) == ("running", None)


def test_a_job_costs_at_most_what_it_may_on_all_machines_together(at: Opener) -> None:
    """The first prompt says what they cost; then only so many are asked at once as the rest pays for."""
    one, two = at("one"), at("two")
    job_of(one, 9, max_cost=1.0)
    first = one.claim(Ticket("01job", 1, 1))
    with pytest.raises(NotNow):
        two.claim(Ticket("01job", 2, 1))
    keep(one, first, [], {**ANSWER, "cost_usd": 0.3})
    one.claim(Ticket("01job", 2, 1))
    two.claim(Ticket("01job", 3, 1))
    with pytest.raises(NotNow):
        two.claim(Ticket("01job", 4, 1))


def test_a_cancelled_job_gives_nothing_out_and_keeps_what_is_being_asked(at: Opener) -> None:
    """Its waiting items are cancelled; the one that is being asked gets its answer. Resumed, the rest goes on."""
    board = at("one")
    job = job_of(board, 3)
    item = board.claim(Ticket("01job", 1, 1))
    board.cancel(job.id)
    with pytest.raises(NotOurs):
        board.claim(Ticket("01job", 2, 1))
    keep(board, item, [], ANSWER)
    assert states(board, job) == ["done", "cancelled", "cancelled"]
    board.resume(job.id)
    assert states(board, job) == ["done", "waiting", "waiting"]
    assert board.claim(Ticket("01job", 2, 2)).position == 2


def test_what_failed_is_asked_again_if_a_person_wants_it(at: Opener) -> None:
    """`resume` leaves it, and with `failed` it waits again with no tries."""
    board = at("one")
    job = job_of(board, 1)
    board.end(board.claim(Ticket("01job", 1, 1)), "failed", "It broke.", 4)
    board.resume(job.id)
    assert states(board, job) == ["failed"]
    board.resume(job.id, failed=True)
    assert board.claim(Ticket("01job", 1, 2)).tries == 1


def test_a_worker_that_ends_at_once_gives_back_its_items_uncounted(
    at: Opener, postgres: Postgres, database: str
) -> None:
    """Ctrl-C twice is no try."""
    board = at("one")
    job_of(board, 2)
    board.claim(Ticket("01job", 1, 1))
    board.give_back()
    assert "01job.1.2" in tickets(postgres, database)
    assert at("two").claim(Ticket("01job", 1, 2)).tries == 1


def test_what_somebody_wrote_into_the_tables_is_read_as_text(at: Opener, postgres: Postgres, database: str) -> None:
    """States that don't exist, escape sequences and endless costs do no harm at home."""
    board = at("one")
    job = job_of(board, 1)
    postgres.run(
        "update llm_sessions.remote_items set state = 'x', error = E'\\x1b[2J' || repeat('a', 9999),"
        " cost_usd = 'infinity', tries = 3",
        database=database,
    )
    postgres.run("update llm_sessions.remote_jobs set state = 'x', spent_usd = 'nan'", database=database)
    (item,), found = board.items(job.id), board.job(job.id)
    assert (item.state, item.cost_usd) == ("failed", None)
    assert item.error is not None
    assert len(item.error) <= 500
    assert "\x1b" not in item.error
    assert found is not None
    assert (found.state, found.spent_usd) == ("stopped", None)
