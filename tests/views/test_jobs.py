"""Rules of the pages of jobs: how far each is, what failed, what it cost, and a workflow's graph."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasette_session_views.show.graph import GraphNode, graph
from datasette_session_views.show.jobs import bar, pace
from datasette_session_views.show.layers import Edge, layout
from llm_session_memory.model.jobs import Job
from llm_session_memory.reader.jobs import Progress, Work
from tests.views.conftest import Get, Tags, serving
from tests.views.jobs_world import STEPS, STOPPED, WRONG, Jobs, write_jobs
from tests.views.test_permissions import ROOT, asking, with_tables
from tests.world.everything import Session, with_rows, with_sessions
from tests.world.laws import tried
from tests.world.logs import LogBuilder, Said

NOW = datetime(2026, 9, 1, 10, 0, tzinfo=timezone.utc)


@pytest.fixture(name="jobs", scope="module")
def _jobs(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    return write_jobs(tmp_path_factory.mktemp("jobs") / "logs.db")


@pytest.fixture(name="see")
def _see(jobs: Jobs) -> Get:
    return serving(jobs.path)


@pytest.fixture(name="bare")
def _bare(tmp_path: Path) -> Get:
    """Return a function that gets pages of a log with a session and without jobs."""
    with LogBuilder(tmp_path / "logs.db") as log:
        thread = log.thread()
        turns = log.turns(thread, Said("Plain."))
    with_sessions(tmp_path / "logs.db", Session(thread, "plain", turns))
    return serving(tmp_path / "logs.db")


def links(html: str) -> list[str]:
    return [str(given["href"]) for tag, given in Tags(html).found if tag == "a" and given.get("href")]


# -- the list ---------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_list_says_how_far_each_job_is(see: Get) -> None:
    """The newest job is first; each says its state, what is done and failed, why it stopped, and what it cost."""
    page = await see("/logs/-/sessions/jobs")
    assert page.status == 200
    order = [page.shown.index(words) for words in ("work again rerun", "essay-1 workflow", "tides batch")]
    assert order == sorted(order)
    for words in ("40 of 60 done, 3 failed", "5 of 8 done, 1 failed", "1 of 1 done", STOPPED, "$0.04", "local"):
        assert words in page.shown
    found = (await see("/logs/-/sessions/jobs.json")).json()["jobs"]
    assert [(job["name"], job["state"], job["items"]) for job in found] == [
        ("work again", "done", 1), ("essay-1", "open", 8), ("tides", "stopped", 60),
    ]  # fmt: skip
    assert (found[2]["counts"]["waiting"], found[2]["cost_usd"], found[2]["input_tokens"]) == (17, 0.04, 1600)
    assert (found[1]["cost_usd"], found[1]["answers_priced"]) == (None, 0)


@pytest.mark.asyncio
async def test_the_list_can_be_narrowed(see: Get) -> None:
    """By kind and by state; another word is refused and named."""
    for asked, names in (("kind=batch", ["tides"]), ("state=open", ["essay-1"]), ("kind=rerun&state=open", [])):
        found = (await see(f"/logs/-/sessions/jobs.json?{asked}")).json()["jobs"]
        assert [job["name"] for job in found] == names
    assert "No jobs match." in (await see("/logs/-/sessions/jobs?kind=rerun&state=open")).shown
    assert (await see("/logs/-/sessions/jobs?kind=cron")).status == 400


@pytest.mark.asyncio
async def test_the_list_goes_on_on_another_page(tmp_path: Path) -> None:
    """More jobs than a page has are on the next ones, each once."""
    write_jobs(tmp_path / "logs.db")
    common = {"kind": "batch", "state": "done", "settings_json": "not JSON", "created_utc": "2026"}
    with_rows(
        tmp_path / "logs.db",
        "memory_jobs",
        *({"id": f"02{n:024}", "name": f"n{n}", "name_key": f"n{n}", **common} for n in range(30)),
    )
    get = serving(tmp_path / "logs.db")
    address: str | None = "/logs/-/sessions/jobs.json"
    names: list[str] = []
    while address:
        page = (await get(address)).json()
        names += [job["name"] for job in page["jobs"]]
        address = page["next_url"]
    assert len(names) == len(set(names)) == 33
    assert "This job has no items yet." in (await get("/logs/-/sessions/job/n3")).shown


@pytest.mark.asyncio
async def test_a_log_without_jobs_says_how_to_start_one(bare: Get) -> None:
    """The page of jobs does, and the list has no link to it."""
    assert "No jobs yet. Start one with" in (await bare("/logs/-/sessions/jobs")).shown
    assert "/sessions/jobs" not in (await bare("/logs/-/sessions")).text


@pytest.mark.asyncio
async def test_list_and_transcript_lead_to_jobs(see: Get) -> None:
    """The list does if there is a job, and the transcript of a session that one asked."""
    assert "/logs/-/sessions/jobs" in (await see("/logs/-/sessions")).text
    assert "Asked by job tides" in (await see("/logs/-/session/tides")).shown


# -- one job ----------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_job_shows_its_items_with_their_answers(see: Get, jobs: Jobs) -> None:
    """A page has fifty; each says what was asked, and leads to its answer, if the log has one."""
    page = await see("/logs/-/sessions/job/tides")
    assert page.text.count('<tr id="i-') == 50
    assert (
        "pier <1> When is low water at pier 1? ✓ done answer to item 1 gpt-4o-mini 40 / 8 1.2 s $0.0010" in page.shown
    )
    answers = [link for link in links(page.text) if "/sessions/turn/" in link]
    assert [link.rpartition("/")[2] for link in answers] == jobs.turns["tides"]
    landed = await see(answers[5], follow_redirects=True)
    assert "When is low water at pier 6?" in landed.shown
    more = next(link for link in links(page.text) if "after=50" in link)
    assert (await see(more.partition("#")[0])).text.count('<tr id="i-') == 10
    assert "No more items. « First page" in (await see("/logs/-/sessions/job/tides?after=60")).shown


@pytest.mark.asyncio
async def test_what_failed_is_counted_by_its_error(see: Get) -> None:
    """An error is said once with its number, is text and not markup, and its items can be seen alone."""
    page = await see("/logs/-/sessions/job/tides")
    assert f"Failures 3× {WRONG}" in page.shown
    assert "<b>Try" not in page.text
    failed = await see("/logs/-/sessions/job/tides?state=failed")
    assert failed.text.count('<tr id="i-') == 3
    assert "✗ failed 5 tries" in failed.shown
    assert (await see("/logs/-/sessions/job/tides?state=broken")).status == 400


@pytest.mark.asyncio
async def test_a_job_that_can_go_on_says_how(see: Get) -> None:
    """The commands name the job and its log; a job that is done has none."""
    page = await see("/logs/-/sessions/job/tides")
    for words in ("llm sessions job resume tides", "llm sessions job retry-failed tides", "job cancel tides"):
        assert words in page.shown
    done = await see("/logs/-/sessions/job/work~20again")
    assert "llm sessions job" not in done.shown
    assert done.status == 200


@pytest.mark.asyncio
async def test_a_rerun_leads_to_its_comparison(see: Get) -> None:
    """The new answers are compared with those before, if these are still in the log."""
    page = await see("/logs/-/sessions/job/work~20again")
    (compared,) = [link for link in links(page.text) if "compare?" in link]
    assert "a tides gpt-4o-mini" in (await see(compared)).shown
    assert "1 exchange 1 ✓ done answer to item 1" in page.shown
    assert "Compare with the earlier answers" not in (await see("/logs/-/sessions/job/tides")).shown


@pytest.mark.asyncio
async def test_a_job_is_found_by_its_id_too(see: Get, jobs: Jobs) -> None:
    """So is one by the beginning of its id, if no other begins so. What is none of these is said to be missing."""
    by_id = (await see(f"/logs/-/sessions/job/{jobs.ids['tides']}.json")).json()
    by_name = (await see("/logs/-/sessions/job/TIDES.json")).json()
    cut_off = (await see(f"/logs/-/sessions/job/{jobs.ids['tides'][:-1]}.json")).json()
    assert by_id == by_name == cut_off
    missing = await see("/logs/-/sessions/job/nothing", headers={"Accept": "text/html"})
    assert (missing.status, "Job “nothing” not found. All jobs" in missing.shown) == (404, True)


@pytest.mark.asyncio
async def test_a_jobs_json_has_what_its_page_shows(see: Get) -> None:
    """Job, failures and items with input, figures and the address of the answer."""
    found = (await see("/logs/-/sessions/job/tides.json?after=39")).json()
    assert found["job"]["errors"] == [{"error": WRONG, "items": 3}]
    assert found["job"]["settings"]["options"] == {"temperature": 0}
    answered, failed = found["items"][:2]
    assert (answered["input"], answered["seconds"], answered["cost_usd"]) == (
        {"prompt": "When is low water at pier 40?"}, 1.2, 0.001,
    )  # fmt: skip
    assert answered["answer_url"].endswith(answered["turn_id"])
    assert (failed["state"], failed["answer_url"], failed["tries"]) == ("failed", None, 5)


# -- the graph of a run -----------------------------------------------------------


@pytest.mark.asyncio
async def test_a_runs_steps_are_drawn_with_their_states(see: Get, jobs: Jobs) -> None:
    """A step is a node that leads to its answer; one of several items leads to them and says how many are done."""
    page = await see("/logs/-/sessions/job/essay-1")
    nodes = {
        str(given["aria-label"]): str(given["href"])
        for tag, given in Tags(page.text).found
        if given.get("aria-label") and tag == "a"
    }
    assert nodes["outline, done, 1.2 s · local"].endswith(f"/turn/{jobs.turns['essay-1'][0]}")
    several = nodes["draft, 2 of 3 done, 1 failed, 2.4 s · local"]
    assert (await see(several.partition("#")[0])).text.count('<tr id="i-') == 3
    assert 'id="graph-1"' in page.text
    assert 'id="graph-4"' in page.text
    assert {"critique, waiting", "publish, waiting", "count, done, 42.0 s"} <= nodes.keys()
    steps = {step["step"]: step["needs"] for step in (await see("/logs/-/sessions/job/essay-1.json")).json()["steps"]}
    assert steps["critique"] == ["draft", "facts"]
    assert len(steps) == len({name.partition("[")[0] for name in STEPS})
    assert "topic" in page.shown
    assert "sv-graph" not in (await see("/logs/-/sessions/job/tides")).text


edges = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40)


@tried(200)
@given(count=st.integers(0, 13), pairs=edges, widest=st.integers(1, 5))
def test_each_step_is_below_those_that_it_needs(count: int, pairs: list[Edge], widest: int) -> None:
    """Whatever is given, no layer is too wide, no two nodes share a place, and lines go down one layer at a time."""
    laid = layout(count, pairs, widest)
    assert len(set(laid.nodes)) == count
    for down in range(laid.height):
        there = sorted(across for across, layer in laid.nodes if layer == down)
        assert len(there) <= widest
        assert all(right - left > 0.999 for left, right in pairwise(there))
    assert all(other[1] == one[1] + 1 for one, other in laid.lines)
    assert all(0 <= across < laid.width - 0.999 for across, _ in laid.nodes)
    forward = [(one, other) for one, other in pairs if one < other < count]
    ordered = layout(count, forward, widest)
    assert all(ordered.nodes[one][1] < ordered.nodes[other][1] for one, other in forward)


def test_a_run_of_many_steps_stays_narrow_and_small() -> None:
    """Two hundred steps that one needs are drawn no wider than a page, with one line that they share."""
    nodes = [GraphNode(f"step {n}", "done", "done") for n in range(200)]
    drawn = graph([*nodes, GraphNode("all", "waiting", "waiting", needs=tuple(range(200)))], "Many")
    width = int(drawn.partition('viewBox="0 0 ')[2].partition(" ")[0])
    assert width < 1_100
    assert len(drawn) < 200_000
    Tags(drawn)


# -- words ------------------------------------------------------------------------


def work(state: str = "open", **counts: int) -> Work:
    return Work(Job("1", "x", "batch", {}, "2026", state=state, counts=counts))  # type: ignore[arg-type]


PACES: Sequence[tuple[Work, Progress, str]] = (
    (work("done", done=3), Progress(), ""),
    (work(waiting=3), Progress(), "No process is working on it."),
    (work(waiting=3), Progress(processes=1), "1 process is working on it."),
    (
        work(done=30, waiting=30),
        Progress(processes=2, recent=30, recent_utc=(NOW - timedelta(minutes=1)).isoformat()),
        "2 processes are working on it: 30 items a minute, about 1 min left.",
    ),
    (
        work(done=30, waiting=18_000),
        Progress(processes=1, recent=30, recent_utc=(NOW - timedelta(minutes=1)).isoformat()),
        "1 process is working on it: 30 items a minute, about 10 hours left.",
    ),
)


@pytest.mark.parametrize(("job", "progress", "said"), PACES)
def test_the_pace_is_that_of_the_last_minutes(job: Work, progress: Progress, said: str) -> None:
    """The time left is what is still to do at the pace of what was done of late; a job that ended has none."""
    assert pace(job, progress, NOW) == said


def test_a_bar_is_as_long_as_its_parts() -> None:
    """What waits is not drawn, and what is there is seen."""
    drawn = bar({"done": 999, "failed": 1, "waiting": 1000})
    assert 'class="sv-st-done" x="0" width="50"' in drawn.replace('"50.0"', '"50"')
    assert 'class="sv-st-failed" x="50" width="0.4"' in drawn.replace("49.9", "50").replace('x="50.0"', 'x="50"')
    assert bar({}) == ""


# -- permissions ------------------------------------------------------------------


@pytest.mark.asyncio
async def test_jobs_and_items_have_permissions_of_their_own(jobs: Jobs) -> None:
    """A locked table of items shows no prompts; a locked table of jobs shows no jobs."""
    for table, status in (("memory_job_items", 200), ("memory_jobs", 404)):
        ask = asking(jobs.path, with_tables({table: {"allow": {"id": "root"}}}))
        for address in ("/logs/-/sessions/job/tides", "/logs/-/sessions/job/tides.json"):
            closed = await ask(address)
            assert closed.status_code == status
            assert "low water" not in closed.text
            assert "low water" in (await ask(address, ROOT)).text
        listed = await ask("/logs/-/sessions/jobs.json")
        assert ("tides" in listed.text) is (status == 200)


@pytest.mark.asyncio
async def test_a_log_of_llm_alone_has_no_jobs(tmp_path: Path) -> None:
    """Without our tables the list is empty, and every job is missing."""
    with LogBuilder(tmp_path / "logs.db") as log:
        log.turns(log.thread(), Said("Plain."))
    get = serving(tmp_path / "logs.db")
    assert (await get("/logs/-/sessions/jobs.json")).json()["jobs"] == []
    assert (await get("/logs/-/sessions/job/tides")).status == 404
