"""Rules of the canned queries in Datasette."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from datasette.app import Datasette
from datasette_test import actor_cookie

from datasette_session_views.compat import IS_1
from llm_session_memory.insight.catalogue import catalogue
from tests.views.conftest import Get, serving
from tests.views.test_permissions import configured, with_tables
from tests.world.everything import World, with_sessions
from tests.world.logs import START, LogBuilder, Said


@pytest.mark.asyncio
async def test_datasette_offers_every_query_with_title_and_definition(world: World) -> None:
    """Each query has a page that runs it, with its title, its definition and its parameters."""
    get = serving(world.path)
    listed = await get("/logs/-/queries.json?_size=max" if IS_1 else "/logs.json")
    names = {query["name"] for query in listed.json()["queries"]}
    assert names >= set(catalogue())
    for query in catalogue().values():
        page = await get(f"/logs/{query.name}.json?_shape=array&q=bridge&session=work&exchange=1")
        assert page.status == 200, (query.name, page.text)
    page = await get("/logs/sessions_search?q=bridge")
    assert "Full-text search" in page.text
    assert "Prompts and replies that contain all of these words" in page.text
    assert 'name="q"' in page.text


@pytest.mark.asyncio
async def test_a_configured_query_wins(world: World) -> None:
    """A configured query of the same name replaces ours."""
    own = {"databases": {"logs": {"queries": {"sessions_tokens_a_day": {"sql": "select 42 as mine"}}}}}
    get = serving(world.path, **configured(own))
    assert (await get("/logs/sessions_tokens_a_day.json?_shape=array")).json() == [{"mine": 42}]
    assert (await get("/logs/sessions_cost_a_day.json?_shape=array")).status == 200


@pytest.mark.asyncio
async def test_beside_a_configured_query_the_others_stay_as_closed_as_their_tables(world: World) -> None:
    """0.65 adds our queries to the configured ones once they are listed; that makes none of them a configured one."""
    closed = with_tables({"fragments": {"allow": {"id": "root"}}})
    closed["databases"]["logs"]["queries"] = {"own": {"sql": "select 42 as mine"}}
    datasette = Datasette([str(world.path)], **configured(closed))
    await datasette.invoke_startup()
    for _ in range(2):
        assert (await datasette.client.get("/logs")).status_code == 200
        assert (await datasette.client.get("/logs/sessions_fragments_used.json")).status_code == 403
        assert (await datasette.client.get("/logs/sessions_archived.json")).status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("table", "closed", "still_open"),
    [
        ("turns", "sessions_tokens_a_day", None),
        ("turn_search", "sessions_one_session", "sessions_tokens_a_day"),
        ("turn_search_fts", "sessions_search", "sessions_tokens_a_day"),
        ("fragments", "sessions_fragments_used", "sessions_cost_a_day"),
        ("memory_attempts", "sessions_failed_prompts", "sessions_cost_a_day"),
        ("memory_sessions", "sessions_longest_sessions", "sessions_tokens_a_day"),
    ],
)
async def test_a_query_is_as_closed_as_the_tables_it_reads(
    world: World, table: str, closed: str, still_open: str | None
) -> None:
    """People who may not view a table can't read it through a query. Others can, and other queries stay open."""
    datasette = Datasette([str(world.path)], **configured(with_tables({table: {"allow": {"id": "root"}}})))
    await datasette.invoke_startup()
    root = {"ds_actor": actor_cookie(datasette, {"id": "root"})}
    assert (await datasette.client.get(f"/logs/{closed}?q=x&session=x")).status_code == 403
    assert (await datasette.client.get(f"/logs/{closed}?q=x&session=x", cookies=root)).status_code == 200
    if still_open:
        assert (await datasette.client.get(f"/logs/{still_open}")).status_code == 200


@pytest.mark.asyncio
async def test_the_page_of_queries_lists_by_topic_what_the_visitor_may_run(world: World) -> None:
    """Each query is under its topic with its meaning, without those that a visitor may not run and those replaced."""
    closed = with_tables({"fragments": {"allow": {"id": "root"}}})
    closed["databases"]["logs"]["queries"] = {"sessions_archived": {"sql": "select 42 as mine"}}
    datasette = Datasette([str(world.path)], **configured(closed))
    await datasette.invoke_startup()
    root = {"ds_actor": actor_cookie(datasette, {"id": "root"})}
    address = "/logs/-/sessions/queries"
    found = {
        name: (await datasette.client.get(f"{address}.json", cookies=cookies)).json()
        for name, cookies in (("anybody", {}), ("root", root))
    }
    listed = {who: [query["name"] for query in answer["queries"]] for who, answer in found.items()}
    assert listed["root"] == [name for name in catalogue() if name != "sessions_archived"]
    hidden = {name for name, query in catalogue().items() if "fragments" in query.tables}
    assert set(listed["root"]) - set(listed["anybody"]) == hidden
    (search,) = [query for query in found["anybody"]["queries"] if query["name"] == "sessions_search"]
    assert (search["topic"], search["parameters"]) == ("Search", {"q": "the words to find"})
    page = (await datasette.client.get(address)).text
    assert ">Failures and retries</h2>" in page
    assert '<a href="/logs/sessions_error_rate">Failure rate by model</a></dt>' in page
    assert "sessions_fragments_used" not in page


@pytest.mark.asyncio
async def test_queries_run_without_permission_to_run_sql(world: World) -> None:
    """Canned queries need permission to view their tables, not to run SQL."""
    get = serving(world.path, settings={"default_allow_sql": False})
    assert (await get("/logs/sessions_tokens_a_day.json?_shape=array")).status == 200


@pytest.mark.asyncio
async def test_a_log_that_gets_its_tables_later_gets_the_queries_later(tmp_path: Path) -> None:
    """Queries follow the tables: once the list has been opened, they read the tables that exist by then."""
    path = tmp_path / "logs.db"
    connection = sqlite3.connect(path)
    connection.execute("create table unrelated (id integer)")
    connection.close()
    get = serving(path)
    assert (await get("/logs/sessions_tokens_a_day.json?_shape=array")).status == 404
    with LogBuilder(path) as log:
        log.turns(log.thread(), Said("Hello?", tokens=(3, 2), at=START))
    assert (await get("/logs/-/sessions")).status == 200
    rows = (await get("/logs/sessions_tokens_a_day.json?_shape=array")).json()
    assert [row["tokens_in"] for row in rows] == [3]
    with_sessions(path)
    assert (await get("/logs/-/sessions")).status == 200
    assert (await get("/logs/sessions_failed_prompts.json?_shape=array")).json() == []


@pytest.mark.asyncio
@pytest.mark.parametrize("text", ["", "?q=", "?q=%20", "?q=%22", "?q=%22%22", "?q=*"])
async def test_the_search_without_words_finds_nothing(get: Get, text: str) -> None:
    """The canned search answers with its form and no rows if it is opened before anything is typed."""
    address = f"/logs/sessions_search{text}"
    assert (await get(address)).status == 200
    found = await get(address.replace("sessions_search", "sessions_search.json"))
    assert (found.status, found.json()["rows"]) == (200, [])
