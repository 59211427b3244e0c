"""Work on a job: items are asked side by side, tried again, given up, paid for and interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llm
import pytest

from llm_session_memory import Memory
from llm_session_memory.errors import LogUnusable, ModelFailed, TooExpensive
from llm_session_memory.llm_seam import crew
from llm_session_memory.llm_seam.asking import Question, ask_async
from llm_session_memory.llm_seam.working import Also, JobProgress, Limits, Runner, Skip, Worked, work
from llm_session_memory.model.jobs import Item, Job
from llm_session_memory.rules.pacing import backoff
from llm_session_memory.services.bundle import Services
from tests.world.logs import LogBuilder, Said
from tests.world.scripted import Script


@dataclass(frozen=True)
class Answered:
    """An answer as the seam returns it."""

    turn_id: str
    model: str = "gpt-4o-mini"
    input_tokens: int | None = 1_000_000
    output_tokens: int | None = 0
    thread_id: str = "01a"
    duration_ms: int | None = 40


class ServerError(Exception):
    """An error as the libraries of providers raise it."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"The server said {status}.")
        self.status_code = status
        self.headers = headers or {}


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        log.turns("01a", Said("About the railing?"))
    return path


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all waits after failures be a hundred times shorter."""
    monkeypatch.setattr(crew, "backoff", lambda failures: backoff(failures, lambda: 0.0) / 100)


def _job(path: Path, count: int, *, needs: bool = False, **more: Any) -> Job:
    items = (Item("", n, f"key {n}", {"n": n}, needs=(n - 1,) if needs and n > 1 else ()) for n in range(1, count + 1))
    with Services.open(path) as services:
        return services.jobs.add(services.jobs.new("batch", "prompts", {"model": "gpt-4o-mini"}, **more), items)


def _items(path: Path, job: Job) -> list[Item]:
    with Services.open(path) as services:
        return list(services.jobs.items(job))


def _failing(errors: dict[int, list[BaseException]]) -> Runner:
    """Return a runner that fails items with these errors, in turn, and then answers."""

    def run(services: Services, item: Item, also: Also) -> None:
        left = errors.get(item.position)
        if left:
            raise left.pop(0)
        with services.writing():
            also(Answered(f"turn {item.position}"))

    return run


def _failed(error: Exception) -> ModelFailed:
    """Return an error of a model as the seam raises it."""
    failed = ModelFailed(str(error))
    failed.__cause__ = error
    return failed


def test_every_item_is_asked_once_side_by_side(path: Path) -> None:
    """As many items as asked for are in progress at the same time, and each is done once."""
    job, together, asked = _job(path, 12), threading.Barrier(3, timeout=20), list[int]()

    def run(_: Services, item: Item, __: Also) -> dict[str, int]:
        asked.append(item.position)
        together.wait()
        return {"n": item.position}

    seen: list[JobProgress] = []
    done = work(path, job, run, jobs=3, progress=seen.append)
    assert (done.interrupted, done.job.state, done.job.counts) == (False, "done", {"done": 12})
    assert sorted(asked) == [*range(1, 13)]
    assert [item.output for item in _items(path, job)] == [{"n": n} for n in range(1, 13)]
    assert (seen[-1].total, seen[-1].ended, seen[-1].running) == (12, 12, 0)


def test_only_ctrl_c_is_told_as_ctrl_c(path: Path) -> None:
    """While a job that stops by itself waits for its last answers, nobody is told that they pressed Ctrl-C."""
    job, seen, enough = _job(path, 2), list[JobProgress](), threading.Event()

    def run(services: Services, item: Item, __: Also) -> None:
        if item.position == 1:
            services.jobs.stop(job, "Enough.")
        else:
            enough.wait(20)

    def told(now: JobProgress) -> None:
        seen.append(now)
        if [one.job.state for one in seen].count("stopped") > 3:
            enough.set()

    assert work(path, job, run, jobs=2, progress=told).job.reason == "Enough."
    assert {now.stopping for now in seen} == {False}


def test_items_that_need_others_come_after_them(path: Path) -> None:
    """However many workers there are, items that need each other are asked in their order."""
    job, asked = _job(path, 6, needs=True), list[int]()

    def run(_: Services, item: Item, __: Also) -> None:
        asked.append(item.position)
        if item.position == 2:
            raise Skip("Its condition did not hold.")

    assert work(path, job, run, jobs=4).job.counts == {"done": 5, "skipped": 1}
    assert asked == [*range(1, 7)]
    assert _items(path, job)[1].error == "Its condition did not hold."


def test_async_items_share_one_loop(path: Path) -> None:
    """A coroutine function is run on one loop: all its items are asked by one thread, side by side."""
    import asyncio

    job, threads, together = _job(path, 8), set[int](), list[int]()
    running = 0

    async def run(services: Services, item: Item, also: Also) -> None:
        nonlocal running
        threads.add(threading.get_ident())
        running += 1
        together.append(running)
        await asyncio.sleep(0.01)
        running -= 1
        with services.writing():
            also(Answered(f"turn {item.position}"))

    assert work(path, job, run, jobs=4).job.counts == {"done": 8}
    assert (len(threads), max(together)) == (1, 4)


def test_asynchronous_models_answer_into_one_session(log: Path, script: Script) -> None:
    """Prompts of an asynchronous model are asked side by side; each answer and its item are one transaction."""
    script.replies = [lambda prompt: f"Reply to {prompt.prompt}"]
    with Memory(create=True) as memory:
        assert memory.path == log
        session = memory.sessions.create("work")
        items = (Item("", n, f"key {n}", {"prompt": f"Prompt {n}"}) for n in range(1, 9))
        job = memory.jobs.add(memory.jobs.new("batch", "prompts", {"model": "scripted"}), items)
    model = llm.get_async_model("scripted")

    async def run(services: Services, item: Item, also: Also) -> None:
        await ask_async(services, session, Question(item.input["prompt"], context="none"), model, also=also)

    assert work(log, job, run, jobs=4).job.counts == {"done": 8}
    with Memory(log) as memory:
        exchanges = {one.turns[0].id: (one.prompt, one.reply) for one in memory.sessions.exchanges("work")}
        done = {item.turn_id: (p := item.input["prompt"], f"Reply to {p}") for item in memory.jobs.items(job)}
    assert exchanges == done


def test_what_may_pass_is_tried_again(path: Path) -> None:
    """An item whose server was busy is asked again; one that the server refuses is not; others are not held up."""
    job = _job(path, 3)
    busy: list[BaseException] = [_failed(ServerError(500)), _failed(ServerError(429, {"Retry-After": "0"}))]
    done = work(path, job, _failing({1: busy, 2: [_failed(ServerError(400))]}), jobs=2)
    assert done.job.state == "done"
    one, two, three = _items(path, job)
    assert (one.state, one.error, two.state, two.tries, three.state) == ("done", None, "failed", 1, "done")
    assert two.error == "The server said 400."


def test_an_item_is_given_up_after_its_tries(path: Path) -> None:
    """An item that fails each time is failed after as many tries as it has, and its job ends."""
    job = _job(path, 2)
    run = _failing({1: [_failed(ServerError(500)) for _ in range(9)]})
    assert work(path, job, run, jobs=1, tries=lambda item: 2 + item.position).job.counts == {"done": 1, "failed": 1}
    assert _items(path, job)[0].tries == 3


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ServerError(401), "The server said 401."),
        (ServerError(429, {"Retry-After": "7200"}), "The server said 429. The server asks to wait 120 minutes."),
        (ConnectionError("Connection refused"), "No answer after 4 attempts in a row: Connection refused."),
        (TooExpensive("Session “work” has cost $2.", "Nothing was sent."), "Session “work” has cost $2. Nothing was"),
    ],
    ids=["key", "told to wait for hours", "out of reach", "budget"],
)
def test_a_job_stops_if_all_its_items_would_fail(path: Path, error: Exception, reason: str) -> None:
    """The job stops with the reason, and its items wait for better times, without losing a try."""
    job = _job(path, 30)
    raised = error if isinstance(error, TooExpensive) else _failed(error)

    def run(_: Services, __: Item, ___: Also) -> None:
        raise raised

    stopped = work(path, job, run, jobs=2).job
    assert (stopped.state, stopped.counts) == ("stopped", {"waiting": 30})
    assert (stopped.reason or "").startswith(reason)
    with Services.open(path) as services:
        again = services.jobs.resume(job)
    assert work(path, again, _failing({})).job.counts == {"done": 30}


def test_a_job_stops_if_its_first_items_fail_alike(path: Path) -> None:
    """A mistake that all items have, such as a wrong option, does not fail ten thousand of them."""
    job = _job(path, 100)

    def run(_: Services, __: Item, ___: Also) -> None:
        raise ModelFailed("This model has no option “mood”.")

    stopped = work(path, job, run, jobs=1).job
    assert (stopped.state, stopped.counts) == ("stopped", {"failed": 20, "waiting": 80})
    assert stopped.reason == "The first 20 items failed in the same way: This model has no option “mood”."


def test_a_failed_item_can_stop_its_job(path: Path) -> None:
    """What begun the work may decide that a failed item ends the job."""
    job = _job(path, 5)
    run = _failing({2: [ModelFailed("No.")]})
    stopped = work(path, job, run, jobs=1, on_failed=lambda item, error: f"Item {item.position}: {error}").job
    assert (stopped.state, stopped.reason, stopped.counts["waiting"]) == ("stopped", "Item 2: No.", 3)


def test_a_job_stops_at_its_cost(path: Path) -> None:
    """A job stops before the item that would cost more than is left, and goes on with a higher limit."""
    job = _job(path, 10, max_cost=0.5)
    stopped = work(path, job, _failing({}), jobs=1).job
    assert stopped.counts == {"done": 3, "waiting": 7}  # at 15 cents each
    assert stopped.reason == "The job has cost $0.45 of at most $0.50. The next prompt would cost about $0.15."
    with Services.open(path) as services:
        again = services.jobs.resume(job, max_cost=None)
    assert work(path, again, _failing({})).job.counts == {"done": 10}


def test_a_cost_is_kept_however_many_are_asked_together(path: Path) -> None:
    """The first answer says what an item costs; no more are asked side by side than the rest pays for."""
    stopped = work(path, _job(path, 10, max_cost=0.4), _failing({}), jobs=6).job
    assert (stopped.state, stopped.counts) == ("stopped", {"done": 2, "waiting": 8})


def test_a_limit_in_dollars_needs_a_price(path: Path) -> None:
    """Nothing is sent to a model without a known price if the job may cost only so much."""
    with Services.open(path) as services:
        made = services.jobs.new("batch", "prompts", {"model": "nobody-knows"}, max_cost=1.0)
        job = services.jobs.add(made, [Item("", 1, "k", {})])
    stopped = work(path, job, _failing({})).job
    assert (stopped.state, stopped.counts) == ("stopped", {"waiting": 1})
    assert "the price of nobody-knows is unknown" in (stopped.reason or "")


def test_the_first_interrupt_lets_answers_come(path: Path) -> None:
    """After Ctrl-C no item is taken, the answers of those in progress are kept, and the rest waits."""
    job, begun, interrupted = _job(path, 9), threading.Semaphore(0), threading.Event()

    def run(services: Services, item: Item, also: Also) -> None:
        begun.release()
        assert interrupted.wait(20)
        with services.writing():
            also(Answered(f"turn {item.position}"))

    done = _interrupted(path, job, run, begun, 2, interrupted.set)
    assert done.interrupted
    assert (done.job.counts, done.job.state) == ({"done": 2, "waiting": 7}, "stopped")


def test_the_second_interrupt_gives_items_back(path: Path) -> None:
    """After Ctrl-C twice, the items in progress wait again, as if they had not been asked."""
    job, begun, over = _job(path, 9), threading.Semaphore(0), threading.Event()

    def run(_: Services, __: Item, ___: Also) -> None:
        begun.release()
        assert over.wait(20)
        raise Skip("The test is over.")

    done = _interrupted(path, job, run, begun, 2, None)
    assert done.job.counts == {"waiting": 9}
    assert [item.tries for item in _items(path, job)] == [0] * 9
    over.set()
    for thread in threading.enumerate():
        if thread.name == "llm-sessions-job":
            thread.join()


def _interrupted(  # noqa: PLR0913  what a test chooses
    path: Path, job: Job, run: Runner, begun: threading.Semaphore, count: int, then: Callable[[], None] | None
) -> Worked:
    """Work with `count` workers and press Ctrl-C once all of them ask; then call `then`, or press it again."""

    def presses() -> Iterator[None]:
        for _ in range(count):
            assert begun.acquire(timeout=20)
        yield
        if then is not None:
            then()
        else:
            yield

    pressing = presses()

    def progress(now: JobProgress) -> None:
        if next(pressing, pressing) is not pressing and now.job.state == "open":
            raise KeyboardInterrupt

    return work(path, job, run, jobs=count, progress=progress)


def test_two_processes_share_a_job(path: Path) -> None:
    """Two works on one job do each item once between them, and both end when all are done."""
    job, asked, lock = _job(path, 40), list[int](), threading.Lock()

    def run(_: Services, item: Item, __: Also) -> None:
        with lock:
            asked.append(item.position)

    other = threading.Thread(target=work, args=(path, job, run), kwargs={"jobs": 2})
    other.start()
    assert work(path, job, run, jobs=2).job.state == "done"
    other.join()
    assert sorted(asked) == [*range(1, 41)]


def test_a_log_that_breaks_ends_the_work(path: Path) -> None:
    """An error of the log is raised, not kept with an item, and items wait again."""
    job = _job(path, 3)
    with pytest.raises(LogUnusable, match="disk"):
        work(path, job, _failing({1: [LogUnusable("The disk is full.")]}), jobs=1)
    assert [item.state for item in _items(path, job)] == ["waiting"] * 3


@pytest.mark.parametrize("limits", [Limits(requests_a_minute=0.001), Limits(tokens_a_minute=1.0)])
def test_limits_hold_up_the_next_request(path: Path, limits: Limits) -> None:
    """Once a request has taken its share of the limit, the next one waits."""
    job = _job(path, 2)

    def progress(now: JobProgress) -> None:
        if now.ended and now.job.state == "open":
            raise KeyboardInterrupt

    assert work(path, job, _failing({}), limits=limits, progress=progress).job.counts == {"done": 1, "waiting": 1}
