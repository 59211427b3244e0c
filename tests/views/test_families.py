"""Rules of what is looked after, on the pages: forks, undone, archived, snapshots, projects and titles."""

from __future__ import annotations

from typing import Any

import pytest

from tests.views.conftest import Get, Tags, serving
from tests.views.test_permissions import ROOT, asking, with_tables
from tests.world.everything import LATER, Family, write_family


@pytest.fixture(name="family", scope="module")
def _family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    """A log with forks and everything else that is looked after. Tests must not write to it."""
    return write_family(tmp_path_factory.mktemp("family") / "logs.db")


@pytest.fixture(name="see")
def _see(family: Family) -> Get:
    """Return a function that gets pages of the family's log."""
    return serving(family.path)


async def listed(get: Get, query: str = "") -> dict[str, Any]:
    """Return the lines of a list by name or first words, in order."""
    found = (await get(f"/logs/-/sessions.json{query}")).json()
    return {line["name"] or line["first_words"]: line for line in found["sessions"]}


@pytest.mark.asyncio
async def test_a_line_has_title_project_fork_and_snapshots(see: Get, family: Family) -> None:
    """The list shows them as text, whoever wrote it, and the JSON has them as values."""
    page = await see("/logs/-/sessions")
    assert "work A <i>bridge Lisbon gpt-4o-mini" in page.shown
    assert "1 snapshot" in page.shown
    assert "work-b Lisbon fork of work · gpt-4o-mini" in page.shown
    assert "Portugal gpt-4o-mini · unnamed conversation · “What is the capital of Portugal?”" in page.shown
    assert "i" not in Tags(page.text).names()
    lines = await listed(see)
    assert [lines["work"][key] for key in ("title", "project", "snapshots", "forked_from")] == [
        "A <i>bridge", "Lisbon", 1, None,
    ]  # fmt: skip
    fork = lines["work-c"]
    assert fork["forked_from"] == family.threads["work-b"]
    assert fork["forked_from_session"] == "work-b"


@pytest.mark.asyncio
async def test_archived_sessions_are_listed_on_request(see: Get) -> None:
    """The list leaves archived sessions out, says how many there are and links to them, in every order."""
    page = await see("/logs/-/sessions")
    assert "3 named sessions, 1 other conversation · archived (1)" in page.shown
    assert "archived=only" in page.text
    for sort in ("used", "tokens", "exchanges"):
        assert "attic" not in await listed(see, f"?sort={sort}")
        assert [*await listed(see, f"?sort={sort}&archived=only")] == ["attic"]
        assert len(await listed(see, f"?sort={sort}&archived=all")) == 5
    assert (await listed(see, "?archived=only"))["attic"]["archived_utc"] == LATER
    assert "attic archived" in (await see("/logs/-/sessions?archived=only")).shown
    assert "attic" not in (await see("/-/sessions")).shown


@pytest.mark.asyncio
async def test_lists_and_searches_are_filtered_by_project_and_title(see: Get) -> None:
    """A project has its sessions in lists and in searches; the text filter of a list finds titles too."""
    assert [*await listed(see, "?project=LISBON")] == ["work-c", "work-b", "work"]
    assert await listed(see, "?project=none") == {}
    assert [*await listed(see, "?q=bridge")] == ["work"]
    assert [*await listed(see, "?q=PORTUGAL&sort=tokens")] == ["What is the capital of Portugal?"]
    found = (await see("/logs/-/sessions/search.json?q=prompt&project=Lisbon")).json()
    assert {group["name"] for group in found["groups"]} == {"work", "work-b", "work-c"}
    assert (await see("/logs/-/sessions/search.json?q=capital&project=Lisbon")).json()["hits"] == 0
    assert '<option value="Lisbon" selected>' in (await see("/logs/-/sessions?project=lisbon")).text


@pytest.mark.asyncio
async def test_a_search_finds_archived_sessions_and_marks_them(see: Get) -> None:
    """Archived is out of the lists, not out of the log."""
    assert "attic archived #1" in (await see("/logs/-/sessions/search?q=lamps")).shown


@pytest.mark.asyncio
async def test_a_search_finds_nothing_that_was_undone(see: Get) -> None:
    """What was undone is out of the session: as in the terminal, it is not found."""
    found = (await see("/logs/-/sessions/search.json?q=work+prompt")).json()
    assert [hit["number"] for group in found["groups"] if group["name"] == "work" for hit in group["hits"]] != []
    assert "work prompt 5" not in str(found)


LOCKED = [
    ("memory_titles", "A <i>bridge", "/logs/-/sessions.json"),
    ("memory_projects", "Lisbon", "/logs/-/sessions"),
    ("memory_forks", '"work-b", "forked', "/logs/-/sessions.json"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("table", "text", "address"), LOCKED)
async def test_a_locked_table_leaves_its_part_out(family: Family, table: str, text: str, address: str) -> None:
    """Who may not view one of the new tables sees the pages without its part."""
    ask = asking(family.path, with_tables({table: {"allow": {"id": "root"}}}))
    closed = await ask(address)
    assert closed.status_code == 200
    assert text not in closed.text
    assert text in (await ask(address, ROOT)).text
