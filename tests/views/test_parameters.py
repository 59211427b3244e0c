"""Rules of the parameters of our pages: nothing is ignored without a word."""

from __future__ import annotations

import pytest

from tests.views.conftest import Get
from tests.world.everything import World

NOT_UNDERSTOOD = [
    ("/-/sessions", "sort=bogus", "“bogus”"),
    ("/-/sessions", "since=yesterday", "“yesterday”"),
    ("/-/sessions", "until=2026-02-30", "“2026-02-30”"),
    ("/-/sessions", "rated=best", "“best”"),
    ("/-/sessions", "archived=maybe", "“maybe”"),
    ("/-/sessions/search", "q=tide&sort=worst", "“sort” must be one of best, newest; it is “worst”."),
    ("/-/sessions/search", "q=tide&next=x", "“next” must be a number, not “x”."),
    ("/-/sessions/search", "q=tide&since=soon", "a date like 2026-11-28"),
    ("/-/sessions/search", "q=tide&named=perhaps", "“perhaps”"),
    ("/-/sessions/analytics", "since=soon", "a date like 2026-11-28"),
    ("/-/session/work", "from=x", "“from” must be a number, not “x”."),
    ("/-/session/work", "from=%D9%A1", "“from” must be a number"),
    ("/-/session/work/context/2", "call=two", "“call” must be a number, not “two”."),
    ("/-/session/work/context/2", "exact=%3Cb%3E", "“<b>”"),
    ("/-/session/work/replay", "at=1e3", "“at” must be the number of an exchange"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("page", "query", "said"), NOT_UNDERSTOOD)
async def test_a_value_that_cannot_be_understood_is_refused_by_name(get: Get, page: str, query: str, said: str) -> None:
    """The page and its JSON say which parameter is wrong, and how to write it."""
    for form in ("", ".json"):
        answer = await get(f"/logs{page}{form}?{query}")
        assert answer.status == 400
        assert said in (answer.json()["error"] if form else answer.shown)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "page",
    [
        "/-/sessions/search",
        "/-/sessions/analytics",
        "/-/session/work",
        "/-/session/work/context/2",
        "/-/session/work/replay",
    ],
)
async def test_json_says_which_parameters_it_does_not_have(get: Get, page: str) -> None:
    """An unknown parameter is refused in JSON; a page ignores it, because mail programs and trackers add some."""
    answer = await get(f"/logs{page}.json?_shape=array")
    assert answer.status == 400
    assert answer.json()["error"].startswith("“_shape” is not a parameter of this page. It has: ")
    assert (await get(f"/logs{page}?utm_source=mail")).status == 200
    assert (await get(f"/logs{page}.json?_auth_token=x")).status == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("since=2026-09", True),
        ("since=2026&until=2026", True),
        ("until=2026-09", True),
        ("until=2026-08", False),
        ("since=2026-09-02", False),
        ("since=2027", False),
        ("since=&until=&sort=&named=&rated=&next=", True),
    ],
)
async def test_a_month_or_a_year_is_all_of_its_days(get: Get, world: World, query: str, *, finds: bool) -> None:
    """`since` counts from the first of its days, `until` up to its last, and an empty field is no filter."""
    found = (await get(f"/logs/-/sessions/search.json?q=bridge&{query}")).json()
    assert [group["thread_id"] for group in found["groups"]] == [world.work.thread_id] * finds


@pytest.mark.asyncio
async def test_the_same_is_called_the_same_in_all_json(get: Get) -> None:
    """A session is `session` (its name or id in addresses) and `name` everywhere, and `html_url` is the page."""
    pages = ("/-/session/work", "/-/session/work/context/2", "/-/session/work/replay")
    found = [(await get(f"/logs{page}.json")).json() for page in pages]
    found += [one for one in (await get("/logs/-/sessions.json")).json()["sessions"] if one["name"] == "work"]
    found += (await get("/logs/-/sessions/search.json?q=deadline")).json()["groups"]
    assert [(one["session"], one["name"]) for one in found] == [("work", "work")] * 5
    found += [(await get(f"/logs/-/sessions{page}.json")).json() for page in ("", "/search", "/analytics")]
    for one in found:
        assert (await get(one["html_url"])).status == 200
