"""Rules of what is looked after, on the pages: forks, undone, archived, snapshots, projects and titles."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory import Memory
from tests.views.conftest import Get, Tags, serving
from tests.views.test_permissions import ROOT, asking, with_tables
from tests.world import laws
from tests.world.everything import LATER, Family, Session, with_blocks, with_rows, write_family


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
    assert "work A <i>bridge Lisbon work prompt 1" in page.shown
    assert "1 snapshot" in page.shown
    assert "work-b Lisbon work-b prompt 3" in page.shown
    assert "fork of work ·" in page.shown
    assert "Portugal What is the capital of Portugal?" in page.shown
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
    assert "4 named sessions, 1 other conversation · archived (1)" in page.shown
    assert "archived=only" in page.text
    for sort in ("used", "tokens", "exchanges"):
        assert "attic" not in await listed(see, f"?sort={sort}")
        assert [*await listed(see, f"?sort={sort}&archived=only")] == ["attic"]
        assert len(await listed(see, f"?sort={sort}&archived=all")) == 6
    assert (await listed(see, "?archived=only"))["attic"]["archived_utc"] == LATER
    assert "attic archived" in (await see("/logs/-/sessions?archived=only")).shown
    assert "attic" not in (await see("/-/sessions")).shown


@pytest.mark.asyncio
async def test_lists_and_searches_are_filtered_by_project_and_title(see: Get) -> None:
    """A project has its sessions in lists and in searches; the text filter of a list finds titles too."""
    assert [*await listed(see, "?project=LISBON&sort=tokens")] == ["work", "work-b", "work-c", "work-d"]
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


@pytest.mark.asyncio
async def test_a_fork_is_shown_with_its_whole_history(see: Get, family: Family) -> None:
    """What it shares comes first, part by part under the session that it is of, then its own exchanges."""
    page = await see("/logs/-/session/work-c")
    Tags(page.text)
    shown = page.shown
    parts = ["#1 to #2 are from work", "work prompt 1", "work prompt 2", "#3 is from work-b", "work-b prompt 3",
             "work-c continues from here", "work-c prompt 4"]  # fmt: skip
    places = [page.talk.index(text) for text in parts]
    assert places == sorted(places)
    assert "Forked from work-b after exchange #3" in shown
    assert 'href="/logs/-/session/work-b/exchange/3"' in page.text
    assert "Family work work-b after #2 work-c after #3 work-d after #1" in shown
    found = (await see("/logs/-/session/work-c.json")).json()
    assert [exchange["number"] for exchange in found["exchanges"]] == [1, 2, 3, 4]
    assert found["inherited"] == [
        {"session": "work", "first": 1, "last": 2},
        {"session": "work-b", "first": 3, "last": 3},
    ]
    assert (found["forked_from_session"], found["forked_after_exchange"]) == ("work-b", 3)
    later = (await see("/logs/-/session/work-c?from=4")).shown
    assert "work-c continues from here" in later
    assert "are from" not in later


@pytest.mark.asyncio
async def test_a_session_names_its_forks(see: Get) -> None:
    """A session that was forked links to its forks, each after the exchange that both have."""
    shown = (await see("/logs/-/session/work-b")).shown
    assert "Forked from work after exchange #2 · Fork: work-c (after #3 )" in shown
    assert "Forks: work-b (after #2 ), work-d (after #1 )" in (await see("/logs/-/session/work")).shown
    forks = (await see("/logs/-/session/work.json")).json()["forks"]
    assert [(fork["session"], fork["after"]) for fork in forks] == [("work-b", 2), ("work-d", 1)]
    assert "Family" not in (await see("/logs/-/session/attic")).shown


@pytest.mark.asyncio
async def test_a_fork_without_exchanges_of_its_own_ends_with_what_it_shares(
    see: Get, family: Family, tmp_path: Path
) -> None:
    """It says where it goes on, and every link of its page answers."""
    page = await see("/logs/-/session/work-d")
    assert page.talk.index("Reply to work prompt 1") < page.talk.index("work-d continues from here")
    path = tmp_path / "logs.db"
    shutil.copy(family.path, path)
    said = {"prompt": "Failed?", "partial": "", "error": "HTTP 500", "datetime_utc": LATER, "request_json": "{}"}
    attempt = {"id": "zz", "thread_id": family.threads["work-d"], "model": "gpt-4o-mini", **said}
    with_rows(path, "memory_attempts", attempt)
    failed = (await serving(path)("/logs/-/session/work-d")).talk
    assert failed.index("work-d continues from here") < failed.index("Failed?")
    assert failed.count("continues from here") == 1
    opened = set[str]()
    for name in ("work-d", "work", "work-c", "attic") if laws.PROFILE == "ci" else ("work-d", "work"):
        page = await see(f"/logs/-/session/{name}?undone=1")
        links = {
            str(one["href"]) for tag, one in Tags(page.text).found if tag == "a" and "sql=" not in str(one["href"])
        }
        inside = {link.partition("#")[0] for link in links if link.startswith("/logs/")}
        assert inside != set()
        assert [link for link in sorted(inside - opened) if (await see(link)).status not in (200, 302)] == []
        opened |= inside


@pytest.mark.asyncio
async def test_the_dashboard_counts_one_project(see: Get) -> None:
    """With a project, every panel has only the calls of its sessions."""
    whole = (await see("/logs/-/sessions/analytics.json")).json()
    found = (await see("/logs/-/sessions/analytics.json?project=LISBON")).json()
    assert (whole["totals"]["calls"], found["totals"]["calls"]) == (10, 8)
    assert found["project"] == "LISBON"
    assert [one["name"] for one in found["panels"] if one["timed_out"]] == []
    nothing = (await see("/logs/-/sessions/analytics.json?project=none")).json()
    assert {one["name"] for one in nothing["panels"] if one["rows"]} <= {"session-lengths"}, "it has all lengths"
    page = await see("/logs/-/sessions/analytics?project=Lisbon")
    assert "Only project Lisbon." in page.shown


@pytest.mark.asyncio
async def test_what_was_undone_is_shown_on_request(see: Get, family: Family) -> None:
    """The transcript says how many exchanges were undone; the link shows them in their place, without a number."""
    page = await see("/logs/-/session/work")
    assert "1 exchange was undone: show it" in page.shown
    assert "work prompt 5" not in page.shown
    asked = await see("/logs/-/session/work?undone=1")
    assert "1 exchange was undone: hide it" in asked.shown
    assert asked.talk.index("work prompt 4") < asked.talk.index("undone on 3 Sep 2026")
    assert "work prompt 5" in asked.shown
    assert 'class="sv-ex sv-undone"' in asked.text
    found = (await see("/logs/-/session/work.json?undone=1")).json()
    assert [(one["number"], one["after"], one["id"]) for one in found["undone"]] == [(None, 4, family.turns["work"][4])]
    assert (await see("/logs/-/session/work.json")).json()["undone_in_all"] == 1
    turn = await see(f"/logs/-/sessions/turn/{family.turns['work'][4]}")
    assert turn.headers["location"].endswith(f"/work?from=1&undone=1#e-{family.turns['work'][4]}")


@pytest.mark.asyncio
async def test_snapshots_title_project_and_archive_are_on_the_transcript(see: Get) -> None:
    """A snapshot is marked after its exchange and listed in the sidebar; texts are text, whoever wrote them."""
    page = await see("/logs/-/session/work")
    Tags(page.text)
    shown = page.shown
    mark = "Snapshot “ before the <b>railing ”, 3 Sep 2026 · replay from here · go back with llm sessions restore work"
    talk = page.talk
    assert talk.index("work prompt 3") < talk.index(mark) < talk.index("work prompt 4")
    assert "Snapshots before the <b>railing after #3, 3 Sep 2026" in shown
    assert shown.index("work") < shown.index("A <i>bridge") < shown.index("Lisbon")
    assert 'href="/logs/-/sessions?project=Lisbon"' in page.text
    assert {"i"}.isdisjoint(Tags(page.text).names())
    assert "Archived on 3 Sep 2026." in (await see("/logs/-/session/attic")).shown
    unnamed = (await see("/logs/-/sessions.json?q=portugal")).json()["sessions"][0]
    assert "<h1><bdi>Portugal</bdi></h1>" in (await see(f"/logs/-/session/{unnamed['thread_id']}")).text


@pytest.mark.asyncio
async def test_a_replay_starts_at_a_snapshot(see: Get) -> None:
    """The link of a snapshot leads to the exchange after it, and snapshots and the fork's beginning are chapters."""
    page = await see("/logs/-/session/work")
    (link,) = [str(one["href"]) for tag, one in Tags(page.text).found if tag == "a" and "snapshot=" in str(one["href"])]
    assert (await see(link)).headers["location"] == "/logs/-/session/work/replay?at=4"
    assert (await see("/logs/-/session/work/replay.json?snapshot=BEFORE+the+<b>railing")).json()["first"] == 4
    missing = await see("/logs/-/session/work/replay?snapshot=none")
    assert missing.status == 404
    assert "Snapshot “none” not found in “work”." in missing.shown
    chapters = (await see("/logs/-/session/work/replay.json")).json()["chapters"]
    assert chapters == {"4": "snapshot “before the <b>railing”"}
    fork = (await see("/logs/-/session/work-c/replay.json")).json()
    assert fork["chapters"] == {"4": "the fork continues"}
    assert [scene["before"][0][2] for scene in fork["scenes"]] == [
        "work prompt 1", "work prompt 2", "work-b prompt 3", "work-c prompt 4",
    ]  # fmt: skip


@pytest.mark.asyncio
async def test_the_context_of_a_fork_names_the_sessions_of_what_it_shares(see: Get) -> None:
    """What the model saw in a fork says which session each exchange is from."""
    page = await see("/logs/-/session/work-c/context/4")
    assert "#1 work prompt 1" in page.shown
    assert "sent whole; from work-b" in page.shown
    assert page.shown.count("; from work ") == 2
    assert "exchange from work " in (await see("/logs/-/session/work-c/context/1")).shown
    found = (await see("/logs/-/session/work-c/context/4.json")).json()
    assert [one["session"] for one in found["inherited"]] == ["work", "work-b"]


@pytest.mark.asyncio
async def test_the_last_request_is_not_one_that_was_undone(family: Family, tmp_path: Path) -> None:
    """The sidebar describes the newest request only if its exchange is in the session."""
    path = tmp_path / "logs.db"
    shutil.copy(family.path, path)
    with_blocks(path, Session(family.threads["work"], "work", family.turns["work"]), 2)
    assert "Last request" not in (await serving(path)("/logs/-/session/work")).shown
    connection = sqlite3.connect(path)
    connection.execute("delete from memory_undone")
    connection.commit()
    connection.close()
    assert "Last request #5 : about 2,130" in (await serving(path)("/logs/-/session/work")).shown


@pytest.mark.asyncio
async def test_a_snapshot_of_an_undone_exchange_says_so(family: Family, tmp_path: Path) -> None:
    """It is marked after the exchange before or, if what was undone is shown, after its own."""
    path = tmp_path / "logs.db"
    shutil.copy(family.path, path)
    row = {"label": "late", "label_key": "late", "turn_id": family.turns["work"][4], "state_json": "{}"}
    with_rows(path, "memory_snapshots", {"thread_id": family.threads["work"], **row, "made_utc": LATER})
    get = serving(path)
    mark = "Snapshot “ late ”, 3 Sep 2026, of an exchange that was undone"
    closed, opened = [(await get(f"/logs/-/session/work{query}")).shown for query in ("", "?undone=1")]
    assert closed.rindex("work prompt 4") < closed.index(mark)
    assert opened.rindex("work prompt 5") < opened.index(mark)
    assert "late undone since, 3 Sep 2026" in closed


async def hits(get: Get, query: str) -> set[tuple[str, int | None, str]]:
    """Return the session, the number and the prompt of each match."""
    found = (await get(f"/logs/-/sessions/search.json?{query}")).json()
    return {(group["name"], hit["number"], hit["prompt"]) for group in found["groups"] for hit in group["hits"]}


@pytest.fixture(name="indexed", scope="module")
def _indexed(family: Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The family's log with our own index, as after a search in the terminal."""
    path = tmp_path_factory.mktemp("indexed") / "logs.db"
    shutil.copy(family.path, path)
    with Memory(path) as memory:
        memory.search("prompt")
    return path


@pytest.mark.asyncio
@pytest.mark.parametrize("index", ["llm's", "ours"])
async def test_a_search_in_a_fork_finds_what_it_shares(family: Family, indexed: Path, index: str) -> None:
    """A search in a fork finds its whole history under its own numbers, and nothing else of its family."""
    get = serving(family.path if index == "llm's" else indexed)
    assert await hits(get, "q=prompt&session=work-c") == {
        ("work-c", 1, "work prompt 1"),
        ("work-c", 2, "work prompt 2"),
        ("work-c", 3, "work-b prompt 3"),
        ("work-c", 4, "work-c prompt 4"),
    }
    assert await hits(get, "q=prompt&session=work-d") == {("work-d", 1, "work prompt 1")}
    assert len(await hits(get, "q=prompt")) == 7, "what is shared is found once"


@pytest.mark.asyncio
@pytest.mark.parametrize("index", ["llm's", "ours"])
async def test_what_was_undone_in_one_session_is_found_in_the_others(
    family: Family, indexed: Path, index: str, tmp_path: Path
) -> None:
    """An exchange is found as long as one session has it: its own or, if it was undone there, a fork."""
    path = tmp_path / "logs.db"
    shutil.copy(family.path if index == "llm's" else indexed, path)
    undone = {"turn_id": family.turns["work"][0], "undone_utc": LATER}
    with_rows(path, "memory_undone", {"thread_id": family.threads["work-b"], **undone})
    get = serving(path)
    first = {hit for hit in await hits(get, "q=prompt") if hit[2] == "work prompt 1"}
    assert first == {("work", 1, "work prompt 1")}, "a fork undid what it shares"
    assert ("work-b", 1, "work prompt 2") in await hits(get, "q=prompt&session=work-b")
    with_rows(path, "memory_undone", {"thread_id": family.threads["work"], **undone})
    first = {hit for hit in await hits(get, "q=prompt") if hit[2] == "work prompt 1"}
    assert first in ({("work-c", 1, "work prompt 1")}, {("work-d", 1, "work prompt 1")}), "a fork still has it"


LOCKED = [
    ("memory_titles", "A <i>bridge", "/logs/-/sessions.json"),
    ("memory_titles", "bridge", "/logs/-/session/work"),
    ("memory_projects", "Lisbon", "/logs/-/sessions"),
    ("memory_projects", "Lisbon", "/logs/-/session/work.json"),
    ("memory_forks", '"work-b", "forked', "/logs/-/sessions.json"),
    ("memory_forks", "work prompt 1", "/logs/-/session/work-c"),
    ("memory_forks", "Forks: ", "/logs/-/session/work"),
    ("memory_forks", "work prompt 1", "/logs/-/session/work-c.md"),
    ("memory_forks", "work prompt 1", "/logs/-/sessions/search.json?q=prompt&session=work-c"),
    ("memory_forks", "exchange from", "/logs/-/session/work-c/context/1"),
    ("memory_snapshots", "railing", "/logs/-/session/work/replay.json"),
    ("memory_projects", "Lisbon", "/logs/-/sessions/analytics"),
    ("memory_projects", "Lisbon", "/logs/-/sessions/search"),
    ("memory_undone", "undone", "/logs/-/session/work"),
    ("memory_snapshots", "railing", "/logs/-/session/work"),
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
