"""Rules of the list as CSV and as an Atom feed."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.views.conftest import Get, serving
from tests.world.everything import Session, with_sessions
from tests.world.logs import LogBuilder, Said

ATOM = "{http://www.w3.org/2005/Atom}"

HOSTILE = '=cmd|"x"!A1 </title><script>\x0b\u202e\ufffe & "'
"""A formula, markup, and characters that XML can't have."""


@pytest.fixture(name="many", scope="module")
def _many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log of 210 conversations, more than are read at once; one of them has hostile words."""
    path = tmp_path_factory.mktemp("feeds") / "logs.db"
    with LogBuilder(path) as log:
        for number in range(210):
            log.turns(log.thread(), Said(f"Prompt {number}", tokens=(number, 1)), model="gpt-4o")
        thread = log.thread()
        turns = log.turns(thread, Said(HOSTILE))
    with_sessions(path, Session(thread, "@work", turns, tags=("a,b", 'c"d')))
    return path


def rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    return [*csv.DictReader(io.StringIO(text, newline=""))]


@pytest.mark.asyncio
async def test_csv_has_the_whole_list_in_its_order(many: Path) -> None:
    """CSV has all pages of the list, sorted and narrowed as the page is."""
    get = serving(many)
    answer = await get("/logs/-/sessions.csv?sort=tokens&model=gpt-4o")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "logs-sessions.csv" in answer.headers["content-disposition"]
    found = rows(answer.text)
    assert [row["input_tokens"] for row in found] == [str(number) for number in range(209, -1, -1)]
    assert found[0]["opening"] == "Prompt 209"
    assert (await get("/logs/-/sessions.csv?sort=bogus")).status == 400


@pytest.mark.asyncio
async def test_a_spreadsheet_runs_nothing_of_the_log(many: Path) -> None:
    """Texts that a spreadsheet would run begin with an apostrophe, and hidden characters are shown."""
    (row,) = rows((await serving(many)("/logs/-/sessions.csv?named=1")).text)
    assert (row["name"], row["tags"]) == ("'@work", 'a,b, c"d')
    assert row["opening"].startswith("'=cmd|")


@pytest.mark.asyncio
async def test_the_feed_has_the_newest_sessions(many: Path) -> None:
    """The feed is valid Atom, newest first, whatever stands in the log, and each entry leads to its session."""
    get = serving(many)
    answer = await get("/logs/-/sessions.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ET.fromstring(answer.content)
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 50
    assert [entry.findtext(f"{ATOM}title") for entry in entries[:2]] == ["@work", "Prompt 209"]
    assert "</title><script>" in str(entries[0].findtext(f"{ATOM}summary"))
    assert [one.get("term") for one in entries[0].findall(f"{ATOM}category")] == ["a,b", 'c"d']
    updated = [str(entry.findtext(f"{ATOM}updated")) for entry in entries]
    assert updated == sorted(updated, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == updated[0]
    ids = {entry.findtext(f"{ATOM}id") for entry in entries}
    assert len(ids) == 50
    for link in (entries[0].find(f"{ATOM}link"), feed.find(f"{ATOM}link[@rel='self']")):
        assert link is not None
        assert (await get(str(link.get("href")))).status == 200


@pytest.mark.asyncio
async def test_a_feed_is_found_and_can_be_narrowed(get: Get) -> None:
    """The page names its feed for feed readers, the feed keeps the filters, and an address of RSS leads there."""
    page = await get("/logs/-/sessions?tag=bridge")
    assert 'type="application/atom+xml" title="Sessions" href="/logs/-/sessions.atom?tag=bridge"' in page.text
    assert (await get("/logs/-/sessions.atom?tag=bridge")).text.count("<entry>") == 1
    assert (await get("/logs/-/sessions.atom?tag=unused")).text.count("<entry>") == 0
    moved = await get("/logs/-/sessions.rss?tag=bridge")
    assert (moved.status, moved.headers["location"]) == (302, "/logs/-/sessions.atom?tag=bridge")
