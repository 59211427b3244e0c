"""The rule of pages on a Datasette that runs SQL in threads, as it does for everybody but most of these tests."""

from __future__ import annotations

import asyncio

import pytest

from tests.views.conftest import serving
from tests.world.everything import World

ADDRESSES = (
    *("/logs/-/sessions", "/logs/-/session/work", "/logs/-/session/work/context/3", "/logs/-/session/work/replay"),
    *("/logs/-/sessions/search?q=tide", "/logs/-/sessions/analytics", "/logs/-/session/work.json"),
)


@pytest.mark.asyncio
async def test_several_readers_at_once_get_the_same_pages(world: World) -> None:
    """Whichever threads read the log for a page, and whoever else reads it meanwhile, the page is as it is without."""
    alone, together = (serving(world.path, settings={"num_sql_threads": threads}) for threads in (0, 3))
    await together("/logs/-/sessions")
    found = await asyncio.gather(*map(together, ADDRESSES))
    wanted = [await alone(address) for address in ADDRESSES]
    assert {page.status for page in wanted} == {200}
    for page, same in zip(found, wanted, strict=True):
        assert (page.status, page.shown) == (same.status, same.shown)
