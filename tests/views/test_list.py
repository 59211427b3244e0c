"""Rules of the list of sessions."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from llm_session_memory.rules.safe_text import visible
from tests.views.conftest import Get, Tags, serving
from tests.world.everything import Session, World, with_sessions
from tests.world.logs import Call, LogBuilder, Said, tables_of_0_20


async def names(get: Get, query: str = "") -> list[str]:
    """Return the names or first words from all pages of the list, in order."""
    found: list[str] = []
    address: str | None = f"/logs/-/sessions.json{query}"
    while address:
        answer = await get(address)
        assert answer.status == 200
        found += [line["name"] or line["first_words"] for line in answer.json()["sessions"]]
        address = answer.json()["next_url"]
    return found


@pytest.mark.asyncio
async def test_the_list_has_conversations_of_both_generations_by_last_use(get: Get) -> None:
    """The list has named sessions and unnamed conversations, from current and older llm, most recently used first."""
    assert await names(get) == [
        "What is the capital of Portugal?",
        "Begun long ago.",
        "work",
        "What is FTS5 in SQLite?",
    ]


@pytest.mark.asyncio
async def test_a_line_has_what_a_person_looks_for(get: Get) -> None:
    """A line has name, model, exchanges, tokens, cost, last use, tags, pins and failed prompts."""
    page = await get("/logs/-/sessions")
    shown = page.shown
    assert "1 named session, 3 other conversations" in shown
    assert "work Bridge lisbon We build a bridge" in shown
    assert "policy window, budget 4,096 tokens · 1 pinned · 1 failed prompt gpt-4o-mini 4 3.1k / 1.1k <$0.01 " in shown
    assert '<span title="3,079">3.1k</span> / <span title="1,056">1.1k</span>' in page.text
    assert "What is the capital of Portugal? ollama/llama3 1 local " in shown


@pytest.mark.asyncio
async def test_a_conversation_that_went_on_in_a_new_llm_is_one(get: Get) -> None:
    """Exchanges from both generations of tables count together."""
    (line,) = [one for one in (await get("/logs/-/sessions.json")).json()["sessions"] if "Begun" in one["first_words"]]
    assert line["exchanges"] == 2
    assert line["model"] == "claude-sonnet-4.5"


FILTERS = [
    pytest.param("?q=PORTUGAL", ["What is the capital of Portugal?"], id="first words, whatever their case"),
    pytest.param("?q=wor", ["work"], id="part of a name"),
    pytest.param("?q=fts5", ["What is FTS5 in SQLite?"], id="an old conversation"),
    pytest.param("?q=100%25_", [], id="wildcards of LIKE"),
    pytest.param("?model=ollama/llama3", ["What is the capital of Portugal?"], id="model"),
    pytest.param("?tag=bridge", ["work"], id="tag, whatever its case"),
    pytest.param("?tag=none", [], id="an unused tag"),
    pytest.param("?named=1", ["work"], id="named only"),
    pytest.param("?until=2026-08-31", [], id="before all"),
    pytest.param("?since=2026-09-02", [], id="after all"),
    pytest.param("?q=work&model=gpt-4o-mini&tag=lisbon&named=1&since=2026-09-01&until=2026-09-01", ["work"], id="all"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("query", "expected"), FILTERS)
async def test_filters_narrow_the_list(get: Get, query: str, expected: list[str]) -> None:
    """Filters remove what does not match, in every sort order, and the page says when nothing matches."""
    for sort in ("used", "tokens", "exchanges"):
        assert await names(get, f"{query}&sort={sort}") == expected
    shown = (await get(f"/logs/-/sessions{query}")).shown
    assert ("No sessions match" in shown) is (not expected)


@pytest.mark.asyncio
async def test_the_list_is_sorted_by_tokens_or_exchanges_on_request(get: Get) -> None:
    """The largest come first, and sessions without a count come last."""
    assert (await names(get, "?sort=tokens"))[0] == "work"
    by_exchanges = (await get("/logs/-/sessions.json?sort=exchanges")).json()["sessions"]
    assert [line["exchanges"] for line in by_exchanges] == [4, 2, 1, 1]


@pytest.fixture(name="many", scope="module")
def _many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log of 130 conversations of both generations, some of them sessions, some without a turn."""
    path = tmp_path_factory.mktemp("many") / "logs.db"
    sessions = []
    with LogBuilder(path) as log:
        for number in range(120):
            thread = log.thread()
            write = log.responses if number % 4 == 0 else log.turns
            turns = write(thread, Said(f"prompt {number}", tokens=(number % 7, 1)))
            if number % 10 == 1:
                sessions.append(Session(thread, f"session {number}", turns))
        for number in range(10):
            sessions.append(
                Session(log.thread(), f"empty {number}", [], created=f"2026-09-01T08:{number * 5:02}:30.000+00:00")
            )
    with_sessions(path, *sessions)
    return path


@pytest.mark.asyncio
@pytest.mark.parametrize("sort", ["used", "tokens", "exchanges"])
async def test_the_pages_of_the_list_make_up_the_whole(many: Path, sort: str) -> None:
    """The pages of 50 contain every conversation once, in every sort order."""
    get = serving(many)
    found = await names(get, f"?sort={sort}")
    assert len(found) == len(set(found)) == 130
    first = (await get(f"/logs/-/sessions.json?sort={sort}")).json()
    assert len(first["sessions"]) == 50
    key = {"used": "last_used_utc", "tokens": "input_tokens", "exchanges": "exchanges"}[sort]
    keys = [line[key] or 0 if sort != "used" else line[key] for line in first["sessions"]]
    assert keys == sorted(keys, reverse=True)


@pytest.mark.asyncio
async def test_pages_do_not_move_when_a_session_is_used_between_them(many: Path, tmp_path: Path) -> None:
    """The next page does not change if a session moves to the top in between."""
    copy = tmp_path / "logs.db"
    copy.write_bytes(many.read_bytes())
    get = serving(copy)
    first = (await get("/logs/-/sessions.json")).json()
    before = [line["thread_id"] for line in (await get(first["next_url"])).json()["sessions"]]
    with LogBuilder(copy) as log:
        log.turns("01m9zzzzzzzzzzzzzzzzzzzzzz", Said("a new one"))
    after = [line["thread_id"] for line in (await get(first["next_url"])).json()["sessions"]]
    assert before == after


STRANGE = [
    "next=%00",
    "next=~~~",
    "next=1,2,3",
    "until=9999-12-31",
    "q=%ff%fe",
    "model=%00",
]


@pytest.mark.asyncio
@pytest.mark.parametrize("query", STRANGE)
@pytest.mark.parametrize("sort", ["used", "tokens"])
async def test_a_strange_request_is_still_answered(get: Get, query: str, sort: str) -> None:
    """Strange parameters never cause a server error."""
    assert (await get(f"/logs/-/sessions?{query}&sort={sort}")).status == 200


@pytest.mark.asyncio
async def test_hostile_names_and_tags_stay_text(tmp_path: Path) -> None:
    """HTML in names, first words, models and tags is shown as text, and bidi overrides have no effect."""
    path = tmp_path / "logs.db"
    bad = '<img src=x onerror="alert(1)">'
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, Said(f"{bad}\u202e", "x"), model=f"{bad}")
        other = log.thread()
        log.turns(other, Said("</td></table><script>alert(1)</script>"))
    with_sessions(path, Session(thread, f"name {bad}\u202e.json", turns, tags=(bad,), model=bad))
    get = serving(path)
    page = await get("/logs/-/sessions")
    tags = Tags(page.text)
    assert [a for t, a in tags.found if t == "img" or "onerror" in a] == []
    assert f"name {bad}⟦U+202E⟧.json" in page.shown
    (link,) = [a["href"] for t, a in tags.found if t == "a" and "sv-name" in (a.get("class") or "") and "img" in str(a)]
    assert link is not None
    assert (await get(link)).status == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("address", ["", "/analytics?since=all", "/search"])
async def test_the_model_filter_hides_no_characters(tmp_path: Path, address: str) -> None:
    """Invisible characters in a model's name are visible in the filter, which still finds the model."""
    path = tmp_path / "logs.db"
    model = "gpt\u202e\x1b[31m\u200b4"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, Said("Lisbon"), model=model)
    with_sessions(path, Session(thread, "work", turns, model=model))
    get = serving(path)
    more = f"{'&' if '?' in address else '?'}{urlencode({'model': model, 'q': 'Lisbon'})}"
    for asked in ("", more):
        page = await get(f"/logs/-/sessions{address}{asked}")
        assert page.status == 200
        assert visible(page.text) == page.text
        if asked or "search" not in address:
            assert visible(model) in {attributes.get("value") for _, attributes in Tags(page.text).found}
    asked = urlencode({"model": visible(model)})
    listed = (await get(f"/logs/-/sessions.json?{asked}")).json()["sessions"]
    assert [line["name"] for line in listed] == ["work"]


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", ["caf%C3%A9", "CAFE%CC%81"], ids=["as written", "otherwise composed"])
async def test_a_tag_is_found_however_it_is_typed(tmp_path: Path, asked: str) -> None:
    """Tags match as in the llm plugin: case and Unicode composition do not matter."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, Said("Lisbon"))
    with_sessions(path, Session(thread, "work", turns, tags=("caf\u00e9",)))
    found = json.loads((await serving(path)(f"/logs/-/sessions.json?tag={asked}")).text)
    assert [one["name"] for one in found["sessions"]] == ["work"]


@pytest.mark.asyncio
async def test_a_log_of_an_llm_of_2025_is_listed(tmp_path: Path) -> None:
    """A log with only the older tables, and fewer columns, is still a log."""
    path = tmp_path / "logs.db"
    with LogBuilder(path, tables=tables_of_0_20) as log:
        log.db.table("conversations").insert({"id": "c1", "name": "Old", "model": "gpt-4"})
        row = {"id": "r1", "model": "gpt-4", "prompt": "Old?", "response": "Yes.", "conversation_id": "c1"}
        log.db.table("responses").insert({**row, "datetime_utc": "2025-01-01T00:00:00", "duration_ms": 1})
    get = serving(path)
    assert await names(get) == ["Old"]
    assert "Yes." in (await get("/logs/-/session/c1")).shown
    assert (await get("/logs/-/sessions/search.json?q=old")).json()["hits"] == 1


@pytest.mark.asyncio
async def test_a_log_without_a_single_prompt_says_so(tmp_path: Path) -> None:
    """The list of an empty log says how to start a session."""
    with LogBuilder(tmp_path / "logs.db"):
        pass
    get = serving(tmp_path / "logs.db")
    assert "No conversations yet" in (await get("/logs/-/sessions")).shown
    assert await names(get) == []
    assert (await get("/-/sessions")).status == 200


@pytest.mark.asyncio
async def test_a_database_without_a_log_has_no_list(tmp_path: Path) -> None:
    """Only databases with llm's tables have our pages."""
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("create table turns (id text)")
    connection.close()
    get = serving(tmp_path / "other.db")
    assert (await get("/other/-/sessions")).status == 404
    assert (await get("/nowhere/-/sessions")).status == 404
    missing = await get("/other/-/sessions.json")
    assert missing.status == 404
    assert missing.json()["ok"] is False
    assert "There is no llm log here" in (await get("/-/sessions")).shown


@pytest.mark.asyncio
async def test_the_sessions_of_all_databases_are_on_one_page(world: World, many: Path, tmp_path: Path) -> None:
    """`/-/sessions` shows the newest sessions of each log and links to its list."""
    second = tmp_path / "second.db"
    second.write_bytes(many.read_bytes())
    get = serving(world.path, memory=True)
    assert [one["database"] for one in (await get("/-/sessions.json")).json()["databases"]] == ["logs"]
    from datasette.app import Datasette

    datasette = Datasette([str(world.path), str(second)])
    await datasette.invoke_startup()
    found = (await datasette.client.get("/-/sessions.json")).json()["databases"]
    assert [(one["database"], len(one["sessions"])) for one in found] == [("logs", 4), ("second", 10)]
    page = (await datasette.client.get("/-/sessions")).text
    assert "All sessions in second" in page


@pytest.mark.asyncio
async def test_nothing_is_written_to_the_log_or_beside_it(world: World, get: Get) -> None:
    """Reading changes neither the file nor its folder."""
    before = world.path.read_bytes(), sorted(world.path.parent.iterdir())
    for address in ("/logs/-/sessions", "/logs/-/session/work", "/logs/-/sessions/search?q=bridge", "/-/sessions"):
        assert (await get(address)).status == 200
    assert (world.path.read_bytes(), sorted(world.path.parent.iterdir())) == before


@pytest.fixture(name="tools", scope="module")
def _tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log whose conversations called tools, so that they have more calls than exchanges."""
    path = tmp_path_factory.mktemp("tools") / "logs.db"
    rng = random.Random(3)
    with LogBuilder(path) as log:
        for number in range(12):
            thread = log.thread()
            if number % 4 == 0:
                log.responses(
                    thread, Said(f"old {number}", calls=(Call("look", {}, "7"),), tokens=(rng.randrange(9), 1))
                )
            for _ in range(rng.randrange(1, 4)):
                calls = tuple(Call("look", {"n": n}, "7 rows") for n in range(rng.randrange(3)))
                said = Said(f"prompt {number}", calls=calls, tokens=(rng.randrange(99), rng.randrange(9)))
                log.turns(thread, said, model=rng.choice(["gpt-4o", "ollama/llama3"]))
    return path


@pytest.mark.asyncio
@pytest.mark.parametrize("sort", ["tokens", "exchanges"])
@pytest.mark.parametrize("query", ["", "model=gpt-4o", "model=gpt-4o-mini", "since=2026-09-01&until=2026-09-01", "q=o"])
async def test_a_list_is_sorted_by_what_its_lines_say(world: World, tools: Path, sort: str, query: str) -> None:
    """The largest come first and ties are sorted by id, with both generations and attempts, whatever the filters."""
    for path in (world.path, tools):
        get = serving(path)
        unsorted = (await get(f"/logs/-/sessions.json?{query}")).json()["sessions"]

        def value(line: dict[str, Any]) -> tuple[int, str]:
            tokens = (line["input_tokens"] or 0) + (line["output_tokens"] or 0)
            return (tokens if sort == "tokens" else line["exchanges"]), line["thread_id"]

        found = (await get(f"/logs/-/sessions.json?{query}&sort={sort}")).json()["sessions"]
        assert [value(line) for line in found] == sorted(map(value, unsorted), reverse=True)


@pytest.mark.asyncio
async def test_changes_by_another_program_are_on_the_list_at_once(tmp_path: Path) -> None:
    """A new turn, a rename, changed tokens and a deletion show on the next request."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        work, other = log.thread(), log.thread()
        turns = log.turns(work, Said("When?", tokens=(10, 1)))
        log.turns(other, Said("What else?", tokens=(20, 1)))
        with_sessions(path, Session(work, "work", turns))
        get = serving(path)
        assert await names(get) == ["What else?", "work"]
        log.turns(work, Said("And then?", tokens=(30, 1)))
        assert await names(get) == ["work", "What else?"]
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("update memory_sessions set name = 'bridge'")
        assert await names(get, "?sort=tokens") == ["bridge", "What else?"]
        connection.execute("update turns set input_tokens = 99 where thread_id = ?", (other,))
        assert await names(get, "?sort=tokens") == ["What else?", "bridge"]
        connection.execute("delete from turns where thread_id = ?", (other,))
        assert await names(get) == ["bridge"]
