"""Rules of the list's page: its headers, its facets, and what it says when nothing matches."""

from __future__ import annotations

import pytest

from tests.views.conftest import Get, Tags, serving
from tests.world.everything import Session, with_sessions
from tests.world.logs import LogBuilder, Said

HERE = "/logs/-/sessions"


@pytest.fixture(name="ask", scope="module")
def _ask(tmp_path_factory: pytest.TempPathFactory) -> Get:
    """Serve three sessions and a conversation, with two models and two tags."""
    path = tmp_path_factory.mktemp("page") / "logs.db"
    with LogBuilder(path) as log:
        made = []
        for number, model in enumerate(("gpt-4o", "gpt-4o", "claude-sonnet-4.5", "gpt-4o")):
            thread = log.thread()
            made.append((thread, log.turns(thread, Said(f"Prompt {number}", tokens=(1_500 * number, 1)), model=model)))
    sessions = [
        Session(thread, f"session {number}", turns, model="", tags=("bridge", "oak")[: number + 1])
        for number, (thread, turns) in enumerate(made[:3])
    ]
    with_sessions(path, *sessions)
    return serving(path)


@pytest.mark.asyncio
async def test_every_header_sorts_and_a_second_click_turns_it_round(ask: Get) -> None:
    """Each column's header leads to the list sorted by it, says so, and then leads to the other way round."""
    first = Tags((await ask(HERE)).text)
    headers = [a for tag, a in first.found if tag == "th"]
    links = [str(a["href"]) for tag, a in first.found if tag == "a" and str(a.get("title")).startswith("Sort: ")]
    assert [header.get("aria-sort") for header in headers] == [None] * 5 + ["descending"]
    assert links == [f"{HERE}?sort={by}" for by in ("name", "model", "exchanges", "tokens", "cost", "-used")]
    for link in links:
        page = await ask(link)
        (now,) = [a for tag, a in Tags(page.text).found if a.get("aria-sort")]
        assert str(now["class"]).removeprefix("sv-col-") in link
        assert now["aria-sort"] == (
            "ascending" if "used" in link or "name" in link or "model" in link else "descending"
        )
    names = [line["session"] for line in (await ask(f"{HERE}.json?sort=-tokens&named=1")).json()["sessions"]]
    assert names == ["session 0", "session 1", "session 2"]


@pytest.mark.asyncio
async def test_a_facet_leads_to_as_many_sessions_as_it_says(ask: Get) -> None:
    """Models and tags have numbers, a click narrows the list and keeps its order, and a second one takes it back."""
    page = await ask(f"{HERE}?sort=name")
    assert "gpt-4o 3 claude-sonnet-4.5 1 Tag bridge 3 oak 2" in page.shown
    narrowed = await ask(f"{HERE}?tag=oak&sort=name")
    assert "2 match oak × Clear" in narrowed.shown
    assert "gpt-4o 1" in narrowed.shown
    chosen = [a for _, a in Tags(narrowed.text).found if a.get("aria-current") == "true"]
    assert [a["href"] for a in chosen] == [f"{HERE}?sort=name"]


@pytest.mark.asyncio
async def test_a_value_that_no_session_has_is_named_with_the_nearest(ask: Get) -> None:
    """A misspelt model or tag is said, with a link to the one that was meant, and stays in the form."""
    page = await ask(f"{HERE}?model=gpt-4&q=prompt")
    assert "No session has the model “ gpt-4 ”. Did you mean gpt-4o ?" in page.shown
    links = {str(a.get("href")) for tag, a in Tags(page.text).found if tag == "a"}
    assert f"{HERE}?q=prompt&model=gpt-4o" in links
    assert f"{HERE}/search?q=prompt" in links
    assert ("option", {"value": "gpt-4", "selected": None}) in Tags(page.text).found
    both = (await ask(f"{HERE}?tag=brigde&q=nothing")).shown
    assert "No session has the tag “ brigde ”. Did you mean bridge ?" in both


@pytest.mark.asyncio
async def test_json_has_the_list_alone_on_request(ask: Get) -> None:
    """`_shape=array` is the list alone, with the next page in a header; other shapes are refused."""
    whole = (await ask(f"{HERE}.json")).json()
    assert (await ask(f"{HERE}.json?_shape=array")).json() == whole["sessions"]
    assert whole["facets"]["model"] == [
        {"value": "gpt-4o", "sessions": 3},
        {"value": "claude-sonnet-4.5", "sessions": 1},
    ]
    assert whole["matching"] == 4
    assert (await ask(f"{HERE}.json?_shape=arrays")).status == 400
    assert (await ask(f"{HERE}.json?size=3")).status == 400
    (page,) = {line["html_url"] for line in whole["sessions"] if line["session"] == "session 1"}
    assert (await ask(page)).status == 200
