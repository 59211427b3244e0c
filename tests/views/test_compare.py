"""Rules of the page that shows sessions or models side by side."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest

from datasette_session_views.show.differing import marked_words
from datasette_session_views.show.intervals import interval, tally
from llm_session_memory.insight.comparing.values import Figure, Interval
from tests.views.compared_world import AT, write_compared
from tests.views.conftest import Get, Tags, serving
from tests.views.test_permissions import ROOT, asking, with_tables
from tests.world.everything import Session, with_rows, with_sessions
from tests.world.logs import LogBuilder, Said

PAIR = "/logs/-/sessions/compare?a=work&b=work-b"


@pytest.fixture(name="path", scope="module")
def _path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compared") / "logs.db"
    write_compared(path)
    return path


@pytest.fixture(name="see")
def _see(path: Path) -> Get:
    return serving(path)


@pytest.mark.asyncio
async def test_the_verdict_comes_before_the_answers(see: Get) -> None:
    """First what is shown, with wins, ties and losses; then means, effect and interval, in words and drawn."""
    page = await see(PAIR)
    assert page.status == 200
    said = page.shown
    assert "Over 23 prompts, “work-b” cost 96% less" in said
    parts = ("Votes b better 2, equal 0, a better 1", "Cost b better 22, equal 0, a better 0", "Answers side by side")
    assert sorted(parts, key=said.index) == list(parts)
    assert "Failures b better 0, equal 22, a better 1 a 0% b 4%" in said
    assert page.text.count('<svg class="sv-interval"') == page.text.count('<svg class="sv-tally"') == 8
    assert "Only “work” has 1 more prompt, which is not compared." in said


@pytest.mark.asyncio
async def test_answers_stand_side_by_side_with_their_differences(see: Get) -> None:
    """Each says what it took, against the first one, and has the words marked that the other lacks; all is text."""
    page = await see(PAIR)
    first = page.text.partition('aria-label="Prompt 1"')[2].partition("</article>")[0]
    assert "<mark>should be done before the first storms of autumn</mark>" in first
    assert "<mark>can wait until spring</mark>" in first
    assert "needs &lt;b&gt;new&lt;/b&gt; planks" in first
    words = " ".join(unescape(re.sub("<[^>]*>", " ", first)).split())
    assert "31 tokens (49% fewer)" in words
    assert "rated down: Too long <i>" in words
    assert "b found better than a (blind)" in words
    assert page.text.count("<article") == 20
    more = await see(f"{PAIR}&after=20")
    assert "Prompts 21–24 of 24" in more.shown
    assert "Failed: The server is busy (HTTP 429). <b>Wait</b>." in more.shown
    assert "Not asked here." in more.shown
    assert "No more prompts. First page" in (await see(f"{PAIR}&after=24")).shown


@pytest.mark.asyncio
async def test_drawings_are_explained_if_there_are_any(see: Get, tmp_path: Path) -> None:
    """Sessions that have no prompt in common have no figures, so there is nothing to explain."""
    with LogBuilder(tmp_path / "logs.db") as log:
        threads = [log.thread(), log.thread()]
        for thread, prompt in zip(threads, ("Why?", "When?"), strict=True):
            log.turns(thread, Said(prompt, "So."))
    assert "In the drawings" in (await see(PAIR)).shown
    apart = await serving(tmp_path / "logs.db")("/logs/-/sessions/compare?a={}&b={}".format(*threads))
    assert "have no prompt in common." in apart.shown
    assert "In the drawings" not in apart.shown


@pytest.mark.asyncio
async def test_an_answer_leads_to_its_exchange(see: Get) -> None:
    """The link is by id, so it lasts."""
    page = await see(PAIR)
    links = [
        str(given["href"]) for tag, given in Tags(page.text).found if tag == "a" and "/exchange/" in str(given["href"])
    ]
    assert len(links) == 40
    assert (await see(links[3], follow_redirects=True)).status == 200


@pytest.mark.asyncio
async def test_the_members_of_a_group_are_compared(see: Get) -> None:
    """In their order and by the group's name, whatever its case; so are their models."""
    page = await see("/logs/-/sessions/compare?group=BRIDGES+<b>")
    assert page.shown.startswith("Bridges <b> a work gpt-4o · 24 answers b work-b")
    assert page.shown.count("What it shows") == 3
    models = await see("/logs/-/sessions/compare?group=bridges+<b>&by=model")
    assert "gpt-4o-mini (b) against gpt-4o (a)" in models.shown
    assert "1 more answer" in models.shown


@pytest.mark.asyncio
async def test_the_json_is_what_the_page_shows(see: Get) -> None:
    """It has sides, figures, votes, and all prompts with their answers; without texts if asked so."""
    found = (await see(PAIR.replace("compare?", "compare.json?"))).json()
    assert [side["side"] for side in found["sides"]] == ["a", "b"]
    assert found["comparisons"][0]["sentence"] in (await see(PAIR)).shown
    assert (len(found["prompts"]), len(found["votes"])) == (24, 3)
    bare = await see(PAIR.replace("compare?", "compare.json?texts=0&"))
    assert "pier" not in bare.text.casefold()
    assert (await see("/logs/-/sessions/compare.json?z=work")).status == 400


@pytest.mark.asyncio
async def test_what_is_missing_or_wrong_is_said(see: Get) -> None:
    """A session or a group that is not there is named; one session alone leads to a choice of others."""
    for address, status, said in (
        ("?a=work&b=nobody", 404, "Session “nobody” not found."),
        ("?group=none", 404, "Group “none” not found."),
        ("?a=work&b=work-b&match=words", 400, "“match” must be one of prompt, number"),
        ("?group=none", 404, "Choose what to compare"),
        ("?a=work", 200, "Name another session to compare with work ."),
        ("?a=work&b=work", 200, "Name another session to compare with work ."),
        ("?a=work-b&b=work-c&by=model", 400, "There are no two models to compare."),
        ("", 200, "Bridges <b> work, work-b, work-c"),
    ):
        page = await see(f"/logs/-/sessions/compare{address}", headers={"Accept": "text/html"})
        assert page.status == status, address
        assert said in page.shown


@pytest.mark.asyncio
async def test_three_sessions_are_named_as_in_a_sentence(see: Get) -> None:
    """The title has a comma before the second one, and “and” before the last."""
    page = await see(f"{PAIR}&c=work-c")
    assert page.shown.startswith("work, work-b and work-c a work")
    assert (await see(PAIR)).shown.startswith("work and work-b a work")


@pytest.mark.asyncio
async def test_a_group_whose_sessions_are_gone_says_so(tmp_path: Path) -> None:
    """It is still listed, and its page says what is the matter."""
    write_compared(tmp_path / "logs.db")
    with closing(sqlite3.connect(tmp_path / "logs.db")) as db, db:
        db.execute("delete from memory_group_members")
    gone = serving(tmp_path / "logs.db")
    assert "Bridges <b> no sessions" in (await gone("/logs/-/sessions/compare")).shown
    page = await gone("/logs/-/sessions/compare?group=bridges+<b>", headers={"Accept": "text/html"})
    assert (page.status, "has no sessions." in page.shown) == (400, True)


@pytest.mark.asyncio
async def test_a_group_of_many_sessions_is_compared_by_model(tmp_path: Path) -> None:
    """More sessions than fit side by side are what several models were asked, prompt by prompt."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        threads = [log.thread() for _ in range(14)]
        turns = [
            log.turns(thread, Said(f"Prompt {place // 2}", "So."), model=f"m{place % 2}")
            for place, thread in enumerate(threads)
        ]
    with_sessions(path, *(Session(one, f"s{place}", turns[place]) for place, one in enumerate(threads)))
    with_rows(path, "memory_groups", {"name": "many", "name_key": "many", "created_utc": AT})
    with_rows(path, "memory_group_members", *({"name_key": "many", "thread_id": o, "added_utc": AT} for o in threads))
    page = await serving(path)("/logs/-/sessions/compare?group=many")
    assert "m1 (b) against m0 (a)" in page.shown
    assert "by session" not in page.shown


@pytest.mark.asyncio
async def test_list_and_transcript_lead_to_it(see: Get) -> None:
    """The list does if there is a group, and the transcript of a member."""
    assert "/logs/-/sessions/compare" in (await see("/logs/-/sessions")).text
    assert "Compared in Bridges <b>" in (await see("/logs/-/session/work")).shown


@pytest.mark.asyncio
async def test_locked_votes_and_groups_are_not_told(path: Path) -> None:
    """Votes, ratings and groups have the permissions of their tables."""
    for table, address, said in (
        ("memory_votes", PAIR, "found better"),
        ("memory_ratings", PAIR, "Too long"),
        ("memory_groups", "/logs/-/sessions/compare", "Bridges"),
    ):
        ask = asking(path, with_tables({table: {"allow": {"id": "root"}}}))
        closed = await ask(address)
        assert closed.status_code == 200
        assert said not in closed.text
        assert said in (await ask(address, ROOT)).text


# -- words and drawings -----------------------------------------------------------


MARKS = [
    ("one two three", "one 2 three", ("one <mark>two</mark> three", "one <mark>2</mark> three")),
    ("One  two", "one two three", ("One  two", "one two <mark>three</mark>")),
    ("a <b> c", "a <i> c", ("a &lt;<mark>b</mark>&gt; c", "a &lt;<mark>i</mark>&gt; c")),
    ("nothing in common", "wholly other words here", None),
    ("", "", ("", "")),
    ("word " * 2_000, "word " * 2_000, None),
]


@pytest.mark.parametrize(("one", "other", "expected"), MARKS)
def test_words_are_marked_that_the_other_lacks(one: str, other: str, expected: tuple[str, str] | None) -> None:
    """Spaces and case make no difference; texts without much in common have no marks; all is escaped."""
    assert marked_words(one, other) == expected


def figure(**more: object) -> Figure:
    usual = {"measure": "cost", "label": "Cost", "unit_of_value": "USD", "kind": "ratio", "better": "less", "pairs": 20}
    return Figure(**{**usual, "less": 15, "equal": 1, "more": 4, **more})  # type: ignore[arg-type]


def test_an_interval_is_drawn_on_the_scale_of_its_kind() -> None:
    """No difference is in the middle, half as much at half of the left side; what is beyond the end is an arrow."""
    half = interval(figure(effect=0.5, interval=Interval(0.25, 1.0)))
    assert 'cx="64"' in half
    assert 'd="M8,13H120"' in half
    beyond = interval(figure(effect=0.01, interval=Interval(0.0, 9.0), shown=True))
    assert beyond.count("sv-beyond") == 2
    assert "sv-shown" in beyond
    assert interval(figure()) == ""
    assert 'cx="176"' in interval(figure(kind="share", effect=0.5))


def test_wins_ties_and_losses_are_drawn_by_who_is_better() -> None:
    """Less is better for a cost; if neither is, the bar says where the second side has more."""
    assert 'class="sv-win" x="0" width="75"' in tally(figure()).replace('"0.0"', '"0"')
    assert 'class="sv-more" x="0" width="20"' in tally(figure(better=""))
    assert tally(figure(less=0, equal=0, more=0)) == ""
