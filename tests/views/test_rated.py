"""Rules of ratings and bookmarks on the pages: shown with their exchange, searchable, and always plain text."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from llm_session_memory.insight.casting import cast, printed
from llm_session_memory.insight.run import played
from llm_session_memory.insight.timing import Timeline
from tests.views.conftest import Get, Tags, serving
from tests.views.test_permissions import ROOT, asking, with_tables
from tests.world.everything import Session, World, with_rating, with_sessions
from tests.world.logs import LogBuilder, Said

EVIL = "<script>alert(1)</script>\u202e"


@pytest.fixture(name="path", scope="module")
def _path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a session of three exchanges, the first two rated, and an older conversation, also rated."""
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
    """The mark and the label are in the exchange's line, the note is folded below it, and everything is plain text."""
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
async def test_the_json_and_the_downloads_have_them(page: Get) -> None:
    """JSON has the mark, note, time and label unchanged; Markdown and HTML have them in the heading."""
    first, second, third = (await page("/logs/-/session/work.json")).json()["exchanges"]
    assert first["rating"] == {"mark": "4", "note": f"clear {EVIL}", "rated_utc": "2026-09-05T08:00:00+00:00"}
    assert first["bookmark"] == f"Begin {EVIL}"
    assert (second["rating"]["mark"], second["bookmark"]) == ("down", None)
    assert (third["rating"], third["bookmark"]) == (None, None)
    assert " · rated 4 of 5\n" in (await page("/logs/-/session/work.md")).text
    html = (await page("/logs/-/session/work.html")).text
    assert "rated down" in html
    assert "<script" not in html


@pytest.mark.asyncio
async def test_the_replay_shows_them(page: Get) -> None:
    """Each exchange shows its rating and note on one line, with and without JavaScript."""
    scenes = (await page("/logs/-/session/work/replay.json")).json()["scenes"]
    told = "rated 4 of 5: clear <script>alert(1)</script>⟦U+202E⟧"
    assert [scene["rated"] for scene in scenes] == [told, "rated down", ""]
    html = (await page("/logs/-/session/work/replay")).text
    assert html.count('<span class="sv-rated">rated') == 2
    assert "<script>alert" not in html
    assert "\u202e" not in html


@pytest.mark.asyncio
async def test_the_page_of_what_was_sent_shows_it(page: Get) -> None:
    """The page about what the model saw shows the rating of the exchange."""
    assert "rated 4 of 5: clear <script>" in (await page("/logs/-/session/work/context/1")).shown
    assert (await page("/logs/-/session/work/context/2.json")).json()["rating"]["mark"] == "down"
    assert "rated" not in (await page("/logs/-/session/work/context/3")).shown
    assert (await page("/logs/-/session/work/context/3.json")).json()["rating"] is None


def test_the_replay_in_a_terminal_shows_them(path: Path) -> None:
    """Each exchange's heading shows its rating and note, in print and in a recording."""
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
    [
        ("good", {1}),
        ("bad", {2}),
        ("any", {1, 2}),
        ("none", {3}),
        ("4", {1}),
        ("up", set()),
        ("down", {2}),
        ("", {1, 2, 3}),
    ],
)
async def test_a_search_finds_by_rating(page: Get, rated: str, found: set[int]) -> None:
    """Good is up, 4 or 5; bad is down, 1 or 2; any is every rating; an empty value filters nothing."""
    answer = (await page(f"/logs/-/sessions/search.json?q=bridge&rated={rated}")).json()
    hits = [hit for group in answer["groups"] if group["name"] == "work" for hit in group["hits"]]
    assert {hit["number"] for hit in hits} == found


@pytest.mark.asyncio
async def test_a_search_finds_older_conversations_by_rating(page: Get) -> None:
    """Conversations from an older llm are found by rating too."""
    answer = (await page("/logs/-/sessions/search.json?q=old&rated=good")).json()
    assert answer["hits"] == 1
    assert (await page("/logs/-/sessions/search.json?q=old&rated=bad")).json()["hits"] == 0


@pytest.mark.asyncio
async def test_the_form_of_the_search_keeps_the_rating(page: Get) -> None:
    """The form keeps the chosen rating; a log without ratings has no rating filter."""
    assert '<option value="bad" selected>' in (await page("/logs/-/sessions/search?q=bridge&rated=bad")).text


@pytest.mark.asyncio
async def test_a_search_finds_every_call_of_a_rated_exchange(world: World, tmp_path: Path) -> None:
    """Calls after a tool call share the rating, even if no session recorded that they belong together."""
    path = Path(shutil.copy(world.path, tmp_path / "logs.db"))
    with_rating(path, world.work.thread_id, world.work.turns[1], "up")
    page = serving(path)
    for rated, hits in (("up", 1), ("none", 0), ("down", 0)):
        for within in ("", "&session=work"):
            found = (await page(f"/logs/-/sessions/search.json?q=low+water&rated={rated}{within}")).json()
            assert found["hits"] == hits


@pytest.fixture(name="many", scope="module")
def _many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log of 130 conversations of both generations, some named, some without a turn, every other one rated."""
    path = tmp_path_factory.mktemp("many") / "logs.db"
    sessions, rated = [], []
    with LogBuilder(path) as log:
        for number in range(120):
            thread = log.thread()
            write = log.responses if number % 4 == 0 else log.turns
            turns = write(thread, Said(f"prompt {number}"), Said("and?"))
            if number % 10 == 1:
                sessions.append(Session(thread, f"session {number}", turns))
            if number % 2 or number % 8 == 0:
                rated.append((thread, turns[1], ("up", "2", "5")[number % 3]))
        for number in range(10):
            created = f"2026-09-01T08:{number * 5:02}:30.000+00:00"
            sessions.append(Session(log.thread(), f"empty {number}", [], created=created))
    with_sessions(path, *sessions)
    for thread, turn_id, mark in rated:
        with_rating(path, thread, turn_id, mark)
    return path


@pytest.mark.asyncio
@pytest.mark.parametrize("sort", ["used", "tokens", "exchanges"])
@pytest.mark.parametrize("more", ["", "&named=1", "&q=prompt+1", "&model=scripted", "&since=2026-09-01"])
async def test_the_list_is_narrowed_by_rating_page_by_page(many: Path, sort: str, more: str) -> None:
    """Rated and unrated together are everything, in every sort order and with every other filter."""
    page = serving(many)

    async def listed(rated: str) -> list[str]:
        found: list[str] = []
        address: str | None = f"/logs/-/sessions.json?sort={sort}{more}&rated={rated}"
        while address:
            answer = (await page(address)).json()
            found += [line["thread_id"] for line in answer["sessions"]]
            address = answer["next_url"]
        assert len(found) == len(set(found))
        return found

    rated, unrated, whole = await listed("any"), await listed("none"), await listed("")
    assert rated
    assert unrated
    assert set(rated) | set(unrated) == set(whole)
    assert rated == [thread for thread in whole if thread in set(rated)]
    assert unrated == [thread for thread in whole if thread in set(unrated)]
    with closing(sqlite3.connect(many)) as connection:
        known = {row[0] for row in connection.execute("select thread_id from memory_ratings")}
    assert set(rated) == known & set(whole)
    assert sorted(await listed("good") + await listed("bad")) == sorted(rated)


@pytest.mark.asyncio
async def test_the_form_of_the_list_keeps_the_rating(page: Get, get: Get) -> None:
    """The form keeps the chosen rating; if nothing is rated there is no rating filter."""
    shown = await page("/logs/-/sessions?rated=5")
    assert '<option value="5" selected>rated 5 of 5</option>' in shown.text
    assert "No sessions match" in shown.shown
    assert 'name="rated"' not in (await get("/logs/-/sessions")).text


@pytest.mark.asyncio
async def test_the_next_page_of_a_list_is_of_the_same_rating(many: Path) -> None:
    """The link to older sessions keeps the rating, and so does the JSON."""
    answer = await serving(many)("/logs/-/sessions?rated=any")
    links = [str(attributes.get("href")) for tag, attributes in Tags(answer.text).found if tag == "a"]
    (older,) = [link for link in links if "next=" in link and ".json" not in link]
    assert "rated=any" in older
    assert any(".json" in link and "rated=any" in link for link in links)


@pytest.mark.asyncio
async def test_ratings_are_as_closed_as_their_table(path: Path) -> None:
    """People who may not view the ratings table see no ratings and can't search by them."""
    ask = asking(path, with_tables({"memory_ratings": {"allow": {"id": "root"}}}))
    for view in ("", "/replay", "/context/1"):
        text = (await ask(f"/logs/-/session/work{view}")).text
        assert "rated" not in text.replace('"rated":""', "").replace(str(path), "")
    closed = await ask("/logs/-/session/work")
    assert "Begin" in closed.text
    assert (await ask("/logs/-/sessions/search.json?q=bridge&rated=any")).json()["hits"] == 0
    assert 'name="rated"' not in (await ask("/logs/-/sessions/search?q=bridge")).text
    assert 'name="rated"' not in (await ask("/logs/-/sessions")).text
    assert (await ask("/logs/-/sessions.json?rated=any")).json()["sessions"] == []
    assert len((await ask("/logs/-/sessions.json?rated=none")).json()["sessions"]) == 2
    assert "rated" in (await ask("/logs/-/session/work", ROOT)).text
