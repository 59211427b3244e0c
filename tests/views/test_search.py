"""Rules of the search."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from datasette_session_views.show.words import marked
from llm_session_memory.memory import Memory
from llm_session_memory.reader import search
from llm_session_memory.reader.entries import MARK, UNMARK
from llm_session_memory.rules.search_terms import match
from tests.views.conftest import Get, Tags, serving
from tests.world.everything import Session, World, with_sessions
from tests.world.laws import tried
from tests.world.logs import Call, LogBuilder, Said


async def found(get: Get, query: str) -> list[tuple[str, list[int]]]:
    """Return the sessions found, in order, with the numbers of their exchanges."""
    answer = await get(f"/logs/-/sessions/search.json?{query}")
    assert answer.status == 200
    return [
        (group["name"] or group["first_words"], [hit["number"] for hit in group["hits"]])
        for group in answer.json()["groups"]
    ]


@pytest.mark.asyncio
async def test_both_generations_are_searched(get: Get) -> None:
    """Conversations from older and current llm are both found."""
    assert await found(get, "q=FTS5") == [("What is FTS5 in SQLite?", [1])]
    assert await found(get, "q=bridge") == [("work", [1])]
    assert await found(get, "q=llm&sort=newest") == [("Begun long ago.", [2, 1])]


@pytest.mark.asyncio
async def test_hits_are_grouped_by_session_marked_and_linked_to_the_exchange(get: Get, world: World) -> None:
    """Each session appears once; each hit has marked matches, its number and a link to its place."""
    page = await get("/logs/-/sessions/search?q=Lisbon")
    tags = Tags(page.text)
    assert "<mark>Lisbon</mark>" in page.text
    link = f"/logs/-/session/work/exchange/{world.work.turns[0]}?q=Lisbon"
    assert link in [attributes.get("href") for _, attributes in tags.found]
    assert "work #1" in page.shown


FILTERS = [
    ("q=lisbon&model=ollama/llama3", ["What is the capital of Portugal?"]),
    ("q=lisbon&tag=BRIDGE", ["work"]),
    ("q=lisbon&named=1", ["work"]),
    ("q=lisbon&until=2026-08-31", []),
    ("q=lisbon&since=2026-09-01&until=2026-09-01&model=gpt-4o-mini", ["work"]),
    ("q=long&model=gpt-4o-mini", ["Begun long ago."]),
    ("q=long&tag=bridge", []),
    ("q=lisbon&session=work", ["work"]),
    ("q=fts5&session=work", []),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("query", "expected"), FILTERS)
async def test_filters_narrow_a_search(get: Get, query: str, expected: list[str]) -> None:
    """A search can be filtered by model, tag, dates, names and session, in both sort orders."""
    for sort in ("", "&sort=newest"):
        assert [name for name, _ in await found(get, query + sort)] == expected


@pytest.mark.asyncio
async def test_an_old_conversation_is_searched_within(world: World, get: Get) -> None:
    """A search in a conversation from an older llm finds only its own texts."""
    assert await found(get, f"q=search&session={world.old}") == [("What is FTS5 in SQLite?", [1])]
    assert await found(get, f"q=bridge&session={world.old}") == []
    assert (await get("/logs/-/sessions/search?q=x&session=nothing")).status == 404


@pytest.mark.asyncio
async def test_a_phrase_in_quotes_is_found_as_it_stands(get: Get) -> None:
    """Quoted words must follow each other; other words can be anywhere in a text."""
    assert [name for name, _ in await found(get, "q=deadline+bridge")] == ["work"]
    assert await found(get, "q=%22deadline+bridge%22") == []
    assert [name for name, _ in await found(get, "q=%22the+deadline+is%22")] == ["work"]


@pytest.fixture(name="many", scope="module")
def _many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make sessions with 180 matching texts, in both generations."""
    path = tmp_path_factory.mktemp("many") / "logs.db"
    with LogBuilder(path) as log:
        for number in range(6):
            write = log.responses if number % 3 == 0 else log.turns
            thread = log.thread()
            turns = write(thread, *(Said(f"tide {number} {place}", "tide " * (place % 5)) for place in range(30)))
        both = log.thread()
        log.both(both, Said("tide twice"))
    with_sessions(path, Session(thread, "last", turns))
    return path


@pytest.mark.asyncio
@pytest.mark.parametrize("sort", ["best", "newest"])
async def test_the_pages_of_a_search_make_up_the_whole(many: Path, sort: str) -> None:
    """The pages of up to 50 contain every hit once; a text logged in both generations is one hit."""
    get = serving(many)
    address: str | None = f"/logs/-/sessions/search.json?q=tide&sort={sort}"
    hits: list[tuple[str, int]] = []
    while address:
        page = (await get(address)).json()
        assert page["hits"] <= 50
        hits += [(group["thread_id"], hit["number"]) for group in page["groups"] for hit in group["hits"]]
        address = page["next_url"]
    assert len(hits) == len(set(hits)) == 181


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("two words", '"two" "words"'),
        ('a "quoted phrase" b', '"a" "quoted phrase" "b"'),
        ('unbalanced "quote', '"unbalanced" "quote"'),
        ("col:value AND (x OR y*) NEAR", '"col:value" "AND" "(x" "OR" "y*)" "NEAR"'),
        ("'; drop table turns; --", '"drop" "table" "turns;"'),
        ("... !!!", None),
        ("", None),
        ("two* *wo wo* w*", '"two"* "*wo" "wo"* "w*"'),
    ],
)
def test_any_text_becomes_words_and_phrases(text: str, asked: str | None) -> None:
    """Nothing in a query is an operator, and a query without words searches nothing."""
    assert match(text) == asked


@pytest.mark.asyncio
@given(text=st.text(min_size=1, max_size=40))
@tried(60, 20, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_is_a_valid_search(get: Get, text: str) -> None:
    """The page responds to any search text, nests, and shows the text in its field."""
    page = await get("/logs/-/sessions/search", params={"q": text.encode("utf-8", "replace").decode()})
    assert page.status == 200
    assert [attributes for tag, attributes in Tags(page.text).found if attributes.get("name") == "q"]


@given(st.text(alphabet=st.sampled_from(f"ab<>&\"' {MARK}{UNMARK}\u202e\n")))
def test_marks_always_nest(text: str) -> None:
    """The marks of any snippet nest, and its text is shown."""
    tags = Tags(marked(text))
    assert tags.names() <= {"mark"}
    for character in "ab<>&":
        assert tags.text.count(character) == text.count(character)


@pytest.mark.asyncio
async def test_without_a_query_the_page_says_what_can_be_searched(get: Get) -> None:
    """The empty form has a hint, and a query without words gets a message."""
    assert "Searches all prompts and replies" in (await get("/logs/-/sessions/search")).shown
    assert "Enter at least one word" in (await get("/logs/-/sessions/search?q=%E2%80%8B")).shown
    assert "No matches" in (await get("/logs/-/sessions/search?q=!!!")).shown
    assert "No matches" in (await get("/logs/-/sessions/search?q=nowhere")).shown


SAID = [
    ("🚀", "Launch 🚀 today"),
    ("💻", "She is a 👩\u200d💻 by trade"),
    ("ประชุม", "เราจะประชุมพรุ่งนี้"),
    ("ΑΘΗΝΑ", "Η Αθήνα είναι εδώ"),
    ("9f86d081", "sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("request", "call parseHTTPRequest() now"),
    ("1.2.3", "tagged v1.2.3-rc.1"),
    ("harb", "The harbour office"),
    ("=>", "x => y"),
]
"""What is looked for, and a text that holds it."""


@pytest.fixture(name="said", scope="module", params=["indexed", "partly indexed", "not indexed"])
def _said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log with a session of SAID: all of it, half or none of it is in our index."""
    path = tmp_path_factory.mktemp("said") / "logs.db"
    half = len(SAID) // 2
    loop = Said("What is the tide?", "Tide: high at noon.", calls=(Call("tide", {}, "tide gauge: 3.2 m"),))
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, loop, *(Said(text, "Noted.") for _, text in SAID[:half]))
        if request.param == "partly indexed":
            with_sessions(path, Session(thread, "work", turns))
            with Memory(path) as memory:
                memory.search("all")
        turns += log.turns(thread, *(Said(text, "Noted.") for _, text in SAID[half:]))
    if request.param != "partly indexed":
        with_sessions(path, Session(thread, "work", turns))
    if request.param == "indexed":
        with Memory(path) as memory:
            memory.search("all")
    return path


@pytest.mark.asyncio
@pytest.mark.parametrize(("query", "text"), SAID, ids=[query for query, _ in SAID])
async def test_the_pages_find_what_the_command_line_finds(said: Path, query: str, text: str) -> None:
    """What a text holds is found, whether it is in our index or not yet, and it is marked."""
    for sort in ("best", "newest"):
        answer = await serving(said)("/logs/-/sessions/search.json", params={"q": query, "sort": sort})
        hits = [hit for group in answer.json()["groups"] for hit in group["hits"]]
        assert [(hit["number"], hit["prompt"]) for hit in hits] == [([one for _, one in SAID].index(text) + 2, text)]
        assert answer.json()["llms_index"] is False
    assert "<mark>" in (await serving(said)("/logs/-/sessions/search", params={"q": query})).text


@pytest.mark.asyncio
@pytest.mark.parametrize("sort", ["best", "newest"])
async def test_an_exchange_of_several_calls_is_one_hit(said: Path, sort: str) -> None:
    """An exchange is found once, though several of its calls hold the word."""
    assert await found(serving(said), f"q=tide&sort={sort}") == [("work", [1])]


@pytest.mark.asyncio
async def test_the_page_says_if_llms_own_index_was_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If there are more texts outside our index than can be read, llm's index finds whole words in them."""
    monkeypatch.setattr(search, "_READ", 50)  # of 300
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, *(Said(f"Harbour {number}", "") for number in range(60)), block=10)
    page = await serving(path)("/logs/-/sessions/search?q=harb")
    assert "Some conversations are not in the sessions' search index. In those, llm's own index finds" in page.shown
    within = await serving(path)(f"/logs/-/sessions/search?q=harb&session={thread}")
    assert "Some exchanges of this session are not in the sessions' search index." in within.shown
    assert (await serving(path)("/logs/-/sessions/search.json?q=harbour&sort=newest")).json()["hits"] == 50


@pytest.mark.asyncio
async def test_the_page_says_how_much_it_found_and_who_said_it(said: Path) -> None:
    """It counts exchanges and sessions, and names the speaker of each excerpt."""
    get = serving(said)
    page = await get("/logs/-/sessions/search?q=Noted")
    assert "9 exchanges in 1 session" in page.shown
    assert "You The harbour office scripted Noted ." in page.shown
    tool = await get("/logs/-/sessions/search.json?q=gauge")
    assert [hit["reply_from"] for group in tool.json()["groups"] for hit in group["hits"]] == ["tool"]
    assert "Tool tide gauge : 3.2 m" in (await get("/logs/-/sessions/search?q=gauge")).shown


@pytest.mark.asyncio
async def test_a_word_that_is_among_the_signs_is_still_shown(tmp_path: Path) -> None:
    """A word in an address is marked, and then the excerpt stays as it was written."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        log.turns(log.thread(), Said("See **this**: [the table](https://tides.example/lisbon)", "Seen."))
    get = serving(path)
    assert "See this: the <mark>table</mark>" in (await get("/logs/-/sessions/search?q=table")).text
    assert "https://tides.example/<mark>lisbon</mark>" in (await get("/logs/-/sessions/search?q=lisbon")).text


@pytest.mark.asyncio
async def test_a_star_finds_words_that_begin_so(said: Path) -> None:
    """In our index, in llm's and in texts that no index holds."""
    get = serving(said)
    for query, numbers in (("harb*", [9]), ("harb* off*", [9]), ("harb* tide", [])):
        for sort in ("best", "newest"):
            found = (await get("/logs/-/sessions/search.json", params={"q": query, "sort": sort})).json()
            assert [hit["number"] for group in found["groups"] for hit in group["hits"]] == numbers


@pytest.mark.asyncio
async def test_a_search_is_narrowed_and_widened(get: Get) -> None:
    """All models and tags are offered, and each filter that is set can be removed."""
    page = await get("/logs/-/sessions/search?q=lisbon&tag=bridge&model=gpt-4o-mini&since=2026")
    tags = Tags(page.text)
    offered = {attributes["value"] for tag, attributes in tags.found if tag == "option"}
    assert {"claude-sonnet-4.5", "gpt-4o-mini", "ollama/llama3", "Bridge", "lisbon"} <= offered
    links = {attributes.get("href") for tag, attributes in tags.found if tag == "a"}
    assert "/logs/-/sessions/search?q=lisbon&tag=bridge&since=2026-01-01" in links
    assert "Filter 3" in page.shown
    for tag in ("bridge", "gone"):
        page = await get(f"/logs/-/sessions/search?q=lisbon&tag={tag}")
        chosen = [attributes["value"] for tag, attributes in Tags(page.text).found if "selected" in attributes]
        assert [value for value in chosen if value] == [{"bridge": "Bridge"}.get(tag, tag)]


@pytest.mark.asyncio
async def test_a_name_is_offered_when_nothing_is_found(get: Get) -> None:
    """A misspelt name of a session is no dead end."""
    page = await get("/logs/-/sessions/search?q=wrok")
    assert "No matches. Did you mean the session work ?" in page.shown
    assert 'href="/logs/-/session/work"' in page.text
