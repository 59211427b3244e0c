"""The rules of pages over logs that an older llm wrote and no newer one has migrated."""

from __future__ import annotations

from pathlib import Path

import pytest
from datasette.app import Datasette

from llm_session_memory.insight.catalogue import catalogue
from tests.views.conftest import serving
from tests.world import laws
from tests.world.old_llms import FIRST, OLD_LLMS, THREAD, write_old_log

PAGES = (
    "/logs/-/sessions",
    "/logs/-/sessions.json",
    "/logs/-/sessions/analytics",
    "/logs/-/sessions/analytics.json",
    "/logs/-/sessions/analytics?model=gpt-4o-mini&since=2024-01-01",
    f"/logs/-/session/{THREAD}",
    *(f"/logs/-/session/{THREAD}.{ending}" for ending in ("json", "md", "jsonl", "html")),
    f"/logs/-/session/{THREAD}/replay",
    f"/logs/-/session/{THREAD}/replay.json",
    f"/logs/-/session/{THREAD}/context/1",
    f"/logs/-/session/{THREAD}/context/2.json",
    f"/logs/-/sessions/turn/{FIRST}",
    "/logs",
)
ENDS = (next(iter(OLD_LLMS)), next(reversed(OLD_LLMS)))
"""The oldest and the newest: an immutable log is opened otherwise, which is the same for the tables of each version."""

SERVED = [(version, False) for version in OLD_LLMS]
SERVED += [(version, True) for version in (OLD_LLMS if laws.PROFILE == "ci" else ENDS)]

QUERIES = [f"/logs/{name}.json?session={THREAD}&q=bridge&days=9999" for name in catalogue()]
"""Asked of the oldest log alone: tests/insight runs each query on the log of each version."""


@pytest.mark.asyncio
@pytest.mark.parametrize(("version", "immutable"), SERVED)
async def test_every_page_and_query_reads_an_old_log(tmp_path: Path, version: str, immutable: bool) -> None:
    """Each page, download and canned query answers, whatever columns and tables an older llm did not have yet."""
    path = tmp_path / "logs.db"
    write_old_log(path, version)
    before = path.read_bytes()
    datasette = Datasette([] if immutable else [str(path)], immutables=[str(path)] if immutable else [])
    await datasette.invoke_startup()
    all_ = (*PAGES, *QUERIES) if version == ENDS[0] and not immutable else PAGES
    found = {page: (await datasette.client.get(page, follow_redirects=True)).status_code for page in all_}
    assert {page: status for page, status in found.items() if status != 200} == {}
    assert path.read_bytes() == before


@pytest.mark.asyncio
@pytest.mark.parametrize("version", OLD_LLMS)
async def test_an_old_conversation_is_shown_whole(tmp_path: Path, version: str) -> None:
    """An old conversation is listed, read, and found by the index if its llm made one."""
    write_old_log(tmp_path / "logs.db", version)
    get = serving(tmp_path / "logs.db")
    (line,) = (await get("/logs/-/sessions.json")).json()["sessions"]
    assert (line["exchanges"], line["model"], line["input_tokens"]) == (2, "gpt-4o-mini", None)
    shown = (await get(f"/logs/-/session/{THREAD}")).shown
    assert "We build a bridge in Lisbon." in shown
    assert "On 4 May." in shown
    searched = await get("/logs/-/sessions/search.json?q=bridge")
    if version == "0.5":
        assert (searched.status, "no search index" in searched.text) == (404, True)
    else:
        assert [hit["number"] for group in searched.json()["groups"] for hit in group["hits"]] == [1]
