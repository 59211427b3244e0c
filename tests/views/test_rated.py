"""The rules of ratings and bookmarks on the pages: shown with their exchange, found by, and never believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasette_session_views.casting import cast, printed
from datasette_session_views.reader.running import played
from datasette_session_views.replay import Timeline
from tests.world.logs import LogBuilder, Said

from .conftest import Get, Tags, serving
from .logs import Session, with_rating, with_sessions
from .test_permissions import ROOT, ask, with_tables

EVIL = "<script>alert(1)</script>\u202e"


@pytest.fixture(name="path", scope="module")
def _path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of three exchanges, the first two rated; and an older conversation, rated too."""
    path = tmp_path_factory.mktemp("rated") / "logs.db"
    with LogBuilder(path) as log:
        old, work = log.thread(), log.thread()
        (said,) = log.responses(old, Said("Bridges of old?", "Many."))
        turns = log.turns(work, Said("Bridge one?"), Said("Bridge two?"), Said("Bridge three?"))
    with_sessions(path, Session(work, "work", turns))
    with_rating(path, work, turns[0], "4", f"clear {EVIL}", f"Begin {EVIL}")
    with_rating(path, work, turns[1], "down")
    with_rating(path, old, said, "up")
    return path


@pytest.fixture(name="page")
def _page(path: Path) -> Get:
    return serving(path)


@pytest.mark.asyncio
async def test_the_transcript_shows_them(page: Get) -> None:
    """Mark and label stand in the exchange's line, the reason is folded away below it; all of it is text."""
    answer = await page("/logs/-/session/work")
    tags = Tags(answer.text)
    classes = [attributes.get("class") for _, attributes in tags.found]
    assert classes.count("sv-rated") == 2
    assert classes.count("sv-chapter") == 1
    assert "Begin <script>alert(1)</script>⟦U+202E⟧" in answer.shown
    assert "rated 4 of 5" in answer.shown
    assert "rated down" in answer.shown
    assert "Why it was rated 4 of 5" in answer.shown
    assert "\u202e" not in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.asyncio
async def test_the_twin_and_the_downloads_have_them(page: Get) -> None:
    """JSON has mark, reason, time and label as they are; Markdown and HTML have them in the heading."""
    first, second, third = (await page("/logs/-/session/work.json")).json()["exchanges"]
    assert first["rating"] == {"mark": "4", "note": f"clear {EVIL}", "rated_utc": "2026-09-05T08:00:00+00:00"}
    assert first["bookmark"] == f"Begin {EVIL}"
    assert (second["rating"]["mark"], second["bookmark"]) == ("down", None)
    assert (third["rating"], third["bookmark"]) == (None, None)
    assert " · rated 4 of 5 · " in (await page("/logs/-/session/work.md")).text
    html = (await page("/logs/-/session/work.html")).text
    assert "rated down" in html
    assert "<script" not in html


@pytest.mark.asyncio
async def test_the_replay_shows_them(page: Get) -> None:
    """Each exchange's scene says how it was rated and why, on one line; so does what is shown without JavaScript."""
    scenes = (await page("/logs/-/session/work/replay.json")).json()["scenes"]
    told = "rated 4 of 5: clear <script>alert(1)</script>⟦U+202E⟧"
    assert [scene["rated"] for scene in scenes] == [told, "rated down", ""]
    html = (await page("/logs/-/session/work/replay")).text
    assert html.count('<span class="sv-rated">rated') == 2
    assert "<script>alert" not in html
    assert "\u202e" not in html


@pytest.mark.asyncio
async def test_the_view_of_what_was_sent_shows_it(page: Get) -> None:
    """Beside what the model saw for an exchange stands what a person thought of what came of it."""
    assert "rated 4 of 5: clear <script>" in (await page("/logs/-/session/work/context/1")).shown
    assert (await page("/logs/-/session/work/context/2.json")).json()["rating"]["mark"] == "down"
    assert "rated" not in (await page("/logs/-/session/work/context/3")).shown
    assert (await page("/logs/-/session/work/context/3.json")).json()["rating"] is None


def test_the_replay_in_a_terminal_shows_them(path: Path) -> None:
    """Each exchange's heading says how it was rated and why: printed, and in a recording."""
    found = played(path, "work", None)
    assert found is not None
    timeline = Timeline([scene.step for scene in found.scenes])
    heads = [event.text for event in printed(found.scenes, timeline) if event.head]
    assert ["rated" in head for head in heads] == [True, True, False]
    assert "  rated 4 of 5: clear <script>alert(1)</script>⟦U+202E⟧" in heads[0]
    recorded = "".join(cast(found.scenes, timeline, speed=1, title="work", size=(80, 24)))
    assert recorded.count("rated ") == 2


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("rated", "found"),
    [("good", {1}), ("bad", {2}), ("any", {1, 2}), ("nonsense", {1, 2, 3}), ("", {1, 2, 3})],
)
async def test_a_search_finds_by_rating(page: Get, rated: str, found: set[int]) -> None:
    """Good is up, 4 or 5; bad is down, 1 or 2; any is all that have one; what is none of these narrows nothing."""
    answer = (await page(f"/logs/-/sessions/search.json?q=bridge&rated={rated}")).json()
    hits = [hit for group in answer["groups"] if group["name"] == "work" for hit in group["hits"]]
    assert {hit["number"] for hit in hits} == found


@pytest.mark.asyncio
async def test_a_search_finds_older_conversations_by_rating(page: Get) -> None:
    """The texts of an older llm are found by their rating like those of today's."""
    answer = (await page("/logs/-/sessions/search.json?q=old&rated=good")).json()
    assert answer["hits"] == 1
    assert (await page("/logs/-/sessions/search.json?q=old&rated=bad")).json()["hits"] == 0


@pytest.mark.asyncio
async def test_the_form_of_the_search_keeps_the_rating(page: Get) -> None:
    """What was chosen stays chosen; a log without ratings has no such choice."""
    assert '<option value="bad" selected>' in (await page("/logs/-/sessions/search?q=bridge&rated=bad")).text


@pytest.mark.asyncio
async def test_ratings_are_as_closed_as_their_table(path: Path) -> None:
    """Who may not see the table of ratings sees the transcript without them, and finds nothing by them."""
    config = with_tables({"memory_ratings": {"allow": {"id": "root"}}})
    for view in ("", "/replay", "/context/1"):
        assert "rated" not in (await ask(path, config, f"/logs/-/session/work{view}", None)).text.replace(
            '"rated":""', ""
        )
    closed = await ask(path, config, "/logs/-/session/work", None)
    assert "Begin" in closed.text
    assert (await ask(path, config, "/logs/-/sessions/search.json?q=bridge&rated=any", None)).json()["hits"] == 0
    assert 'name="rated"' not in (await ask(path, config, "/logs/-/sessions/search?q=bridge", None)).text
    assert "rated" in (await ask(path, config, "/logs/-/session/work", ROOT)).text
